"""The access line, prepared and encoded: the same to the byte."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liveresize.observe.log import render
from liveresize.observe.log.access_line import AccessLine
from liveresize.observe.log.fields import Common
from liveresize.observe.log.render import Renderer

STAMP = len('{"@timestamp":"2026-01-31T09:15:00.123Z"')

TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["\0", "\ud800", "\\u0000", "\\ud800", "%s", '"', "猫" * 3000, "\x1b[2J", "a" * 70_000, ""]
)
"""Surrogates and NUL among them, and what looks like their escapes."""

VALUES = TEXTS | st.integers() | st.floats() | st.none() | st.booleans() | st.lists(TEXTS)

GIVEN = st.fixed_dictionaries(
    {
        "method": TEXTS,
        "path": TEXTS,
        "status": st.integers(100, 599),
        "client": st.sampled_from(["192.0.2.7", "fe80::1%eth0", "unknown", ""]) | TEXTS,
        "duration_ms": st.floats(0, 1e9),
        "size": st.integers(0, 1 << 40),
        "request_id": TEXTS,
        "cache": st.sampled_from(["HIT", "HIT-MEMORY", "MISS", None]),
        "more": st.dictionaries(
            st.sampled_from(["image_id", "variant", "error", "queue_ms"]), VALUES
        ),
    }
)

PLAIN: dict[str, Any] = {
    "method": "GET",
    "path": "/cat_8_6.jpg",
    "status": 303,
    "client": "192.0.2.7",
    "duration_ms": 0.2134,
    "size": 0,
    "request_id": "r-1",
    "cache": "HIT",
    "more": {"image_id": "cat", "variant": "8x6-q80-jpeg", "error": None},
}


def line_of(renderer: Renderer, host: str, *, prepares: bool, **given: Any) -> str:
    """A line without its time."""
    lines: list[str] = []
    common = Common()
    common.host = host
    one = AccessLine(put=lines.append, render=renderer, common=common, sample_hits=0.5)
    if not prepares:
        one._prepared = None
    one.write(**given)
    (line,) = lines
    return line[STAMP:]


@pytest.mark.parametrize("renderer", [render.logstash, render.ecs, render.console])
@example(host='%s"', given=PLAIN)
@example(host="host", given=PLAIN | {"more": {"fallback": True, "error": False}})
@example(host="host", given=PLAIN | {"more": {"queue_ms": float("nan")}})
@example(host="host", given=PLAIN | {"more": {"queue_ms": float("-inf")}})
@given(host=TEXTS, given=GIVEN)
def test_a_prepared_line_is_the_encoded_one(
    renderer: Renderer, host: str, given: dict[str, Any]
) -> None:
    """In every shape, whatever its values are."""
    prepared = line_of(renderer, host, prepares=True, **given)
    assert prepared == line_of(renderer, host, prepares=False, **given)


@pytest.mark.parametrize("renderer", [render.logstash, render.ecs])
def test_the_line_of_a_hit_is_prepared(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it needs the general encoder."""
    monkeypatch.setattr(render, "_encode", None)
    assert "cat" in line_of(renderer, "host", prepares=True, **PLAIN)
