"""Parse and format `traceparent` and `tracestate`, as W3C Trace Context has them."""

import re
import secrets
from typing import NamedTuple

SAMPLED, RANDOM = 0x01, 0x02
"""The flags that are known: the trace is recorded, and its id is random. Others are dropped."""

_PARENT = re.compile(
    r"((?!ff)[0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
"""Version, trace id, span id, flags, and what later versions add."""

_MEMBERS, _STATE = 32, 512
"""Entries and characters of the longest `tracestate` that is passed on."""

_KEY = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(f"[ \t]*(?:{_KEY}={_VALUE})?[ \t]*")


class TraceContext(NamedTuple):
    """A position in a trace: `trace_id` and `span_id` are 32 and 16 lower-case hex digits."""

    trace_id: str
    span_id: str
    flags: int
    state: str = ""

    @property
    def sampled(self) -> bool:
        """Whether the trace is recorded."""
        return bool(self.flags & SAMPLED)

    def headers(self) -> dict[str, str]:
        """Return the headers of a request that belongs to the trace."""
        parent = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"}
        return {**parent, "tracestate": self.state} if self.state else parent


def parse(traceparent: str, tracestate: str = "") -> TraceContext | None:
    """Return what the headers say; None if `traceparent` is not valid.

    Of a version that is not known, what version 00 has is read. A `tracestate` that is not valid,
    or too long, is dropped alone.
    """
    match = _PARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if rest is not None and version == "00":
        return None
    state = _valid_state(tracestate) if tracestate else ""
    return TraceContext(trace_id, span_id, int(flags, 16) & (SAMPLED | RANDOM), state)


def _valid_state(tracestate: str) -> str:
    members = tracestate.split(",")
    if len(tracestate) > _STATE or len(members) > _MEMBERS:
        return ""
    valid = all(_MEMBER.fullmatch(member) for member in members)
    return tracestate if valid and tracestate.strip(" \t,") else ""


def new_trace_id() -> str:
    """Return the id of a new trace."""
    return secrets.token_hex(16)


def new_span_id() -> str:
    """Return the id of a new span."""
    return secrets.token_hex(8)
