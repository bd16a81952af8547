"""Renditions say the rights of their picture where that is asked for, and nothing else."""

import pathlib
import shutil
from dataclasses import replace

import pytest

from liveresize.core.formats import Format
from liveresize.imaging import cleaning, render, rights

from . import rights_files, samples, uploads
from .rights_files import FIELDS, JPEG, WITHOUT_IPTC, kept

OUTPUTS = (Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A stored JPEG of 300×200 that has rights."""
    path = tmp_path_factory.mktemp("rights") / "large"
    told = cleaning.rights_in("jpeg", memoryview(rights_files.jpeg()))
    data = uploads.saved(samples.scene((300, 200)), "JPEG", quality=90)
    path.write_bytes(b"".join(cleaning.cleaned("jpeg", memoryview(data), 1, told)))
    return path


def test_renditions_say_the_rights_from_256_pixels_on(large: pathlib.Path) -> None:
    """In every format but GIF, with the same pixels; smaller ones and others are as they were."""
    expected = dict(rights.Rights(tuple(JPEG.items())).in_xmp().fields)
    for output in OUTPUTS:
        plain, pixels = samples.rendered(large, format=output, width=280)
        told, same = samples.rendered(large, format=output, width=280, rights=True)
        assert kept(output, told.data) == expected
        assert kept(output, plain.data) == {}
        assert same.tobytes() == pixels.tobytes()
        assert 0 < len(told.data) - len(plain.data) < rights.MOST + 300
        assert not same.info.keys() & {"icc_profile", "photoshop", "comment"}
    pad = {"width": 250, "pad": (0, 3, 0, 3)}
    padded, _ = samples.rendered(large, format=Format.JPEG, rights=True, **pad)
    assert kept("jpeg", padded.data) == expected
    for fields in ({"format": Format.GIF, "width": 280}, {"format": Format.JPEG, "width": 255}):
        told, _ = samples.rendered(large, rights=True, **fields)
        assert told.data == samples.rendered(large, **fields)[0].data


def test_a_picture_without_rights_stays_as_it_was(tmp_path: pathlib.Path) -> None:
    """To say nothing adds nothing, in a palette and in an animation as well."""
    moving = [samples.scene((260, 10)), samples.quarters((260, 10))]
    path = tmp_path / "a.gif"
    moving[0].save(path, save_all=True, append_images=moving[1:], duration=70)
    for output in (*OUTPUTS, Format.GIF):
        asked = samples.rendition(format=output)
        one, other = (
            render.render(path, replace(asked, rights=told), samples.SETTINGS)
            for told in (False, True)
        )
        assert one.data == other.data
    told = cleaning.rights_in("gif", memoryview(rights_files.gif()))
    path.write_bytes(b"".join(cleaning.cleaned("gif", memoryview(path.read_bytes()), 1, told)))
    for output in (Format.PNG, Format.WEBP, Format.AVIF):
        made, picture = samples.rendered(path, format=output, rights=True)
        assert kept(output, made.data) == FIELDS["gif"]
        assert getattr(picture, "n_frames", 1) == (1 if output is Format.PNG else 2)
    assert samples.opened(samples.rendered(path, rights=True)[0].data).mode == "P"


def test_stored_bytes_stand_in_with_the_rights_that_are_asked_for(tmp_path: pathlib.Path) -> None:
    """Where the original is smaller than what would be encoded, it is sent with them or without."""
    told = cleaning.rights_in("jpeg", memoryview(rights_files.jpeg()))
    for side, expected in ((300, JPEG), (255, {})):
        data = uploads.saved(samples.scene((side, 200)), "JPEG", quality=30)
        path = tmp_path / "original"
        path.write_bytes(b"".join(cleaning.cleaned("jpeg", memoryview(data), 1, told)))
        level = samples.Quality.of(95)
        rendition = {"format": Format.JPEG, "quality": level}
        none, _ = samples.rendered(path, **rendition)
        assert none.data == data
        with_rights, _ = samples.rendered(path, rights=True, **rendition)
        assert kept("jpeg", with_rights.data) == expected


def test_a_tiff_says_them_in_tags_of_its_own(tmp_path: pathlib.Path) -> None:
    """It is stored as it came; its renditions have its EXIF, IPTC and XMP."""
    tags = {315: "Ada", 33432: "Ada", 700: rights_files.PACKET, 33723: b"\x1c\x02\x50\0\x01B"}
    path = samples.saved(tmp_path / "a.tiff", samples.scene((300, 20)), tiffinfo=tags)
    listed = samples.tuned(formats=("tiff",))
    made, _ = samples.rendered(path, format=Format.WEBP, rights=True, settings=listed)
    expected = WITHOUT_IPTC | {"exif:Artist": ("Ada",), "exif:Copyright": ("Ada",)}
    assert kept("webp", made.data) == expected


@pytest.mark.long
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_finds_the_rights_and_nothing_else(
    large: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """In each format, by the program that knows all tags."""
    for output in OUTPUTS:
        made, _ = samples.rendered(large, format=output, width=280, rights=True)
        (tmp_path / output.value).write_bytes(made.data)
    expected = rights_files.said("XMP", "IFD0")
    assert rights_files.found_by_exiftool(tmp_path) == dict.fromkeys(OUTPUTS, expected)
