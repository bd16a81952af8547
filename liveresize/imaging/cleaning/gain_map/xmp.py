"""XMP about gain maps: what is read of a packet, and packets of nothing else."""

import math
from dataclasses import dataclass, field
from xml.etree import ElementTree

from liveresize.imaging.cleaning.gain_map.apple import MAP, SECOND, Apple, Notes
from liveresize.imaging.cleaning.gain_map.gains import Channels, Gains

MARK = b"http://ns.adobe.com/xap/1.0/\0"

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
HDRGM = "http://ns.adobe.com/hdr-gain-map/1.0/"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
ITEM = "http://ns.google.com/photos/1.0/container/item/"
DATA = "http://ns.apple.com/pixeldatainfo/1.0/"
APPLE = "http://ns.apple.com/HDRGainMap/1.0/"

MOST_LENGTH = 2**31

MOST_ITEMS = 16

MOST_HEADROOM = 2**16

PLACES = 6
"""Digits behind the point of a number."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What a packet says: properties by `{namespace}name`, and the items of its directory.

    An item has its semantic, and the bytes before it: of the first one its padding, of the
    others their length.
    """

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    items: tuple[tuple[str, int], ...] = ()

    @property
    def has_gains(self) -> bool:
        """Whether it says that there is a gain map by Adobe's rules."""
        return self.values.get(f"{{{HDRGM}}}Version") == ("1.0",)

    @property
    def gain_map_offset(self) -> int | None:
        """The bytes between the picture's end and the gain map; None without one."""
        passed = 0
        for semantic, length in self.items:
            if semantic == "GainMap":
                return passed
            passed += length
        return None


def parsed(text: bytes) -> Packet:
    """What a packet says; nothing where it is no XML, or has a document type."""
    try:
        # As text, so that no other encoding hides a document type.
        words = text.decode().strip("\ufeff\0 \t\r\n")
        if "<!DOCTYPE" in words:
            return Packet()
        root = ElementTree.fromstring(words)  # noqa: S314 (without a document type: no entities)
    except (ElementTree.ParseError, ValueError):
        return Packet()
    values: dict[str, tuple[str, ...]] = {}
    items: list[tuple[str, int]] = []
    for description in root.iter(f"{{{RDF}}}Description"):
        for name, value in description.items():
            values.setdefault(name, (value.strip(),))
        for child in description:
            if child.tag == f"{{{CONTAINER}}}Directory":
                items = items or _items(child)
            values.setdefault(child.tag, _texts(child))
    return Packet(values, tuple(items))


def gains(packet: Packet) -> Gains | None:
    """What `hdrgm` says; None without it, and where a reader cannot apply it."""
    if not packet.has_gains or _value(packet, "BaseRenditionIsHDR").lower() == "true":
        return None
    plain = Gains()
    try:
        found = Gains(
            least=_channels(packet, "GainMapMin", plain.least),
            most=_channels(packet, "GainMapMax", plain.most),
            gamma=_channels(packet, "Gamma", plain.gamma),
            sdr_offset=_channels(packet, "OffsetSDR", plain.sdr_offset),
            hdr_offset=_channels(packet, "OffsetHDR", plain.hdr_offset),
            none=_channels(packet, "HDRCapacityMin", (plain.none,))[0],
            full=_channels(packet, "HDRCapacityMax", (plain.full,))[0],
        )
    except ValueError:
        return None
    return found if found.sound else None


def apple(packet: Packet, notes: Notes | None) -> Apple | None:
    """What Apple says of the gain map with this packet; None where nobody could apply it."""
    if packet.values.get(f"{{{DATA}}}AuxiliaryImageType") != (MAP,):
        return None
    try:
        version = int(packet.values.get(f"{{{APPLE}}}HDRGainMapVersion", ("",))[0])
        told = packet.values.get(f"{{{APPLE}}}HDRGainMapHeadroom", ())
        headroom = _number(told[0]) if told else None
    except (ValueError, IndexError):
        return None
    if not 0 < version < MOST_LENGTH or not 0 < (headroom or 1) < MOST_HEADROOM:
        return None
    if (version < SECOND or headroom is None) and notes is None:
        return None
    return Apple(version, headroom, notes)


def of_picture(length: int) -> str:
    """The description of a picture with a gain map of so many bytes behind it."""
    items = (
        'Item:Semantic="Primary" Item:Mime="image/jpeg"',
        f'Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="{length}"',
    )
    listed = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item {each}/></rdf:li>' for each in items
    )
    return (
        f'<rdf:Description rdf:about="" xmlns:Container="{CONTAINER}" xmlns:Item="{ITEM}"'
        f' xmlns:hdrgm="{HDRGM}" hdrgm:Version="1.0"><Container:Directory><rdf:Seq>{listed}'
        f"</rdf:Seq></Container:Directory></rdf:Description>"
    )


