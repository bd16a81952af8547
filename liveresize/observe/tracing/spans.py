"""The span that is current, and measuring below it.

The current span is a context variable: tasks and threads of asyncio inherit it from whoever starts
them. All functions do nothing unless the current span is recorded.
"""

import enum
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from liveresize import errors
from liveresize.observe.tracing.context import TraceContext, new_span_id

Attributes = Mapping[str, str | int | float | bool]


class Kind(enum.Enum):
    """What a span is on the way of a request."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Recorder(Protocol):
    """Takes spans that have ended."""

    def record(self, span: "Span", ended: float) -> None:
        """Take a span that ended at `ended`, in seconds of `perf_counter`; never waits."""


@dataclass(slots=True, kw_only=True)
class Span:
    """A part of a trace that takes time. Without a `recorder` it is only logged and passed on.

    `parent` is the id of the span above; empty for none. `began` is in seconds of `perf_counter`,
    and `offset` is what to add for Unix seconds. `error` is the code of what it ended in.
    """

    context: TraceContext
    recorder: Recorder | None = None
    parent: str = ""
    name: str = ""
    kind: Kind = Kind.INTERNAL
    began: float = 0.0
    offset: float = 0.0
    attributes: dict[str, str | int | float | bool] = field(default_factory=dict)
    error: str = ""

    def child(
        self, name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes | None = None
    ) -> "Span":
        """Begin a span below this one."""
        return Span(
            context=self.context._replace(span_id=new_span_id()),
            recorder=self.recorder,
            parent=self.context.span_id,
            name=name,
            kind=kind,
            began=time.perf_counter(),
            offset=self.offset,
            attributes=dict(attributes or {}),
        )

    def past(
        self, name: str, began: float, ended: float, attributes: Attributes | None = None
    ) -> None:
        """Record a span below this one that has ended already."""
        if self.recorder is not None:
            span = self.child(name, attributes=attributes)
            span.began = began
            self.recorder.record(span, ended)

    def end(self, error: BaseException | None = None) -> None:
        """Record the span, which ends now."""
        if error is not None:
            known = isinstance(error, errors.LiveResizeError)
            self.error = error.code if known else type(error).__qualname__  # type: ignore[attr-defined]
        if self.recorder is not None:
            self.recorder.record(self, time.perf_counter())


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def current() -> Span | None:
    """Return the current span, recorded or not."""
    return _current.get()


class _Entered:
    """See `entered`. A class costs a fifth of what a generator does, on the way of every query."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._token = _current.set(self._span)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def entered(span: Span | None) -> AbstractContextManager[None]:
    """Make a span the current one; None for what belongs to no request."""
    return _Entered(span)


class _Measured:
    """See `measured`."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def __enter__(self) -> Span | None:
        if self._span is not None:
            self._token = _current.set(self._span)
        return self._span

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._span is not None:
            _current.reset(self._token)
            self._span.end(error)


def measured(
    name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes | None = None
) -> AbstractContextManager[Span | None]:
    """Record what is inside as a span below the current one; None if nothing is recorded."""
    return _Measured(begun(name, kind, attributes))


def within(span: Span | None) -> AbstractContextManager[Span | None]:
    """Do as `measured`, with a span that has begun."""
    return _Measured(span)


def begun(
    name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes | None = None
) -> Span | None:
    """Begin a span below the current one, for `Span.end`; None if nothing is recorded."""
    above = _current.get()
    if above is None or above.recorder is None:
        return None
    return above.child(name, kind, attributes)


def headers() -> dict[str, str]:
    """Return the headers by which a request to another service belongs to the current trace."""
    span = _current.get()
    return {} if span is None else span.context.headers()
