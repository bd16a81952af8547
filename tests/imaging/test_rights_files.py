"""Rights outlive intake and rendering in every format that has room for them, and nothing else."""

import pathlib
import shutil
from typing import Any

import pytest
from PIL import Image

from liveresize.core.jobs import IntakeJob
from liveresize.imaging import cleaning, decode, ingest, libjxl, rights
from liveresize.imaging.settings import EngineSettings

from . import heics, rights_files, uploads
from .rights_files import FIELDS, WITHOUT_IPTC, kept

FILES = [
    pytest.param(
        kind,
        marks=pytest.mark.skipif(
            kind == "jxl" and libjxl.load() is None, reason="imagecodecs is not installed"
        ),
    )
    for kind in rights_files.FILES
]


@pytest.mark.parametrize("kind", FILES)
def test_cleaning_keeps_rights_and_pixels_alone(kind: str) -> None:
    """All that a file of the format can say stays, the pixels do, and once is enough."""
    data = rights_files.FILES[kind]()
    assert uploads.SECRET in data
    clean = uploads.stored(kind, data, 6)
    assert uploads.SECRET not in clean
    assert kept(kind, clean) == FIELDS[kind]
    assert uploads.stored(kind, clean, 6) == clean
    assert cleaning.is_clean(kind, memoryview(clean), 6)
    if kind not in ("heif", "jxl"):
        assert uploads.looks(clean) == uploads.looks(data)
    # To leave them out gives what cleaning gives where there are none.
    bare = uploads.cleaned(kind, data, 6)
    assert uploads.cleaned(kind, clean, 6) == bare
    assert uploads.stored(kind, bare, 6) == bare
    assert cleaning.is_clean(kind, memoryview(bare), 6)


def test_animations_and_plain_files_keep_what_they_have_room_for() -> None:
    """Rights stand behind the frames of a WebP; one without VP8X has none, and gets none."""
    frames = [uploads.photo().rotate(90)]
    moving = rights_files.webp(save_all=True, append_images=frames, duration=70)
    clean = uploads.stored("webp", moving, 1)
    assert uploads.looks(clean).frames == uploads.looks(moving).frames
    assert kept("webp", clean) == WITHOUT_IPTC
    plain = uploads.saved(uploads.photo(), "WEBP")
    told = uploads.riff_chunk(b"XMP ", rights_files.PACKET)
    assert uploads.stored("webp", uploads.riff(plain[12:], told), 1) == plain


def test_the_texts_of_a_png_become_exif() -> None:
    """`Author` and `Copyright` are kept where EXIF says neither, in Latin-1 and in UTF-8."""
    data = uploads.saved(uploads.photo(), "PNG")
    texts = uploads.chunk(b"tEXt", b"Author\0\xc6") + uploads.chunk(b"tEXt", b"Comment\0x")
    texts += uploads.chunk(b"iTXt", "Copyright\0\0\0de\0\0© Æ".encode())
    clean = uploads.stored("png", data[:33] + texts + data[33:], 1)
    assert kept("png", clean) == {"exif:Artist": ("Æ",), "exif:Copyright": ("© Æ",)}
    assert b"tEXt" not in clean


def test_heic_has_no_more_room_than_it_had() -> None:
    """XMP that is longer once it is rebuilt is left out; EXIF of two items is one."""
    short = b"<r:RDF xmlns:r='%s'><r:Description xmlns:p='%s' p:Credit='A'/></r:RDF>" % (
        rights.xmp.RDF.encode(),
        rights.xmp.NAMESPACES["photoshop"].encode(),
    )
    data = heics.avif(heics.xmp(short)).data()
    assert kept("avif", data) == {"photoshop:Credit": ("A",)}
    assert uploads.stored("avif", data, 1) == uploads.cleaned("avif", data, 1)
    block = bytes(4) + rights.of({"exif:Artist": ("Ada",)}).exif()
    twice = heics.avif(heics.exif(block), heics.exif(block)).data()
    clean = uploads.stored("avif", twice, 1)
    assert clean.count(b"Ada") == 1
    # Two items at one place.
    shared = heics.avif(heics.exif(block), heics.exif(block), places={3: (0, 0, 0)})
    at = shared.data().index(block)
    shared = heics.avif(heics.exif(block), heics.exif(block), places={3: (0, at, len(block))})
    assert cleaning.is_clean("avif", memoryview(uploads.stored("avif", shared.data(), 1)), 1)


def ingested(tmp_path: pathlib.Path, data: bytes, settings: EngineSettings, **job: Any) -> bytes:
    """The original that becomes of an upload."""
    source, target = tmp_path / "upload", tmp_path / "original"
    source.write_bytes(data)
    ingest.ingest(IntakeJob(source=str(source), target=str(target), **job), settings)
    return target.read_bytes()


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "avif"])
def test_an_original_that_is_cut_keeps_its_rights(tmp_path: pathlib.Path, kind: str) -> None:
    """What is encoded at intake says them too, IPTC as XMP."""
    crop = {"crop": (0, 0, 20, 20)}
    data = ingested(tmp_path, rights_files.FILES[kind](), EngineSettings(), **crop)
    expected = dict(rights.Rights(tuple(FIELDS[kind].items())).in_xmp().fields)
    assert kept(kind, data) == expected
    assert uploads.SECRET not in data
    with Image.open(tmp_path / "original") as image:
        assert image.size == (20, 20)
        assert decode.orientation(image) == 1


@pytest.mark.long
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_finds_the_rights_and_nothing_else(tmp_path: pathlib.Path) -> None:
    """In each original, by the program that knows all tags."""
    kinds = [kind for kind in rights_files.FILES if kind != "jxl" or libjxl.load()]
    for kind in kinds:
        data = uploads.stored(kind, rights_files.FILES[kind](), 6)
        (tmp_path / f"a.{kind}").write_bytes(data)
    turned = {"IFD0:Orientation": 6}
    assert rights_files.found_by_exiftool(tmp_path) == {
        f"a.{kind}": rights_files.said("XMP")
        | (rights_files.said("IFD0") if kind != "gif" else {})
        | (rights_files.said("IPTC") if kind == "jpeg" else {})
        | (turned if kind in ("jpeg", "png", "webp") else {})
        for kind in kinds
    }