def of_map(gains: Gains | None, apple: Apple | None) -> bytes:
    """The packet of a gain map."""
    parts = []
    if gains is not None:
        single = {
            "GainMapMin": gains.least,
            "GainMapMax": gains.most,
            "Gamma": gains.gamma,
            "OffsetSDR": gains.sdr_offset,
            "OffsetHDR": gains.hdr_offset,
            "HDRCapacityMin": (gains.none,),
            "HDRCapacityMax": (gains.full,),
        }
        lists = {name: values for name, values in single.items() if len(values) > 1}
        attributes = "".join(
            f' hdrgm:{name}="{_text(values[0])}"'
            for name, values in single.items()
            if name not in lists
        )
        children = "".join(
            f"<hdrgm:{name}><rdf:Seq>"
            + "".join(f"<rdf:li>{_text(each)}</rdf:li>" for each in values)
            + f"</rdf:Seq></hdrgm:{name}>"
            for name, values in lists.items()
        )
        parts.append(
            f'<rdf:Description rdf:about="" xmlns:hdrgm="{HDRGM}" hdrgm:Version="1.0"'
            f'{attributes} hdrgm:BaseRenditionIsHDR="False">{children}</rdf:Description>'
        )
    if apple is not None:
        headroom = ""
        if apple.headroom is not None:
            text = _text(apple.headroom)
            headroom = f"<HDRGainMap:HDRGainMapHeadroom>{text}</HDRGainMap:HDRGainMapHeadroom>"
        parts.append(
            f'<rdf:Description rdf:about="" xmlns:apdi="{DATA}" xmlns:HDRGainMap="{APPLE}">'
            f"<apdi:AuxiliaryImageType>{MAP}</apdi:AuxiliaryImageType>"
            f"<HDRGainMap:HDRGainMapVersion>{apple.version}</HDRGainMap:HDRGainMapVersion>"
            f"{headroom}</rdf:Description>"
        )
    return packet(*parts)


def with_more(text: bytes, description: str) -> bytes:
    """A packet of ours, with its MARK, with one more description; b"" is an empty one."""
    end = b"</rdf:RDF>"
    return (text or packet()).replace(end, description.encode() + end)


def packet(*descriptions: str) -> bytes:
    """A packet of these descriptions, with its MARK."""
    body = "".join(descriptions)
    head = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
    return MARK + f"{head}{body}</rdf:RDF></x:xmpmeta>".encode()


def _items(directory: ElementTree.Element) -> list[tuple[str, int]]:
    """The items of a directory; none where one of them makes no sense."""
    items: list[tuple[str, int]] = []
    for element in directory.iter():
        if element.tag != f"{{{CONTAINER}}}Item":
            continue
        told = {name: value.strip() for name, value in element.items()}
        told |= {child.tag: (child.text or "").strip() for child in element}
        name = "Length" if items else "Padding"
        length = told.get(f"{{{ITEM}}}{name}", "0" if name == "Padding" else "")
        if not (length.isascii() and length.isdigit()) or len(length) > 10:
            return []
        items.append((told.get(f"{{{ITEM}}}Semantic", ""), int(length)))
    return items[:MOST_ITEMS]


def _texts(element: ElementTree.Element) -> tuple[str, ...]:
    """The text of a property, or those of its list."""
    listed = [each.text or "" for each in element.iter(f"{{{RDF}}}li")][:3]
    return tuple(each.strip() for each in (listed or [element.text or ""]))


def _value(packet: Packet, name: str) -> str:
    return packet.values.get(f"{{{HDRGM}}}{name}", ("",))[0]


def _channels(packet: Packet, name: str, plain: Channels) -> Channels:
    """The numbers of a property; `plain` where it is not there. Raises ValueError."""
    texts = packet.values.get(f"{{{HDRGM}}}{name}")
    if texts is None:
        return plain
    if len(texts) not in (1, 3):
        raise ValueError(name)
    return tuple(_number(text) for text in texts)


def _number(text: str) -> float:
    """A number as exact as `_text` writes it. Raises ValueError for what is none, or infinite."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return round(value, PLACES)


def _text(value: float) -> str:
    """A number that reads as the same one, without an exponent."""
    text = f"{value:.{PLACES}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
