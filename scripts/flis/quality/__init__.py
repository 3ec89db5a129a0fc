"""The rules, what they found, and what is held for it."""
