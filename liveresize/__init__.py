"""liveresize: a live image resizer that a team runs on its own machines."""

__version__ = "1.0.0"
