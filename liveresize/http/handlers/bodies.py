"""Request bodies: streamed, limited in size and time, and read to their end.

If a response is sent before the body has been read, the kernel may reset the connection before
the client has read the response. So an early error is kept until the rest of the body has been
read and dropped, within limits. Above these limits the response is sent at once, and the body is
dropped for a while after it.
"""

import abc
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from tornado.web import stream_request_body

from liveresize import errors
from liveresize.core import byte_limit, numbers
from liveresize.http import failures
from liveresize.http.handlers.base import Handler
from liveresize.http.transport import unwanted
from liveresize.http.transport.connections import WatchedStream
from liveresize.observe.tracing import spans

_JSON_BYTES = 64 << 10

_PULSE = 1.0
"""Seconds between checks of the rate of a body."""


@stream_request_body
class BodyHandler(Handler):
    """Reads a body as it arrives. Subclasses have `start`, `take` and `end`.

    An error of one of them is sent once the body has been read. `discard` is called if the
    request fails.
    """

    max_body = _JSON_BYTES

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Set the initial state."""
        super().initialize(*args, **kwargs)
        self.arrived = 0
        self._dropped = 0
        self._failure: Exception | None = None
        self._failed_at = 0.0
        self._pulse: asyncio.TimerHandle | None = None
        self._over = False
        self._reading_since = 0.0
        self._is_whole = False

    async def start(self) -> None:
        """Check the head, before the body is read."""

    async def take(self, chunk: bytes) -> None:
        """Process a chunk of the body."""

    @abc.abstractmethod
    async def end(self) -> None:
        """Respond, now that the body is complete."""

    async def discard(self) -> None:
        """Clean up after a failed request. May be called more than once."""

    async def prepare(self) -> None:
        """See tornado.web.RequestHandler."""
        # `data_received` counts, and answers in JSON; `_watch` asks for a rate.
        unwanted.leave_to_us(self.request.connection)  # type: ignore[arg-type]
        try:
            await self.start()
            if self._declared > self.max_body:
                raise self.too_large()
        except errors.LiveResizeError as error:
            self._fail(error)
            await self.discard()
            self._refuse_now_if_long(error)
        except BaseException:
            await self.discard()
            raise
        if self._over:  # the client left while `start` was at it
            await self.discard()
            return
        # From here on the client is who is waited for.
        self._reading_since = time.perf_counter()
        self._pulse = asyncio.get_running_loop().call_later(_PULSE, self._watch)

    def _refuse_now_if_long(self, error: errors.LiveResizeError) -> None:
        """Raise the error at once if the client waits for `100 Continue`, or sends too much."""
        if not unwanted.is_worth_reading(self.request.headers):
            raise error

    @property
    def _declared(self) -> int:
        """The length in the head; 0 if there is none."""
        return numbers.whole(self.request.headers.get("Content-Length", "")) or 0

    async def data_received(self, chunk: bytes) -> None:
        """See tornado.web.RequestHandler."""
        self.arrived += len(chunk)
        if self._failure is not None:
            self._dropped += len(chunk)
            if self._dropped > unwanted.MOST and not self._finished:
                self._give_up()
            return
        try:
            if self.arrived > self.max_body:
                raise self.too_large()
            with spans.entered(self.trace):  # Tornado calls this in the task of the connection
                await self.take(chunk)
        except Exception as error:  # noqa: BLE001 (`post` raises it, to be answered and logged)
            self._fail(error)
            await self._clear()

    async def post(self, *args: str) -> None:
        """See tornado.web.RequestHandler; the body is complete."""
        self._is_whole = True
        if self.trace is not None:
            self.trace.past("receive", self._reading_since, time.perf_counter())
        self._stop_watching()
        if self._failure is not None:
            await self._clear()
            raise self._failure
        try:
            await self.end()
        except BaseException:
            await self._clear()
            raise

    def too_large(self) -> errors.LiveResizeError:
        """Return the error for a body over `max_body`."""
        return byte_limit.exceeded("The body", self.max_body, byte_limit.ADDRESS, self._declared)

    def on_connection_close(self) -> None:
        """Clean up and log: the client has left before the end of its body or the response."""
        super().on_connection_close()
        self._stop_watching()
        self._clear_later()
        if not self._is_whole and not self._finished:
            self._write_access_line()  # `on_finish` will not be called

    def finish(self, chunk: Any = None) -> "asyncio.Future[None]":
        """See tornado.web.RequestHandler."""
        stream = getattr(self.request.connection, "stream", None)
        if not self._is_whole and isinstance(stream, WatchedStream):
            stream.lingers = True
        return super().finish(chunk)

    def on_finish(self) -> None:
        """See tornado.web.RequestHandler."""
        self._over = True
        self._stop_watching()
        super().on_finish()

    async def _clear(self) -> None:
        if not self._over:
            self._over = True
            await self.discard()

    def _clear_later(self) -> None:
        if not self._over:
            self._over = True  # at once: what answers next must not take it for done
            task = asyncio.ensure_future(self.discard())
            _background.add(task)
            task.add_done_callback(_background.discard)

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
            self._failed_at = time.perf_counter()

    def _give_up(self) -> None:
        """Respond before the end of the body, and close the connection."""
        assert self._failure is not None
        self._stop_watching()
        self.send_error(
            failures.failure_of(self._failure).status,
            exc_info=(type(self._failure), self._failure, None),
        )

    def _watch(self) -> None:
        """Stop reading a body that is too slow, or that goes on for too long after an error."""
        limits, now = self.site.limits, time.perf_counter()
        elapsed = now - self._reading_since
        if self._failure is None:
            slow = self.arrived < elapsed * limits.body_rate
            if elapsed > limits.body_grace and slow:
                self._fail(errors.UploadTooSlow())
                self._clear_later()
                self._give_up()
                return
        elif now - self._failed_at > self.site.unwanted_body:
            self._give_up()
            return
        self._pulse = asyncio.get_running_loop().call_later(_PULSE, self._watch)

    def _stop_watching(self) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None


_background: set["asyncio.Future[None]"] = set()
"""Clean-ups that outlive their request; a reference, so that they are not collected."""


class JsonHandler(BodyHandler):
    """Reads a JSON object of up to 64 KiB. Subclasses have `handle`."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Set the initial state."""
        super().initialize(*args, **kwargs)
        self._chunks: list[bytes] = []

    async def take(self, chunk: bytes) -> None:
        """Collect the body."""
        self._chunks.append(chunk)

    async def end(self) -> None:
        """Parse the body and handle it. Raises BadBody."""
        try:
            document = json.loads(b"".join(self._chunks))
        except (ValueError, RecursionError):
            raise errors.BadBody("The body is not JSON.") from None
        if not isinstance(document, dict):
            raise errors.BadBody("The body is not a JSON object.")
        await self.handle(Fields(document))

    @abc.abstractmethod
    async def handle(self, fields: "Fields") -> None:
        """Handle the object and respond."""


