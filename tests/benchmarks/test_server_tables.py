"""What `scripts/bench server` asks for, and what its tables make of the findings."""

from pathlib import Path

from PIL import Image

from scripts.benchmarks import server_tables, work, wrk
from scripts.benchmarks.peers import floor, ours


def finding(server: str, rate: float, cpu_ms: float) -> work.Finding:
    """One round of one server."""
    load = wrk.Load(rate, p50=80.0, p99=120.0, longest=130.0, requests=500, failed=0)
    return work.Finding(server, [load], [cpu_ms], peak_kib=200_000, bytes=70_000, ssim=0.95)


def photo(folder: Path) -> Path:
    """A JPEG with something in it to lose."""
    path = folder / "photo.jpg"
    gradient = Image.linear_gradient("L").resize((1600, 1200))
    Image.merge("RGB", (gradient, gradient.rotate(90), gradient.rotate(180))).save(path)
    return path


def rows(table: str) -> dict[str, list[str]]:
    """The cells of each row behind its first."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return {line[0]: line[1:] for line in lines}


def test_both_shapes_stand_side_by_side_with_the_floor():
    """Rate, ratio of rates, processor time and its ratio to the floor, for each shape."""
    found = rows(
        server_tables.side_by_side(
            {
                f"{work.ONE}: widths": [finding("liveresize", 100.0, 15.0)],
                f"{work.MANY}: widths": [finding("liveresize", 50.0, 30.0)],
            },
            20.0,
        )
    )
    assert found["server"][0].startswith(work.ONE)
    assert found["server"][4].startswith(work.MANY)
    assert found["liveresize"] == ["100.0", "1.00", "15.0", "0.75", "50.0", "1.00", "30.0", "1.50"]
    assert found["decode, resize, encode alone"][2:4] == ["20.0", "1.00"]


def test_progressive_is_compared_with_progressive_and_baseline_with_baseline():
    """A progressive JPEG takes a fifth more time, whoever writes it."""
    found = rows(
        server_tables.side_by_side(
            {
                "widths": [
                    finding("liveresize", 60.0, 30.0),
                    finding("liveresize, baseline JPEG", 80.0, 22.0),
                    finding("sharp", 80.0, 24.0),
                    finding("sharp, progressive JPEG", 50.0, 29.0),
                ]
            },
            20.0,
        )
    )
    assert found["sharp"][1] == "1.00"
    assert found["sharp, progressive JPEG"][1] == "1.20"


def test_many_pictures_are_copies_that_differ(tmp_path):
    """In name and bytes, so that nothing that is kept of one is of use to another."""
    shape = work.Shape("many", work.MANY, photo(tmp_path), "jpeg", 80, pictures=5)
    copies = dict(shape.copies(rounds=2))
    assert len(copies) == len(set(copies.values())) == 5


def test_one_picture_is_another_one_in_each_round(tmp_path):
    """Or the second round would find what the first has made."""
    shape = work.Shape("widths", work.ONE, photo(tmp_path), "jpeg", 80)
    assert [name for name, _ in shape.copies(rounds=2)] == ["widths0", "widths1", "widths2"]


def test_the_floor_makes_what_our_server_makes(tmp_path):
    """Byte for byte: the same three steps."""
    request = {
        "source": str(photo(tmp_path)),
        "width": 389,
        "height": 0,
        "crop": False,
        "format": "jpeg",
        "settings": {"quality": 80, "defaults": True},
    }
    assert floor.render(request)[0] == ours.render(request)[0]
