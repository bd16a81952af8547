"""Moving in that is killed in the middle, and begins again."""

import hashlib
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from web import pictures
from web.servers import PATIENCE, Process, until

from iaas.published import Published
from iaas.scenes import House
from liveresize.storage.index import schema

PICTURES, SIZES = 40, 250


def killed_when(run: "subprocess.Popen[str]", condition: Callable[[], bool]) -> bool:
    """kill -9 once `condition` holds; whether the run was still under way then."""
    try:
        end = time.monotonic() + PATIENCE
        while run.poll() is None and not condition():
            assert time.monotonic() < end, "it did not come that far in time"
        return run.poll() is None
    finally:
        run.send_signal(signal.SIGKILL)
        run.communicate()


def finished(run: "subprocess.Popen[str]") -> str:
    """What a run that ends well has said."""
    said, complaints = run.communicate(timeout=6 * PATIENCE)
    assert (run.returncode, complaints) == (0, "")
    return said


@pytest.mark.long
def test_a_run_that_is_killed_goes_on_where_it_was(old: Published, any_house: House) -> None:
    """Whatever it was at: in the end everything is there once, and nothing else."""
    house = any_house
    for number in range(PICTURES):
        old.original(f"cat {number}", pictures.jpeg(900, 700, shade=number))
        for x in range(1, SIZES + 1):
            old.link(f"cat {number}", x)
    old.save()
    arguments = ("--sqlite", str(old.file), "--originals", str(old.folder), "--copy")
    for wanted in (1, PICTURES // 2, PICTURES):
        assert killed_when(
            house.command(*arguments),
            lambda wanted=wanted: house.count(schema.originals) >= wanted,  # type: ignore[misc]
        )
    assert killed_when(house.command(*arguments), lambda: house.count(schema.renditions) > 0)
    said = finished(house.command(*arguments))
    assert f"originals: 0 taken, {PICTURES} already there, 0 left out" in said
    links = house.links()
    assert {(name, link.key) for (name, _), link in links.items()} == {
        (row["id"], row["url"].replace(" ", "%20")) for row in old.images
    }
    leftovers_go(house)


def leftovers_go(house: House) -> None:
    """A server removes what the killed runs began, and has every original whole."""
    names = {f"cat {number}" for number in range(PICTURES)}
    with Process(house.folder, upload__lease=1, **house.keys):
        # The housekeeping comes by when it starts, and every half minute.
        until(lambda: not list((house.originals / "_staging").iterdir()), 4 * PATIENCE)
    paths = [path for path in (house.originals / "_main").rglob("*") if path.is_file()]
    assert sorted(path.name.rpartition("~")[0] for path in paths) == sorted(names)
    for row in house.rows(schema.originals):
        data = house.files()[row.name].read_bytes()
        assert hashlib.sha256(data).hexdigest() == row.sha256


@pytest.mark.parametrize("taking", ["--copy", "--link"])
def test_the_command_says_what_it_did(old: Published, house: House, taking: str) -> None:
    """On stdout, without a bar where there is no terminal; 0 if every original came."""
    old.original("cat", pictures.png())
    old.link("cat")
    old.token("live", "new")
    old.save()
    arguments = ("--sqlite", str(old.file), "--originals", str(old.folder), taking)
    said = finished(house.command(*arguments)).splitlines()
    assert said[0].startswith("reads:")
    assert said[2].startswith("writes:")
    assert said[4:7] == [
        "originals: 1 taken, 0 already there, 0 left out",
        "links: 1 taken, 0 already there, 0 left out",
        "tokens: 1 taken, 0 already there, 0 left out",
    ]


def test_the_command_fails_where_an_original_is_missing(old: Published, house: House) -> None:
    """Whoever switches over on its word must not lose a picture."""
    old.original("cat", pictures.png())
    old.original("text", b"no picture")
    old.save()
    run = house.command("--sqlite", str(old.file), "--originals", str(old.folder))
    said, complaints = run.communicate(timeout=6 * PATIENCE)
    assert (run.returncode, complaints) == (3, "")
    assert "originals: 1 taken, 0 already there, 1 left out" in said


def test_the_command_fails_in_one_sentence(tmp_path: Path, house: House) -> None:
    """Where it cannot begin, and without a word of the password."""
    (tmp_path / "iaas").mkdir()
    url = "postgresql://iaas:open-sesame@127.0.0.1:1/iaas"
    for arguments, changes in ((("--database", url), {}), ((), {"IAAS_DATABASE": url})):
        run = house.command("--originals", str(tmp_path / "iaas"), *arguments, **changes)
        said, complaints = run.communicate(timeout=6 * PATIENCE)
        assert run.returncode == 1
        assert "open-sesame" not in said
        assert complaints.startswith("liveresize: The database of Live Image Resize")
        assert "open-sesame" not in complaints
        assert len(complaints.splitlines()) == 1
    run = house.command("--originals", str(tmp_path / "iaas"))
    _, complaints = run.communicate(timeout=6 * PATIENCE)
    assert run.returncode == 2
    assert "--sqlite" in complaints
