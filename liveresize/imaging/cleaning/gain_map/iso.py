"""The binary metadata of ISO 21496-1: a version in the picture, all of it in the gain map."""

import struct
from dataclasses import dataclass
from typing import Self

from liveresize.imaging.cleaning.gain_map.gains import Channels, Gains

MARK = b"urn:iso:std:iso:ts:21496:-1\0"

VERSION = bytes(4)
"""The least version that a reader must know, and that of the writer."""

THREE, BASE_SPACE, SHARED, BACKWARD = 0x80, 0x40, 0x08, 0x04
"""Flags: one value a channel, colours of the picture, one denominator, base and other swapped."""

STEPS = 1_000_000
"""The denominator that fractions are written with."""

Fraction = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Iso:
    """The metadata as it was: `headrooms` of the picture and of the other one it can become,
    and per channel least, most, gamma and the offsets of both."""

    flags: int
    headrooms: tuple[Fraction, Fraction]
    channels: tuple[tuple[Fraction, ...], ...]

    @classmethod
    def parsed(cls, block: bytes) -> Self | None:
        """Parse what follows MARK in a gain map; None where it makes no sense."""
        if len(block) < 5 or block[:2] != VERSION[:2]:
            return None
        flags = block[4]
        count = 3 if flags & THREE else 1
        try:
            if flags & SHARED:
                (shared,) = struct.unpack_from(">I", block, 5)
                tops = struct.unpack_from(">2I" + count * "iiIii", block, 9)
                values = [(top, shared) for top in tops]
            else:
                flat = struct.unpack_from(">4I" + count * "iIiIIIiIiI", block, 5)
                values = list(zip(flat[::2], flat[1::2], strict=True))
        except struct.error:
            return None
        if not all(bottom for _, bottom in values):
            return None
        rows = tuple(tuple(values[at : at + 5]) for at in range(2, len(values), 5))
        flags &= THREE | BASE_SPACE | BACKWARD
        return cls(flags, (values[0], values[1]), rows)

    @classmethod
    def of(cls, gains: Gains) -> Self:
        """The metadata that says `gains`."""
        rows = (gains.least, gains.most, gains.gamma, gains.sdr_offset, gains.hdr_offset)
        count = 3 if any(len(set(row)) > 1 for row in rows) else 1
        channels = tuple(
            tuple(_fraction(row[at % len(row)]) for row in rows) for at in range(count)
        )
        flags = (THREE if count > 1 else 0) | (0 if gains.own_space else BASE_SPACE)
        return cls(flags, (_fraction(gains.none), _fraction(gains.full)), channels)

    @property
    def gains(self) -> Gains | None:
        """What it says; None where a reader cannot apply it, or the picture is the HDR one."""
        none, full = (top / bottom for top, bottom in self.headrooms)
        least, most, gamma, sdr, hdr = (
            _values([row[at] for row in self.channels]) for at in range(5)
        )
        gains = Gains(
            least=least,
            most=most,
            gamma=gamma,
            sdr_offset=sdr,
            hdr_offset=hdr,
            none=none,
            full=full,
            own_space=not self.flags & BASE_SPACE,
        )
        return gains if gains.sound and not self.flags & BACKWARD else None

    @property
    def block(self) -> bytes:
        """What stands behind MARK in the gain map."""
        parts = [VERSION, bytes((self.flags,))]
        parts += [struct.pack(">II", *each) for each in self.headrooms]
        parts += [struct.pack(">iIiIIIiIiI", *sum(row, ())) for row in self.channels]
        return b"".join(parts)


def _fraction(value: float) -> Fraction:
    return round(value * STEPS), STEPS


def _values(fractions: list[Fraction]) -> Channels:
    return tuple(top / bottom for top, bottom in fractions)
