"""What the public address says about where clients may be sent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.storage.bucket_health import BucketHealth


class Bucket:
    """A public address that answers with `status`, and a store that takes puts or does not."""

    def __init__(self) -> None:
        self.status = 200
        self.takes_puts = True

    async def answer(self, request: web.BaseRequest) -> web.Response:
        return web.Response(status=self.status, text="here")

    async def put(self) -> None:
        if not self.takes_puts:
            raise errors.ObjectStoreUnavailable("", "as told")


def run(scenario: Callable[[Bucket, BucketHealth], Awaitable[None]]) -> None:
    """Run the scenario on a bucket that is well."""

    async def main() -> None:
        bucket = Bucket()
        handler = web.Server(bucket.answer)
        listener = await asyncio.get_running_loop().create_server(handler, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        pulse = BucketHealth(
            lambda: f"http://127.0.0.1:{port}/robots.txt",
            bucket.put,
            20.0,
            advice=lambda error: f"about {error.detail}",
        )
        await pulse.start()
        try:
            await scenario(bucket, pulse)
        finally:
            await pulse.close()
            listener.close()
            await handler.shutdown(0)

    asyncio.run(main())


def test_an_address_that_never_showed_anything_may_be_fine() -> None:
    """Not every bucket may be read at its root."""

    async def scenario(bucket: Bucket, pulse: BucketHealth) -> None:
        bucket.status = 403
        for _ in range(3):
            await pulse.probe()
        assert pulse.healthy
        assert not pulse.gone

    run(scenario)


def test_what_was_there_and_is_not_any_more_is_a_failure() -> None:
    """Twice in a row clients are no longer sent there, until it is there again."""

    async def scenario(bucket: Bucket, pulse: BucketHealth) -> None:
        for status in (403, 404, 410):
            bucket.status = 200
            await pulse.probe()
            assert pulse.healthy
            assert not pulse.gone
            bucket.status = status
            await pulse.probe()
            assert pulse.healthy
            assert pulse.gone
            await pulse.probe()
            assert not pulse.healthy
            assert pulse.answering

    run(scenario)


def test_a_failure_of_the_address_itself_counts_at_once() -> None:
    """A server's error is one whether or not anything was found before."""

    async def scenario(bucket: Bucket, pulse: BucketHealth) -> None:
        bucket.status = 503
        for _ in range(2):
            await pulse.probe()
        assert not pulse.healthy
        assert not pulse.gone

    run(scenario)


def test_an_outage_of_the_store_is_logged_with_advice() -> None:
    """One of the public address without: the advice is about the store."""

    def outages(log: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        found = [each for each in log if each["event"] == "object_store_unavailable"]
        return [{name: each[name] for name in ("error", "hint") if name in each} for each in found]

    async def store(bucket: Bucket, pulse: BucketHealth) -> None:
        with capture_logs() as log:
            for _ in range(3):
                with pytest.raises(errors.ObjectStoreUnavailable), pulse.guarded():
                    raise errors.ObjectStoreUnavailable("", "the clock")
        assert outages(log) == [{"error": "the clock", "hint": "about the clock"}]

    async def public(bucket: Bucket, pulse: BucketHealth) -> None:
        bucket.status = 500
        with capture_logs() as log:
            for _ in range(2):
                await pulse.probe()
        assert outages(log) == [{"error": "public address: 500"}]

    run(store)
    run(public)