class Fields:
    """The fields of a JSON object, each checked as it is read.

    `known` are the names of the fields that were asked for, whether they are there or not.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.known: set[str] = set()

    def get(self, name: str, check: Callable[[Any], bool], allowed: str) -> Any:
        """Return the value of a field; None if it is missing or null.

        Raises BadBody, which names the field and what is `allowed`.
        """
        value = self[name]
        if value is not None and not check(value):
            raise errors.BadBody(f"The field `{name}` must be {allowed}.")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        """Return a number within bounds. Raises BadBody."""
        value: float | None = self.get(
            name,
            lambda value: (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and least <= value <= most
            ),
            f"a number from {least:.15g} to {most:.15g}",
        )
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean; False if it is missing. Raises BadBody."""
        return bool(self.get(name, lambda value: isinstance(value, bool), "true or false"))

    def string(self, name: str) -> str | None:
        """Return a string. Raises BadBody."""
        text: str | None = self.get(name, lambda value: isinstance(value, str), "a string")
        return text

    @property
    def unknown(self) -> list[str]:
        """The names of the fields that nothing has asked for."""
        return [name for name in self._document if name not in self.known]

    def sent(self, name: str) -> bool:
        """Whether there is a field of that name; it may be null."""
        self.known.add(name)
        return name in self._document

    def __contains__(self, name: str) -> bool:
        return self[name] is not None

    def __getitem__(self, name: str) -> Any:
        self.known.add(name)
        return self._document.get(name)
