"""Who made a picture and who may use it: the little that is kept of a file's metadata.

What is read are the fields in `fields`; what is written is made of them, so that nothing
else can come along. All are bounded, and so are they together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import PngImagePlugin

from liveresize.core.formats import Format
from liveresize.imaging.rights import exif, fields, iptc, xmp
from liveresize.imaging.rights.fields import Fields, Item

MOST = 2_048
"""Bytes of all blocks together."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a file says of rights: its fields, the most important first."""

    fields: tuple[tuple[str, tuple[Item, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields)

    @property
    def size(self) -> int:
        """Bytes of all blocks together."""
        return len(self.exif()) + len(self.iptc()) + len(self.xmp())

    def exif(self, orientation: int = 1, maker_notes: bytes = b"") -> bytes:
        """The block of EXIF that says these, the orientation (1–8) and `maker_notes`; b"" for
        nothing."""
        return exif.block(
            orientation, self._text(fields.ARTIST), self._text(fields.COPYRIGHT), maker_notes
        )

    def iptc(self) -> bytes:
        """The resource of Photoshop that has the fields of IPTC; b"" if there are none."""
        told = dict(self.fields)
        numbers = {
            iptc.CREATOR: fields.CREATOR,
            iptc.CREDIT: fields.CREDIT,
            iptc.NOTICE: fields.NOTICE,
        }
        return iptc.resource(
            {number: _texts(told[name]) for number, name in numbers.items() if name in told}
        )

    def xmp(self, *, wrapped: bool = True, more: str = "") -> bytes:
        """The packet of XMP that has the properties, and `more` descriptions; b"" for nothing."""
        return xmp.packet(self.fields, wrapped=wrapped, more=more)

    def in_xmp(self) -> "Rights":
        """The same with the fields of IPTC as properties of XMP, which every format has room for
        and every program reads."""
        moved = {name: items for name, items in self.fields if name not in fields.IN_XMP}
        for name, items in self.fields:
            if name in fields.IN_XMP:
                moved.setdefault(fields.IN_XMP[name], items)
        return of(moved)

    def saving(self, output: Format | str) -> dict[str, Any]:
        """The arguments with which Pillow writes these into a file of that format, if it can."""
        if not self or output not in IN_FORMATS:
            return {}
        packet, block = self.xmp(), self.exif()
        arguments: dict[str, Any] = {}
        if block:
            arguments["exif"] = exif.PREFIX + block if output == Format.JPEG else block
        if packet and output == Format.PNG:
            info = PngImagePlugin.PngInfo()
            info.add_itxt("XML:com.adobe.xmp", packet.decode())
            arguments["pnginfo"] = info
        elif packet:
            arguments["xmp"] = packet
        return arguments

    def _text(self, name: str) -> str:
        return next((str(items[0]) for each, items in self.fields if each == name), "")


NONE = Rights()

IN_FORMATS = tuple(output for output in Format if output.says_rights)
"""The formats that Pillow writes EXIF and XMP into."""


def of(found: Mapping[str, tuple[Item, ...]]) -> Rights:
    """The rights in these fields, as many of them as fit, the most important first."""
    told = ((name, fields.kept(found[name])) for name in fields.ORDER if name in found)
    rights = Rights(tuple((name, items) for name, items in told if items))
    if rights.size <= MOST:
        return rights
    fitting = NONE
    for field in rights.fields:
        more = Rights((*fitting.fields, field))
        if more.size <= MOST:
            fitting = more
    return fitting


_NO_BLOCK = memoryview(b"")


def in_blocks(
    exif_block: memoryview = _NO_BLOCK,
    packet: bytes = b"",
    photoshop: bytes = b"",
    spoken: Fields | None = None,
) -> Rights:
    """The rights in blocks of EXIF, XMP and Photoshop's resources, and in fields read already,
    which count where EXIF has no such field. Blocks that make no sense say nothing. EXIF may
    begin as in JPEG."""
    prefixed = bytes(exif_block[: len(exif.PREFIX)]) == exif.PREFIX
    tags = exif.parsed(exif_block[len(exif.PREFIX) :] if prefixed else exif_block)
    found: Fields = dict(spoken or {})
    for name, tag in ((fields.ARTIST, exif.ARTIST), (fields.COPYRIGHT, exif.COPYRIGHT)):
        text = exif.text(tags.get(tag, b""))
        if text:
            found[name] = (text,)
    told = [*iptc.resources(photoshop), *([tags[exif.IPTC]] if exif.IPTC in tags else [])]
    found |= _iptc(told[0]) if told else {}
    packet = packet or tags.get(exif.XMP, b"")
    return of(found | (xmp.parsed(packet) if packet else {}))


def _iptc(data: bytes) -> Fields:
    told = iptc.parsed(data)
    found: Fields = {
        fields.CREATOR: tuple(told.get(iptc.CREATOR, ())),
        fields.CREDIT: tuple(told.get(iptc.CREDIT, ())[:1]),
        fields.NOTICE: tuple(told.get(iptc.NOTICE, ())[:1]),
    }
    return found


def _texts(items: tuple[Item, ...]) -> tuple[str, ...]:
    return tuple(item for item in items if isinstance(item, str))
