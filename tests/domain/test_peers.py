"""Our sizes against those that the tests of sharp, imagor and weserv state."""

import csv
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liveresize.domain import geometry
from liveresize.domain.rendition import Fit, Format, Rendition

REPOSITORY = Path(__file__).parents[2]
CORPUS = REPOSITORY / os.environ.get("LIVERESIZE_CORPUS", "../shared/corpus")

SHARP_FITS = {
    "inside": Fit.CLIP,
    "outside": Fit.COVER,
    "cover": Fit.CROP,
    "contain": Fit.CANVAS,
}
"""weserv has these words from sharp. `fill` distorts, which we never do."""

SIZELESS = re.compile(
    r"|fl[io]p( false)?|withMetadata|to (jpeg|jpg|png|webp|tif|raw)|to sharp\.format\.\w+"
    r"|JPEG|WebP|input (failOn|sequentialRead): '?\w+'?|failOn=none|toUint8Array|extractChannel"
)
"""Steps of sharp's that leave sizes alone."""

WESERV_SIZELESS = (
    *(
        "output",
        "blur",
        "bri",
        "con",
        "filt",
        "tint",
        "hue",
        "mod",
        "sat",
        "bg",
        "cbg",
        "fsol",
        "a",
    ),
)
"""Parameters of weserv's that leave sizes alone."""

Asked = tuple[Rendition, bool]
"""What was asked of a peer, in our words, and whether EXIF orientation comes first."""


def _boxed(width: int, height: int, fit: Fit, *, enlarge: bool, **more: Any) -> Rendition | None:
    """The rendition, unless it is one where the contract differs from the peers.

    A crop that may not enlarge keeps the asked ratio with us; the peers cut each side on
    its own.
    """
    rendition = Rendition(
        format=Format.PNG, width=width, height=height, fit=fit, enlarge=enlarge, **more
    ).canonical()
    return None if rendition.fit is Fit.CROP and not enlarge else rendition


def sharp(operation: str) -> Asked | None:
    """Read steps such as `rotate 90; resize w=320 h=240; to jpeg`; None if they do not map."""
    rendition: Rendition | None = None
    upright, turn = False, 0
    for step in operation.split("; "):
        if step == "auto-orient":
            upright = True
        elif rendition is None and (match := re.fullmatch(r"rotate (90|180|270)", step)):
            turn = int(match[1])
        elif rendition is None and step.startswith("resize "):
            rendition = _sharp_resize(step.removeprefix("resize "), turn)
            if rendition is None:
                return None
        elif not SIZELESS.fullmatch(step):
            return None
    return None if rendition is None else (rendition, upright)


def _sharp_resize(words: str, turn: int) -> Rendition | None:
    if match := re.fullmatch(r"(\d+)x(\d+)", words):
        return _boxed(int(match[1]), int(match[2]), Fit.CROP, enlarge=True, rotate=turn)
    options = dict(word.partition("=")[::2] for word in words.split())
    fit = SHARP_FITS.get(options.pop("fit", "cover"))
    enlarge = options.pop("withoutEnlargement", "false") == "false"
    options.pop("position", None)
    width, height = int(options.pop("w", 0)), int(options.pop("h", 0))
    if fit is None or options or not (width or height):
        return None
    return _boxed(width, height, fit, enlarge=enlarge, rotate=turn)


def weserv(operation: str) -> Asked | None:
    """Read a query such as `w=320&h=240&fit=cover`; None if it does not map."""
    pairs = operation.removeprefix("query ").split("&")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    for name in WESERV_SIZELESS:
        options.pop(name, None)
    fit = SHARP_FITS.get(options.pop("fit", "inside"))
    density = int(options.pop("dpr", 1))
    enlarge = options.pop("we", "false") == "false"
    width, height = int(options.pop("w", 0)), int(options.pop("h", 0))
    if fit is None or options or not (width or height):
        return None
    rendition = _boxed(width * density, height * density, fit, enlarge=enlarge)
    return None if rendition is None else (rendition, True)


