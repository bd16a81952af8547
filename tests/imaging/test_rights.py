"""What is read of EXIF, IPTC and XMP that anybody may have made, and what is written of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize.imaging import rights
from liveresize.imaging.rights import exif, fields, iptc, texts, xmp

from . import rights_files

SPACES = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in xmp.NAMESPACES.items())
RDF = xmp.RDF


def packet(body: str, attributes: str = "", before: str = "") -> bytes:
    """A packet with one description."""
    return (
        f'{before}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about=""{SPACES} {attributes}>{body}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def credit(text: str) -> bytes:
    """A packet with one property."""
    return packet(f"<photoshop:Credit>{text}</photoshop:Credit>")


DEEP = "".join(f"<dc:x{level}>" for level in range(200))
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'

PACKETS = [
    ("text", credit(" Ada "), {"photoshop:Credit": ("Ada",)}),
    ("an attribute", packet("", 'photoshop:Credit="A&amp;B"'), {"photoshop:Credit": ("A&B",)}),
    (
        "an address as a resource",
        packet('<xmpRights:WebStatement rdf:resource="https://a.example/"/>'),
        {"xmpRights:WebStatement": ("https://a.example/",)},
    ),
    (
        "a language that is the only one",
        packet('<dc:rights><rdf:Alt><rdf:li xml:lang="fr">à moi</rdf:li></rdf:Alt></dc:rights>'),
        {"dc:rights": ("à moi",)},
    ),
    (
        "a list written as another kind, and a text as a list",
        packet(
            "<dc:creator><rdf:Bag><rdf:li>A</rdf:li><rdf:li> </rdf:li><rdf:li>B</rdf:li></rdf:Bag>"
            "</dc:creator><xmpRights:Owner>C</xmpRights:Owner>"
        ),
        {"dc:creator": ("A", "B"), "xmpRights:Owner": ("C",)},
    ),
    (
        "a structure of elements, without the address in it",
        packet(
            '<plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><plus:LicensorID>7'
            "</plus:LicensorID><plus:LicensorStreetAddress>x</plus:LicensorStreetAddress></rdf:li>"
            "<rdf:li><rdf:Description><plus:LicensorName>N</plus:LicensorName></rdf:Description>"
            "</rdf:li></rdf:Seq></plus:Licensor>"
        ),
        {"plus:Licensor": ((("LicensorID", "7"),), (("LicensorName", "N"),))},
    ),
    ("a structure that is a text", packet("<plus:Licensor>N</plus:Licensor>"), {}),
    (
        "the first of two",
        packet("<photoshop:Credit>A</photoshop:Credit><photoshop:Credit>B</photoshop:Credit>"),
        {"photoshop:Credit": ("A",)},
    ),
    ("one inside of another", packet("<dc:x><photoshop:Credit>A</photoshop:Credit></dc:x>"), {}),
    ("other properties", packet("<dc:title>A</dc:title>", 'photoshop:City="A"'), {}),
    ("what PLUS does not list", packet("<plus:GPSLatitude>5</plus:GPSLatitude>"), {}),
    ("a name of another space", packet("<c:Credit xmlns:c='urn:x'>A</c:Credit>"), {}),
    ("nothing outside of RDF", f"<photoshop:Credit{SPACES}>A</photoshop:Credit>".encode(), {}),
    ("controls", credit("a&#13;&#10;b\u0085c\u202ed"), {"photoshop:Credit": ("a b cd",)}),
    (
        "code",
        credit("<![CDATA[<?php evil(); ?>]]>&lt;script>"),
        {"photoshop:Credit": ("(?php evil(); ?)(script)",)},
    ),
    ("a text cut where a letter ends", credit("é" * 400), {"photoshop:Credit": ("é" * 256,)}),
    ("a URL that is too long", credit("https://a.example/" + "a" * 512), {}),
    ("a document type", packet("", 'photoshop:Credit="A"', ENTITIES), {}),
    ("an entity of nobody", credit("&a;"), {}),
    (
        "a stylesheet",
        packet("", 'photoshop:Credit="A"', "<?xml-stylesheet href='x'?>"),
        {"photoshop:Credit": ("A",)},
    ),
    ("what comes before it breaks off", credit("A")[:-30], {"photoshop:Credit": ("A",)}),
    ("zeros behind it", credit("A") + bytes(9), {"photoshop:Credit": ("A",)}),
    ("too deep", packet(DEEP + "<photoshop:Credit>A</photoshop:Credit>"), {}),
    ("too many", packet("<a/>" * 30_000 + "<photoshop:Credit>A</photoshop:Credit>"), {}),
    ("too long", packet(" " * xmp.MOST_BYTES + "<photoshop:Credit>A</photoshop:Credit>"), {}),
    ("UTF-16", credit("Æ").decode().encode("utf-16"), {"photoshop:Credit": ("Æ",)}),
    ("a prefix of nothing", b"<x:xmpmeta><rdf:RDF><dc:rights>A</dc:rights></rdf:RDF>", {}),
    ("nothing", b"", {}),
]


@pytest.mark.parametrize(
    ("data", "found"), [row[1:] for row in PACKETS], ids=[row[0] for row in PACKETS]
)
def test_properties_are_found_however_they_are_written(data: bytes, found: fields.Fields) -> None:
    """Each way that XMP has to write them, and none that nobody may write."""
    assert xmp.parsed(data) == found


def test_everything_is_found_and_nothing_else() -> None:
    """The file of the other tests says as much as exiftool finds in it."""
    found = rights.in_blocks(
        memoryview(rights_files.exif()), rights_files.PACKET, rights_files.iptc()
    )
    assert len(found.fields) == len(rights_files.SAYS)
    written = found.exif() + found.iptc() + found.xmp()
    assert rights_files.SECRET.encode() not in written
    assert rights.in_blocks(memoryview(found.exif()), found.xmp(), found.iptc()) == found


def directory(order: str, *entries: tuple[int, int, int, bytes], start: int = 8) -> bytes:
    """A TIFF with one directory, whose entries hold four bytes each."""
    way = "little" if order == "II" else "big"
    mark = order.encode() + (42).to_bytes(2, way) + start.to_bytes(4, way)  # type: ignore[arg-type]
    table = b"".join(
        tag.to_bytes(2, way) + kind.to_bytes(2, way) + size.to_bytes(4, way) + value  # type: ignore[arg-type]
        for tag, kind, size, value in entries
    )
    return mark + len(entries).to_bytes(2, way) + table + bytes(4)  # type: ignore[arg-type]


FAR = (1 << 31).to_bytes(4)

BLOCKS = [
    (directory("II", (0x13B, 2, 4, b"Ada\0")), {0x13B: b"Ada\0"}),
    (directory("MM", (0x8298, 2, 3, b"Ada\0"), (0x8298, 2, 1, b"B\0\0\0")), {0x8298: b"Ada"}),
    (directory("MM", (0x13B, 2, 9, FAR)), {}),
    (directory("MM", (0x13B, 2, 0xFFFFFFFF, bytes(4))), {}),
    (directory("MM", (0x13B, 3, 2, b"Ada\0")), {}),
    (directory("MM", (0x10F, 2, 4, b"Ada\0")), {}),
    (directory("MM", (0x13B, 2, 4, b"Ada\0"))[:-7], {}),
    (directory("MM", (0x13B, 2, 4, b"Ada\0"), start=0xFFFFFFF0), {}),
    (b"MM\0*", {}),
    (b"MM\0+" + directory("MM", (0x13B, 2, 4, b"Ada\0"))[4:], {}),
    (b"", {}),
]


@pytest.mark.parametrize(("block", "found"), BLOCKS)
def test_tags_are_found_where_exif_makes_sense(block: bytes, found: dict[int, bytes]) -> None:
    """Both orders of bytes, and places outside of the block lead nowhere."""
    assert exif.parsed(memoryview(block)) == found


def test_exif_and_iptc_become_texts() -> None:
    """Photographer and editor, UTF-8 and Latin-1, sets of other records and those cut off."""
    assert exif.text(b"A\0B\0") == "A; B"
    assert exif.text(b" \0B\0\0") == "B"
    assert exif.text("Æ\r\n<b>\0".encode("latin-1")) == "Æ (b)"
    assert list(iptc.resources(rights_files.iptc((80, b"A")))) == [b"\x1c\x02\x50\0\x01A"]
    assert list(iptc.resources(b"8BIM\x04\x04\0")) == [b""]
    assert list(iptc.resources(b"8BIM\x04\x04")) == []
    sets = b"\x1c\x01\x5a\0\x01x\x1c\x02\x50\0\x01A\x1c\x02\x50\0\x02\xc3\x86\x1c\x02\x6e\0\x01C"
    assert iptc.parsed(sets + b"\x1c\x02\x74\0\x09D") == {80: ["A", "Æ"], 110: ["C"]}
    assert iptc.parsed(b"\x1c\x02\x50\x80\x04\0\0\0\x01A") == {}


def test_the_smallest_exif_says_the_orientation_alone() -> None:
    """Without rights the block is the one that 1.0.0 wrote."""
    assert rights.NONE.exif() == rights.NONE.xmp() == rights.NONE.iptc() == b""
    assert rights.NONE.exif(6).hex() == "4d4d002a00000008000101120003000000010006000000000000"


items = st.lists(st.text(max_size=300), max_size=3)
structs = st.lists(
    st.lists(st.tuples(st.just("LicensorName"), st.text(max_size=300)), max_size=1), max_size=3
)


@given(st.dictionaries(st.sampled_from(fields.ORDER), items), structs)
def test_what_is_written_is_read_again(
    texts_: dict[str, list[str]], many: list[list[object]]
) -> None:
    """All blocks together are bounded, valid, and say the same as what they were made of."""
    found = {name: tuple(each) for name, each in texts_.items() if name not in fields.STRUCTS}
    licensors = {"plus:Licensor": tuple(tuple(each) for each in many)}
    single = {name: each[:1] for name, each in found.items() if _is_single(name)}
    told = rights.of(found | single | licensors)  # type: ignore[arg-type]
    blocks = told.exif(), told.xmp(), told.iptc()
    assert sum(map(len, blocks)) <= rights.MOST
    assert rights.in_blocks(memoryview(blocks[0]), *blocks[1:]) == told
    assert rights.of(dict(told.fields)) == told
    merged = told.in_xmp()
    assert not merged.iptc()
    assert merged.in_xmp() == merged


def _is_single(name: str) -> bool:
    kind = fields.XMP.get(name, fields.Kind.TEXT)
    return name != fields.CREATOR and kind in (fields.Kind.TEXT, fields.Kind.ALT)


def test_the_most_important_stays_where_not_all_fits() -> None:
    """The mark of made pictures and who has the rights come first; names are not cut in two."""
    full = rights.of({name: ("x" * 600,) for name in fields.ORDER if name not in fields.STRUCTS})
    assert [name for name, _ in full.fields][:3] == [
        "Iptc4xmpExt:DigitalSourceType",
        "exif:Copyright",
        "exif:Artist",
    ]
    many = rights.of({"dc:creator": ("a" * 300, "b" * 300, "c")})
    assert dict(many.fields) == {"dc:creator": ("a" * 300, "c")}


def test_iptc_moves_where_xmp_says_nothing() -> None:
    """In renditions the fields of IPTC are properties of XMP, unless those are there."""
    told = rights.of({fields.CREATOR: ("A", "B"), fields.NOTICE: ("N",), "dc:rights": ("R",)})
    assert dict(told.in_xmp().fields) == {"dc:rights": ("R",), "dc:creator": ("A", "B")}


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8")))
def test_texts_become_harmless(raw: bytes) -> None:
    """One line of valid text without markup, whatever comes in; and once is enough."""
    text = texts.cut(texts.tidy(texts.decoded(raw)))
    assert not set("<>\0\x7f\u202e\r\n") & set(text)
    assert len(text.encode()) <= texts.MOST
    assert texts.cut(texts.tidy(text)) == text
