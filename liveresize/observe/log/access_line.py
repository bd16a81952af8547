"""The access line: one for every request, and cheap enough for that."""

import time
from collections.abc import Callable, Mapping

from liveresize.observe.log import access_json, bounds
from liveresize.observe.log.access_json import LOGGER
from liveresize.observe.log.fields import Common
from liveresize.observe.log.render import Renderer

HITS = frozenset({"HIT", "HIT-MEMORY"})
"""What `cache` says when nothing had to be done; only these lines are thinned out."""

NO_ADDRESS = frozenset({"", "unknown"})
"""What stands for the address of a client that nobody knows: no address to a database."""


class AccessLine:
    """Queues access lines without going through `logging`, and thins those of hits."""

    def __init__(
        self, *, put: Callable[[str], None], render: Renderer, common: Common, sample_hits: float
    ) -> None:
        self._put = put
        self._render = render
        self._common = common
        self._prepared = access_json.prepared(render, common)
        self._sample = sample_hits
        # Begun so that the first hit of a sample is kept; of an empty sample, none.
        self._share = 1.0 - sample_hits if sample_hits else 0.0

    def write(
        self,
        *,
        method: str,
        path: str,
        status: int,
        client: str,
        duration_ms: float,
        size: int,
        request_id: str,
        cache: str | None,
        more: Mapping[str, object],
        level: str = "info",
    ) -> None:
        """Queue one line, unless it is of a hit that the sample leaves out.

        Of a path that is longer, `bounds.PATH` characters are kept.
        """
        thinned = self._sample < 1 and status < 400 and cache in HITS
        if thinned and not self._chosen():
            return
        method, path = bounds.cut(method, bounds.METHOD), bounds.cut(path, bounds.PATH)
        message, seconds = f"{method} {path} {status}", time.time()
        client = "" if client in NO_ADDRESS else client.partition("%")[0]  # without `%eth0`
        duration_ms = round(duration_ms, 3)
        more = {"cache": cache, "sample": self._sample if thinned else None, **more}
        if self._prepared is not None and level == "info":
            prepared = self._prepared.line(
                timestamp=self._common.timestamp(seconds),
                message=message,
                request_id=request_id,
                method=method,
                path=path,
                status=status,
                client=client,
                duration_ms=duration_ms,
                size=size,
                more=more,
            )
            if prepared is not None:
                self._put(prepared)
                return
        line = self._common(
            seconds=seconds, level=level, logger=LOGGER, message=message, event="access"
        )
        line["request_id"] = request_id
        line["http.method"] = method
        line["url.path"] = path
        line["http.status"] = status
        if client:
            line["client.ip"] = client
        line["duration_ms"] = duration_ms
        line["bytes"] = size
        for name, value in more.items():
            if value is not None:
                line[name] = value
        self._put(self._render(line))

    def _chosen(self) -> bool:
        """Whether this hit is one of the sample: evenly spread, not by chance."""
        # The slack keeps ten times 0.1 from falling short of 1.
        self._share += self._sample
        if self._share < 1 - 1e-9:
            return False
        self._share -= 1
        return True
