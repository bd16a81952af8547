"""Renditions: what is answered while none is known, and what it looks like."""

import email.utils
import hashlib
import time

import pytest

from . import pictures, servers, wire

SIZES = [
    ("_32_0.jpg", "", (32, 24)),
    ("_0_24.jpg", "", (32, 24)),
    ("_0032_00.jpg", "", (32, 24)),
    ("_32_32.jpg", "", (32, 24)),
    ("_16_0_2x.jpg", "", (32, 24)),
    ("_128_0.jpg", "", (128, 96)),
    ("_128_0.jpg", "?enlarge=false", (64, 48)),
    ("_32_32.jpg", "?fit=crop", (32, 32)),
    ("_32_32.jpg", "?fit=cover", (43, 32)),
    ("_32_32.jpg", "?fit=canvas&bg=f00", (32, 32)),
    ("_32_0.jpg", "?rotate=90", (32, 43)),
    ("_32_32.png", "?fit=crop&gravity=smart&blur=2&sharpen=1&flip=hv", (32, 32)),
    ("_40_30.jpg", "?preset=card", (40, 30)),
    ("_40_40.jpg", "?preset=card", (40, 40)),
]

FORMATS = [
    ("jpg", "JPEG", "image/jpeg"),
    ("jpeg", "JPEG", "image/jpeg"),
    ("jfif", "JPEG", "image/jpeg"),
    ("JPE", "JPEG", "image/jpeg"),
    ("png", "PNG", "image/png"),
    ("WebP", "WEBP", "image/webp"),
    ("avif", "AVIF", "image/avif"),
    ("gif", "GIF", "image/gif"),
]


@pytest.fixture(scope="module")
def cat(server: servers.Running) -> str:
    """A picture of 64×48 pixels that all tests here look at."""
    server.client.put_in("looked-at", pictures.jpeg(64, 48))
    return "looked-at"


@pytest.mark.parametrize(("path", "query", "size"), SIZES)
def test_a_rendition_has_the_size_that_was_asked_for(
    web: servers.Client, cat: str, path: str, query: str, size: tuple[int, int]
) -> None:
    """Box, density, fit, turning and presets reach the engine."""
    answer = web.get(f"/{cat}{path}{query}", follow_redirects=True)
    assert answer.status_code == 200
    assert pictures.opened(answer.content).size == size


@pytest.mark.parametrize(("extension", "form", "mime"), FORMATS)
def test_a_rendition_has_the_format_of_its_extension(
    web: servers.Client, cat: str, extension: str, form: str, mime: str
) -> None:
    """In any case of letters; the type in the header is that of the bytes."""
    answer = web.get(f"/{cat}_31_0.{extension}", follow_redirects=True)
    assert answer.headers["Content-Type"] == mime
    assert pictures.opened(answer.content).format == form


