"""The contact sheet of a comparison: old and new side by side, the worst first."""

import heapq
import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from liveresize.maintenance.compare.differences import KINDS, Row
from liveresize.maintenance.compare.similarity import THUMBNAIL, Pair

MOST = 40
"""Pairs on the sheet."""

_ACROSS = 2
_MARGIN, _LINE = 10, 14
_PAPER, _INK, _FAINT, _ALARM = "white", "#202020", "#707070", "#b00020"
_TEXT = 76
"""Characters that fit under a pair."""


@dataclass(slots=True)
class Sheet:
    """The worst pairs of a comparison: by the gravest difference, then by SSIM."""

    _worst: list[tuple[tuple[float, float], int, Row, Pair]] = field(default_factory=list)
    _number: int = 0

    def add(self, row: Row, pair: Pair) -> None:
        """Keep the pair if it is among the worst, and has a picture."""
        if not (pair.old.thumbnail or pair.new.thumbnail):
            return
        self._number += 1
        entry = (_badness(row), -self._number, row, pair)
        if len(self._worst) < MOST:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def save(self, file: Path) -> bool:
        """Write the sheet as PNG; return False, without a file, where there are no pairs."""
        pairs = sorted(self._worst, reverse=True)
        if not pairs:
            return False
        width, height = 2 * THUMBNAIL[0] + 3 * _MARGIN, THUMBNAIL[1] + 2 * _MARGIN + 3 * _LINE
        rows = -(-len(pairs) // _ACROSS)
        page = Image.new("RGB", (min(_ACROSS, len(pairs)) * width, rows * height), _PAPER)
        draw = ImageDraw.Draw(page)
        for index, (_, _, row, pair) in enumerate(pairs):
            corner = index % _ACROSS * width + _MARGIN, index // _ACROSS * height + _MARGIN
            _draw(page, draw, corner, row, pair)
        page.save(file)
        return True


def _badness(row: Row) -> tuple[float, float]:
    """Return what sorts rows, the worst last."""
    gravest = len(KINDS) - KINDS.index(row.differences[0]) if row.differences else 0
    return gravest, -(1.0 if row.ssim is None else row.ssim)


def _draw(
    page: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], row: Row, pair: Pair
) -> None:
    left, top = corner
    font = ImageFont.load_default()
    for column, look in enumerate((pair.old, pair.new)):
        x = left + column * (THUMBNAIL[0] + _MARGIN)
        if look.thumbnail:
            with Image.open(io.BytesIO(look.thumbnail)) as small:
                page.paste(small, (x, top))
        else:
            draw.text((x, top), "no picture, or none was recorded", _FAINT, font)
    under = top + THUMBNAIL[1] + 2
    ssim = "" if row.ssim is None else f"SSIM {row.ssim:.3f}  "
    sizes = "  ".join(
        f"{name} {answer.status} {answer.width}x{answer.height} {answer.bytes} B"
        for name, answer in (("old", row.old), ("new", row.new))
    )
    draw.text((left, under), _fitting(row.target), _INK, font)
    draw.text((left, under + _LINE), _fitting(f"{ssim}{sizes}"), _FAINT, font)
    draw.text((left, under + 2 * _LINE), ", ".join(row.differences), _ALARM, font)


def _fitting(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 3]}..."
