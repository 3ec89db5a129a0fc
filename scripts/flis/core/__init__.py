"""What all the rest stands on: the home and its lock, the databases, faults and reasons, keys, Danish forms."""
