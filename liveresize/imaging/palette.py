"""Palettes: for GIF, which has nothing else, and for PNG where they show the same."""

from PIL import Image, ImageChops, ImageStat

GIF_COLOURS = 255

NOTHING = 255
"""The one of 256 indices that is kept for transparency."""

PNG_COLOURS = 256

SOLID_FROM = 128
"""GIF knows no half-transparent pixels: alpha at or above this is opaque."""

CLEAR = [255] * SOLID_FROM + [0] * (256 - SOLID_FROM)
"""Alpha → whether GIF leaves the pixel out, as a mask."""

GREYS = 16
"""Levels that fit in half a byte. More of them are better as they are."""

SHARES = ((255, 24), (192, 24), (128, 16), (64, 16), (48, 12))
"""Colours and alphas that are tried where both have to share 256 places.

Few of all pairs occur: inside a shape everything is solid, and edges have few colours.
"""

FAITHFUL = 2.5
"""The most levels, root mean square, that a palette may be off in any channel."""

FAR, FEW = 32, 0.005
"""Of all pixels so many at most may be off by more than FAR levels.

Line art and flat drawings pass, whose edges are what is off; photographs do not.
"""

SAMPLE = 64
"""Columns and rows that tell whether a large picture is worth trying."""


def indexed(picture: Image.Image, *, dithered: bool) -> Image.Image:
    """`picture` as GIF has it: greys as they are, else 255 colours and one for none.

    In a moving picture dithering would flicker and fill the file.
    """
    if picture.mode == "L":
        return picture
    solid = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    colour = picture.convert("RGB")
    clear = None if solid is None else solid.point(CLEAR)
    if clear is not None and clear.getbbox() is None:
        clear = None
    if clear is not None:
        # No colour is spent on what is not seen.
        colour.paste(_usual(colour, clear), (0, 0), clear)
    result = colour.quantize(GIF_COLOURS)
    if dithered:
        result = colour.quantize(palette=result, dither=Image.Dither.FLOYDSTEINBERG)
    if clear is not None:
        result.paste(NOTHING, (0, 0), clear)
        result.info["transparency"] = NOTHING
    return result


def uncovers(before: Image.Image, after: Image.Image) -> bool:
    """Whether an indexed frame is transparent where the one before it was not."""
    holes = [_holes(picture) for picture in (before, after)]
    return ImageChops.subtract(holes[1], holes[0]).getbbox() is not None


def _holes(picture: Image.Image) -> Image.Image:
    """A mask of the transparent pixels of an indexed picture."""
    key = picture.info.get("transparency")
    if key is None:
        return Image.new("L", picture.size)
    return picture.point([255 if index == key else 0 for index in range(256)], "L")


def _usual(colour: Image.Image, clear: Image.Image) -> tuple[int, int, int]:
    """The mean colour of what is seen."""
    seen = ImageChops.invert(clear)
    if seen.getbbox() is None:
        return 0, 0, 0
    red, green, blue = ImageStat.Stat(colour, seen).mean
    return round(red), round(green), round(blue)


def faithful(picture: Image.Image) -> Image.Image | None:
    """`picture` (L, LA, RGB or RGBA) with a palette for PNG; None where that would show."""
    mode = {"L": "RGB", "LA": "RGBA"}.get(picture.mode, picture.mode)
    colours = GREYS if picture.mode == "L" else PNG_COLOURS
    picture = picture.convert(mode)
    if min(picture.size) > 2 * SAMPLE:
        sample = picture.resize((2 * SAMPLE, 2 * SAMPLE), Image.Resampling.NEAREST)
        if _reduced(sample, colours) is None:
            return None
    return _reduced(picture, colours)


def _reduced(picture: Image.Image, colours: int) -> Image.Image | None:
    """`picture` (RGB or RGBA) in so many colours; None where that would show."""
    if picture.mode == "RGBA":
        return _with_alpha(picture)
    result = picture.quantize(colours)
    return result if _close(picture, result.convert("RGB")) else None


def _with_alpha(picture: Image.Image) -> Image.Image | None:
    alpha = picture.getchannel("A").convert("RGB")
    colour = picture.convert("RGB")
    clear = picture.getchannel("A").point(lambda level: 0 if level else 255)
    colour.paste(_usual(colour, clear), (0, 0), clear)
    for colours, alphas in SHARES:
        made = _paired(colour.quantize(colours), alpha.quantize(alphas))
        if made is not None:
            break
    else:
        return None
    shown = made.convert("RGBA")
    for grey in ("black", "white"):
        over = Image.new("RGBA", picture.size, grey)
        if not _close(Image.alpha_composite(over, picture), Image.alpha_composite(over, shown)):
            return None
    return made


def _paired(colour: Image.Image, alpha: Image.Image) -> Image.Image | None:
    """Colours and alphas, both by index, in one palette; None when it has not the room."""
    # Pillow finds palette entries in cells of 4 levels: the pairs are kept apart by more.
    low = colour.point(lambda index: (index & 63) << 2, "L")
    high = colour.point(lambda index: index >> 6 << 6, "L")
    pairs = Image.merge("RGB", (low, high, alpha.point(lambda index: index << 3, "L")))
    found = pairs.getcolors(PNG_COLOURS)
    if found is None:
        return None
    entries = [entry for _, entry in found if isinstance(entry, tuple)]
    key = Image.new("P", (1, 1))
    key.putpalette([level for entry in entries for level in entry])
    result = pairs.quantize(palette=key, dither=Image.Dither.NONE)
    colours, alphas = colour.getpalette() or [], alpha.getpalette() or []
    levels: list[int] = []
    for low_bits, high_bits, alpha_bits in entries:
        at = 3 * (low_bits >> 2 | high_bits)
        levels += [*colours[at : at + 3], alphas[3 * (alpha_bits >> 3)]]
    result.putpalette(levels, "RGBA")
    return result


def _close(one: Image.Image, other: Image.Image) -> bool:
    """Whether nobody could tell the two pictures apart."""
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    if max(ImageStat.Stat(difference).rms) > FAITHFUL:
        return False
    red, green, blue = difference.split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    far = sum(worst.histogram()[FAR:])
    return far <= FEW * one.width * one.height
