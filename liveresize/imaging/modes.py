"""The many modes of decoded pictures, brought down to L, RGB, RGBA and CMYK.

Only these can be resampled as they are: palette indices and lone bits have no middle,
and 16 bits a channel are more than any output of ours keeps.
"""

from PIL import Image, ImageMath

KEPT = ("L", "RGB", "RGBA", "CMYK")
GREY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
MEASURED = ("I", "F")
"""Modes whose white is only known once all of the picture has been seen."""

DEEP = (*MEASURED, "I;16", "I;16L", "I;16B", "I;16N")


def is_grey(image: Image.Image) -> bool:
    """Whether an opened picture is stored without colour."""
    # Pillow widens 16-bit grey with alpha to RGBA: only the decoder's orders tell.
    orders = [tile.args for tile in getattr(image, "tile", [])]
    return image.mode in GREY or any(str(order).startswith("LA") for order in orders)


def normalised(image: Image.Image) -> Image.Image:
    """`image` as L, RGB, RGBA or CMYK; itself when it is one of them already.

    A colour or palette entry that means transparent becomes alpha. 16-bit greys are
    scaled, not clipped. Raises ValueError for modes that have no way to these, as LAB.
    """
    key = image.info.get("transparency")
    if image.mode in DEEP:
        return _scaled(image, key)
    if image.mode in KEPT and key is None:
        return image
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        # PNG states the colour in the depth of the file; Pillow keeps the high bytes.
        image.info["transparency"] = tuple(value >> 8 for value in key)
    if image.has_transparency_data and image.mode != "RGBA":
        return image.convert("RGBA")
    if image.mode in KEPT:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def lay_bare(image: Image.Image) -> None:
    """Make `image` opaque in place, without a copy: what lies under its transparency is shown."""
    image.info.pop("transparency", None)
    if image.mode in ("LA", "PA", "RGBA"):
        image.putalpha(255)


def _scaled(image: Image.Image, key: object) -> Image.Image:
    """Greys of 16 or more bits, or floats, as L; RGBA when the grey `key` is transparent."""
    wide = image.convert("F")
    white = _white(image, wide)
    # Half a level, since the conversion to L cuts fractions off.
    grey = wide.point(lambda level: level * (255.0 / white) + 0.5).convert("L")
    if not isinstance(key, int):
        return grey
    solid = ImageMath.lambda_eval(lambda bands: (bands["grey"] != key) * 255, grey=wide)
    picture = grey.convert("RGBA")
    picture.putalpha(solid.convert("L"))
    return picture


def _white(image: Image.Image, wide: Image.Image) -> float:
    """The level that stands for white, which modes I and F leave open."""
    if image.mode.startswith("I;16"):
        return 65535.0
    _, brightest = wide.getextrema()
    assert isinstance(brightest, int | float)
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next((white for white in usual if brightest <= white), float(brightest))


def thinned(image: Image.Image) -> Image.Image:
    """A picture known to be grey, without its colour channels."""
    if image.mode == "RGB":
        return image.getchannel("R")
    if image.mode == "RGBA":
        return Image.merge("LA", (image.getchannel("R"), image.getchannel("A")))
    return image
