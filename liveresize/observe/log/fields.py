"""What every line carries: the common fields, and those of an exception."""

import os
import socket
import sys
import time
import traceback
from typing import Any

from liveresize import errors

Fields = dict[str, Any]


class Common:
    """Makes the fields that every line begins with; host and process are asked for once."""

    def __init__(self) -> None:
        self.host = socket.gethostname()
        self.pid = os.getpid()
        self._second = (-1, "")

    def __call__(
        self, *, seconds: float, level: str, logger: str, message: str, event: str
    ) -> Fields:
        """The common fields of something that happened at `seconds` (Unix time)."""
        return {
            "@timestamp": self.timestamp(seconds),
            "@version": "1",
            "level": level,
            "logger_name": logger,
            "message": message,
            "event": event,
            "host": self.host,
            "pid": self.pid,
        }

    def timestamp(self, seconds: float) -> str:
        """Unix seconds as ISO 8601 in UTC, with ms: `2026-01-31T09:15:00.123Z`."""
        whole, milliseconds = divmod(int(seconds * 1000), 1000)
        second, text = self._second
        if second != whole:
            # Thousands of lines share a second; replaced as one, for other threads.
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            self._second = (whole, text)
        return f"{text}.{milliseconds:03d}Z"


def of_exception(given: object) -> Fields:
    """The fields of an exception, traceback included; none where there is none.

    `given` is whatever `exc_info` may be: True for the one being handled, an exception,
    or the triple of `sys.exc_info`. They are not called `error.…`: to Elasticsearch `error`,
    which many lines have, would then be a text and an object at once.
    """
    exc = given
    if given is True:
        exc = sys.exception()
    elif isinstance(given, tuple):
        exc = given[1]
    if not isinstance(exc, BaseException):
        return {}
    fields = {
        "exception.type": type(exc).__qualname__,
        "exception.message": str(exc),
        "exception.stack_trace": "".join(traceback.format_exception(exc)),
    }
    if isinstance(exc, errors.LiveResizeError) and exc.detail:
        fields["exception.detail"] = exc.detail
    return fields