def test_a_first_answer_carries_everything_a_cache_wants(
    server: servers.Running, name: str
) -> None:
    """ETag of the bytes, ages, tags, timings, leave for any origin, no sniffing."""
    server.client.put_in(name, pictures.jpeg())
    answer = server.client.get(f"/{name}_20_0.jpg")
    headers = answer.headers
    assert (answer.status_code, headers["X-Cache"]) == (200, "MISS")
    assert headers["ETag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert headers["Cache-Control"] == "public, max-age=86400"
    expires = email.utils.parsedate_to_datetime(headers["Expires"]).timestamp()
    assert abs(expires - time.time() - 86_400) < 60
    assert headers["Cache-Tag"] == headers["Surrogate-Key"] == name
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Accept-Ranges"] == "bytes"
    assert int(headers["Content-Length"]) == len(answer.content)
    assert "Vary" not in headers
    assert "Server" not in headers
    timings = dict(each.split(";dur=") for each in headers["Server-Timing"].split(", "))
    assert list(timings) == ["queue", "decode", "resize", "encode", "total"]
    parts = [float(value) for value in timings.values()]
    assert parts[-1] == pytest.approx(sum(parts[:-1]), abs=0.3)


def test_defaults_spelled_out_are_the_same_rendition(server: servers.Running, name: str) -> None:
    """Equal variants are rendered once: spelling, order, inert and unknown parameters."""
    server.client.put_in(name, pictures.jpeg())
    before = server.renders
    tags = {
        server.client.get(f"/{name}{path}&proxy=true").headers["ETag"]
        for path in (
            "_40_0.jpg?",
            "_0040_0.jpeg?quality=auto",
            "_20_0_2x.jpe?blur=false",
            "_40_0.JPG?gravity=smart&fit=clip&quality=-1",
            "_40_0.jpg?utm_source=x&enlarge=true&enlarge=false&bg=fff&animate=false",
        )
    }
    assert len(tags) == 1
    assert server.renders == before + 1


def test_a_parameter_given_twice_takes_the_first(web: servers.Client, cat: str) -> None:
    """The second is not even looked at."""
    answer = web.get(f"/{cat}_33_33.jpg?fit=crop&fit=nonsense&proxy=true")
    assert pictures.opened(answer.content).size == (33, 33)


@pytest.mark.parametrize(
    ("header", "status"),
    [('"{}"', 304), ('W/"{}"', 304), ('"x", "{}"', 304), ("*", 304), ('"x"', 200), ("{}", 200)],
)
def test_if_none_match_is_answered_by_304(
    web: servers.Client, cat: str, header: str, status: int
) -> None:
    """Weak or strong, alone or in a list, whether by redirect, from memory or a file."""
    for path in (f"/{cat}_34_0.jpg?proxy=true", f"/{cat}_34_0.jpg", f"/{cat}.jpg"):
        tag = web.get(path, follow_redirects=True).headers["ETag"].strip('"')
        answer = web.get(path, headers={"If-None-Match": header.format(tag)}, follow_redirects=True)
        assert answer.status_code == status
        assert answer.headers["ETag"] == f'"{tag}"'
        assert "max-age" in answer.headers["Cache-Control"]
        if status == 304:
            assert answer.content == b""
            assert "Content-Length" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=10-19", slice(10, 20)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-10", slice(-10, None)),
        ("bytes=10-99999999", slice(10, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
@pytest.mark.parametrize("path", ["_35_0.jpg?proxy=true", "_35_0.jpg", ".jpg"])
def test_a_range_is_answered_by_206(
    web: servers.Client, cat: str, path: str, asked: str, part: slice
) -> None:
    """From memory, from the store and from the file of the original."""
    whole = web.get(f"/{cat}{path}", follow_redirects=True).content
    answer = web.get(f"/{cat}{path}", headers={"Range": asked}, follow_redirects=True)
    start, stop, _ = part.indices(len(whole))
    assert answer.status_code == 206
    assert answer.content == whole[part]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=x-"])
def test_a_range_that_means_nothing_is_answered_with_the_whole(
    web: servers.Client, cat: str, asked: str
) -> None:
    """As RFC 9110 has it; several ranges at once are answered with the whole as well."""
    path = f"/{cat}_35_0.jpg?proxy=true"
    assert web.get(path, headers={"Range": asked}).status_code == 200


@pytest.mark.parametrize("path", ["_35_0.jpg?proxy=true", ".jpg"])
@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_past_the_end_is_416(web: servers.Client, cat: str, path: str, asked: str) -> None:
    """It says how long the picture is, and is not kept."""
    size = len(web.get(f"/{cat}{path}").content)
    answer = web.get(f"/{cat}{path}", headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{size}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["code"] == "range_not_satisfiable"
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_if_range_decides_between_part_and_whole(web: servers.Client, cat: str) -> None:
    """A part only for the bytes that the client has begun with; weak tags never match."""
    path = f"/{cat}_35_0.jpg?proxy=true"
    tag = web.get(path).headers["ETag"]
    for condition, status in ((tag, 206), ('"other"', 200), (f"W/{tag}", 200)):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        assert web.get(path, headers=headers).status_code == status


def test_metadata_never_reaches_a_rendition(web: servers.Client, name: str) -> None:
    """Not even in formats that would carry it over."""
    exif = pictures.gradient(64, 48).getexif()
    exif[0x010E] = "a secret description"
    web.put_in(name, pictures.jpeg(exif=exif))
    for extension in ("jpg", "png", "webp"):
        answer = web.get(f"/{name}_20_0.{extension}")
        assert b"secret" not in answer.content


def test_a_freshness_token_renders_anew(server: servers.Running, name: str) -> None:
    """Whatever is known; nothing is kept of it, by us or by anybody."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    path = f"/{name}_36_0.jpg"
    web.get(path)
    server.published()
    assert web.get(path).status_code == 303
    before, published = server.renders, server.components.publisher.published
    for _ in range(2):
        answer = web.get(path, headers={"Freshness-Token": servers.FRESHNESS})
        assert (answer.status_code, answer.headers["X-Cache"]) == (200, "BYPASS")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Expires" not in answer.headers
        assert "Server-Timing" in answer.headers
    assert server.renders == before + 2
    server.published()
    assert server.components.publisher.published == published
    assert web.get(path, headers={"Freshness-Token": "wrong"}).status_code == 303


def test_no_freshness_is_configured_so_none_is_asked_for(bare: servers.Running, name: str) -> None:
    """An empty header is not the token of a server that has none."""
    bare.client.put_in(name, pictures.jpeg())
    path = f"/{name}_36_0.jpg?proxy=true"
    bare.client.get(path)
    for token in ("", "x"):
        answer = bare.client.get(path, headers={"Freshness-Token": token})
        assert answer.headers["X-Cache"] == "HIT-MEMORY"


def test_head_makes_the_checks_of_get_and_no_work(server: servers.Running, name: str) -> None:
    """400, 404, 307, then 200 with what is known; nothing is rendered, no redirect."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    before = server.renders
    assert web.head(f"/{name}_x.jpg").status_code == 404
    assert web.head(f"/{name}_0_0.jpg").status_code == 400
    assert web.head(f"/{name}-none_10_10.jpg").status_code == 404
    assert web.head(f"/{name}-none_10_10.jpg?fit=odd").status_code == 400
    assert web.head(f"/{name}_9000_0.jpg").status_code == 307
    unknown = web.head(f"/{name}_37_0.jpg")
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (200, "image/jpeg")
    assert "ETag" not in unknown.headers
    assert "Content-Length" not in unknown.headers
    assert "Transfer-Encoding" not in unknown.headers
    assert server.renders == before
    made = web.get(f"/{name}_37_0.jpg")
    server.published()
    known = web.head(f"/{name}_37_0.jpg")
    assert known.status_code == 200
    for header in ("ETag", "Content-Length", "Content-Type", "Cache-Control"):
        assert known.headers[header] == made.headers[header]
    condition = {"If-None-Match": made.headers["ETag"]}
    assert web.head(f"/{name}_37_0.jpg", headers=condition).status_code == 304
    assert server.renders == before + 1


def test_a_connection_goes_on_after_a_head_of_unknown_length(
    server: servers.Running, name: str
) -> None:
    """No Content-Length, and still the client knows that no body follows."""
    server.client.put_in(name, pictures.jpeg())
    with wire.Wire(server.port) as connection:
        assert connection.ask(f"/{name}_38_0.jpg", "HEAD").status == 200
        assert connection.ask("/_live").body == b"OK"


def test_unknown_parameters_are_named(web: servers.Client, name: str) -> None:
    """They change nothing: the answer is that of the address without them."""
    web.put_in(name, pictures.png())
    first = web.get(f"/{name}_8_6.png?fti=crop&v=7")
    assert first.headers["X-Ignored-Parameters"] == "fti (did you mean fit?), v"
    plain = web.get(f"/{name}_8_6.png")
    assert plain.headers["ETag"] == first.headers["ETag"]
    assert "X-Ignored-Parameters" not in plain.headers
    original = web.get(f"/{name}.png?width=5")
    assert original.headers["X-Ignored-Parameters"] == "width (in the path: name_W_H.ext)"
