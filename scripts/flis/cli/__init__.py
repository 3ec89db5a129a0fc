"""The command line: `flis <verb>`."""

from flis.cli.commands import app, main

__all__ = ["app", "main"]
