"""Consistent hashing as nginx does it (`hash … consistent`), for `server` lines of weight 1."""

import bisect
import itertools
import zlib
from collections.abc import Collection, Sequence

POINTS = 160
"""Points of each server on the ring."""


class Ring:
    """Which of `servers` a key belongs to; a server is written as in nginx, `host:port`."""

    def __init__(self, servers: Sequence[str]) -> None:
        points: dict[int, str] = {}
        for server in servers:
            for point in _points(server):
                points.setdefault(point, server)
        self._hashes = sorted(points)
        self._servers = [points[each] for each in self._hashes]

    def home(self, key: str, down: Collection[str] = ()) -> str:
        """Return the server of `key`, or the next one on the ring that is not `down`.

        Raises LookupError if all are down.
        """
        start = bisect.bisect_left(self._hashes, zlib.crc32(key.encode()))
        for place in itertools.chain(range(start, len(self._servers)), range(start)):
            if self._servers[place] not in down:
                return self._servers[place]
        raise LookupError("all servers are down")


def _points(server: str) -> list[int]:
    """Each point is the CRC-32 of host, a zero byte, port, and the point before it."""
    host, _, port = server.rpartition(":")
    begin = zlib.crc32(host.encode() + b"\0" + port.encode())
    found, point = [], 0
    for _ in range(POINTS):
        point = zlib.crc32(point.to_bytes(4, "little"), begin)
        found.append(point)
    return found
