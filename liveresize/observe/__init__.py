"""Log, metrics and progress."""
