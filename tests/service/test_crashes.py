"""What a kill at any moment of an upload leaves: the whole original, or nothing.

An upload runs to its end. At every step that leaves a trace, disk and index are copied
as a kill would leave them; each copy is then started anew.
"""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.storage import files

from .doubles import SteeredIndex, picture, run
from .house import CAT, House, request

LEASE = 60.0
OLD, NEW = picture(soul="old"), picture(soul="new")


@dataclass(frozen=True)
class Moment:
    """Disk and index at one moment."""

    label: str
    folder: Path
    index: SteeredIndex


class Camera:
    """Takes a picture of the world at every step of an upload."""

    def __init__(self, house: House, folder: Path, album: Path) -> None:
        self._house = house
        self._folder = folder
        self._album = album
        self.moments: list[Moment] = []

    def take(self, label: str) -> None:
        """Copy disk and index as they are."""
        target = self._album / f"{len(self.moments):02} {label}"
        shutil.copytree(self._folder, target)
        index = SteeredIndex()
        index.restore(self._house.index.dump())
        self.moments.append(Moment(label, target, index))

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Put the camera before every step that leaves a trace, and after the last."""
        for where, name in (
            (files, "sync_file"),
            (files, "sync_directory"),
            (Path, "rename"),
            (Path, "unlink"),
            (self._house.originals, "settle"),
            (self._house.renderer, "run"),
        ):
            patch.setattr(where, name, self._before(name, getattr(where, name)))
        self._house.index.before["tokens.complete"] = self._hook("before complete")
        self._house.index.after["tokens.complete"] = self._hook("after complete")

    def _before(self, name: str, step: Any) -> Any:
        def stepping(*args: Any, **kwargs: Any) -> Any:
            self.take(f"before {name}")
            return step(*args, **kwargs)

        return stepping

    def _hook(self, label: str) -> Any:
        async def hook() -> None:
            self.take(label)

        return hook


async def restart(moment: Moment) -> House:
    """A new process on what the kill left, after the lease has run out."""
    for path in moment.folder.rglob("*"):
        long_ago = time.time() - LEASE - 1
        os.utime(path, (long_ago, long_ago))
    moment.index.advance(LEASE + 1)
    house = House(moment.folder, index=moment.index, lease=LEASE)
    # Even before anything is recovered, and with the index away, nothing half-made shows.
    house.index.available = False
    try:
        made = await house.get(request(10))
        assert made.held.data.endswith((OLD, NEW))
    except errors.IndexUnavailable:
        pass
    house.index.available = True
    await house.publisher.flush(30.0)
    house.forget_all()
    await house.purge.listen()
    await house.uploads.recover()
    assert house.staged() == [], moment.label
    return house


@pytest.mark.parametrize("over", [None, OLD], ids=["new id", "overwriting"])
def test_a_kill_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: bytes | None
) -> None:
    """Before the commit it never was, from the commit on it is whole; the id is never stuck."""

    async def main() -> None:
        folder, album = tmp_path / "live", tmp_path / "album"
        house = House(folder, lease=LEASE)
        if over is not None:
            await house.upload(data=over)
        camera = Camera(house, folder, album)
        token = await house.token(overwrite=True)
        camera.take("issued")
        upload = await house.uploads.begin(token, [CAT])
        camera.take("claimed and staged")
        await upload.write(NEW)
        with monkeypatch.context() as patch:
            camera.watch(patch)
            await upload.finish(None)
        camera.take("answered")
        assert len(camera.moments) > 12
        seen = set()
        for moment in camera.moments:
            survivor = await restart(moment)
            row = await survivor.index.rows.find(CAT)
            seen.add(row is not None and row.bytes == len(NEW) and row.sha256)
            if row is None:
                assert over is None
                assert survivor.files() == [], moment.label
            else:
                (stored,) = survivor.files()
                expected = NEW if "new" in stored.read_text() else over
                assert stored.read_bytes() == expected
                assert (await survivor.get(request(20))).held.data.endswith(stored.read_bytes())
                await survivor.publisher.flush(30.0)
            if moment.label != "issued":
                assert await survivor.token(overwrite=True), moment.label
        assert len(seen) == 2  # both sides of the commit were tried

    run(main)


def test_nothing_changes_sides_but_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row appears in one step, after the file was moved and made durable."""

    async def main() -> None:
        folder, album = tmp_path / "live", tmp_path / "album"
        house = House(folder, lease=LEASE)
        camera = Camera(house, folder, album)
        upload = await house.uploads.begin(await house.token(), [CAT])
        await upload.write(NEW)
        with monkeypatch.context() as patch:
            camera.watch(patch)
            await upload.finish(None)
        rows = [bool(moment.index.tables.originals) for moment in camera.moments]
        assert rows == sorted(rows)
        first = camera.moments[rows.index(True)]
        stored = [path for path in first.folder.rglob("cat~*") if path.is_file()]
        assert [path.read_bytes() for path in stored] == [NEW]
        labels = [moment.label for moment in camera.moments[: rows.index(True)]]
        assert labels[-2:] == ["before sync_directory", "before complete"]

    run(main)
