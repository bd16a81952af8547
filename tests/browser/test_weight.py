"""How heavy the page is, and how soon it can be used."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from web import servers

from .chromium import Visit, needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]

HEAVIEST = 160 << 10
"""Bytes of all files of the page together, unpacked."""

SENT = 48 << 10
"""Bytes of them on the wire, packed, with their headers."""

TIMES = """() => {
    const [visit] = performance.getEntriesByType("navigation");
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    const asked = [visit, ...performance.getEntriesByType("resource")]
        .filter((each) => !each.name.endsWith("/session"));
    // The icon is asked for twice, by the page and as its favicon, now and then.
    const parts = [...new Map(asked.toReversed().map((each) => [each.name, each])).values()];
    const sum = (name) => parts.reduce((total, each) => total + each[name], 0);
    return {
        files: parts.length,
        sent: sum("transferSize"),
        unpacked: sum("decodedBodySize"),
        interactive: visit.domInteractive,
        loaded: visit.domContentLoadedEventEnd,
        painted: paint?.startTime ?? null,
    };
}"""


def test_the_page_is_light(visit: Callable[..., Visit], bare: servers.Process) -> None:
    """All of it together, without a picture; prints how soon it stands (pytest -s)."""
    studio = Studio(visit(bare.url), bare)
    studio.enter(secret="")
    expect(studio.button("Choose pictures")).to_be_enabled()
    answering: float = studio.page.evaluate("() => performance.now()")
    times: dict[str, Any] = studio.page.evaluate(TIMES)
    sys.stdout.write(
        f"\nstudio: {times['files']} files, {times['sent']} bytes sent, "
        f"{times['unpacked']} unpacked; painted {times['painted']:.0f} ms, "
        f"interactive {times['interactive']:.0f} ms, loaded {times['loaded']:.0f} ms, "
        f"in use {answering:.0f} ms"
    )
    assert times["unpacked"] <= HEAVIEST
    assert times["sent"] <= SENT


def test_a_second_visit_costs_headers_only(
    visit: Callable[..., Visit], bare: servers.Process
) -> None:
    """What has not changed is not sent again."""
    studio = Studio(visit(bare.url), bare)
    studio.enter(secret="")
    studio.page.reload()
    expect(studio.button("Choose pictures")).to_be_visible()
    times: dict[str, Any] = studio.page.evaluate(TIMES)
    assert times["sent"] < SENT / 2
