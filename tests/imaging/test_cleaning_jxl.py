"""Cleaning JPEG XL: what it tells goes, and the picture stays."""

import io
import pathlib

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.jobs import IntakeJob
from liveresize.imaging import ingest, libjxl

from . import jxl_files, samples

pytestmark = pytest.mark.skipif(libjxl.load() is None, reason="imagecodecs is not installed")

LISTED = samples.tuned(formats=("jpeg", "png", "jxl"))


def shown(path: pathlib.Path) -> Image.Image:
    """The rendition of `path` as PNG, in its own size."""
    return samples.rendered(path, width=60, settings=LISTED)[1]


SECRET = b"Exif: 48.1372 N, 11.5755 E"


def told(*, naked: bool = False) -> bytes:
    """A JPEG XL with all kinds of metadata, whole and compressed, or none around its stream."""
    boxes = [
        (b"Exif", bytes(4) + samples.exif(6) + SECRET, False),
        (b"xml ", b"<x:xmpmeta/>" + SECRET, False),
        (b"jumb", SECRET, False),
        (b"xml ", SECRET * 40, True),
        (b"uuid", SECRET, False),
    ]
    picture = samples.scene((60, 40))
    return jxl_files.encoded(picture, container=not naked, boxes=() if naked else boxes)


def test_what_a_file_tells_is_not_stored(tmp_path: pathlib.Path) -> None:
    """Exif, XMP and JUMBF are left out, compressed or not; the picture is the same."""
    source, target = tmp_path / "upload", tmp_path / "original"
    source.write_bytes(told())
    assert source.read_bytes().count(SECRET) == 4
    assert b"brob" in source.read_bytes()
    facts = ingest.ingest(IntakeJob(source=str(source), target=str(target)), LISTED)
    stored = target.read_bytes()
    assert facts.clean
    assert SECRET not in stored
    for kind in (b"Exif", b"xml ", b"jumb", b"brob", b"uuid"):
        assert kind not in stored
    assert shown(target).tobytes() == shown(source).tobytes()
    assert ingest.probe(target, LISTED).clean


def test_a_naked_stream_is_clean(tmp_path: pathlib.Path) -> None:
    """There is no room in it for metadata."""
    source, target = tmp_path / "upload", tmp_path / "original"
    source.write_bytes(told(naked=True))
    assert ingest.ingest(IntakeJob(source=str(source), target=str(target)), LISTED).clean
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("tail", [b"\0\0\0\x07free", b"\0\0\0\x40free", b"\0\0\0\x01Exif\0"])
def test_boxes_of_a_wrong_size_are_damage(tmp_path: pathlib.Path, tail: bytes) -> None:
    """A box that is too short, or longer than the file, is refused."""
    source, target = tmp_path / "upload", tmp_path / "original"
    source.write_bytes(told() + tail)
    with pytest.raises(errors.UnreadableImage):
        ingest.ingest(IntakeJob(source=str(source), target=str(target)), LISTED)


def test_a_jpeg_that_was_made_a_jpeg_xl_is_shown(tmp_path: pathlib.Path) -> None:
    """Without what the JPEG could be made from again, which may tell as much as the JPEG did."""
    imagecodecs = pytest.importorskip("imagecodecs")
    file = io.BytesIO()
    scene = samples.scene((60, 40))
    scene.save(file, "JPEG", quality=90, comment=SECRET, exif=samples.exif(1) + SECRET)
    source, target = tmp_path / "upload", tmp_path / "original"
    source.write_bytes(imagecodecs.jpegxl_encode_jpeg(file.getvalue()))
    assert b"jbrd" in source.read_bytes()
    facts = ingest.ingest(IntakeJob(source=str(source), target=str(target)), LISTED)
    assert facts.clean
    assert b"jbrd" not in target.read_bytes()
    with Image.open(file) as jpeg:
        assert samples.psnr(shown(target).convert("RGB"), jpeg.convert("RGB")) > 35
