"""Cleaning JPEGs with a gain map: it stays where it can be applied, and tells nothing."""

import io
import pathlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from liveresize.imaging import cleaning, rights
from liveresize.imaging.cleaning import jpeg
from liveresize.imaging.cleaning.gain_map import apple, mpf, search, xmp
from liveresize.imaging.cleaning.gain_map.gains import Gains
from liveresize.imaging.cleaning.gain_map.iso import Iso

from . import samples, ultra_hdr, uploads
from .uploads import SECRET, segment

MAKERS = {
    "a Pixel": ultra_hdr.pixel(),
    "an older Pixel": ultra_hdr.pixel(both=False),
    "an iPhone": ultra_hdr.iphone(),
    "a newer iPhone": ultra_hdr.iphone(version=131072),
}


def found(data: bytes) -> search.GainMap | None:
    return search.find(memoryview(data))


def plain(data: bytes, orientation: int = 6) -> bytes:
    """What is left of a JPEG without its gain map."""
    return b"".join(jpeg.cleaned(memoryview(data), orientation))


def indexed(data: bytes) -> list[bytes]:
    """The pictures that the index of a file says, as Pillow reads it."""
    with Image.open(io.BytesIO(data)) as image:
        told = getattr(image, "mpinfo", None) or JpegImagePlugin._getmp(image)  # type: ignore
    base = data.index(b"MPF\0") + 4
    places = [(each["DataOffset"], each["Size"]) for each in told[0xB002]]
    return [data[(base + at if at else 0) :][:size] for at, size in places]


@pytest.mark.parametrize("maker", MAKERS)
def test_the_gain_map_stays_and_tells_nothing_else(maker: str) -> None:
    """Both pictures look as before, and the index says where they are; all else goes."""
    data = MAKERS[maker]
    clean = uploads.cleaned("jpeg", data)
    before, after = found(data), found(clean)
    assert before is not None
    assert after is not None
    assert (after.gains, after.iso, after.apple, after.ampf) == (
        (before.gains, before.iso, before.apple, before.ampf)
    )
    assert uploads.looks(clean) == uploads.looks(data)
    assert uploads.looks(bytes(after.file)) == uploads.looks(bytes(before.file))
    assert data.count(SECRET) > 10
    assert SECRET not in clean
    first, second = indexed(clean)
    assert first + second == clean
    assert second == bytes(after.file)
    assert cleaning.is_clean("jpeg", memoryview(clean), 6)
    assert b"".join(cleaning.cleaned("jpeg", memoryview(data), 6, hdr=False)) == plain(data)


def test_each_maker_says_it_in_its_own_way() -> None:
    """What was understood is what was written."""
    pixel, older, iphone, newer = (found(uploads.cleaned("jpeg", each)) for each in MAKERS.values())
    stops = Gains(least=(0,), most=(2.3,), sdr_offset=(1 / 64,), hdr_offset=(1 / 64,), full=2.3)
    assert pixel
    assert pixel.iso
    assert (pixel.iso.gains, pixel.gains, pixel.apple) == (stops, stops, None)
    assert older
    assert (older.iso, older.gains, older.apple) == (None, stops, None)
    told = (ultra_hdr.HEADROOM, ultra_hdr.GAIN)
    assert iphone
    assert (iphone.iso, iphone.gains) == (None, None)
    assert iphone.apple == apple.Apple(65536, None, told)
    assert iphone.ampf
    # Apple's formula: headroom 1.519, gain 0.003.
    assert iphone.apple.brightest == pytest.approx(2 ** (3.0 - 70 * 0.003))
    assert newer
    assert newer.apple == apple.Apple(131072, 4.532783, told)
    assert newer.apple.brightest == 4.532783


