"""Real animations stay what they were: as long, as often, and the same at every moment."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from PIL import Image, ImageSequence

from liveresize.imaging import animation, decode
from liveresize.imaging.settings import EngineSettings

from . import table, visits
from .visits import House

pytestmark = [table.needs_corpus, pytest.mark.long]

MOMENTS = 8

AT_ONCE, USUAL = 10.0, 100.0
"""A frame said to last no longer than the first, in ms, is shown for the second by browsers."""

HUNDREDTH = 10.0
"""The unit of time of GIF, in ms: so much may each frame be off."""

MOST = 10_000_000
"""More pixels, and more frames, than any file of the corpus has."""

TINY = 8
"""Of fewer pixels a side, enlarged, nearly all is edge, which is soft but in GIF."""

ALIKE = 6.0
"""Levels by which a moment may differ on white: 255 colours of GIF, or lossy WebP."""


@dataclass(frozen=True, slots=True)
class Film:
    """The composed frames of an animation, when each ends in ms, and how often it runs."""

    frames: list[Image.Image]
    ends: list[float]
    loop: int | None

    @classmethod
    def of(cls, image: Image.Image, composed: Iterable[Image.Image]) -> "Film":
        """An animation as a browser plays it, of frames that its file shows."""
        frames: list[Image.Image] = []
        ends: list[float] = []
        for frame in composed:
            frames.append(frame.convert("RGBA"))
            lasts = float(image.info.get("duration") or 0)
            lasts = lasts if lasts > AT_ONCE else USUAL
            ends.append((ends[-1] if ends else 0.0) + lasts)
        return cls(frames, ends, image.info.get("loop"))

    def at(self, share: float) -> Image.Image:
        """What is seen when a share, 0–1, of one run is over, on white."""
        moment = share * self.ends[-1]
        number = next(number for number, end in enumerate(self.ends) if moment < end)
        frame = self.frames[number]
        return Image.alpha_composite(Image.new("RGBA", frame.size, "white"), frame)


MOVING = [
    (each.path, column)
    for each in table.STORED
    for column in each.moves.split()
    if column in ("gif", "webp")
]


@pytest.mark.parametrize(("path", "column"), MOVING)
def test_an_animation_runs_as_it_did(house: House, path: str, column: str) -> None:
    """Length and repetitions are kept, and eight moments of it look as they did."""
    # The engine's own frames: tests/imaging and tests/browser hold them against others.
    with decode.open_picture(table.CORPUS / path, EngineSettings(), MOST) as image:
        before = Film.of(image, animation.frames(image, MOST))
    rendition = house.show(path, table.RENDITIONS[column])
    after = Film.of(rendition, ImageSequence.Iterator(rendition))
    assert abs(after.ends[-1] - before.ends[-1]) <= HUNDREDTH * len(before.frames)
    if before.loop is not None:
        assert after.loop == before.loop
    if min(before.frames[0].size) < TINY:
        return
    for moment in range(MOMENTS):
        # Between two frames rounding decides which is seen.
        share = (moment + 0.37) / MOMENTS
        then, now = before.at(share), after.at(share)
        wanted = then.resize(now.size, Image.Resampling.LANCZOS)
        assert visits.distance(now, wanted) < ALIKE
