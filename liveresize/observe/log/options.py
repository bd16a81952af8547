"""What is logged, how and where to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Options of `configure`; each level is switched by itself.

    `format` is auto, logstash, ecs or console; `output` is stdout, the path of a file,
    or tcp://host:port. `sample_hits` is the share, 0–1, of access lines about answers
    from a cache that is kept. `capacity` is how many lines may wait for the output
    before new ones are dropped and counted.
    """

    debug: bool = False
    info: bool = True
    warn: bool = True
    error: bool = True
    format: str = "auto"
    output: str = "stdout"
    sample_hits: float = 1.0
    capacity: int = 10_000
