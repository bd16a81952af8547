"""Colours told by code points (ITU-T H.273): cICP of PNG, nclx of AVIF and HEIF, cicp of ICC.

What is said with code points that have no meaning here is taken as not said, as in browsers.
"""

from dataclasses import dataclass

from PIL import Image

from liveresize.imaging.structure import Tally

Chromaticity = tuple[float, ...]
"""x and y of white, red, green and blue."""

_D65 = (0.3127, 0.3290)

UNSPECIFIED = 2

PRIMARIES: dict[int, Chromaticity] = {
    1: (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),  # BT.709, sRGB
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),  # BT.470 System M
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),  # BT.470 System B, G
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # BT.601
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # SMPTE 240M
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # DCI-P3
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),  # EBU 3213
}

TAGS, MOST_TAGS = 132, 100
"""Where the tags of an ICC profile begin, each of 12 bytes, and how many are looked at."""

SRGB, PQ, HLG = 13, 16, 18

VIDEO = (1, 6, 14, 15)
"""Transfers of video, which displays show with a gamma of 2.4. Stills in AVIF and HEIF that
name one of them were made of sRGB, and browsers show them so."""

GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0} | dict.fromkeys(VIDEO, 2.4)
"""Transfers that are, or are shown as, a power."""

USUAL_PEAK = 1000.0
"""What the brightest light of PQ and HLG is taken for where the file does not say it, in cd/m²."""


@dataclass(frozen=True, slots=True)
class Cicp:
    """The colours of a picture: primaries, and the transfer as a gamma (0 for sRGB), PQ or HLG.

    `peak` is the brightest light of PQ and HLG in cd/m².
    """

    primaries: Chromaticity
    transfer: int
    peak: float = USUAL_PEAK

    @property
    def gamma(self) -> float:
        """The power from levels to light; 0 for the curve of sRGB."""
        return GAMMAS.get(self.transfer, 0.0)

    @property
    def hdr(self) -> bool:
        """Whether light brighter than white has to be brought down."""
        return self.transfer in (PQ, HLG)


def of(image: Image.Image, tally: Tally) -> Cicp | None:
    """The colours of an opened picture, where code points tell them.

    Those of PNG win over a profile; in AVIF and HEIF the profile wins. A profile may hold
    code points of its own, which win over the rest of it.
    """
    profile: bytes = image.info.get("icc_profile") or b""
    if image.format == "PNG" and tally.cicp is not None:
        told = _meant(tally.cicp, tally.peak)
        if told is not None:
            return told
    elif tally.cicp is not None and not profile:
        return _meant(_of_still(*tally.cicp), tally.peak)
    points = _of_profile(profile) if image.mode != "CMYK" else None
    return None if points is None else _meant(points, tally.peak)


def _of_still(primaries: int, transfer: int) -> tuple[int, int]:
    """What the code points of an AVIF or HEIF mean, written as those of a PNG."""
    return (
        1 if primaries == UNSPECIFIED else primaries,
        SRGB if transfer in (*VIDEO, UNSPECIFIED) else transfer,
    )


def _meant(points: tuple[int, int], peak: float) -> Cicp | None:
    """The colours that code points stand for; None where they have no meaning here."""
    primaries, transfer = points
    if primaries not in PRIMARIES or transfer not in (*GAMMAS, SRGB, PQ, HLG):
        return None
    return Cicp(PRIMARIES[primaries], transfer, peak or USUAL_PEAK)


def _of_profile(profile: bytes) -> tuple[int, int] | None:
    """The code points in an ICC profile for RGB."""
    if profile[16:20] != b"RGB " or len(profile) < TAGS:
        return None
    count = int.from_bytes(profile[128:TAGS])
    for at in range(TAGS, min(len(profile), TAGS + 12 * min(count, MOST_TAGS)), 12):
        if profile[at : at + 4] == b"cicp":
            start = int.from_bytes(profile[at + 4 : at + 8])
            kind, content = profile[start : start + 4], profile[start + 8 : start + 12]
            # RGB, of the full range.
            if kind == b"cicp" and content[2:] == b"\0\1":
                return content[0], content[1]
    return None
