"""dbt's `graph` to sqlfluff's Jinja templater: nothing in it."""

sources: dict = {}
