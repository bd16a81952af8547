"""liveresize: a live image resizer that a team runs on its own machines."""

__version__ = "0.1.0"
