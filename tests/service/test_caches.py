"""Caches are told of changes: what of, when once more, and what becomes of failures."""

import asyncio
from typing import Any

import structlog
from storage.memory_index import MemoryIndex
from storage.worlds import original

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.records import Change
from liveresize.notifications.caches.receiver import SETTLES, CacheReceiver
from liveresize.notifications.caches.stale import Stale
from liveresize.notifications.courier import Courier
from liveresize.notifications.dispatcher import Dispatcher

from .doubles import Clock, run, turns


class FakeDriver:
    """A driver that keeps what it was told, unless it fails."""

    at_once = 100

    def __init__(self) -> None:
        self.told: list[str] = []
        self.error: errors.CacheUnavailable | None = None
        self.attempts = self.under_way = self.most = 0
        self.closed = False

    async def purge(self, stale: Stale) -> None:
        self.attempts += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.error is not None:
            raise self.error
        self.told.append(stale.tag)

    async def close(self) -> None:
        self.closed = True


class Scene:
    """A dispatcher that tells one cache, and has read all events so far."""

    def __init__(self, **given: Any) -> None:
        self.clock = Clock()
        self.index = MemoryIndex(self.clock.time)
        self.driver = FakeDriver()
        receiver = CacheReceiver("edge", self.driver, timeout=10.0)
        self.courier = Courier(
            receiver, deliveries=self.index.deliveries, give_up=given.get("give_up", 1e6)
        )
        self.dispatcher = Dispatcher(
            [], caches=[self.courier], deliveries=self.index.deliveries, inherits=False
        )

    async def upload(self, *names: str) -> None:
        for name in names:
            await self.index.rows.adopt(original(ImageId(name)), uploaded=True)

    async def catch_up(self, after: float = 0.0) -> None:
        self.clock.now += after
        await self.dispatcher.catch_up()
        await turns()


def test_a_cache_is_told_at_once_and_once_more() -> None:
    """An answer that was under way when the picture changed may reach it a little later."""

    async def main() -> None:
        scene = Scene()
        await scene.upload("cat", "dog")
        await scene.index.rows.delete(ImageId("cat"))
        await scene.catch_up()
        assert scene.driver.told == ["cat"]
        await scene.catch_up(after=SETTLES / 2)
        assert scene.driver.told == ["cat"]
        await scene.catch_up(after=SETTLES / 2 + 1)
        assert scene.driver.told == ["cat"] * 2
        await scene.catch_up(after=1e5)
        assert scene.driver.told == ["cat"] * 2
        assert scene.courier.backlog == 0

    run(main)


def test_changes_that_do_not_show_are_skipped() -> None:
    """What is recorded for the application is no business of a cache."""

    async def main() -> None:
        scene = Scene()
        await scene.upload("cat")
        await scene.index.rows.change(ImageId("cat"), Change(meta='{"a": 1}'))
        await scene.catch_up()
        await scene.catch_up(after=1e5)
        assert (scene.driver.attempts, scene.courier.backlog) == (0, 0)
        await scene.index.rows.change(ImageId("cat"), Change(focus=(1, 2)))
        await scene.catch_up()
        assert scene.driver.told == ["cat"]

    run(main)


def test_a_driver_that_takes_many_gets_many_at_once() -> None:
    """So that a hundred deletions are one call to Cloudflare."""

    async def main() -> None:
        scene = Scene()
        names = [f"cat{number}" for number in range(90)]
        await scene.upload(*names)
        for name in names:
            await scene.index.rows.delete(ImageId(name))
        await scene.catch_up()
        await scene.catch_up()
        assert scene.driver.most == 90
        assert sorted(scene.driver.told) == sorted(names)

    run(main)


def test_a_cache_that_fails_is_told_when_it_asked_to_be() -> None:
    """Not before, and the log says once that it fails, in words of its own."""

    async def main() -> None:
        scene = Scene()
        await scene.upload("cat")
        await scene.index.rows.delete(ImageId("cat"))
        scene.driver.error = errors.CacheUnavailable("", "status 429", {"retry_after": 500.0})
        with structlog.testing.capture_logs() as logged:
            await scene.catch_up()
            scene.driver.error = None
            await scene.catch_up(after=499.0)
            assert (scene.driver.attempts, scene.courier.failing) == (1, True)
            await scene.catch_up(after=2.0)
        assert scene.driver.told == ["cat"]
        assert (scene.courier.failed, scene.courier.failing) == (1, False)
        failing, recovered = logged
        assert (failing["event"], failing["receiver"]) == ("cdn_purge_failing", "cdn:edge")
        assert failing["error"] == "status 429"
        assert recovered["event"] == "cdn_purge_recovered"
        await scene.dispatcher.close(1.0)
        assert scene.driver.closed

    run(main)


def test_a_cache_is_given_up_in_the_end() -> None:
    """With an error that names the picture."""

    async def main() -> None:
        scene = Scene(give_up=1000.0)
        await scene.upload("cat")
        await scene.index.rows.delete(ImageId("cat"))
        scene.driver.error = errors.CacheUnavailable("", "status 500")
        with structlog.testing.capture_logs() as logged:
            await scene.catch_up()
            await scene.catch_up(after=1001.0)
        assert logged[-1]["event"] == "cdn_purge_given_up"
        assert (logged[-1]["image_id"], logged[-1]["tries"]) == ("cat", 2)
        await scene.catch_up(after=1e5)
        assert scene.driver.attempts == 2

    run(main)
