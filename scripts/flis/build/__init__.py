"""dbt around the models: what is due, which slices have moved, and the build itself."""
