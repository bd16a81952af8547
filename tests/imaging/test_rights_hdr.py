"""Rights and gain maps in one JPEG: one block of EXIF and one packet of XMP say both."""

import pathlib

import pytest

from liveresize.core.formats import Format
from liveresize.imaging import cleaning, rights
from liveresize.imaging.cleaning.gain_map import search

from . import rights_files, samples, ultra_hdr, uploads

TOLD = cleaning.rights_in("jpeg", memoryview(rights_files.jpeg()))

XMP = b"\xff\xe1??http://ns.adobe.com/xap/1.0/\0"[4:]


@pytest.mark.parametrize(
    "data",
    [ultra_hdr.pixel(), ultra_hdr.pixel(both=False), ultra_hdr.iphone()],
    ids=["pixel", "pixel without iso", "iphone"],
)
def test_an_original_keeps_both(data: bytes) -> None:
    """Each is what it is alone, in one packet that programs read; and once is enough."""
    plain = uploads.cleaned("jpeg", data, 6)
    both = b"".join(cleaning.cleaned("jpeg", memoryview(plain), 6, TOLD))
    assert cleaning.rights_in("jpeg", memoryview(both)) == TOLD
    alone, found = search.find(memoryview(plain)), search.find(memoryview(both))
    assert alone
    assert found
    assert (found.gains, found.iso, found.apple) == (alone.gains, alone.iso, alone.apple)
    assert bytes(found.file) == bytes(alone.file)
    assert both[: -len(found.file)].count(XMP) == 1
    assert uploads.looks(both) == uploads.looks(plain)
    assert cleaning.is_clean("jpeg", memoryview(both), 6)
    assert uploads.cleaned("jpeg", both, 6) == plain


def test_a_rendition_has_both(tmp_path: pathlib.Path) -> None:
    """With a gain map behind it a rendition says the rights as without."""
    path = tmp_path / "a.jpg"
    data = uploads.stored("jpeg", ultra_hdr.pixel(1, (320, 240)), 1)
    path.write_bytes(b"".join(cleaning.cleaned("jpeg", memoryview(data), 1, TOLD)))
    fields = {"format": Format.JPEG, "width": 300, "hdr": "keep"}
    made, _ = samples.rendered(path, rights=True, **fields)
    assert cleaning.rights_in("jpeg", memoryview(made.data)) == TOLD.in_xmp()
    found = search.find(memoryview(made.data))
    assert found
    assert made.data[: -len(found.file)].count(XMP) == 1
    without, _ = samples.rendered(path, **fields)
    assert cleaning.rights_in("jpeg", memoryview(without.data)) == rights.NONE
    assert found.gains == search.find(memoryview(without.data)).gains  # type: ignore[union-attr]
