"""Records the sizes that libvips gives to pictures, in libvips_sizes.tsv; no test runs this.

    python -m venv /tmp/vips && /tmp/vips/bin/pip install pyvips pyvips-binary
    PYTHONPATH=tests /tmp/vips/bin/python -m core.libvips

`clip` and `crop` are `thumbnail`, `fill` is its size `force`, and `cover` is `resize`, for
`thumbnail` has no such size. libvips computes in floating point: the sides here have no exact
halves, which it rounds down in one case of a thousand (123 × 3 / 2 is 184). `crop` without
enlarging is left out: libvips cuts each side by itself, and liveresize keeps the ratio of the box.
"""

from pathlib import Path

import pyvips  # type: ignore[import-not-found]

TABLE = Path(__file__).with_name("libvips_sizes.tsv")

SIZES = (
    *((4000, 3000), (3024, 4032), (6000, 501), (1000, 1000), (1440, 959)),
    *((37, 41), (3, 7), (1, 40), (40, 1), (1, 1)),
)
BOXES = ((300, 200), (97, 131), (1009, 1013), (333, 0), (0, 149), (1, 1))

FREE = 50_000
"""A side that no box here runs into."""


def sized(size: tuple[int, int], box: tuple[int, int], fit: str, enlarge: bool) -> tuple[int, int]:
    """The size of a picture of `size` in a box."""
    image, (width, height) = pyvips.Image.black(*size), box
    how = {"size": "both" if enlarge else "down"}
    if fit == "fill" and not enlarge:  # `thumbnail` has one of both words
        width, height = min(width, size[0]), min(height, size[1])
    if not (width and height):
        image = image.thumbnail_image(width or FREE, height=height or FREE, **how)
    elif fit == "cover":
        scale = max(width / size[0], height / size[1])
        image = image.resize(scale if enlarge else min(scale, 1))
    elif fit == "fill":
        image = image.thumbnail_image(width, height=height, size="force")
    else:
        cut = {"crop": "centre"} if fit == "crop" else {}
        image = image.thumbnail_image(width, height=height, **how, **cut)
    return image.width, image.height


def rows() -> list[str]:
    """A line for each picture, box and fit."""
    lines = ["size\tbox\tfit\tenlarge\tresult"]
    for size in SIZES:
        for box in BOXES:
            for fit in ("clip", "cover", "crop", "fill"):
                for enlarge in (True, False):
                    if (fit, enlarge) == ("crop", False) or (fit != "clip" and not all(box)):
                        continue
                    result = sized(size, box, fit, enlarge)
                    texts = ["x".join(map(str, each)) for each in (size, box, result)]
                    lines.append("\t".join((*texts[:2], fit, str(enlarge).lower(), texts[2])))
    return lines


if __name__ == "__main__":
    TABLE.write_text("\n".join(rows()) + "\n")
