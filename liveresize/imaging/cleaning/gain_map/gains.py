"""What the levels of a gain map mean, whichever metadata says it."""

from dataclasses import dataclass

Channels = tuple[float, ...]
"""One value for all channels, or one each for red, green and blue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """How a gain map makes the HDR picture of the SDR one (ISO 21496-1).

    A level 0–1 to the power of 1 / `gamma` lies between the logarithms to base 2 `least` and
    `most` of the gain. Light is `(sdr + sdr_offset) * gain - hdr_offset`. The gain is applied
    in full from `full` on, and not at all up to `none`: logarithms of how much brighter than
    white a display can be. `own_space` says that this happens in the colours of the profile
    of the gain map instead of those of the picture.
    """

    least: Channels = (0.0,)
    most: Channels = (1.0,)
    gamma: Channels = (1.0,)
    sdr_offset: Channels = (1 / 64,)
    hdr_offset: Channels = (1 / 64,)
    none: float = 0.0
    full: float = 1.0
    own_space: bool = False

    @property
    def sound(self) -> bool:
        """Whether a reader can apply it: nothing is infinite, divides by 0 or is upside down."""
        ranges = (
            (self.least[at % len(self.least)], self.most[at % len(self.most)]) for at in (0, 1, 2)
        )
        return (
            all(low <= high for low, high in ranges)
            and all(1 / MOST_GAMMA <= each <= MOST_GAMMA for each in self.gamma)
            and all(abs(each) <= MOST_STOPS for each in (*self.least, *self.most))
            and all(abs(each) <= 1 for each in (*self.sdr_offset, *self.hdr_offset))
            and 0 <= self.none < self.full <= MOST_STOPS
        )


MOST_STOPS = 32
"""The most that a gain is taken for, as a logarithm to base 2."""

MOST_GAMMA = 100
