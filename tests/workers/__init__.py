"""What worker processes are asked of, one file a noun."""
