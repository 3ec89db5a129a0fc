"""What dbt's `adapter` is to sqlfluff's Jinja templater: every dispatched macro becomes a plain function call, which lints the same."""


def dispatch(name: str, macro_namespace: str | None = None):
    """The macro to call in place of an engine's own."""
    return lambda *arguments, **named: f"{name}({', '.join(str(a) for a in arguments)})"
