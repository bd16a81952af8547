"""PQ and HLG (ITU-R BT.2100) in sRGB or Display P3: tone mapping to what browsers show.

Light is counted in units of the reference white, 203 cd/m² (ITU-R BT.2408). Like in Chromium,
dark and middle tones keep their ratios, and white is shown at half the light of the display
where there is brighter light. A curve from there on leaves room for all up to the peak. The
gain that it gives the strongest of red, green and blue of BT.2020 is that of all three, so
that hues stay.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops, ImageMath

from liveresize.imaging import cicp, gamma

BT2020 = cicp.PRIMARIES[9]

WHITE = 203.0
"""The light of the reference white in cd/m²."""

PEAK = 1000.0
"""The light of the brightest white of HLG; where the tone curve takes most off."""

DIMMEST, BRIGHTEST = 206.0, 10_000.0
"""Bounds of peaks: below there is nothing to map, and PQ ends at the other."""

KAPPA = 0.65
"""How far the corner of the curve is from the reference white to where its light would clip."""

OOTF = 1.2
"""The gamma of the whole system at a peak of 1,000 cd/m²."""

BAND = 100_000
"""Pixels that are converted at a time: each takes about 40 bytes meanwhile."""

DARKEST = 1e-9
"""What light is divided by at least."""

DEEP = 65_535
"""Steps of light that are told apart before they become levels of sRGB."""


def to_srgb(
    image: Image.Image, told: cicp.Cicp, primaries: cicp.Chromaticity = gamma.SRGB
) -> Image.Image:
    """`image` (L, RGB, RGBA or CMYK) in sRGB, or of other `primaries`, as L, RGB or RGBA."""
    result = Image.new("RGB", image.size)
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        result.paste(_converted(image.crop(box).convert("RGB"), told, primaries), (0, top))
    if image.mode == "L":
        return result.getchannel("G")
    if image.mode == "RGBA":
        result.putalpha(image.getchannel("A"))
    return result


@dataclass(frozen=True, slots=True)
class ToneCurve:
    """Light up to `peak` (in units of the reference white) brought into 0–1.

    Light up to 1 is multiplied by `knee`. From there a quadratic Bézier curve leads to the
    peak at 1, by way of a corner at (`across`, `up`).
    """

    peak: float
    knee: float
    across: float
    up: float


def tone_curve(peak: float) -> ToneCurve:
    """The curve for light up to `peak` cd/m²."""
    most = min(max(peak, DIMMEST), BRIGHTEST) / WHITE
    knee = 1 - 0.5 * min(1.0, math.log(most) / math.log(PEAK / WHITE))
    across = (1 - KAPPA) + KAPPA / knee
    return ToneCurve(most, knee, across, (1 - KAPPA) * knee + KAPPA)


def light(level: float, transfer: int) -> float:
    """The light of a level 0–1: of PQ in units of the reference white, of HLG 0–1 of a scene."""
    if transfer == cicp.HLG:
        if level <= 0.5:
            return level * level / 3
        return (math.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12
    root = level ** (32 / 2523)
    share = max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)
    return float(BRIGHTEST / WHITE * share ** (8192 / 1305))


def _converted(band: Image.Image, told: cicp.Cicp, primaries: cicp.Chromaticity) -> Image.Image:
    """A band of RGB with the curve of sRGB and these `primaries`."""
    table = _lights(told.transfer)
    channels = dict(zip("RGB", band.split(), strict=True))
    lights = {name: each.point(table, "F") for name, each in channels.items()}
    if told.transfer == cicp.PQ and told.primaries == BT2020:
        # Then the gain follows from the highest of the three levels.
        highest = functools.reduce(ImageChops.lighter, channels.values())
        gain = highest.point(_gains(told.peak), "F")
    else:
        gain = ImageMath.lambda_eval(lambda light: _gain(light, told), **lights)
    mapped = (
        ImageMath.lambda_eval(functools.partial(_mapped, row), gain=gain, **lights)
        for row in gamma.between(told.primaries, primaries)
    )
    return Image.merge("RGB", [_levels(each.convert("I")) for each in mapped])


def _mapped(row: gamma.Vector, light: dict[str, Any]) -> Any:
    """One channel in steps of light, below 0 or above DEEP where sRGB has no level for it."""
    return _sum(light, row) * light["gain"]


def _gain(light: dict[str, Any], told: cicp.Cicp) -> Any:
    """What the light of every pixel is multiplied by, from operands of ImageMath."""
    most = light["max"]
    system: Any = 1.0
    if told.transfer == cicp.HLG:
        (_, red, _), (_, green, _), (_, blue, _) = gamma.lights(told.primaries)
        system = _sum(light, (red, green, blue)) ** (OOTF - 1) * (PEAK / WHITE)
    wide = [light["R"], light["G"], light["B"]]
    if told.primaries != BT2020:
        wide = [_sum(light, row) for row in gamma.between(told.primaries, BT2020)]
    strongest = most(most(*wide[:2]), wide[2]) * system
    return _brought_down(strongest, told.peak, light["min"], most) * system


@functools.lru_cache(maxsize=16)
def _gains(peak: float) -> list[float]:
    """The gain for every highest level of PQ."""
    return [_brought_down(each, peak, min, max) for each in _lights(cicp.PQ)]


def _brought_down(
    light: Any, peak: float, least: Callable[..., Any], most: Callable[..., Any]
) -> Any:
    """The gain that maps `light` as the tone curve does, times DEEP.

    `light` is a number or an operand of ImageMath, `least` and `most` are min and max of such.
    """
    curve = tone_curve(peak)
    light = most(light, DARKEST)
    # The curve is given by x(t) and y(t); t is solved for, from 0 at 1 to 1 at the peak.
    x = least(most(light, 1.0), curve.peak)
    a, b = 1 - 2 * curve.across + curve.peak, 2 * (curve.across - 1)
    t = ((b * b + (x - 1.0) * (4 * a)) ** 0.5 - b) / (2 * a)
    bent = t * (2 * (curve.up - curve.knee)) + t * t * (1 - 2 * curve.up + curve.knee)
    return (least(light, 1.0) * curve.knee + bent) / light * DEEP


def _sum(light: dict[str, Any], row: gamma.Vector) -> Any:
    """Red, green and blue, each multiplied by its part of a `row`."""
    return light["R"] * row[0] + light["G"] * row[1] + light["B"] * row[2]


@functools.cache
def _lights(transfer: int) -> list[float]:
    """The light of all levels of 8 bits."""
    return [light(level / 255, transfer) for level in range(256)]


def _levels(steps: Image.Image) -> Image.Image:
    """The levels of sRGB for light in steps; what is beyond the ends is clipped."""
    # As `steps.point` does, which takes as long to round the table as to look levels up.
    return steps._new(steps.im.point(_table(), "L"))


@functools.cache
def _table() -> list[int]:
    """The level of sRGB for each step of light."""
    return [round(255 * gamma.srgb_level(step / DEEP)) for step in range(DEEP + 1)]
