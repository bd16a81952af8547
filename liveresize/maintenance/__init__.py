"""Maintenance of an installation: deletions, reconcile, verify, warm and doctor."""
