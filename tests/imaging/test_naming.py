"""Naming what was sent."""

import gzip

import pytest

from liveresize.imaging import naming

from . import heics

NAMED = {
    "SVG": b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>",
    "HTML": b"<!DOCTYPE html>\n<title>404</title>",
    "PDF": b"%PDF-1.7\n",
    "ZIP": b"PK\3\4" + bytes(30),
    "gzip": gzip.compress(b"<svg/>"),
    "TIFF": b"II*\0\x08\0\0\0",
    "Canon CR2": b"II*\0\x10\0\0\0CR\2\0",
    "BMP": b"BM" + bytes(60),
    "JPEG": b"\xff\xd8\xff\xe0",
    "WebP": b"RIFF\0\0\0\0WEBPVP8 ",
    "AVI video": b"RIFF\0\0\0\0AVI LIST",
    "JPEG XL": b"\xff\x0a\xfa",
    "MP4 video": heics.box(b"ftyp", b"isom\0\0\2\0isommp42"),
    "QuickTime video": heics.box(b"ftyp", b"qt  \0\0\0\0qt  "),
    "HEIC": heics.box(b"ftyp", b"mif1\0\0\0\0mif1heic"),
    "HEIC sequence": heics.box(b"ftyp", b"hevc\0\0\0\0msf1hevc") + heics.box(b"moov", b""),
    "AVIF": heics.avif().data(),
    "": b"hello, world",
}


@pytest.mark.parametrize("title", NAMED)
def test_files_are_named(title: str) -> None:
    """By how they begin, not by what they are called; nothing is made up."""
    assert naming.title(memoryview(NAMED[title])) == title


@pytest.mark.parametrize("size", [0, 1, 8, 12, 40])
def test_less_than_tells_has_no_name(size: int) -> None:
    """Nor does it break anything."""
    assert naming.title(memoryview(bytes(size))) == ""
    assert naming.title(memoryview(NAMED["AVIF"][:size])) in ("", "AVIF")


@pytest.mark.parametrize(
    ("accepted", "sentence"),
    [
        (("jpeg", "png", "heif"), "PDF is not an accepted format: send JPEG, PNG or HEIC."),
        (("gif",), "PDF is not an accepted format: send GIF."),
        ((), "PDF is not an accepted format."),
    ],
)
def test_a_refusal_says_what_is_accepted(accepted: tuple[str, ...], sentence: str) -> None:
    """In the order of the setting."""
    assert naming.refusal("PDF", accepted) == sentence
