"""What has happened, so that it cannot be altered unnoticed: the ledger of deliveries, the journals, the events."""
