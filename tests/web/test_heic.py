"""HEIC: taken, kept without a place, and answered as what browsers show."""

import dataclasses
import io

import pytest
from PIL import Image

from tests.imaging import heics

from . import pictures, servers


def heic(*further: heics.Item, alpha: bool = False) -> bytes:
    """Quarters with a place in EXIF and XMP."""
    items = (heics.shown(), *([heics.alpha()] if alpha else []))
    return heics.File((*items, heics.exif(), heics.xmp(), *further)).data()


@pytest.mark.parametrize("alpha", [False, True])
def test_a_heic_is_answered_as_a_rendition(server: servers.Running, name: str, alpha: bool) -> None:
    """Of its own size, as JPEG, or PNG with alpha; at its name and at `.heic`."""
    web = server.client
    data = heic(alpha=alpha)
    taken = web.upload(name, data, web.token(name, formats=["HEIC"]))
    assert taken.status_code == 200
    for address in (f"/{name}", f"/{name}.heic", f"/{name}.HEIC", f"/{name}.heif"):
        head = web.head(address, follow_redirects=True)
        answer = web.get(address, follow_redirects=True)
        assert (head.status_code, answer.status_code) == (200, 200)
        kind = "image/png" if alpha else "image/jpeg"
        assert answer.headers["Content-Type"] == head.headers["Content-Type"] == kind
        shown = Image.open(io.BytesIO(answer.content))
        assert shown.size == heics.SHOWN
        assert heics.PLACE not in answer.content
    facts = web.get(f"/{name}.json").json()
    assert (facts["format"], facts["width"], facts["height"]) == ("heif", *heics.SHOWN)
    assert facts["bytes"] == len(data)
    small = web.get(f"/{name}_32_0.webp", follow_redirects=True)
    assert Image.open(io.BytesIO(small.content)).size == (32, 24)


def test_no_place_is_on_the_disk(server: servers.Running, name: str) -> None:
    """Of a HEIC and of an AVIF, whose stored bytes are what its name answers."""
    web = server.client
    for id_, data in ((name, heic()), (f"{name}-2", heics.avif(heics.exif()).data())):
        assert heics.PLACE in data
        assert web.upload(id_, data, web.token(id_)).status_code == 200
    answer = web.get(f"/{name}-2")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/avif")
    assert heics.PLACE not in answer.content
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert len(files) >= 2
    assert not any(heics.PLACE in path.read_bytes() for path in files)


def test_an_id_that_ends_like_a_heic_comes_first(server: servers.Running, name: str) -> None:
    """The exact name is looked up before the one without its extension."""
    web = server.client
    both = f"{name}.heic"
    assert web.upload(name, heic(), web.token(name)).status_code == 200
    assert web.get(both, follow_redirects=True).headers["Content-Type"] == "image/jpeg"
    assert web.upload(both, pictures.png(), web.token(both)).status_code == 200
    answer = web.get(f"/{both}")
    assert (answer.headers["Content-Type"], answer.content) == ("image/png", pictures.png())
    # What ends with `.heif` is still the other one.
    assert web.get(f"/{name}.heif", follow_redirects=True).headers["Content-Type"] == "image/jpeg"


def test_other_originals_have_no_such_extension(server: servers.Running, name: str) -> None:
    """`.heic` of a JPEG is an error, and of nothing missing."""
    web = server.client
    assert web.get(f"/{name}.heic").status_code == 404
    assert web.upload(name, pictures.jpeg(), web.token(name)).status_code == 200
    answer = web.get(f"/{name}.heic")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_url")


REFUSED = {
    "a sequence": (
        heics.box(b"ftyp", b"msf1\0\0\0\0msf1hevc") + heics.box(b"moov", bytes(8)),
        415,
        "HEIC sequence is not an accepted format: send JPEG, PNG, WebP, GIF, AVIF or HEIC.",
    ),
    "a document": (
        b"%PDF-1.7\n" + bytes(500),
        415,
        "PDF is not an accepted format: send JPEG, PNG, WebP, GIF, AVIF or HEIC.",
    ),
    "damage": (heic()[:-600], 422, "The picture is a damaged HEIC and cannot be decoded."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_names_what_was_sent(server: servers.Running, name: str, what: str) -> None:
    """And what is accepted."""
    data, status, sentence = REFUSED[what]
    web = server.client
    answer = web.upload(name, data, web.token(name))
    assert (answer.status_code, answer.json()["error"]) == (status, sentence)


def test_a_token_without_heic_says_so(server: servers.Running, name: str) -> None:
    """The formats of the token are those that are named."""
    web = server.client
    answer = web.upload(name, heic(), web.token(name, formats=["jpg", "png"]))
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_image")
    assert answer.json()["error"] == "HEIC is not an accepted format: send JPEG or PNG."


def test_metadata_that_cannot_be_told_from_pixels_is_422(
    server: servers.Running, name: str
) -> None:
    """With what to do about it."""
    file = heics.File((heics.shown(), heics.exif()))
    file = dataclasses.replace(file, places={2: (0, file.data().index(b"mdat") + 4, 9)})
    web = server.client
    answer = web.upload(name, file.data(), web.token(name))
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_image")
    assert answer.json()["error"].endswith("Save the picture again without metadata.")
