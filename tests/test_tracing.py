"""The headers of W3C Trace Context, and whose word counts in them."""

import pytest

from liveresize.observe.tracing import context
from liveresize.observe.tracing.context import TraceContext
from liveresize.observe.tracing.incoming import IncomingTraces
from liveresize.observe.tracing.spans import Span

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    ("sent", "flags"),
    [
        (SENT, 1),
        (f"00-{TRACE}-{PARENT}-00", 0),
        (f"00-{TRACE}-{PARENT}-03", 3),
        (f"00-{TRACE}-{PARENT}-ff", 3),  # flags that are not known are dropped
        (f"01-{TRACE}-{PARENT}-01", 1),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", 1),
        (f"cc-{TRACE}-{PARENT}-01-", 1),
        ("", None),
        (f"00-{TRACE}-{PARENT}", None),
        (f"00-{TRACE}-{PARENT}-01-", None),
        (f"00-{TRACE}-{PARENT}-01-more", None),
        (f"cc-{TRACE}-{PARENT}-01.more", None),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"0-{TRACE}-{PARENT}-01", None),
        (f"0O-{TRACE}-{PARENT}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01", None),
        (f"00-{TRACE[:-1]}-{PARENT}-01", None),
        (f"00-{TRACE}0-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-{PARENT[:-1]}-01", None),
        (f"00-{TRACE}-{PARENT}-1", None),
        (f"00-{TRACE}-{PARENT}-0x", None),
        (f"00_{TRACE}_{PARENT}_01", None),
        (f" {SENT}", None),
        (f"{SENT}\n", None),
        (f"{SENT},{SENT}", None),  # two headers
        (f"00-{TRACE[:-1]}٣-{PARENT}-01", None),
    ],
)
def test_traceparent_is_read_as_the_specification_has_it(sent: str, flags: int | None) -> None:
    """Or not at all; what is passed on is of version 00."""
    read = context.parse(sent)
    if flags is None:
        assert read is None
        return
    assert read == TraceContext(TRACE, PARENT, flags)
    assert read.headers() == {"traceparent": f"00-{TRACE}-{PARENT}-{flags:02x}"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", True),
        ("a=1, \t,b@vendor=2 3 , fw529a3039@dt=x;y:z", True),
        ("0a@vendor=1", True),
        ("a" * 256 + "=1", True),
        (",".join(f"k{n}=1" for n in range(32)), True),
        (",".join(f"k{n}=1" for n in range(33)), False),
        ("a=" + "b" * 256, True),
        ("a=" + "b" * 257, False),
        (",".join(f"k{n}={'v' * 60}" for n in range(9)), False),  # over 512 characters
        ("a" * 257 + "=1", False),
        ("A=1", False),
        ("0a=1", False),
        ("a@0=1", False),
        ("a@b@c=1", False),
        ("a=", False),
        ("a", False),
        ("a=b=c", False),
        ("a=1\x00", False),
        ("a=é", False),
        (" , ,", False),
    ],
)
def test_a_tracestate_is_kept_whole_or_not_at_all(sent: str, kept: bool) -> None:
    """One that is not valid costs nothing but itself."""
    read = context.parse(SENT, sent)
    assert read is not None
    assert read.state == (sent if kept else "")
    assert read.headers().get("tracestate") == (sent if kept else None)


class _Nobody:
    def record(self, span: Span, ended: float) -> None:
        raise AssertionError("nothing has ended")


@pytest.mark.parametrize("flag", ["00", "01"])
@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("ratio", [None, 0.0, 1.0])
def test_only_trusted_proxies_decide_what_is_recorded(
    ratio: float | None, trusted: bool, flag: str
) -> None:
    """Of strangers, `ratio` decides; without tracing, theirs is recorded nowhere."""
    on = ratio is not None
    traces = IncomingTraces(_Nobody(), ratio) if ratio is not None else IncomingTraces()
    headers = {"Traceparent": f"00-{TRACE}-{PARENT}-{flag}", "Tracestate": "dd=s:2"}
    span = traces.begin(headers, trusted=trusted, began=1.0)
    assert span is not None
    assert span.context.trace_id == TRACE
    assert span.context.state == ("dd=s:2" if trusted else "")
    assert (span.context.span_id == PARENT) is (trusted and not on), "else it is one of ours"
    wanted = flag == "01" if trusted else ratio == 1.0
    assert span.context.sampled is wanted
    assert (span.recorder is not None) is (on and wanted)
    alone = traces.begin({"Traceparent": "?"}, trusted=trusted, began=1.0)
    assert (alone is not None) is on, "a new trace, or none"
    if alone is not None:
        assert context.parse(alone.context.headers()["traceparent"]) == alone.context
        assert (alone.context.sampled, alone.parent) == (ratio == 1.0, "")
