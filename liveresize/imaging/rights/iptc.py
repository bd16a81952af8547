"""IPTC as of 1999: records of numbered texts, in a resource of Photoshop."""

from collections.abc import Iterator, Mapping

from liveresize.imaging.rights import texts

CREATOR, CREDIT, NOTICE = 80, 110, 116
"""By-line, credit and copyright notice, in the second record."""

RESOURCE = b"8BIM\x04\x04"

MARK = 0x1C
TEXTS = 2
"""The record of the texts about a picture."""

UTF_8 = bytes((MARK, 1, 90, 0, 3)) + b"\x1b%G"
VERSION = bytes((MARK, TEXTS, 0, 0, 2, 0, 4))


def resources(data: bytes) -> Iterator[bytes]:
    """The IPTC among the resources of Photoshop, where they are sound."""
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 7 <= len(data):
        kind = data[at : at + 6]
        at += 7 + (data[at + 6] | 1)
        size = int.from_bytes(data[at : at + 4])
        at += 4
        if kind == RESOURCE:
            yield data[at : at + size]
        at += size + (size & 1)


def parsed(data: bytes) -> dict[int, list[str]]:
    """The texts of CREATOR, CREDIT and NOTICE, as far as the records are sound."""
    found: dict[int, list[str]] = {}
    at = 0
    while at + 5 <= len(data) and data[at] == MARK:
        record, number, size = data[at + 1], data[at + 2], int.from_bytes(data[at + 3 : at + 5])
        at += 5
        if size & 0x8000 or at + size > len(data):
            break  # sets of more than 32 KiB are no texts
        if record == TEXTS and number in (CREATOR, CREDIT, NOTICE):
            found.setdefault(number, []).append(texts.decoded(data[at : at + size]))
        at += size
    return found


def resource(values: Mapping[int, tuple[str, ...]]) -> bytes:
    """A resource of Photoshop that has these texts; b"" for none."""
    sets = b""
    for number, words in values.items():
        for text in words:
            raw = text.encode("utf-8")
            sets += bytes((MARK, TEXTS, number)) + len(raw).to_bytes(2) + raw
    if not sets:
        return b""
    content = UTF_8 + VERSION + sets
    return RESOURCE + b"\0\0" + len(content).to_bytes(4) + content + b"\0" * (len(content) & 1)
