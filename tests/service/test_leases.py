"""How long an upload holds its id, and its staged file."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveresize import errors

from .doubles import away, picture, run, turns
from .house import CAT, House

LEASE = 6000.0


class Ticks:
    """Stands in for the sleep between two looks at whether bytes have arrived."""

    def __init__(self) -> None:
        self._due = asyncio.Semaphore(0)
        self.really = asyncio.sleep

    async def sleep(self, delay: float) -> None:
        """Sleep, or wait for `pass_one` where a third of a lease is asked for."""
        if delay == LEASE / 3:
            await self._due.acquire()
        else:
            await self.really(delay)

    async def pass_one(self) -> None:
        """Let a third of a lease pass."""
        self._due.release()
        await turns()


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticks]:
    """Time as the renewals see it."""
    made = Ticks()
    monkeypatch.setattr(asyncio, "sleep", made.sleep)
    yield made
    monkeypatch.undo()


def test_a_lease_is_renewed_while_bytes_arrive(tmp_path: Path, ticks: Ticks) -> None:
    """Not before the first byte, not while the client is silent, and again after."""

    async def main() -> None:
        house = House(tmp_path, lease=LEASE)
        upload = await house.uploads.begin(await house.token(), [CAT])
        renewed = []
        for chunk in (b"", b"6", b"", b"40x480:", b""):
            if chunk:
                await upload.write(chunk)
            await ticks.pass_one()
            renewed.append(house.index.calls["tokens.renew"])
        assert renewed == [0, 1, 1, 2, 2]
        await upload.finish(None)
        await ticks.pass_one()
        assert house.index.calls["tokens.renew"] == 2

    run(main)


def test_a_lease_is_renewed_while_the_picture_is_stored(tmp_path: Path, ticks: Ticks) -> None:
    """A worker may take its time; no bytes arrive any more."""

    async def main() -> None:
        house = House(tmp_path, lease=LEASE)
        upload = await house.uploads.begin(await house.token(), [CAT])
        await upload.write(picture())
        house.renderer.gate.clear()
        finishing = asyncio.create_task(upload.finish(None))
        await house.renderer.begun.acquire()
        for _ in range(3):
            await ticks.pass_one()
        assert house.index.calls["tokens.renew"] == 3
        house.renderer.gate.set()
        await finishing

    run(main)


def test_a_database_that_is_away_is_no_end_of_a_lease(tmp_path: Path, ticks: Ticks) -> None:
    """The next renewal may reach it."""

    async def main() -> None:
        house = House(tmp_path, lease=LEASE)
        upload = await house.uploads.begin(await house.token(), [CAT])
        house.index.before["tokens.renew"] = away()
        await upload.write(b"640x")
        await ticks.pass_one()
        del house.index.before["tokens.renew"]
        await upload.write(b"480:")
        await ticks.pass_one()
        assert house.index.calls["tokens.renew"] == 2
        await upload.finish(None)

    run(main)


def test_a_lost_lease_is_found_out_at_the_end(tmp_path: Path, ticks: Ticks) -> None:
    """Renewing stops; the upload goes on until its commit is refused, and leaves nothing."""

    async def main() -> None:
        house = House(tmp_path, lease=LEASE)
        upload = await house.uploads.begin(await house.token(), [CAT])
        house.index.advance(LEASE + 1)
        token = await house.token()
        await upload.write(picture())
        await ticks.pass_one()
        await upload.write(b"!")
        await ticks.pass_one()
        assert house.index.calls["tokens.renew"] == 1
        with pytest.raises(errors.TokenRefused):
            await upload.finish(None)
        assert house.files() == []
        assert house.staged() == []
        await house.send(token, picture())

    run(main)


def test_a_slow_upload_is_not_swept(tmp_path: Path, ticks: Ticks) -> None:
    """Its bytes are gathered, its file looks untouched, and still it is alive."""

    async def main() -> None:
        house = House(tmp_path, lease=LEASE)
        upload = await house.uploads.begin(await house.token(), [CAT])
        (name,) = house.staged()
        staged = house.originals.staging(name)
        for byte in picture():
            long_ago = time.time() - LEASE * 2 / 3
            os.utime(staged, (long_ago, long_ago))
            await upload.write(bytes([byte]))
            await ticks.pass_one()
            assert time.time() - staged.stat().st_mtime < LEASE / 3
            await house.uploads.recover()
        await upload.finish(None)
        assert len(house.files()) == 1

    run(main)


def test_a_silent_upload_is_swept_with_its_lease(tmp_path: Path, ticks: Ticks) -> None:
    """What is not touched any more goes, and the id with it."""

    async def main() -> None:
        house = House(tmp_path, lease=LEASE)
        upload = await house.uploads.begin(await house.token(), [CAT])
        (name,) = house.staged()
        long_ago = time.time() - LEASE - 1
        os.utime(house.originals.staging(name), (long_ago, long_ago))
        house.index.advance(LEASE + 1)
        await ticks.pass_one()
        await house.uploads.recover()
        assert house.staged() == []
        assert await house.token()
        await upload.abort()

    run(main)