@pytest.mark.parametrize("maker", MAKERS)
def test_rights_stay_beside_it(maker: str) -> None:
    """In the same packet of XMP, since readers look at the first one alone."""
    data = MAKERS[maker]
    kept = rights.of({"dc:creator": ("Ada",), "exif:Artist": ("Ada",)})
    clean = b"".join(cleaning.cleaned("jpeg", memoryview(data), 6, kept))
    before, after = found(data), found(clean)
    assert before is not None
    assert after is not None
    assert (after.gains, after.iso, after.apple) == (before.gains, before.iso, before.apple)
    assert cleaning.rights_in("jpeg", memoryview(clean)) == kept
    assert cleaning.is_clean("jpeg", memoryview(clean), 6)
    assert clean[: -len(after.file)].count(xmp.MARK) == 1
    assert uploads.looks(clean).orientation == 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_notes_leave_the_orientation(orientation: int) -> None:
    """EXIF says the orientation, and of the maker's notes two fractions."""
    clean = uploads.cleaned("jpeg", ultra_hdr.iphone(orientation))
    assert uploads.looks(clean).orientation == orientation
    with Image.open(io.BytesIO(clean)) as image:
        exif = image.getexif()
        notes = exif.get_ifd(uploads.CAMERA)
        rest = set(exif) - {uploads.CAMERA}
        assert rest == ({uploads.ORIENTATION} if orientation > 1 else set())
    assert notes == {0x927C: apple.maker_notes((ultra_hdr.HEADROOM, ultra_hdr.GAIN))}


def test_three_channels_and_one_denominator_stay() -> None:
    """The metadata may have values for each channel, and one denominator for all of them."""
    lists = b"".join(
        b"<hdrgm:%s><rdf:Seq>%s</rdf:Seq></hdrgm:%s>"
        % (name, b"".join(b"<rdf:li>%s</rdf:li>" % each for each in values), name)
        for name, values in (
            (b"GainMapMin", (b"-0.5", b"0", b"0.25")),
            (b"GainMapMax", (b"2", b"2.5", b"3")),
        )
    )
    told = (
        ultra_hdr.xmp(ultra_hdr.HDRGM + b' hdrgm:HDRCapacityMax="3"', lists),
        ultra_hdr.iso(three=True, shared=True),
    )
    second = ultra_hdr.gain_map(*told, picture=ultra_hdr.ramp(mode="RGB"))
    after = found(uploads.cleaned("jpeg", ultra_hdr.pixel(second=second)))
    assert after
    assert after.gains == Gains(least=(-0.5, 0, 0.25), most=(2, 2.5, 3), full=3)
    assert after.iso
    assert after.iso.gains == Gains(
        least=(0,) * 3,
        most=(2.3,) * 3,
        gamma=(1,) * 3,
        sdr_offset=(0.015,) * 3,
        hdr_offset=(0.015,) * 3,
        full=2.3,
    )


