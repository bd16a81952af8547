"""Colour: whatever profile a picture carries, its pixels become sRGB, or Display P3."""

import functools
import io
import itertools

from PIL import Image, ImageCms

from liveresize.imaging import cicp, display_p3, gamma, hdr

Profile = bytes | cicp.Cicp
"""An ICC profile, or the code points of what needs tone mapping."""

IGNORED = "icc_profile_ignored"

MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
"""The colour space that a profile speaks of → the mode of the pixels it is for."""

MAX_PROFILE = 4 * 1024 * 1024
"""Profiles of presses are 0.5–3 MB; the cache keeps 16 of whatever comes."""

SAME = 1
"""A profile is taken for sRGB when it moves none of the probe's levels by more."""

BENT = 5
"""How many levels the middle may be off: sRGB's own relatives, as Display P3, stay below."""

BROKEN = (ImageCms.PyCMSError, OSError, ValueError, TypeError, SyntaxError, AttributeError)
"""What ImageCms raises for profiles that are damaged or of a kind it does not know."""


def to_srgb(
    image: Image.Image, profile: Profile | None, grey: bool = False, *, wide: bool = False
) -> tuple[Image.Image, tuple[str, ...]]:
    """`image` (L, RGB, RGBA or CMYK) in sRGB, or Display P3 if `wide`, as L, RGB or RGBA, and
    remarks.

    `grey` says of RGBA that its colours are all grey. A profile that is broken or
    belongs to another kind of picture is ignored, with the remark `icc_profile_ignored`;
    CMYK is then converted by the plain formula. L stays L.
    """
    if not profile:
        return _plain(image), ()
    if isinstance(profile, cicp.Cicp):
        return hdr.to_srgb(image, profile, display_p3.PRIMARIES if wide else gamma.SRGB), ()
    try:
        mode, transform = _transform(profile, wide)
        base = _base(image, mode, grey)
        if transform is None:
            return image, ()
        result = ImageCms.applyTransform(base, transform)
    except BROKEN:
        return _plain(image), (IGNORED,)
    assert result is not None
    if image.mode == "L":
        return result.getchannel("G"), ()
    if image.mode == "RGBA":
        result.putalpha(image.getchannel("A"))
    return result, ()


def widened(image: Image.Image) -> Image.Image:
    """`image` (LA or RGBA) of sRGB in the levels of Display P3; both have the same greys."""
    return image if image.mode == "LA" else to_srgb(image, _srgb().tobytes(), wide=True)[0]


def is_wide(profile: Profile | None) -> bool:
    """Whether colours of this profile are beyond sRGB, and in Display P3 rather."""
    if not profile:
        return False
    if isinstance(profile, cicp.Cicp):
        return profile.primaries != gamma.SRGB
    try:
        mode, transform = _transform(profile, True)
        return mode != "L" and _exceeds_srgb(mode, transform)
    except BROKEN:
        return False


@functools.lru_cache(maxsize=16)
def _exceeds_srgb(mode: str, transform: ImageCms.ImageCmsTransform | None) -> bool:
    """`is_wide`, for the corners of what the levels of `mode` can say."""
    count = Image.getmodebands(mode)
    corners = bytes(level for each in itertools.product((0, 255), repeat=count) for level in each)
    pixels = Image.frombytes(mode, (2**count, 1), corners)
    made = ImageCms.applyTransform(pixels, transform) if transform else pixels
    assert made is not None
    return display_p3.exceeds_srgb(made)


def bends(profile: Profile | None) -> bool:
    """Whether the middle of two colours of this profile is another one in sRGB."""
    if not profile:
        return False
    if isinstance(profile, cicp.Cicp):
        return True
    try:
        mode, transform = _transform(profile, False)
        return transform is not None and _bends(mode, transform)
    except BROKEN:
        return False


@functools.lru_cache(maxsize=16)
def _bends(mode: str, transform: ImageCms.ImageCmsTransform) -> bool:
    """`bends`, for the grey between black and white."""
    greys = Image.frombytes("L", (3, 1), bytes((0, 128, 255)))
    if mode == "CMYK":
        nothing = Image.new("L", greys.size)
        greys = Image.merge("CMYK", (nothing, nothing, nothing, greys))
    result = ImageCms.applyTransform(greys.convert(mode), transform)
    assert result is not None
    black, middle, white = (result.convert("L").getpixel((x, 0)) for x in range(3))
    assert isinstance(black, int)
    assert isinstance(middle, int)
    assert isinstance(white, int)
    return abs(middle - (black + white) / 2) > BENT


def _plain(image: Image.Image) -> Image.Image:
    """What is made of a picture without a profile."""
    return image.convert("RGB") if image.mode == "CMYK" else image


def _base(image: Image.Image, mode: str, grey: bool) -> Image.Image:
    """The colours of `image` in the `mode` its profile is for; raises ValueError if not so."""
    if image.mode == "RGBA":
        image = image.getchannel("R") if grey and mode == "L" else image.convert("RGB")
    if image.mode == "L" and mode == "RGB":
        image = image.convert("RGB")
    if image.mode != mode:
        raise ValueError(f"a profile for {mode} on {image.mode}")
    return image


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, wide: bool) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """The mode that `profile` is for and the way to sRGB, or to Display P3 if `wide`; None when
    it changes nothing.

    Raises one of BROKEN when there is none.
    """
    if len(profile) > MAX_PROFILE:
        raise ValueError(f"a profile of {len(profile)} bytes")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space not in MODES:
        raise ValueError(f"a profile for {space}")
    mode = MODES[space]
    transform = ImageCms.buildTransform(
        source,
        _display_p3() if wide else _srgb(),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return mode, None if mode != "CMYK" and _changes_nothing(transform, mode) else transform


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@functools.cache
def _display_p3() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(display_p3.profile()))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a spread of colours comes out as it went in.

    Most profiles in the wild are some vendor's sRGB; their names and bytes differ.
    """
    probe = _probe(mode)
    result = ImageCms.applyTransform(probe, transform)
    assert result is not None
    pairs = zip(probe.convert("RGB").tobytes(), result.tobytes(), strict=True)
    return all(abs(before - after) <= SAME for before, after in pairs)


def _probe(mode: str) -> Image.Image:
    """256 greys, or the colours of a cube with 9 steps a side, in one row."""
    if mode == "L":
        return Image.frombytes("L", (256, 1), bytes(range(256)))
    steps = [min(255, 32 * step) for step in range(9)]
    cube = bytes(
        level for red in steps for green in steps for blue in steps for level in (red, green, blue)
    )
    return Image.frombytes("RGB", (len(cube) // 3, 1), cube)