def imagor(operation: str) -> Asked | None:
    """Read a path such as `fit-in/100x65/filters:…`; None if it does not map."""
    match = re.fullmatch(r"(full-fit-in/|fit-in/)?(\d+)x(\d+)(/filters:.*)?", operation)
    if match is None:
        return None
    fits = {None: Fit.CROP, "fit-in/": Fit.CLIP, "full-fit-in/": Fit.COVER}
    fit = fits[match[1]]
    rendition = _boxed(int(match[2]), int(match[3]), fit, enlarge=fit is not Fit.CLIP)
    return None if rendition is None else (rendition, True)


PEERS = {"lovell/sharp": sharp, "weserv/images": weserv, "cshum/imagor": imagor}


def rows() -> Iterator[tuple[str, dict[str, Any], Asked, tuple[int, int]]]:
    """Rows that map to ours: peer, row, what was asked, and the size of the original."""
    with (CORPUS / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        pictures = {row["path"]: row for row in csv.DictReader(lines, delimiter="\t")}
    for line in (CORPUS / "expect.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        peer = next((name for name in PEERS if row["source"].startswith(name)), "")
        asked = PEERS[peer](row["op"]) if peer and row.get("expect_w") else None
        if asked is None or "two steps" in row.get("note", ""):
            continue
        if "in_w" in row:
            yield peer, row, asked, (row["in_w"], row["in_h"])
        elif picture := pictures.get(row.get("file", "")):
            upright = asked[1] and picture["upright_w"]
            width, height = ("upright_w", "upright_h") if upright else ("width", "height")
            if picture[width]:
                yield peer, row, asked, (int(picture[width]), int(picture[height]))


@pytest.mark.skipif(
    not (CORPUS / "expect.jsonl").is_file(), reason="the corpus (LIVERESIZE_CORPUS) is not here"
)
def test_sizes_are_those_of_the_peers_that_round_half_up() -> None:
    """Every row whose operation maps to ours, and not so few that the reading must be broken."""
    seen = dict.fromkeys(PEERS, 0)
    wrong = []
    for peer, row, (rendition, _), size in rows():
        seen[peer] += 1
        expected = (row["expect_w"], row["expect_h"])
        if geometry.output_size(size, rendition) != expected:
            wrong.append((row["source"], row["op"], size, rendition.variant, expected))
    assert wrong == []
    assert seen["lovell/sharp"] >= 80
    assert seen["weserv/images"] >= 50
    assert seen["cshum/imagor"] >= 7


def test_the_rows_are_read_as_they_are_meant() -> None:
    """The mapping itself, on operations of each kind, needs no corpus."""
    clip = Rendition(format=Format.PNG, width=320, background=None)
    assert sharp("auto-orient; resize w=320; withMetadata") == (clip, True)
    assert sharp("resize fit=inside w=320 withoutEnlargement=true; flip") == (
        replace(clip, enlarge=False),
        False,
    )
    turned = replace(clip, height=240, fit=Fit.CROP, rotate=90)
    assert sharp("rotate 90; resize w=320 h=240") == (turned, False)
    assert weserv("query w=160&dpr=2&blur=1") == (clip, True)
    assert imagor("full-fit-in/320x240") == (replace(clip, height=240, fit=Fit.COVER), True)
    for unmapped in [
        "none",
        "resize fit=fill w=320",
        "resize w=320; rotate 30",
        "resize w=320; extract left: 1",
        "resize w=9 h=9 withoutEnlargement=true",
        "resize w=9 withoutReduction=true",
    ]:
        assert sharp(unmapped) is None
    assert weserv("query w=320&h=240&fit=cover&mask=circle&mtrim=true") is None
    assert weserv("query w=320&t=fit") is None
    assert imagor("trim/100x100") is None
