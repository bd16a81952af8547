"""Originals: their bytes, as other formats, and what is known about them."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from . import pictures, servers


@pytest.mark.parametrize("path", ["", ".jpg", ".jpeg", ".JFIF", ".jpg?proxy=true", "?utm=1"])
def test_an_original_is_its_stored_bytes(web: servers.Client, name: str, path: str) -> None:
    """With its own extension or none, as long as no option changes it."""
    data = pictures.jpeg()
    web.put_in(name, data)
    answer = web.get(f"/{name}{path}")
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Tag"] == name
    assert "Expires" in answer.headers


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (".png", "PNG"),
        (".webp", "WEBP"),
        (".gif", "GIF"),
        (".avif", "AVIF"),
        ("?rotate=90", "JPEG"),
    ],
)
def test_an_original_is_converted_at_full_size(
    server: servers.Running, name: str, path: str, form: str
) -> None:
    """Then it is a rendition like any other: rendered once, redirected to afterwards."""
    web = server.client
    web.put_in(name, pictures.jpeg(64, 48))
    answer = web.get(f"/{name}{path}")
    picture = pictures.opened(answer.content)
    assert picture.format == form
    assert picture.size == ((48, 64) if "rotate" in path else (64, 48))
    assert answer.headers["X-Cache"] == "MISS"
    server.published()
    assert web.get(f"/{name}{path}").status_code == 303


def test_a_converted_original_keeps_within_the_bounds(web: servers.Client, name: str) -> None:
    """Larger than what is made: 307 to the nearest; the stored bytes have no bounds."""
    web.put_in(name, pictures.png(2100, 4))
    assert web.get(f"/{name}.png").status_code == 200
    answer = web.get(f"/{name}.webp?quality=70")
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"/{name}_2000_0.webp?quality=70"
    assert web.get(answer.headers["Location"]).status_code == 200


def test_a_large_original_is_sent_whole(web: servers.Client, name: str) -> None:
    """In many pieces, HEAD with its length, and a range from its end."""
    data = pictures.noise(1400, 1400, "PNG")
    assert len(data) > 1 << 20
    web.put_in(name, data)
    assert web.get(f"/{name}.png").content == data
    head = web.head(f"/{name}.png")
    assert (head.status_code, int(head.headers["Content-Length"])) == (200, len(data))
    assert web.get(f"/{name}", headers={"Range": "bytes=-300000"}).content == data[-300_000:]


def test_location_data_is_gone_from_the_stored_original(web: servers.Client, name: str) -> None:
    """GPS is dropped, orientation stays, and the receipt speaks of what is stored."""
    exif = pictures.gradient(64, 48).getexif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    data = pictures.jpeg(exif=exif)
    receipt = web.put_in(name, data)
    stored = web.get(f"/{name}.jpg").content
    assert (receipt["original_width"], receipt["original_height"]) == (48, 64)
    assert receipt["bytes"] == len(stored) < len(data)
    assert receipt["sha256"] == hashlib.sha256(stored).hexdigest()
    kept = pictures.opened(stored).getexif()
    assert not kept.get_ifd(0x8825)
    assert kept[0x0112] == 6
    assert pictures.opened(web.get(f"/{name}_24_0.jpg").content).size == (24, 32)


def test_metadata_is_kept_where_the_operator_says_so(
    launch: Callable[..., servers.Running],
) -> None:
    """`originals.metadata: keep` stores bytes as sent, and sends them."""
    running = launch(originals__metadata="keep")
    exif = pictures.gradient(64, 48).getexif()
    exif.get_ifd(0x8825).update({1: "N"})
    data = pictures.jpeg(exif=exif)
    running.client.put_in("cat", data)
    assert running.client.get("/cat.jpg").content == data


def test_facts_are_told_as_json(web: servers.Client, name: str) -> None:
    """Everything that a page wants to know before the picture is there."""
    data = pictures.transparent(64, 48)
    receipt = web.put_in(name, data)
    answer = web.get(f"/{name}.json")
    facts = answer.json()
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert list(facts) == [
        "id",
        "version",
        "width",
        "height",
        "format",
        "bytes",
        "sha256",
        "frames",
        "has_alpha",
        "dominant_color",
        "thumbhash",
        "focus",
        "uploaded_at",
    ]
    assert (facts["id"], facts["width"], facts["height"]) == (name, 64, 48)
    assert (facts["format"], facts["frames"], facts["has_alpha"]) == ("png", 1, True)
    assert facts["sha256"] == receipt["sha256"]
    age = datetime.now(UTC) - datetime.fromisoformat(facts["uploaded_at"])
    assert abs(age.total_seconds()) < 60
    assert web.head(f"/{name}.json").headers["Content-Length"] == str(len(answer.content))
    assert web.get(f"/{name}.JSON").json() == facts


@pytest.mark.parametrize("path", ["", ".jpg", ".json", "_20_0.jpg", ".auto"])
def test_what_is_not_there_is_404(web: servers.Client, name: str, path: str) -> None:
    """As JSON, for whichever of its addresses."""
    answer = web.get(f"/{name}{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "original_missing"
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_unknown_extension_is_400(web: servers.Client, name: str) -> None:
    """Of renditions always; of originals where the name before it is there."""
    web.put_in(name, pictures.jpeg())
    rendition = web.get("/nobody_10_10.bmp")
    assert rendition.status_code == 400
    assert "`.bmp`" in rendition.json()["error"]
    original = web.get(f"/{name}.bmp")
    assert (original.status_code, original.json()["code"]) == (400, "malformed_url")
    assert web.get(f"/{name}-no.bmp").status_code == 404


def test_originals_need_not_be_public(launch: Callable[..., servers.Running]) -> None:
    """`originals.public: false` hides them and their facts, not the renditions."""
    running = launch(originals__public=False)
    running.client.put_in("cat", pictures.jpeg())
    for path in ("/cat", "/cat.jpg", "/cat.json", "/cat.png"):
        assert running.client.get(path).status_code == 404
        assert running.client.head(path).status_code == 404
    assert running.client.get("/cat_20_0.jpg").status_code == 200
