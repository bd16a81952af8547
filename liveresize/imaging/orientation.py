"""The eight ways to turn and mirror a picture, named by their EXIF orientation 1–8.

Orientation, `rotate` and `flip` are all of this kind, and so is whatever they amount to
together: one transposition of the small result instead of three of the large original.
"""

from typing import TypeVar

from PIL import Image

from liveresize.core.rendition import Rendition

N = TypeVar("N", int, float)
Size = tuple[int, int]
Box = tuple[float, float, float, float]
Matrix = tuple[int, int, int, int]

MATRICES: dict[int, Matrix] = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, -1, 1, 0),
    7: (0, -1, -1, 0),
    8: (0, 1, -1, 0),
}
"""Where a stored point goes, by rows; x runs right, y down, from the middle."""

ORIENTATIONS = {matrix: orientation for orientation, matrix in MATRICES.items()}

METHODS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

ROTATIONS = {0: 1, 90: 6, 180: 3, 270: 8}
FLIPS = {"": 1, "h": 2, "v": 4, "hv": 3}


def wanted(orientation: int, rendition: Rendition) -> int:
    """What makes a picture stored in `orientation` look as `rendition` asks."""
    rotated = then(orientation, ROTATIONS[rendition.rotate])
    return then(rotated, FLIPS[rendition.flip])


def then(first: int, second: int) -> int:
    """The orientation that does what `first` and then `second` do."""
    a, b, c, d = MATRICES[second]
    e, f, g, h = MATRICES[first]
    return ORIENTATIONS[(a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)]


def inverse(orientation: int) -> int:
    """The orientation that undoes `orientation`."""
    return {6: 8, 8: 6}.get(orientation, orientation)


def turn(image: Image.Image, orientation: int) -> Image.Image:
    """`image` as it is to be seen; itself when it stands right already."""
    method = METHODS.get(orientation)
    return image if method is None else image.transpose(method)


def turned_size(size: tuple[N, N], orientation: int) -> tuple[N, N]:
    """The size of a picture of `size` once turned; its own inverse."""
    return (size[1], size[0]) if orientation >= 5 else size


def stored_pixels(
    box: tuple[int, int, int, int], stored: Size, orientation: int
) -> tuple[int, int, int, int]:
    """`stored_box` of a box of whole pixels, which is one of whole pixels: halves cancel out."""
    left, top, right, bottom = map(int, stored_box(box, stored, orientation))
    return left, top, right, bottom


def stored_box(box: Box, stored: Size, orientation: int) -> Box:
    """Where a box of the turned picture lies in the picture as it is stored.

    `stored` is the size before turning; boxes are (left, top, right, bottom).
    """
    a, b, c, d = MATRICES[orientation]
    width, height = turned_size(stored, orientation)
    across = [x - width / 2 for x in (box[0], box[2])]
    down = [y - height / 2 for y in (box[1], box[3])]
    # The inverse of such a matrix is its transpose.
    xs = sorted(a * x + c * y + stored[0] / 2 for x, y in zip(across, down, strict=True))
    ys = sorted(b * x + d * y + stored[1] / 2 for x, y in zip(across, down, strict=True))
    return xs[0], ys[0], xs[1], ys[1]
