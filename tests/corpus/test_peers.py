"""Our sizes, cuts and refusals against those that the tests of other servers state."""

import collections
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core import geometry
from liveresize.core.rect import Rect
from liveresize.core.values import Fit
from liveresize.imaging import ingest

from . import peers, table
from .peers import Asked, Cut

EXPECT = table.CORPUS / "expect.jsonl"
EXPLANATIONS = Path(__file__).with_name("explanations.tsv")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """Why rows differ from us: those of `peer` whose operation `pattern` matches whole."""

    name: str
    peer: str
    pattern: str
    why: str

    def covers(self, row: Row) -> bool:
        """Whether the rule speaks of this row."""
        matched = re.fullmatch(self.pattern, row["op"]) is not None
        return row["source"].startswith(self.peer) and matched


RULES = [Rule(**line) for line in table.lines(EXPLANATIONS)]


def rows() -> Iterator[Row]:
    """Every row, with the size of its picture where that is known, stored and upright."""
    pictures = {line["path"]: line for line in table.lines(table.MANIFEST)}
    for line in EXPECT.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "in_w" in row:
            row["stored"] = row["upright"] = (row["in_w"], row["in_h"])
        elif picture := pictures.get(row.get("file", "")):
            for key, columns in {
                "stored": ("width", "height"),
                "upright": ("upright_w", "upright_h"),
            }.items():
                if picture[columns[0]]:
                    row[key] = tuple(int(picture[column]) for column in columns)
        yield row


def holds(row: Row) -> bool:
    """Whether we do what the row says: the same refusal, or the same size and window."""
    if "expect_status" in row and "expect_w" not in row:
        return refusal_holds(row)
    if "expect_w" not in row or "stored" not in row:
        return False
    read = next(peers.READERS[peer] for peer in peers.READERS if row["source"].startswith(peer))
    asked = read(row["op"], row["stored"])
    if isinstance(asked, Cut):
        return cut_size(asked, row["stored"]) == (row["expect_w"], row["expect_h"])
    if asked is None:
        return False
    size = row["upright" if asked.upright else "stored"]
    ours = geometry.output_size(size, asked.rendition)
    return ours == expected_size(row, ours) and window_holds(row, asked, size)


def cut_size(cut: Cut, size: tuple[int, int]) -> tuple[int, int]:
    """What is left of a picture of `size` when it is uploaded with this cut; or nothing."""
    try:
        left, top, right, bottom = ingest.crop_box(cut.box, size)
    except errors.BadCrop:
        return 0, 0
    return right - left, bottom - top


def refusal_holds(row: Row) -> bool:
    """Whether we refuse a file where the peer does, whatever its number for that is."""
    file = row.get("file")
    if file is None or re.search(r"limitInputPixels=w|pages|crop", row["op"]):
        return False
    return table.at(file).stored == (row["expect_status"] in (200, "ok"))


def expected_size(row: Row, ours: tuple[int, int]) -> tuple[int, int]:
    """The size that the row states; ours for a side it says nothing of."""
    width, height = row["expect_w"], row["expect_h"]
    return (ours[0] if width is None else width, ours[1] if height is None else height)


def window_holds(row: Row, asked: Asked, size: tuple[int, int]) -> bool:
    """Whether a crop keeps the part that the row states, to the pixel."""
    if "crop_box" not in row:
        return True
    box = geometry.plan(size, asked.rendition).box
    return all(abs(a - b) <= 1 for a, b in zip(box, row["crop_box"], strict=True))


