"""One token, one attempt, one original, whole or not at all."""

import asyncio
import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.jobs import IntakeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import version_of
from liveresize.uploads import bodies

from .doubles import picture, run, turns, until
from .house import CAT, House, request


def test_an_upload_is_answered_with_its_facts(tmp_path: Path) -> None:
    """The receipt is JSON; the original lies in its place, and the token is spent."""

    async def main() -> None:
        house = House(tmp_path)
        receipt = await house.send(await house.token(), picture(640, 480))
        stored = await house.index.rows.find(CAT)
        assert stored is not None
        assert json.loads(receipt) == {
            "status": "OK",
            "id": "cat",
            "original_width": 640,
            "original_height": 480,
            "format": "jpeg",
            "bytes": 8,
            "sha256": hashlib.sha256(picture(640, 480)).hexdigest(),
            "version": version_of(stored.generation),
            "dominant_color": stored.dominant_color,
            "thumbhash": stored.thumbhash,
        }
        (file,) = house.files()
        assert file.read_bytes() == picture(640, 480)
        assert house.staged() == []
        with pytest.raises(errors.IdTaken):
            await house.token()

    run(main)


def test_crop_and_formats_reach_the_worker(tmp_path: Path) -> None:
    """The worker is told what the URL and the token ask for."""

    async def main() -> None:
        house = House(tmp_path)
        token = await house.token(formats=("png", "jpeg"))
        await house.send(token, picture(), crop=(1, 2, 3, 4))
        (job,) = house.renderer.jobs
        assert isinstance(job, IntakeJob)
        assert (job.crop, job.formats) == ((1, 2, 3, 4), ("png", "jpeg"))

    run(main)


def test_the_same_bytes_again_get_the_same_receipt(tmp_path: Path) -> None:
    """Where the first answer was lost on the way; other bytes are refused."""

    async def main() -> None:
        house = House(tmp_path)
        token = await house.token()
        first = await house.send(token, picture())
        assert await house.send(token, picture()) == first
        for other in (picture() + b"!", b""):
            with pytest.raises(errors.TokenRefused):
                await house.send(token, other)
        repeated = await house.uploads.begin(token, [CAT])
        with pytest.raises(errors.UploadTooLarge):
            await repeated.write(b"." * (house.uploads.max_bytes + 1))
        await repeated.abort()
        assert len(house.files()) == 1
        assert len(house.renderer.jobs) == 1

    run(main)


def test_a_body_is_gathered_hashed_and_bounded(tmp_path: Path) -> None:
    """Chunks of any size end up in the file as they came; one byte too many is refused."""

    async def main() -> None:
        path = tmp_path / "body"
        data = bytes(range(256)) * 2001
        body = bodies.Body(len(data), path.open("wb"))
        position = 0
        for size in (1, 0, 70_000, 300_000, len(data)):
            await body.write(data[position : position + size])
            position += size
        assert body.size == len(data)
        assert await body.close() == hashlib.sha256(data).hexdigest()
        assert path.read_bytes() == data
        with pytest.raises(errors.UploadTooLarge, match=f"{len(data):,}"):
            await body.write(b"!")

    run(main)


def test_a_body_keeps_little_in_memory(tmp_path: Path) -> None:
    """It is written as it arrives, a batch at a time."""

    async def main() -> None:
        path = tmp_path / "body"
        body = bodies.Body(1 << 30, path.open("wb"))
        for _ in range(100):
            await body.write(b"." * 65_536)
            assert body._gathered < bodies._BATCH
        assert path.stat().st_size > 6_000_000
        await body.close()

    run(main)


def test_the_least_of_all_limits_counts(tmp_path: Path) -> None:
    """A token may narrow what the server takes, and not widen it."""

    async def main() -> None:
        house = House(tmp_path)
        for granted, limit in ((10, 10), (0, 1 << 20), (1 << 40, 1 << 20)):
            upload = await house.uploads.begin(await house.token(max_bytes=granted), [CAT])
            with pytest.raises(errors.UploadTooLarge):
                await upload.write(b"." * (limit + 1))
            await upload.abort()
            await house.holds_nothing()
            house.index.advance(901)

    run(main)


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        pytest.param(b"", errors.BadUpload, id="empty"),
        pytest.param(b"no picture", errors.UnsupportedImage, id="no picture"),
    ],
)
def test_a_bad_upload_leaves_nothing(
    tmp_path: Path, data: bytes, failure: type[errors.LiveResizeError]
) -> None:
    """What the worker refuses is nowhere afterwards."""

    async def main() -> None:
        house = House(tmp_path)
        with pytest.raises(failure):
            await house.send(await house.token(), data)
        await house.holds_nothing()

    run(main)


@pytest.mark.parametrize(
    "failure", [errors.BadCrop(), errors.QueueFull(), errors.WorkerDied(), errors.DiskFull()]
)
def test_a_worker_that_fails_leaves_nothing(tmp_path: Path, failure: Exception) -> None:
    """Whether it was the picture's fault or not."""

    async def main() -> None:
        house = House(tmp_path)
        house.renderer.failure = failure
        with pytest.raises(type(failure)):
            await house.send(await house.token(), picture())
        house.renderer.failure = None
        await house.holds_nothing()

    run(main)


