"""What is promised: by a source (its YAML), by a package (its tables and fields), and by the installation (its set-up)."""
