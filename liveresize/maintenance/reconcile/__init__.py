"""Upkeep: what an operator runs beside the servers, now and then.

`reconcile.Reconciliation` compares rows, files, mirror and links, which a restore from
backups of different moments leaves at odds with each other.
"""
