"""Pictures that say who made them and who may use them, among much that must not go out."""

import json
import pathlib
import re
import struct
import subprocess
from typing import Any

from PIL import Image, PngImagePlugin

from liveresize.imaging import cleaning, rights

from . import heics, jxl_files, uploads

SECRET = uploads.SECRET.decode()

ARTIST, COPYRIGHT = 0x013B, 0x8298

SAYS = {
    "IFD0:Artist": "Ada Æsop",
    "IFD0:Copyright": "© 2026 Ada Æsop",
    "IPTC:By-line": "Ada of IPTC",
    "IPTC:Credit": "Aesop & Co",
    "IPTC:CopyrightNotice": "© Ada of IPTC",
    "XMP-dc:Rights": "© 2026 Ada & Sons",
    "XMP-dc:Creator": ["Ada Æsop", "Ben"],
    "XMP-photoshop:Credit": "Aesop & Co",
    "XMP-xmpRights:Marked": True,
    "XMP-xmpRights:Owner": "Ada Æsop",
    "XMP-xmpRights:UsageTerms": "Ask first",
    "XMP-xmpRights:WebStatement": "https://example.com/rights?a=1&b=2",
    "XMP-plus:Licensor": "Ada Ltd, https://example.com/buy",
    "XMP-plus:CopyrightStatus": "CS-PRO",
    "XMP-iptcExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}
"""What `exiftool -n` finds in a cleaned JPEG, by group and tag."""

PACKET = f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="{SECRET}">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="{SECRET}"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:r="http://ns.adobe.com/xap/1.0/rights/"
    xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"
    exif:GPSLatitude="{SECRET}"
    photoshop:City="{SECRET}"
    photoshop:Credit="Aesop &amp; Co"
    r:Marked="True"
    r:WebStatement="https://example.com/rights?a=1&amp;b=2">
   <dc:rights><rdf:Alt>
     <rdf:li xml:lang="de">Auf Deutsch</rdf:li>
     <rdf:li xml:lang="x-default">© 2026 Ada &amp; Sons</rdf:li>
   </rdf:Alt></dc:rights>
   <dc:creator><rdf:Seq><rdf:li>Ada Æsop</rdf:li><rdf:li>Ben</rdf:li></rdf:Seq></dc:creator>
   <dc:description><rdf:Alt><rdf:li>{SECRET}</rdf:li></rdf:Alt></dc:description>
   <ext:LocationCreated rdf:parseType="Resource"><ext:City>{SECRET}</ext:City>
     <dc:rights>{SECRET}</dc:rights></ext:LocationCreated>
   <ext:DigitalSourceType
     rdf:resource="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:r="http://ns.adobe.com/xap/1.0/rights/"
    xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:{SECRET}="{SECRET}">
   <r:Owner><rdf:Bag><rdf:li>Ada Æsop</rdf:li></rdf:Bag></r:Owner>
   <r:UsageTerms>Ask first</r:UsageTerms>
   <plus:Licensor><rdf:Seq>
     <rdf:li plus:LicensorURL="https://example.com/buy" plus:LicensorCity="{SECRET}"
       plus:LicensorName="Ada Ltd"/>
   </rdf:Seq></plus:Licensor>
   <plus:CopyrightStatus><rdf:Description>
     <rdf:value>http://ns.useplus.org/ldf/vocab/CS-PRO</rdf:value><plus:x>{SECRET}</plus:x>
   </rdf:Description></plus:CopyrightStatus>
   <plus:Custom1>{SECRET}</plus:Custom1>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
{" " * 2000}
<?xpacket end="w"?>""".encode()
"""XMP in all of its ways to write, with places, names and properties that nobody knows."""


def exif(orientation: int = 6) -> bytes:
    """EXIF with rights beside a place, a serial number, notes and a thumbnail."""
    block = Image.Exif()
    block.load(uploads.exif(orientation))
    # What is not asked for is not written again.
    assert block.get_ifd(uploads.CAMERA)
    assert block.get_ifd(uploads.GPS)
    block[ARTIST] = "Ada Æsop".encode()
    block[COPYRIGHT] = "© 2026 Ada Æsop".encode()
    return block.tobytes()


def iptc(*sets: tuple[int, bytes]) -> bytes:
    """Resources of Photoshop: a name, and IPTC with these sets of the second record."""
    told = sets or (
        (90, SECRET.encode()),
        (80, b"Ada of IPTC"),
        (110, b"Aesop & Co"),
        (116, "© Ada of IPTC".encode("latin-1")),
    )
    records = b"".join(struct.pack(">BBBH", 0x1C, 2, n, len(text)) + text for n, text in told)
    name = b"8BIM\x04\x1a\0\0\0\0\0\x0c" + SECRET.encode()
    content = struct.pack(">I", len(records)) + records + b"\0" * (len(records) % 2)
    return name + b"8BIM\x04\x04\0\0" + content


def jpeg(orientation: int = 6, **arguments: Any) -> bytes:
    """A JPEG with all three."""
    data = uploads.telling_jpeg(orientation, **arguments)
    start = data.index(b"\xff\xe1", data.index(b"JFIF"))
    old = int.from_bytes(data[start + 2 : start + 4]) + 2
    told = (
        uploads.segment(0xE1, b"Exif\0\0" + exif(orientation)[6:]),
        uploads.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET),
        uploads.segment(0xED, b"Photoshop 3.0\0" + iptc()),
    )
    head = data[: data.index(b"\xff\xe0\0\x10JFIF")]
    return b"\xff\xd8" + b"".join(told) + data[len(head) : start] + data[start + old :]


def png(orientation: int = 6) -> bytes:
    """A PNG with EXIF and XMP."""
    told = PngImagePlugin.PngInfo()
    told.add_itxt("XML:com.adobe.xmp", PACKET.decode(), zip=True)
    told.add_text("Author", SECRET)  # EXIF has one
    return uploads.saved(uploads.photo(), "PNG", exif=exif(orientation), pnginfo=told)


def webp(orientation: int = 6, **arguments: Any) -> bytes:
    """A WebP with EXIF and XMP."""
    data = uploads.saved(uploads.photo(), "WEBP", exif=exif(orientation), xmp=PACKET, **arguments)
    return uploads.riff(data[12:], uploads.riff_chunk(b"PRVT", uploads.SECRET))


def gif() -> bytes:
    """A GIF with XMP."""
    data = uploads.telling_gif()
    start = 13 + (3 << (data[10] & 7) + 1)
    magic = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return data[:start] + b"\x21\xff\x0bXMP DataXMP" + PACKET + magic + data[start:]


def avif() -> bytes:
    """An AVIF with EXIF and XMP."""
    return heics.avif(heics.exif(bytes(4) + exif()[6:]), heics.xmp(PACKET)).data()


def heic() -> bytes:
    """A HEIC with EXIF and XMP."""
    told = heics.exif(bytes(4) + exif()[6:]), heics.xmp(PACKET)
    return heics.File((heics.shown(), *told)).data()


def jxl() -> bytes:
    """A JPEG XL with EXIF and XMP."""
    boxes = ((b"Exif", bytes(4) + exif()[6:], False), (b"xml ", PACKET, False))
    return jxl_files.encoded(uploads.photo(), boxes=boxes)


FILES = {
    "jpeg": jpeg,
    "png": png,
    "webp": webp,
    "gif": gif,
    "avif": avif,
    "heif": heic,
    "jxl": jxl,
}
"""Format → a file that says everything that it can."""

JPEG = dict(rights.in_blocks(memoryview(exif())[6:], PACKET, iptc()).fields)
"""What the JPEG says."""

WITHOUT_IPTC = {name: items for name, items in JPEG.items() if not name.startswith("iptc:")}
FIELDS = dict.fromkeys(FILES, WITHOUT_IPTC) | {
    "jpeg": JPEG,
    "gif": {name: items for name, items in WITHOUT_IPTC.items() if not name.startswith("exif:")},
}
"""Format → what is kept of its file."""


def kept(kind: str, data: bytes) -> dict[str, Any]:
    """What a file says of rights."""
    return dict(cleaning.rights_in(kind, memoryview(data)).fields)


def found_by_exiftool(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Name → the tags in a file of the folder that tell more than its pixels."""
    command = ["exiftool", "-json", "-n", "-G1", "-a", "-u", "-ee", str(folder)]
    answer = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    known = re.compile(r"IFD0|IFD1|ExifIFD|GPS|IPTC|XMP|Photoshop|Maker|Comment|PNG-pHYs")
    entries = json.loads(answer.stdout)
    assert len(entries) == len(list(folder.iterdir()))
    found = {}
    for entry in entries:
        told = {tag: value for tag, value in entry.items() if known.match(tag)}
        for tag, value in (("CodedCharacterSet", "\x1b%G"), ("ApplicationRecordVersion", 4)):
            assert told.pop(f"IPTC:{tag}", value) == value
        licensor = [told.pop(f"XMP-plus:Licensor{part}") for part in ("Name", "URL")]
        found[pathlib.Path(entry["SourceFile"]).name] = told | {
            "XMP-plus:Licensor": ", ".join(licensor)
        }
    return found


def said(*groups: str) -> dict[str, Any]:
    """What it finds in groups of tags, whose names begin so."""
    return {tag: value for tag, value in SAYS.items() if tag.startswith(groups)}
