"""What leaves: data packages with their README, the attack on them, and the outbox."""