def hostile() -> dict[str, bytes]:
    """JPEGs whose index or metadata makes no sense, or asks for too much."""
    first = uploads.saved(uploads.photo(), "JPEG", exif=uploads.exif(6))
    told = (ultra_hdr.xmp(ultra_hdr.HDRGM + ultra_hdr.GAINS), ultra_hdr.iso())
    good = ultra_hdr.gain_map(*told)

    def indexed(offset: int, size: int, second: bytes = good, count: int = 2) -> bytes:
        entry = ultra_hdr.index([1, size], [0, offset], ">", count)
        return ultra_hdr.put_in(first, entry) + second

    behind = len(ultra_hdr.put_in(first, ultra_hdr.index([1, 1], [0, 1]))) - 28
    assert found(indexed(behind, len(good)))

    def second(*told: bytes, **arguments: object) -> bytes:
        file = ultra_hdr.gain_map(*told, **arguments)  # type: ignore[arg-type]
        return indexed(behind, len(file), file)

    hdrgm, bomb = ultra_hdr.HDRGM, b'<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    packet = ultra_hdr.xmp(hdrgm + ultra_hdr.GAINS)[4:]
    start = packet.index(b"<x:")
    return {
        "itself": indexed(0, len(first)),
        "inside the picture": indexed(20, len(good)),
        "beyond the end": indexed(10**9, len(good)),
        "an offset below zero": indexed(2**32 - 28, len(good)),
        "cut off": indexed(behind, len(good) - 9),
        "no bytes": indexed(behind, 0),
        "a picture of no kind": second(),
        "an index of nothing": ultra_hdr.put_in(first, ultra_hdr.index([], [])) + good,
        "a count of millions": ultra_hdr.put_in(first, ultra_hdr.index([1], [0], ">", 2**28 - 1))
        + good,
        "an index in itself": ultra_hdr.put_in(first, segment(0xE2, b"MPF\0MM\0*\xff\xff\xff\xff"))
        + good,
        "a larger picture": second(*told, picture=uploads.photo((62, 43), "L")),
        "in CMYK": second(*told, picture=uploads.photo((16, 12), "CMYK")),
        "of many scans": second(*told, *[segment(0xFE, b"")] * 600),
        "a document type": second(segment(0xE1, packet[:start] + bomb + packet[start:])),
        "an endless gain": second(ultra_hdr.xmp(hdrgm + b' hdrgm:GainMapMax="1e999"')),
        "an upside-down gain": second(ultra_hdr.xmp(hdrgm + b' hdrgm:GainMapMin="3"')),
        "no gamma": second(ultra_hdr.xmp(hdrgm + b' hdrgm:Gamma="0"')),
        "a division by zero": second(ultra_hdr.iso().replace(struct.pack(">I", 64), bytes(4))),
        "half of ISO": second(segment(0xE2, ultra_hdr.ISO + bytes(30))),
    }


HOSTILE = hostile()


@pytest.mark.parametrize("flaw", HOSTILE)
def test_what_is_no_sound_gain_map_goes(flaw: str) -> None:
    """The picture stays alone, and nothing of what it points to."""
    data = HOSTILE[flaw]
    assert uploads.cleaned("jpeg", data, 6) == plain(data)


def test_pictures_without_a_gain_map_are_as_before() -> None:
    """To the byte, those of a camera that writes several pictures as well."""
    second = uploads.photo((33, 22))
    several = uploads.saved(uploads.photo(), "MPO", save_all=True, append_images=[second])
    for data in (uploads.telling_jpeg(), several):
        assert uploads.cleaned("jpeg", data, 6) == plain(data)


fractions = st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(1, 2**31 - 1))


@given(st.binary(max_size=200), fractions, fractions)
def test_noise_in_metadata_is_survived(
    noise: bytes, one: apple.Fraction, two: apple.Fraction
) -> None:
    """Nothing is raised, and what is understood is understood again once it is written."""
    Iso.parsed(noise)
    mpf.parsed(b"MM\0*\0\0\0\x08" + noise)
    xmp.gains(xmp.parsed(noise))
    apple.notes_in(b"II*\0\x08\0\0\0" + noise)
    block = uploads.bare_exif(3)
    told = apple.maker_notes((one, two))
    exif = Image.Exif()
    exif.get_ifd(uploads.CAMERA)[0x927C] = told
    assert apple.notes_in(exif.tobytes()[6:]) == (one, two)
    assert apple.notes_in(block[6:]) is None


@pytest.mark.skipif(not samples.CORPUS.is_dir(), reason="no corpus")
@pytest.mark.parametrize("name", ["gain-map.jpg", "apple_gainmap_new.jpg"])
def test_real_gain_maps_stay(name: str) -> None:
    """Of libultrahdr and of an iPhone 13."""
    data = pathlib.Path(samples.CORPUS / "colour" / name).read_bytes()
    clean = uploads.cleaned("jpeg", data)
    before, after = found(data), found(clean)
    assert before
    assert after
    assert (after.gains, after.apple) == (before.gains, before.apple)
    assert uploads.looks(bytes(after.file)) == uploads.looks(bytes(before.file))
