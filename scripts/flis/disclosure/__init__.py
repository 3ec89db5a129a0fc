"""What is withheld, so that no small number can be worked out."""
