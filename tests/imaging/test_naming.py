"""Naming what was sent."""

import gzip
import struct

import pytest

from liveresize.imaging import naming

from . import heics


def tiff(**tags: int) -> bytes:
    """A TIFF whose tags `t1=2` have a number each."""
    entries = [struct.pack(">HHII", int(tag[1:]), 4, 1, value) for tag, value in tags.items()]
    return b"MM\0*" + struct.pack(">IH", 8, len(entries)) + b"".join(entries) + bytes(4)


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
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "Photoshop PSD": b"8BPS\0\1" + bytes(20),
    "ICO": b"\0\0\1\0\1\0" + bytes(20),
    "CUR": b"\0\0\2\0\1\0" + bytes(20),
    "TGA": b"\0\0\2" + bytes(20),
    "DNG": tiff(t254=1, t330=8, t50706=0x01040000),
    "Camera raw": tiff(t254=1, t330=8),
    "M4A audio": heics.box(b"ftyp", b"M4A \0\0\2\0M4A mp42isom"),
    "3GP video": heics.box(b"ftyp", b"3gp5\0\0\2\x003gp5"),
    "HEIF": heics.box(b"ftyp", b"mif1\0\0\0\0mif1"),
    "XML": b"<?xml version='1.0'?><rss/>",
    "JSON": b'\n{"id": 1}',
    "Base64 text": b"data:image/png;base64,iVBORw0KGgo=",
    "Text": "Grüße".encode(),
    "": bytes(range(128, 255)),
}

AGAIN = {
    "SVG": b"<?xml version='1.0'?><!--" + b" drawn by hand" * 100 + b"--><svg/>",
    "HTML": b"\n<div class='error'>502",
    "TIFF": tiff(t254=0, t330=8),
    "MP4 video": heics.box(b"ftyp", b"M4V \0\0\2\0M4V M4A mp42"),
    "QuickTime video": heics.box(b"moov", bytes(8)),
    "Base64 text": b"iVBORw0KGgoAAAANSUhEUg==",
    "Text": "hello".encode("utf-16"),
    "": b"\0text",
}
"""Other bytes of the same kinds."""


@pytest.mark.parametrize("title", NAMED)
def test_files_are_named(title: str) -> None:
    """By how they begin, not by what they are called; nothing is made up."""
    assert naming.title(memoryview(NAMED[title])) == title
    assert naming.title(memoryview(AGAIN.get(title, NAMED[title]))) == title


@pytest.mark.parametrize("size", [0, 1, 8, 12, 40])
def test_less_than_tells_has_no_name(size: int) -> None:
    """Nor does it break anything."""
    assert naming.title(memoryview(bytes(size))) == ""
    assert naming.title(memoryview(NAMED["AVIF"][:size])) in ("", "AVIF")
    assert naming.title(memoryview(NAMED["DNG"][:size])) in ("", "Text", "TIFF", "DNG")
    assert naming.title(memoryview("ü".encode()[:1])) == ""


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
