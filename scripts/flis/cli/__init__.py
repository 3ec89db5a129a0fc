"""The command line: `flis <verb>`. Each verb is one step of the walk; imports stay inside the verbs so that a run with nothing to do is quick."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from flis import seldom_garbage

# Their verbs register with the app, and are shown in this order.
from flis.cli import walk, watch  # noqa: F401
from flis.cli.shell import DONE, PRIVATE, app, console


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        console.print(f"flis {version('flis')}", highlight=False)
        raise typer.Exit(DONE)


@app.callback()
def everything(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Which FLIS it is.")] = False) -> None:
    """Open FLIS: from landed files to versioned data packages."""


def main() -> None:
    """Entry point of the `flis` command. What it writes is for the account it runs as alone, from the first file on: a package is whole rows while it is being written too."""
    os.umask(PRIVATE)
    seldom_garbage()
    app()
