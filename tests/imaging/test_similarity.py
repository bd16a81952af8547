"""SSIM, with Pillow only."""

import itertools
import random

import pytest
from PIL import Image

from liveresize.imaging import similarity

from . import samples


def defined(old: Image.Image, new: Image.Image) -> float:
    """The SSIM of two grey pictures, written as its definition, a window at a time."""
    found = []
    for top, left in itertools.product(range(0, old.height, 8), range(0, old.width, 8)):
        box = (left, top, min(left + 8, old.width), min(top + 8, old.height))
        x, y = list(old.crop(box).tobytes()), list(new.crop(box).tobytes())
        size = len(x)
        mx, my = sum(x) / size, sum(y) / size
        vx, vy = sum((a - mx) ** 2 for a in x) / size, sum((b - my) ** 2 for b in y) / size
        cov = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / size
        c1, c2 = 2.55**2, 7.65**2
        likeness = (2 * mx * my + c1) * (2 * cov + c2)
        found.append(likeness / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return sum(found) / len(found)


@pytest.mark.parametrize("size", [(64, 48), (61, 45), (5, 3), (1, 1)])
def test_ssim_is_what_is_defined(size: tuple[int, int]) -> None:
    """Also where the last windows are smaller."""
    old = samples.scene((64, 48)).convert("L").crop((0, 0, *size))
    new = Image.frombytes("L", size, random.Random(1).randbytes(size[0] * size[1]))
    mixed = Image.blend(old, new, 0.3)
    assert similarity.structural_similarity(old, mixed) == pytest.approx(
        defined(old, mixed), abs=1e-3
    )
    boxes = [(x, y, *size) for x in (0, 4) for y in (0, 4) if x < size[0] and y < size[1]]
    grids = [defined(old.crop(box), mixed.crop(box)) for box in boxes]
    assert similarity.overlapping(old, mixed) == pytest.approx(sum(grids) / len(grids), abs=1e-3)
    for alike in (similarity.structural_similarity, similarity.overlapping):
        assert alike(old, old) == pytest.approx(1.0)
