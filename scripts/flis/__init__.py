"""Open FLIS: the Python around dbt."""
