"""`scripts/fuzz`: broken input for everything that reads what strangers send."""
