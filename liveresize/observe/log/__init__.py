"""Logs: one line a record, ours and the libraries' alike, and never a wait for them.

`configure` sets everything up once, at start; whoever logs takes a structlog logger.
The access line has its own short way, `access`.
"""

from liveresize.observe.log.setup import Handle, access, configure, dropped, silenced, warnings_only

__all__ = ["Handle", "access", "configure", "dropped", "silenced", "warnings_only"]
