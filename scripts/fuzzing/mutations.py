"""Breaking things at random, and mending checksums so that the damage gets further in."""

import random
import struct
import zlib
from collections.abc import Callable, Sequence

NUMBERS = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
"""Values at which lengths, counts and sizes go wrong."""

WIDTHS = (("B", 1), (">H", 2), ("<H", 2), (">I", 4), ("<I", 4))

LONGEST = 64
"""Bytes that are moved, dropped or repeated at once."""


def mutated(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """`data` with one to six things wrong with it; `others` are spliced in."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        chance.choice(WAYS)(broken, others, chance)
    if chance.random() < 0.5:
        return mended(bytes(broken))
    return bytes(broken)


def _flip(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _number(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    code, width = chance.choice(WIDTHS)
    if len(data) >= width:
        value = chance.choice(NUMBERS) & (1 << 8 * width) - 1
        struct.pack_into(code, data, chance.randrange(len(data) - width + 1), value)


def _drop(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    del data[at : at + chance.randint(1, LONGEST)]


def _repeat(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    piece = bytes(data[at : at + chance.randint(1, LONGEST)])
    data[at:at] = piece * chance.randint(1, 8)


def _insert(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.randbytes(chance.randint(1, LONGEST))


def _cut(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _splice(data: bytearray, others: Sequence[bytes], chance: random.Random) -> None:
    other = chance.choice(others)
    at = chance.randrange(len(other) + 1)
    data[chance.randrange(len(data) + 1) :] = other[at : at + 4096]


Way = Callable[[bytearray, Sequence[bytes], random.Random], None]

WAYS: tuple[Way, ...] = (
    _flip,
    _flip,
    _flip,
    _number,
    _number,
    _drop,
    _repeat,
    _insert,
    _cut,
    _splice,
)


def mended(data: bytes) -> bytes:
    """A PNG with its checksums right, a WebP with its length right; others as they are."""
    if data.startswith(b"\x89PNG"):
        return _mended_png(data)
    if data[:4] == b"RIFF" and len(data) >= 8:
        return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    return data


def _mended_png(data: bytes) -> bytes:
    out, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        end = at + 8 + length
        if end + 4 > len(data):
            break
        out += data[at:end] + struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(out + data[at:])
