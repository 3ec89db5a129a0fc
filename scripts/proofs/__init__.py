"""What shows that the house holds, by measure and by attack: the benchmark, killed runs, spoiled files, faults of other hands, equality with a full rebuild."""
