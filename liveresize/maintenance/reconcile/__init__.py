"""The comparison of rows, files, mirror and links; see `reconciliation.Reconciliation`.

They differ, for example, after a restore from backups of different times.
"""
