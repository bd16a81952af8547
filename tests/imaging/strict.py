"""Walkers that forgive nothing: whether a stored file is as its format wants it."""

import struct
import zlib

LENGTHS = {b"IHDR": 13, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"cICP": 4, b"IEND": 0}


def png(data: bytes) -> None:
    """Assert that chunks, checksums, numbers and zlib streams of a PNG are right."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds, frames, number, announced = 8, [], [b""], 0, None
    while at < len(data):
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
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
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
