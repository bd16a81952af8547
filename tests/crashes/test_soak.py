"""The short version of `scripts/soak`."""

from pathlib import Path

import pytest
from web import pictures

from scripts.soaking.endurance import Endurance
from scripts.soaking.siege import Siege

from .scenes import ON_DISK, SHARED, scene

pytestmark = pytest.mark.long

CYCLES = 5


@pytest.mark.parametrize("shared", [ON_DISK, SHARED])
def test_kill_9_again_and_again(tmp_path: Path, shared: bool) -> None:
    """Nothing acknowledged is lost, nothing is left over, no redirect leads to nothing."""
    with scene(tmp_path, shared=shared) as place:
        siege = Siege(place.backends, place.folders[0], seed=CYCLES)
        tally = siege.run(CYCLES, 0.0, print)
    assert tally.wrong == []
    assert tally.kills.total() == CYCLES
    assert tally.acknowledged >= CYCLES
    # A busy machine looks like these.
    assert set(tally.errors) <= {"index_unavailable", "object_store_unavailable"}
    assert set(tally.statuses) <= {200, 204, 303}


def test_a_server_endures_what_it_stands_on(tmp_path: Path) -> None:
    """Workers are killed, PostgreSQL and S3 come and go: no answer is wrong, nothing leaks."""
    hostile = [b"", b"GIF89a", b"\xff\xd8\xff", pictures.jpeg(80, 60)[:200], pictures.png(9, 9)]
    tally = Endurance(tmp_path / "server", 5, hostile).run(12.0, print)
    assert tally.wrong == []
    assert tally.kills
    assert tally.acknowledged
