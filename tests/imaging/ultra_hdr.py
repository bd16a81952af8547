"""JPEGs with gain maps as a Pixel and an iPhone write them, made by hand from small pictures."""

import struct

from PIL import Image

from . import uploads
from .uploads import SECRET, saved, segment

SIZE, SMALL = (64, 48), (16, 12)

XAP = b"http://ns.adobe.com/xap/1.0/\0"
ISO = b"urn:iso:std:iso:ts:21496:-1\0"

HEADROOM, GAIN = (82317, 54194), (3, 1000)
"""What the maker notes of the iPhone say in tags 33 and 48."""

STORY = b"<dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>" + SECRET + b"</dc:creator>"


def ramp(size: tuple[int, int] = SMALL, mode: str = "L") -> Image.Image:
    """A gain map: nothing at the left, everything at the right."""
    across = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90).resize(size)
    return across if mode == "L" else Image.merge("RGB", (across, across.rotate(180), across))


def xmp(attributes: bytes, children: bytes = b"") -> bytes:
    """A packet of XMP with a description that has these, and tells more."""
    return segment(
        0xE1,
        XAP + b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 5.1.0-jc003"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><!-- a remark -->'
        b'<rdf:Description rdf:about="" '
        + attributes
        + b">"
        + children
        + STORY
        + b"</rdf:Description>"
        b'</rdf:RDF></x:xmpmeta>   <?xpacket end="w"?>',
    )


def iso(*, three: bool = False, shared: bool = False) -> bytes:
    """All metadata of ISO 21496-1, of one channel or three, with one denominator or many."""
    flags = (0x80 if three else 0) | 0x40 | (0x08 if shared else 0)
    head = ISO + struct.pack(">HHB", 0, 7, flags)
    if shared:
        body = struct.pack(">III", 1000, 0, 2300)
        row = struct.pack(">iiIii", 0, 2300, 1000, 15, 15)
    else:
        body = struct.pack(">IIII", 0, 1, 2300, 1000)
        row = struct.pack(">iIiIIIiIiI", 0, 1, 2300, 1000, 1, 1, 1, 64, 1, 64)
    return segment(0xE2, head + body + row * (3 if three else 1))


def index(
    sizes: list[int], offsets: list[int], order: str = "<", count: int | None = None
) -> bytes:
    """The segment of a multi-picture index."""
    entries = b"".join(
        struct.pack(f"{order}IIIHH", 0 if at else 0x030000, size, offset, 0, 0)
        for at, (size, offset) in enumerate(zip(sizes, offsets, strict=True))
    )
    total = len(sizes) if count is None else count
    tags = struct.pack(f"{order}HHI4s", 0xB000, 7, 4, b"0100")
    tags += struct.pack(f"{order}HHII", 0xB001, 4, 1, total)
    tags += struct.pack(f"{order}HHII", 0xB002, 7, 16 * total, 8 + 2 + 36 + 4)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, 3)
    return segment(0xE2, b"MPF\0" + head + tags + bytes(4) + entries)


def put_in(jpeg: bytes, *told: bytes) -> bytes:
    """A JPEG with segments behind its first one, which is JFIF."""
    return jpeg[:20] + b"".join(told) + jpeg[20:]


def joined(head: bytes, rest: bytes, pictures: list[bytes], order: str) -> bytes:
    """A picture, split where its index goes in, and others behind it."""
    size = len(head) + len(index([0] * (1 + len(pictures)), [0] * (1 + len(pictures)))) + len(rest)
    sizes = [size, *(len(each) for each in pictures)]
    start = len(head) + 8
    offsets = [0, *(sum(sizes[:at]) - start for at in range(1, len(sizes)))]
    return head + index(sizes, offsets, order) + rest + b"".join(pictures)


HDRGM = b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'

CONTAINER = (
    b'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
)

GAINS = (
    b' hdrgm:GainMapMin="0" hdrgm:GainMapMax="2.3" hdrgm:Gamma="1" hdrgm:OffsetSDR="0.015625"'
    b' hdrgm:OffsetHDR="0.015625" hdrgm:HDRCapacityMin="0" hdrgm:HDRCapacityMax="2.3"'
    b' hdrgm:BaseRenditionIsHDR="False"'
)


def gain_map(*told: bytes, picture: Image.Image | None = None, **arguments: object) -> bytes:
    """The JPEG of a gain map, which tells where it was taken, and has a thumbnail."""
    jpeg = saved(picture or ramp(), "JPEG", quality=95, exif=uploads.exif(1), **arguments)
    return put_in(jpeg, segment(0xE0, b"JFXX\0\x13\x02\x02" + SECRET), *told)


