"""Colours told by code points (ITU-T H.273): cICP of PNG, nclx of AVIF and HEIF.

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

    Those of PNG win over a profile; in AVIF and HEIF the profile wins.
    """
    png = image.format == "PNG"
    if tally.cicp is None or ("icc_profile" in image.info and not png):
        return None
    primaries, transfer = tally.cicp
    if not png:
        primaries = 1 if primaries == UNSPECIFIED else primaries
        transfer = SRGB if transfer in (*VIDEO, UNSPECIFIED) else transfer
    if primaries not in PRIMARIES or transfer not in (*GAMMAS, SRGB, PQ, HLG):
        return None
    return Cicp(PRIMARIES[primaries], transfer, tally.peak or USUAL_PEAK)
