"""Request bodies: streamed, bounded in size and in patience, and read to their end.

An answer that comes before the body has been read makes the kernel reset the connection,
and the client may never see it. So what is refused early is remembered, the rest of the
body is read and dropped, within bounds, and the refusal is answered then. What is too
much for that is answered at once, and dropped for a while after the answer.
"""

import abc
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from tornado.web import stream_request_body

from liveresize import errors
from liveresize.core import numbers
from liveresize.http import failures
from liveresize.http.handlers.base import Handler
from liveresize.http.transport import unwanted
from liveresize.http.transport.connections import WatchedStream

_JSON_BYTES = 64 << 10

_PULSE = 1.0
"""Seconds between looks at how fast a body arrives."""


@stream_request_body
class BodyHandler(Handler):
    """Takes a body as it arrives. Subclasses have `start`, `take` and `end`.

    Whatever the three raise is answered once the body has been read. `discard` is
    called when nothing will come of the request.
    """

    max_body = _JSON_BYTES

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Nothing has arrived, nothing has failed."""
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
        """The head is here: refuse, or make ready."""

    async def take(self, chunk: bytes) -> None:
        """Take part of the body."""

    @abc.abstractmethod
    async def end(self) -> None:
        """The body is whole: answer."""

    async def discard(self) -> None:
        """Nothing will come of the request. May be called more than once."""

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
        """Answer at once where the client waits for leave to send, or has too much."""
        if not unwanted.is_worth_reading(self.request.headers):
            raise error

    @property
    def _declared(self) -> int:
        """The length that the head promises; 0 where it promises none."""
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
            await self.take(chunk)
        except Exception as error:  # noqa: BLE001 (`post` raises it, to be answered and logged)
            self._fail(error)
            await self._clear()

    async def post(self, *args: str) -> None:
        """See tornado.web.RequestHandler; the body is whole."""
        self._is_whole = True
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
        """What a body over `max_body` is refused with."""
        return errors.UploadTooLarge(f"The body has more than {self.max_body} bytes.")

    def on_connection_close(self) -> None:
        """The client left in the middle of its body, or before its answer."""
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
        """Answer in the middle of the body; the connection ends with it."""
        assert self._failure is not None
        self._stop_watching()
        self.send_error(
            failures.failure_of(self._failure).status,
            exc_info=(type(self._failure), self._failure, None),
        )

    def _watch(self) -> None:
        """Give up on a body that arrives too slowly, or is refused and goes on."""
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
"""Clean-ups that outlive their request; kept here so that they are not collected."""


class JsonHandler(BodyHandler):
    """Takes a JSON object of up to 64 KiB. Subclasses have `handle`."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Nothing has arrived."""
        super().initialize(*args, **kwargs)
        self._chunks: list[bytes] = []

    async def take(self, chunk: bytes) -> None:
        """Gather the body."""
        self._chunks.append(chunk)

    async def end(self) -> None:
        """Read the body and handle it."""
        try:
            document = json.loads(b"".join(self._chunks))
        except (ValueError, RecursionError):
            raise errors.BadBody("The body is not JSON.") from None
        if not isinstance(document, dict):
            raise errors.BadBody("The body is not a JSON object.")
        await self.handle(Fields(document))

    @abc.abstractmethod
    async def handle(self, fields: "Fields") -> None:
        """Answer to the object."""


class Fields:
    """The fields of a JSON object, each checked as it is read."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def get(self, name: str, check: Callable[[Any], bool], allowed: str) -> Any:
        """The value of a field that may be missing or null: then None.

        Raises BadBody, naming the field and what is `allowed`.
        """
        value = self._document.get(name)
        if value is not None and not check(value):
            raise errors.BadBody(f"The field `{name}` must be {allowed}.")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number within bounds."""
        value: float | None = self.get(
            name,
            lambda value: (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and least <= value <= most
            ),
            f"a number from {least:g} to {most:g}",
        )
        return value

    def flag(self, name: str) -> bool:
        """A boolean; False where it is missing."""
        return bool(self.get(name, lambda value: isinstance(value, bool), "true or false"))

    def string(self, name: str) -> str | None:
        """A string."""
        text: str | None = self.get(name, lambda value: isinstance(value, str), "a string")
        return text

    def __contains__(self, name: str) -> bool:
        return self._document.get(name) is not None

    def __getitem__(self, name: str) -> Any:
        return self._document.get(name)
