"""Encode access lines as JSON from a template, several times as fast as the general encoder.

The lines are the same as those of `render.logstash` and `render.ecs`, to the byte.
"""

import json
import math
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted

from liveresize.observe.log import bounds, render
from liveresize.observe.log.fields import Common
from liveresize.observe.log.render import Renderer

LOGGER = "liveresize.access"

_LOGSTASH = (
    '{{"@timestamp":"%s","@version":"1","level":"info","logger_name":"{logger}","message":%s,'
    '"event":"access","host":{host},"pid":{pid},"request_id":%s,"http.method":%s,"url.path":%s,'
    '"http.status":%d%s,"duration_ms":%s,"bytes":%d%s}}'
)
_ECS = (
    '{{"@timestamp":"%s","ecs.version":"{version}","log.level":"info","log.logger":"{logger}",'
    '"message":%s,"event.action":"access","host.name":{host},"process.pid":{pid},'
    '"http.request.id":%s,"http.request.method":%s,"url.path":%s,'
    '"http.response.status_code":%d%s,"event.duration":%s,"http.response.body.bytes":%d%s}}'
)


class AccessJson:
    """Encodes access lines as one of the JSON renderers does."""

    def __init__(self, common: Common, *, ecs: bool) -> None:
        host = quoted(common.host).replace("%", "%%")
        self._template = (_ECS if ecs else _LOGSTASH).format(
            logger=LOGGER, host=host, pid=common.pid, version=render.ECS_VERSION
        )
        self._ecs = ecs
        self._keys: dict[str, str] = {}
        """The names of optional fields as they stand in a line."""

    def line(
        self,
        *,
        timestamp: str,
        message: str,
        request_id: str,
        method: str,
        path: str,
        status: int,
        client: str,
        duration_ms: float,
        size: int,
        more: Mapping[str, object],
    ) -> str | None:
        """Return a line, with a newline at its end; None if it needs the general encoder.

        Fields of `more` that are None, and an empty `client`, are left out.
        """
        if not math.isfinite(duration_ms):
            return None
        rest = ""
        for name, value in more.items():
            if value is None:
                continue
            kind = type(value)
            if kind is str:
                text = quoted(value)  # type: ignore[arg-type]
            elif kind is int or (kind is float and math.isfinite(value)):  # type: ignore[arg-type]
                text = repr(value)
            elif kind is bool:
                text = "true" if value else "false"
            else:
                return None
            rest += (self._keys.get(name) or self._key(name)) + text
        line = self._template % (
            timestamp,
            quoted(message),
            quoted(request_id),
            quoted(method),
            quoted(path),
            status,
            client and f',"client.ip":{quoted(client)}',
            int(duration_ms * 1_000_000) if self._ecs else repr(duration_ms),
            size,
            rest,
        )
        return line + "\n" if bounds.is_plain(line) else None

    def _key(self, name: str) -> str:
        key = f",{json.dumps(render.ecs_name(name) if self._ecs else name)}:"
        self._keys[name] = key
        return key


def prepared(renderer: Renderer, common: Common) -> AccessJson | None:
    """Return what encodes access lines as `renderer` does; None if that is not JSON."""
    if renderer in (render.logstash, render.ecs):
        return AccessJson(common, ecs=renderer is render.ecs)
    return None
