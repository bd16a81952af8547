"""A real Varnish in front of a real server: what it has cached is gone when the picture is."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from web import pictures, servers

from liveresize.app import lifecycle
from liveresize.core.names import ImageId
from liveresize.core.records import Change
from liveresize.maintenance.doctor import caches as doctor
from liveresize.maintenance.doctor.findings import Level
from liveresize.notifications.caches import drivers, receiver, stale
from liveresize.settings.caches import Cdn

from .varnish import Varnish, needs_varnish

pytestmark = [pytest.mark.long, needs_varnish]

ADMIN = {"Authorization": f"Bearer {servers.ADMIN}"}

NAME = "cät, 1"
URLS = (
    "/c%C3%A4t%2C%201_40_0.jpg",
    "/c%C3%A4t%2C%201_0_20.webp?fit=crop&proxy=true",
    "/c%C3%A4t%2C%201.png",
    "/c%C3%A4t%2C%201.json",
)


@pytest.fixture
def varnish(tmp_path: Path) -> Varnish:
    """A Varnish that is yet to start."""
    return Varnish(tmp_path / "varnish")


@pytest.fixture
def running(
    tmp_path: Path, varnish: Varnish, monkeypatch: pytest.MonkeyPatch
) -> Iterator[servers.Running]:
    """A server that tells that Varnish, which stands in front of it."""
    monkeypatch.setattr(lifecycle, "_ANNOUNCE_EVERY", 0.1)
    monkeypatch.setattr(lifecycle, "_LISTEN_EVERY", 0.1)
    monkeypatch.setattr(receiver, "SETTLES", 0.5)
    with servers.Running(
        tmp_path,
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        cdn__purge=[{"driver": "varnish", "urls": [varnish.url]}],
        fallback={"avatar-": NAME},
    ) as server:
        varnish.backend = server.port
        with varnish:
            yield server


def stored_by(varnish: Varnish, url: str) -> str:
    """The request of Varnish that brought what it answers with; empty if this one did."""
    return "".join(varnish.client.get(url).headers["X-Varnish"].split()[1:])


def cached(varnish: Varnish, *urls: str) -> dict[str, str]:
    """Return which requests brought what Varnish has of each URL, when it has all."""
    return {url: servers.until(partial(stored_by, varnish, url)) for url in urls}


def dropped(varnish: Varnish, before: dict[str, str]) -> None:
    """Return when Varnish has nothing any more of what it had."""
    for url, request in before.items():
        servers.until(lambda url=url, request=request: stored_by(varnish, url) != request)  # type: ignore[misc]


def test_what_varnish_has_cached_is_gone(running: servers.Running, varnish: Varnish) -> None:
    """After a replacement, a change of the focus, when it is held, and when it is deleted.

    What it has of another picture stays, and a tag is no expression.
    """
    running.client.put_in(NAME, pictures.png(80, 60, shade=1))
    running.client.put_in("dog", pictures.png())
    other = cached(varnish, "/dog_40_0.jpg")
    instead = cached(varnish, "/avatar-1_40_0.jpg")
    assert varnish.client.get("/avatar-1_40_0.jpg").status_code == 404

    before = cached(varnish, *URLS)
    running.client.put_in(NAME, pictures.png(80, 60, shade=2), overwrite=True)
    dropped(varnish, before | instead)
    for change in (Change(focus=(100, 200)), Change(held=True)):
        before = cached(varnish, *URLS)
        running.call(running.components.index.rows.change(ImageId(NAME), change))
        dropped(varnish, before)
    running.call(running.components.index.rows.change(ImageId(NAME), Change(held=False)))

    before = cached(varnish, *URLS)
    receipt = running.client.delete(f"/{NAME}?receipt=true", headers=ADMIN).json()
    for url in before:
        servers.until(lambda url=url: varnish.client.get(url).status_code == 404)  # type: ignore[misc]

    def told() -> bool:
        shown = running.client.get(f"/_erasures/{receipt['erasure']}", headers=ADMIN).json()
        (instance,), (cache,) = shown["instances"], shown["caches"]
        return instance["gone_at"] is not None and cache["state"] == "told"

    servers.until(told)
    assert cached(varnish, *other) == other
    (cache,) = running.components.dispatcher.caches
    assert (cache.failed, cache.failing) == (0, False)
    expression = {"X-Cache-Tag": "x || obj.age > 0s"}
    assert varnish.client.request("BAN", "/", headers=expression).status_code == 400
    assert cached(varnish, *other) == other


def test_doctor_bans_what_nobody_has(running: servers.Running, varnish: Varnish) -> None:
    """And says of a server that takes no bans what it answers."""
    (finding,) = asyncio.run(doctor.look(running.settings.cdn))
    assert (finding.level, finding.part) == (Level.OK, "cdn.purge (varnish)")
    wrong = Cdn(purge=({"driver": "varnish", "urls": [running.url]},))
    (finding,) = asyncio.run(doctor.look(wrong))
    assert finding.level is Level.PROBLEM
    assert finding.what.endswith("status 405.")


def test_single_urls_are_purged(running: servers.Running, varnish: Varnish) -> None:
    """Those of the original, and those that are listed; others stay."""
    running.client.put_in(NAME, pictures.png(80, 60))
    before = cached(varnish, *URLS)
    (made,) = Cdn(
        purge=(
            {
                "driver": "varnish",
                "urls": [varnish.url],
                "method": "PURGE",
                "site": varnish.url,
                "paths": ["/{name}_40_0.jpg"],
            },
        )
    ).caches

    async def purge() -> None:
        driver = drivers.make(made, servers.PATIENCE)
        await driver.purge(stale.picture(ImageId(NAME)))
        await driver.close()

    asyncio.run(purge())
    now = {url: stored_by(varnish, url) for url in URLS}
    assert [url for url in URLS if now[url] == before[url]] == [URLS[1]]