def floors(row: Row) -> bool:
    """vip cuts fractions off."""
    width, height = row["upright"]
    return bool(row["expect_h"] == height * row["expect_w"] // width)


def rounds(row: Row) -> bool:
    """thumbor leaves rounding to its engine; half up, the row says what we say."""
    asked = peers.thumbor(row["op"], row["stored"])
    assert isinstance(asked, Asked)
    if not (row["expect_w"] % 1 or row["expect_h"] % 1):
        return False
    ours = geometry.output_size(row["stored"], asked.rendition)
    return ours == tuple(max(1, int(row[key] + 0.5)) for key in ("expect_w", "expect_h"))


def only_moves(row: Row) -> bool:
    """The window has the size of ours, and stands elsewhere."""
    asked = peers.thumbor(row["op"], row["stored"])
    assert isinstance(asked, Asked)
    ours, theirs = geometry.plan(row["stored"], asked.rendition).box, row["crop_box"]
    return all(abs(ours[i + 2] - ours[i] - theirs[i + 2] + theirs[i]) <= 1 for i in (0, 1))


def cuts_each_side(row: Row) -> bool:
    """Where nothing may be enlarged, each side is the smaller of box and picture."""
    box = [int(side) for side in re.findall(r"\b[wh]=(\d+)", row["op"])]
    least = tuple(min(pair) for pair in zip(box, row["stored"], strict=True))
    return least == (row["expect_w"], row["expect_h"])


def fits_a_worker(row: Row) -> bool:
    """The picture has fewer pixels than our limit, and the corpus expects it to be taken."""
    width, height = row["stored"]
    return bool(width * height <= 128 * 10**6) and table.at(row["file"]).stored


CHECKS = {
    "by-cost": fits_a_worker,
    "floor": floors,
    "unrounded": rounds,
    "focal-point": only_moves,
    "crop-side-by-side": cuts_each_side,
}
"""Rules whose arithmetic can be checked, and how."""


def explained(row: Row) -> str:
    """The name of the first rule that explains a row; empty where none does."""
    for rule in RULES:
        if rule.covers(row) and CHECKS.get(rule.name, bool)(row):
            return rule.name
    return ""


@pytest.mark.skipif(
    not EXPECT.is_file(), reason="the corpus of test pictures is not here (LIVERESIZE_CORPUS)"
)
def test_every_row_of_the_peers_holds_or_is_explained() -> None:
    """What other servers' tests state is true of us, or a named rule says why it is not."""
    fates: collections.Counter[str] = collections.Counter()
    unexplained = []
    held: collections.Counter[str] = collections.Counter()
    for row in rows():
        fate = "holds" if holds(row) else explained(row)
        fates[fate] += 1
        held[row["source"].split()[0]] += fate == "holds"
        if not fate:
            unexplained.append(
                {key: row[key] for key in row if key.startswith(("op", "exp", "so"))}
            )
    print("\n".join(f"{count:4} {name}" for name, count in fates.most_common()))  # noqa: T201
    assert unexplained == []
    assert set(fates) == {"holds", *(rule.name for rule in RULES)}
    least = {"lovell/sharp": 108, "weserv/images": 78, "cshum/imagor": 7, "thumbor/thumbor": 40}
    least |= {"vokal/vip": 30, "disintegration/imaging": 10, "agschwender/pilbox": 1}
    assert {peer: held[peer] for peer in least if held[peer] < least[peer]} == {}


def test_operations_are_read_as_they_are_meant() -> None:
    """One operation of each kind, and some that are not asked of us; no corpus is needed."""
    size = (2725, 2225)
    clip = peers.boxed(320, 0, Fit.CLIP)
    crop = peers.boxed(320, 240, Fit.CROP)
    assert peers.sharp("auto-orient; resize w=320; withMetadata", size) == Asked(clip)
    turned = Asked(replace(crop, rotate=90), upright=False)
    assert peers.sharp("rotate 90; resize w=320 h=240", size) == turned
    assert peers.sharp("extract left: 1, top: 2, width: 3, height: 4", size) == Cut((1, 2, 3, 4))
    part = peers.boxed(100, 100, Fit.CROP, rect=Rect.read("1,2,3,4"))
    extract = "extract left: 1, top: 2, width: 3, height: 4; resize w=100 h=100"
    assert peers.sharp(extract, size) == Asked(part, upright=False)
    precrop = "query cx=1&cy=2&cw=3&ch=4&w=100&h=100&fit=cover&precrop"
    assert peers.weserv(precrop, size) == Asked(part)
    trimmed = Asked(peers.boxed(9, 9, Fit.CROP, trim=10))
    assert peers.weserv("query w=9&h=9&fit=cover&trim=10", size) == trimmed
    assert peers.weserv("query w=160&dpr=2&blur=1", size) == Asked(clip)
    assert peers.weserv("query cx=1&cy=2&cw=3&ch=4", size) == Cut((1, 2, 3, 4))
    assert peers.imagor("full-fit-in/320x240", size) == Asked(replace(crop, fit=Fit.COVER))
    adaptive = Asked(peers.boxed(400, 100, Fit.CLIP, enlarge=False))
    assert peers.thumbor("fit-in adaptive 100x400", size) == adaptive
    square = Asked(peers.boxed(250, 250, Fit.CROP, enlarge=False))
    assert peers.vip("resize w=250 crop=square", size) == square
    assert peers.go_imaging("Fill 320x240", size) == Asked(crop)
    squeezed = Asked(peers.boxed(320, 240, Fit.FILL))
    assert peers.sharp("auto-orient; resize w=320 h=240 fit=fill", size) == squeezed
    assert peers.weserv("query w=320&h=240&t=absolute", size) == squeezed
    framed = Asked(peers.boxed(320, 0, Fit.CLIP, pad=(10, 35, 0, 20)), upright=False)
    extend = "extend extendWith, top: 10, left: 20, right: 35, background: { r: 255, g: 0, b: 0 }"
    assert peers.sharp(f"resize w=320; {extend}", size) == framed
    assert peers.go_imaging("Resize 320x240", size) == squeezed
    for unread in ["resize w=320 density=72", "resize w=320; rotate 30", "resize w=9; trim"]:
        assert peers.sharp(unread, size) is None
    assert peers.weserv("query w=320&h=240&fit=cover&mask=circle&mtrim=true", size) is None
    assert peers.go_imaging("Resize 0x0", size) is None
