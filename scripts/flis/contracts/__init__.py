"""What a source promises, read from its YAML; and the installation's set-up."""