def test_no_room_to_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the reserve an upload is refused as it begins, and its id is free."""

    async def main() -> None:
        house = House(tmp_path)

        def refuse(_: str) -> Path:
            raise errors.DiskFull

        with monkeypatch.context() as patch:
            patch.setattr(house.originals, "staging", refuse)
            with pytest.raises(errors.DiskFull):
                await house.uploads.begin(await house.token(), [CAT])
        await house.holds_nothing()

    run(main)


def test_no_folder_to_stage_in(tmp_path: Path) -> None:
    """A staged file that cannot be created is a full disk, in our terms."""

    async def main() -> None:
        house = House(tmp_path)
        folder = house.originals.staging("x").parent
        folder.rmdir()
        with pytest.raises(errors.DiskFull):
            await house.uploads.begin(await house.token(), [CAT])
        folder.mkdir()
        await house.holds_nothing()

    run(main)


@pytest.mark.parametrize("method", ["write", "close"])
def test_a_disk_that_fills_up_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Whether writing or closing finds out, the client hears it and nothing is left."""

    async def main() -> None:
        house = House(tmp_path)
        upload: Any = await house.uploads.begin(await house.token(), [CAT])
        file = upload._body.file

        class Full:
            closed = False

            def write(self, data: bytes) -> int:
                if method == "write":
                    raise OSError(errno.ENOSPC, "No space left on device")
                return len(data)

            def close(self) -> None:
                file.close()
                if method == "close":
                    raise OSError(errno.ENOSPC, "No space left on device")

        upload._body.file = Full()
        await upload.write(picture())
        with pytest.raises(errors.DiskFull):
            await upload.finish(None)
        await house.holds_nothing()

    run(main)


def test_no_room_to_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The move to its place fails: no file, no note, no row."""

    async def main() -> None:
        house = House(tmp_path)

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", refuse)
            with pytest.raises(errors.DiskFull):
                await house.send(await house.token(), picture())
        await house.holds_nothing()

    run(main)


def test_aborting_leaves_nothing(tmp_path: Path) -> None:
    """A client that goes away in the middle of its body frees its id."""

    async def main() -> None:
        house = House(tmp_path)
        upload = await house.uploads.begin(await house.token(), [CAT])
        await upload.write(picture())
        await upload.abort()
        await turns()
        await house.holds_nothing()

    run(main)


@pytest.mark.parametrize("claimed", [False, True])
def test_a_beginning_that_is_cancelled_leaves_nothing(tmp_path: Path, claimed: bool) -> None:
    """Whether the claim is on its way or there already, it is given up."""

    async def main() -> None:
        house = House(tmp_path)
        token, gate = await house.token(), asyncio.Event()
        claim = house.index.tokens.claim

        async def slow(*given: Any) -> object:
            found = await claim(*given)
            await gate.wait()
            return found

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(house.index.tokens, "claim", slow)
            beginning = asyncio.create_task(house.uploads.begin(token, [CAT]))
            await turns()
            if claimed:
                gate.set()
                await asyncio.sleep(0)
            beginning.cancel()
            await turns()
            gate.set()
            with pytest.raises(asyncio.CancelledError):
                await beginning
        await turns()
        await house.holds_nothing()

    run(main)


@pytest.mark.parametrize("failure", [ValueError("unexpected"), asyncio.CancelledError()])
def test_a_claim_without_a_file_is_given_up(tmp_path: Path, failure: BaseException) -> None:
    """Whatever it was that kept the file from being made."""

    def fail(*given: Any) -> Path:
        raise failure

    async def main() -> None:
        house = House(tmp_path)
        token = await house.token()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(house.originals, "staging", fail)
            with pytest.raises(type(failure)):
                await house.uploads.begin(token, [CAT])
        await turns()
        await house.holds_nothing()

    run(main)


def test_a_client_that_leaves_while_its_upload_is_stored_changes_nothing(tmp_path: Path) -> None:
    """The body is whole, so the original is kept, and the token answers a repetition."""

    async def main() -> None:
        house = House(tmp_path)
        token = await house.token()
        upload = await house.uploads.begin(token, [CAT])
        await upload.write(picture())
        house.renderer.gate.clear()
        finishing = asyncio.create_task(upload.finish(None))
        await house.renderer.begun.acquire()
        finishing.cancel()
        await asyncio.wait({finishing})
        house.renderer.gate.set()
        await until(lambda: not house.staged() and len(house.files()) == 1)
        await turns()
        assert await house.repeats(token, picture())
        assert (await house.get(request(100))).held.data.endswith(picture())
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_overwriting_removes_the_old_file(tmp_path: Path) -> None:
    """One original a name; what was known of the old one is forgotten."""

    async def main() -> None:
        house = House(tmp_path)
        old = await house.upload(data=picture(soul="old"))
        new = await house.upload(data=picture(soul="new"))
        assert new.generation > old.generation
        assert house.files() == [house.originals.path(new)]
        assert await house.original_lookup.get(CAT) == new

    run(main)


def test_an_id_that_was_taken_meanwhile_leaves_the_other_picture(tmp_path: Path) -> None:
    """An upload that lost its lease to another is refused, and removes only its own file."""

    async def main() -> None:
        house = House(tmp_path, lease=1000.0)
        slow = await house.uploads.begin(await house.token(), [CAT])
        await slow.write(picture(soul="slow"))
        house.index.advance(1001)
        quick = await house.uploads.begin(await house.token(), [CAT])
        await quick.write(picture(soul="quick"))
        await quick.finish(None)
        with pytest.raises(errors.TokenRefused):
            await slow.finish(None)
        (stored,) = house.files()
        assert stored.read_bytes() == picture(soul="quick")
        assert house.staged() == []

    run(main)


def test_a_token_is_for_its_id(tmp_path: Path) -> None:
    """Any of the ids that the URL may mean will do, and no other."""

    async def main() -> None:
        house = House(tmp_path)
        token = await house.token()
        with pytest.raises(errors.TokenRefused):
            await house.uploads.begin(token, [ImageId("dog")])
        upload = await house.uploads.begin(token, [ImageId("cat.jpg"), CAT])
        await upload.write(picture())
        await upload.finish(None)
        assert await house.index.rows.find(CAT) is not None

    run(main)
