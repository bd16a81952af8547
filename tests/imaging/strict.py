"""Walkers that forgive nothing: whether a stored file is as its format wants it."""

import struct
import zlib

LENGTHS = {b"IHDR": 13, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"cICP": 4, b"IEND": 0}


def png(data: bytes, *, more: bool = False) -> None:
    """Assert that chunks, checksums, numbers and zlib streams of a PNG are right.

    `more` may stand behind its end.
    """
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds, frames, number, announced = 8, [b""], [b""], 0, None
    while at < len(data) and not (more and kinds[-1] == b"IEND"):
        size, kind = struct.unpack_from(">I4s", data, at)
        payload = data[at + 8 : at + 8 + size]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + size)
        assert checksum == zlib.crc32(kind + payload), kind
        assert size == LENGTHS.get(kind, size), kind
        if kind == b"IDAT":
            frames[0] += payload
        elif kind == b"acTL":
            announced = int.from_bytes(payload[:4])
        elif kind in (b"fcTL", b"fdAT"):
            assert int.from_bytes(payload[:4]) == number
            number += 1
            if kind == b"fdAT":
                frames[-1] += payload[4:]
            elif b"IDAT" in kinds:
                frames.append(b"")
        elif kind == b"iCCP":
            name, _, rest = payload.partition(b"\0")
            assert 1 <= len(name) <= 79
            whole(rest[1:])
        kinds.append(kind)
        at += 12 + size
    assert (kinds[1], kinds[-1]) == (b"IHDR", b"IEND")
    assert (kinds.count(b"IHDR"), kinds.count(b"IEND")) == (1, 1)
    assert announced in (None, kinds.count(b"fcTL"))
    assert (number > 0) == (announced is not None)
    for frame in frames:
        whole(frame)


def whole(packed: bytes) -> None:
    """Assert that this is one zlib stream, with its end."""
    inflate = zlib.decompressobj()
    inflate.decompress(packed)
    assert inflate.eof
    assert inflate.unused_data == b""


def jpeg(data: bytes, *, more: bool = False) -> None:
    """Assert that a JPEG is a chain of segments from SOI to EOI; `more` may stand behind it."""
    assert data[:2] == b"\xff\xd8"
    at, codes = 2, []
    while codes[-1:] != [0xD9]:
        assert data[at] == 0xFF
        while data[at + 1] == 0xFF:
            at += 1
        codes.append(data[at + 1])
        at += 2
        if codes[-1] == 0xD9:
            break
        size = int.from_bytes(data[at : at + 2])
        payload = data[at + 2 : at + size]
        assert len(payload) == size - 2
        if codes[-1] == 0xE0 and payload[:4] == b"JFIF":
            assert len(payload) >= 14
        if codes[-1] == 0xEE and payload[:5] == b"Adobe":
            assert len(payload) >= 12
        at += size
        if codes[-1] == 0xDA:
            while data[at] != 0xFF or data[at + 1] in (0, *range(0xD0, 0xD8)):
                at += 1
    assert at == len(data) or more
    assert 0xDA in codes


def gif(data: bytes, *, more: bool = False) -> None:
    """Assert that a GIF is a screen, known blocks and a trailer; `more` may stand behind it."""
    assert data[:6] in (b"GIF87a", b"GIF89a")
    at, images = 13 + palette(data[10]), 0
    while data[at] != 0x3B:
        if more and not data[at]:  # a second terminator, as some writers leave it
            at += 1
            continue
        if data[at] == 0x21:
            assert data[at + 1] != 0xF9 or data[at + 2] == 4
            at += 2
        else:
            assert data[at] == 0x2C
            images += 1
            at += 11 + palette(data[at + 9])
        while data[at]:
            at += data[at] + 1
        at += 1
    assert at + 1 == len(data) or more
    assert images


def palette(flags: int) -> int:
    """The bytes of a GIF's palette."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
