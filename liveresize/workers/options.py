"""What the worker pool may be told."""

from dataclasses import dataclass, field

from liveresize.imaging.options import EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """Sizes in bytes, times in seconds.

    `slots` 0 takes what the machine allows (see `sizing`). `memory_bytes` bounds the
    address space of one worker, `nice` is added to its niceness, after `recycle_after`
    jobs it is replaced (0: never). At most `queue_limit` jobs wait for a slot, each for at most
    `max_wait`; when the queue is full, `client_queue` jobs of one client for each slot keep
    their place. A job ends `deadline` after it began, retry included. One that crashed its
    worker twice is refused for `quarantine`.

    An idle worker takes 136 MiB of address space and 27 MiB of memory, so that 616 MiB
    keep it below 512 MiB resident; 30 megapixels of any accepted format fit.
    """

    slots: int
    memory_bytes: int
    nice: int
    recycle_after: int
    queue_limit: int
    client_queue: int
    max_wait: float
    deadline: float
    quarantine: float = 3_600.0
    imaging: EngineSettings = field(default_factory=EngineSettings)
