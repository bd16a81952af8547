"""Worker processes: slots, admission, deadlines and what happens when one dies.

The door is `WorkerPool`, a `ports.Renderer`. Inside:
`admission` decides whose turn it is, `crew` keeps the slots alive, `slot` is one executor
with one process, `process` is what runs in there, `pool` ties them to jobs.
"""

from liveresize.workers.pool import Stats, WorkerPool

__all__ = ["Stats", "WorkerPool"]
