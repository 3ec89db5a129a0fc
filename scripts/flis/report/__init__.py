"""Pages and workbooks that are read."""
