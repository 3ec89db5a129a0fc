"""The whole walk, and what an operator does: status, restore, withdraw, new keys."""