def pixel(
    orientation: int = 6,
    size: tuple[int, int] = SIZE,
    second: bytes | None = None,
    *,
    both: bool = True,
) -> bytes:
    """An Ultra HDR JPEG with a video behind it; `both` says that ISO 21496-1 is there as well."""
    told = [iso()] if both else []
    second = second or gain_map(xmp(HDRGM + GAINS), *told)
    video = b"\0\0\0\x18ftypmp42" + SECRET
    items = b"".join(
        b"<rdf:li rdf:parseType='Resource'><Container:Item Item:Mime='%s' Item:Semantic='%s' "
        b"Item:Length='%d'/></rdf:li>" % each
        for each in (
            (b"image/jpeg", b"Primary", 0),
            (b"image/jpeg", b"GainMap", len(second)),
            (b"video/mp4", b"MotionPhoto", len(video)),
        )
    )
    directory = b"<Container:Directory><rdf:Seq>" + items + b"</rdf:Seq></Container:Directory>"
    head = saved(
        uploads.photo(size), "JPEG", exif=uploads.exif(orientation), icc_profile=uploads.icc()
    )
    told = [segment(0xE2, ISO + bytes(4))] if both else []
    whole = put_in(head, xmp(CONTAINER + HDRGM, directory), *told)
    at = whole.index(b"\xff\xe2", 20 + len(xmp(CONTAINER + HDRGM, directory)) + 40)
    return joined(whole[:at], whole[at:], [second], "<") + video


def notes() -> bytes:
    """Apple's maker notes: both fractions among things that tell."""
    fields = [(33, 10, 1), (43, 2, len(SECRET)), (48, 10, 1)]
    start = 14 + 2 + 12 * len(fields) + 4
    values = [struct.pack(">ii", *HEADROOM), SECRET, struct.pack(">ii", *GAIN)]
    entries = b""
    for (tag, kind, count), value in zip(fields, values, strict=True):
        entries += struct.pack(">HHII", tag, kind, count, start)
        start += len(value)
    return b"Apple iOS\0\0\1MM" + struct.pack(">H", 3) + entries + bytes(4) + b"".join(values)


def iphone(
    orientation: int = 6,
    size: tuple[int, int] = SIZE,
    version: int = 65536,
    small: Image.Image | None = None,
) -> bytes:
    """What an iPhone writes: a preview, the gain map, and a matte of the person behind it.

    From `version` 131072 on the XMP says the headroom as well.
    """
    exif = Image.Exif()
    exif[uploads.ORIENTATION] = orientation
    exif[uploads.MAKE] = SECRET.decode()
    exif.get_ifd(uploads.CAMERA).update({0xA431: SECRET.decode(), 0x927C: notes()})
    exif.get_ifd(uploads.GPS).update({1: "N", 2: (52.0, 5.0, 24.0), 29: SECRET.decode()})
    # Pillow calls the notes bytes, cameras undefined, and Chromium insists on that.
    block = exif.tobytes().replace(b"\x92\x7c\0\1", b"\x92\x7c\0\7")
    whole = saved(uploads.photo(size), "JPEG", exif=block, icc_profile=uploads.icc())
    jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0AMPF")
    at = whole.index(b"\xff\xe2")
    head = whole[:2] + jfif + whole[20:at]
    headroom = b"<HDRGainMap:HDRGainMapHeadroom>4.532783</HDRGainMap:HDRGainMapHeadroom>"

    def auxiliary(kind: bytes, more: bytes) -> bytes:
        return xmp(
            b'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" '
            b'xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/"',
            b"<apdi:NativeFormat>1278226488</apdi:NativeFormat><apdi:AuxiliaryImageType>urn:com:"
            b"apple:photo:2020:aux:" + kind + b"</apdi:AuxiliaryImageType>" + more,
        )

    told = b"<HDRGainMap:HDRGainMapVersion>%d</HDRGainMap:HDRGainMapVersion>" % version
    told += headroom if version > 65536 else b""
    pictures = [
        gain_map(picture=uploads.photo((20, 15))),
        gain_map(auxiliary(b"hdrgainmap", told), picture=small),
        gain_map(auxiliary(b"semanticskinmatte", b""), picture=uploads.photo((20, 15), "L")),
    ]
    return joined(head, whole[at:], pictures, ">")
