"""What the server answers, against what /openapi.json says: status, headers, type and body."""

from collections.abc import Callable, Iterator

import pytest

from liveresize import errors

from . import buckets, pictures, servers, tus
from .buckets import BEARER
from .contract.conforming import Visitor

RENDITION = "/{name}_{width}_{height}.{ext}"
DENSE = "/{name}_{width}_{height}_{density}x.{ext}"
OBJECT = "/_renditions/{name}/{generation}/{file}"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[buckets.Gallery]:
    """A server with everything on."""
    with buckets.Gallery(
        tmp_path_factory.mktemp("gallery"),
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        freshness=servers.FRESHNESS,
        studio=True,
        fallback={"avatar-": "somebody"},
    ) as running:
        yield running


@pytest.fixture
def visitor(gallery: buckets.Gallery) -> Visitor:
    """A client that has read the document."""
    return Visitor(gallery)


def test_tokens_and_uploads(visitor: Visitor, name: str) -> None:
    """From the token to the receipt, and what can go wrong on the way."""
    wanted = {"id": name, "secret": servers.SECRET}
    token = visitor.ask(200, "POST", "/token", json=wanted).json()["token"]
    visitor.ask(400, "POST", "/token", json={"secret": servers.SECRET})
    many = {"ids": [f"{name}-1", f"{name}-2"], "secret": servers.SECRET}
    visitor.ask(200, "POST", "/token", json=many)
    visitor.ask(403, "POST", "/token", json=many)
    visitor.ask(401, "POST", "/token", json={"id": name})
    visitor.ask(403, "POST", "/token", json=wanted)
    visitor.ask(413, "POST", "/token", content=b" " * (65 << 10))
    at, one = "/{name}", f"/{name}"
    visitor.ask(204, "OPTIONS", at, one)
    visitor.ask(403, "POST", at, one, files={"image": pictures.png()})
    sent = {"X-Token": token}
    visitor.ask(200, "POST", at, one, headers=sent, files={"image": pictures.png()})
    named = "/{name}.{ext}"
    visitor.ask(204, "OPTIONS", named, f"/{name}.png")
    for status, data, query in (
        (415, b"no picture", ""),
        (400, b"", ""),
        (400, pictures.png(), "?x=99"),
        (422, pictures.png(200, 200)[:400], ""),
        (200, pictures.png(), "?x=0&y=0&width=10&height=10"),
    ):
        token = visitor.client.token(f"{name}-b")
        raw = {"X-Token": token, "Content-Type": "image/png"}
        target = f"/{name}-b.png{query}"
        visitor.ask(status, "POST", named, target, headers=raw, content=data)


def test_uploads_in_parts(visitor: Visitor, name: str) -> None:
    """From the creation to the receipt, and what can go wrong on the way."""
    at, one, data = "/_uploads/{name}", f"/_uploads/{name}", pictures.png()
    spoken = {"Tus-Resumable": "1.0.0"}
    part = {**spoken, "Content-Type": tus.PART}
    visitor.ask(204, "OPTIONS", at, one)
    token = visitor.client.token(name)
    sent = {**spoken, "X-Token": token, "Upload-Length": str(len(data))}
    visitor.ask(412, "POST", at, one)
    visitor.ask(400, "POST", at, one, headers={**spoken, "X-Token": token})
    visitor.ask(403, "POST", at, one, headers={**sent, "X-Token": "made-up"})
    visitor.ask(413, "POST", at, one, headers={**sent, "Upload-Length": str(1 << 40)})
    visitor.ask(415, "POST", at, one, headers=sent, content=data)
    url = visitor.ask(201, "POST", at, one, headers=sent).headers["Location"]
    to = "/_uploads/{name}/{upload}"
    visitor.ask(204, "OPTIONS", to, url)
    visitor.ask(204, "PATCH", to, url, headers={**part, "Upload-Offset": "0"}, content=data[:9])
    visitor.ask(200, "HEAD", to, url, headers=spoken)
    wrong = {**part, "Upload-Checksum": tus.checksum(b"other"), "Upload-Offset": "9"}
    visitor.ask(460, "PATCH", to, url, headers=wrong, content=data[9:])
    visitor.ask(409, "PATCH", to, url, headers={**part, "Upload-Offset": "0"}, content=b"x")
    visitor.ask(404, "HEAD", to, url[:-1], headers=spoken)
    overridden = {**part, "Upload-Offset": "9", "X-HTTP-Method-Override": "PATCH"}
    visitor.ask(200, "POST", to, url, headers=overridden, content=data[9:])
    visitor.ask(200, "HEAD", to, url, headers=spoken)
    visitor.ask(204, "DELETE", to, url, headers=spoken)
    visitor.ask(404, "DELETE", to, url, headers=spoken)
    token = visitor.client.token(f"{name}-b")
    sent = {**part, "X-Token": token, "Upload-Length": str(len(data))}
    visitor.ask(201, "POST", at, f"{one}-b", headers=sent, content=data)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_pictures_by_either_method(visitor: Visitor, name: str, method: str) -> None:
    """Sizes, formats, originals, facts, and addresses that make no sense."""
    visitor.client.put_in(name, pictures.png())
    for template, target, status in (
        (RENDITION, f"/{name}_20_0.jpg", 200),
        (RENDITION, f"/{name}_21_0.auto", 200),
        (RENDITION, f"/{name}_5000_0.png", 307),
        (RENDITION, f"/{name}_20_0.jpg?fit=stretch", 400),
        (RENDITION, f"/{name}_20_0.jpg?rect=9999,0,1,1", 400),
        (RENDITION, f"/{name}_0_500.jpg?rect=0,0,1.0,1&trim=true", 307),
        (RENDITION, "/nobody_20_0.jpg", 404),
        (DENSE, f"/{name}_20_10_2x.webp?fit=crop", 200),
        (DENSE, f"/{name}_20_10_21x.webp", 400),
        ("/{name}", f"/{name}", 200),
        ("/{name}", "/nobody", 404),
        ("/{name}.{ext}", f"/{name}.png", 200),
        ("/{name}.{ext}", f"/{name}.avif", 200),
        ("/{name}.{ext}", f"/{name}.png?rect=1,2,3,4", 200),
        ("/{name}.{ext}", f"/{name}.png?rect=0,9999,1,1", 400),
        ("/{name}.json", f"/{name}.json", 200),
        ("/{name}.json", "/nobody.json", 404),
    ):
        visitor.ask(status, method, template, target)


def test_renditions_once_they_are_kept(
    gallery: buckets.Gallery, visitor: Visitor, name: str
) -> None:
    """A redirect to where they are, parts of them, and that they have not changed."""
    visitor.client.put_in(name, pictures.png())
    target = f"/{name}_20_0.jpg"
    tag = visitor.get(200, RENDITION, target).headers["ETag"]
    gallery.published()
    place = visitor.get(303, RENDITION, target).headers["Location"]
    visitor.get(304, RENDITION, target, If_None_Match=tag)
    whole = f"{target}?proxy=true"
    visitor.get(206, RENDITION, whole, Range="bytes=0-9")
    visitor.get(416, RENDITION, whole, Range="bytes=99999-")
    fresh = visitor.get(200, RENDITION, target, Freshness_Token=servers.FRESHNESS)
    assert fresh.headers["X-Cache"] == "BYPASS"
    for method in ("GET", "HEAD"):
        visitor.ask(200, method, OBJECT, place)
        visitor.ask(404, method, OBJECT, place.replace(name, "nobody"))
    visitor.get(304, OBJECT, place, If_None_Match=tag)
    visitor.get(206, OBJECT, place, Range="bytes=0-9")
    visitor.get(416, OBJECT, place, Range="bytes=99999-")
    visitor.get(304, "/{name}", f"/{name}", If_None_Match="*")
    visitor.get(206, "/{name}", f"/{name}", Range="bytes=-5")
    visitor.get(416, "/{name}.{ext}", f"/{name}.png", Range="bytes=99999-")


def test_what_is_shown_instead_of_missing_images(visitor: Visitor) -> None:
    """An image or, while there is none for it, an error."""
    targets = {RENDITION: "/avatar-1_20_0.auto", "/{name}": "/avatar-1", "/{name}.json": "/x.json"}
    for shown in ("", "1", "1"):
        for method in ("GET", "HEAD"):
            for at, target in targets.items():
                answer = visitor.ask(404, method, at, f"{target}?nonsense=1")
                assert answer.headers.get("X-Fallback", "") == (
                    shown if at != "/{name}.json" else ""
                )
        if not shown:
            visitor.client.put_in("somebody", pictures.animation())


def test_administration(visitor: Visitor, name: str) -> None:
    """Purge and delete, by those who may and those who may not."""
    visitor.client.put_in(name, pictures.png())
    visitor.ask(200, "POST", "/purge", json={"id": name}, headers=BEARER)
    visitor.ask(400, "POST", "/purge", json={}, headers=BEARER)
    visitor.ask(401, "POST", "/purge", json={"id": name})
    visitor.ask(200, "GET", "/_pictures", f"/_pictures?prefix={name}", headers=BEARER)
    visitor.ask(400, "GET", "/_pictures", "/_pictures?limit=0", headers=BEARER)
    visitor.ask(401, "GET", "/_pictures")
    visitor.ask(404, "GET", "/_pictures", "/_pictures?bucket=unlisted", headers=BEARER)
    at, one, change = "/{name}", f"/{name}", {"focus": [0.5, 1], "meta": {"a": 1}, "hold": 1}
    visitor.ask(200, "PATCH", at, one, json=change, headers=BEARER)
    visitor.ask(200, "PATCH", at, one, json={**change, "secret": servers.SECRET})
    visitor.ask(400, "PATCH", at, one, json={"focus": 1}, headers=BEARER)
    visitor.ask(401, "PATCH", at, one, json=change)
    visitor.ask(404, "PATCH", at, "/nobody", json=change, headers=BEARER)
    visitor.ask(412, "PATCH", at, one, json=change, headers={**BEARER, "If-Match": '"x"'})
    visitor.ask(200, "GET", "/{name}.json", f"/{name}.json", headers=BEARER)
    visitor.ask(200, "PATCH", at, one, json={"held": True}, headers=BEARER)
    for method in ("GET", "HEAD"):
        visitor.ask(404, method, at, one)
        visitor.ask(200, method, at, one, headers=BEARER)
        visitor.ask(200, method, RENDITION, f"/{name}_20_0.jpg", headers=BEARER)
    visitor.ask(401, "DELETE", "/{name}", f"/{name}")
    visitor.ask(204, "DELETE", "/{name}", f"/{name}", headers=BEARER)
    visitor.ask(404, "DELETE", "/{name}", f"/{name}", headers=BEARER)
    visitor.ask(400, "DELETE", "/{name}", "/a%00b", headers=BEARER)


def test_buckets(gallery: buckets.Gallery, visitor: Visitor) -> None:
    """vip's routes: with a token, from a page, and without either."""
    at, bucket, one = "/upload/{bucket}", f"/upload/{buckets.BUCKET}", "/{bucket}/{id}"
    sent, page = {"X-Vip-Token": buckets.TOKEN}, {"Origin": buckets.ORIGIN}
    answer = visitor.ask(201, "POST", at, bucket, content=pictures.jpeg(), headers=sent)
    visitor.ask(201, "POST", at, bucket, content=pictures.jpeg(), headers=page)
    visitor.ask(400, "POST", at, bucket, headers=sent)
    visitor.ask(401, "POST", at, bucket, content=pictures.jpeg())
    visitor.ask(404, "POST", at, "/upload/unlisted", content=b"x", headers=sent)
    visitor.ask(415, "POST", at, bucket, content=b"no picture", headers=sent)
    visitor.ask(200, "OPTIONS", at, bucket, headers=page)
    visitor.ask(401, "OPTIONS", at, bucket)
    path = buckets.address(answer)
    for method in ("GET", "HEAD"):
        visitor.ask(200, method, one, path)
        visitor.ask(200, method, one, f"{path}?s=20&c=true")
        visitor.ask(404, method, one, f"/{buckets.BUCKET}/nobody")
        visitor.ask(400, method, one, f"/{buckets.BUCKET}/a%00b")
    visitor.get(304, one, path, If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT")
    visitor.get(206, one, path, Range="bytes=0-9")
    visitor.get(416, one, path, Range="bytes=99999-")
    warm, made = "/{bucket}/{id}/warmup", f"{path}/warmup"
    entries = {"X-Vip-Warmup": "s=30,s=31&c=true,nothing"}
    visitor.ask(202, "POST", warm, made, headers={**sent, **entries})
    visitor.ask(400, "POST", warm, made, headers=sent)
    visitor.ask(401, "POST", warm, made, headers=entries)
    visitor.ask(404, "POST", warm, f"/{buckets.BUCKET}/nobody/warmup", headers={**sent, **entries})
    visitor.ask(200, "OPTIONS", warm, made, headers=page)
    visitor.ask(200, "PATCH", one, path, json={"held": True}, headers=BEARER)
    visitor.ask(404, "GET", one, path)
    visitor.ask(200, "GET", one, path, headers=BEARER)
    visitor.ask(401, "PATCH", one, path, json={"held": True, "secret": servers.SECRET})
    visitor.ask(404, "PATCH", one, "/unlisted/x", json={"held": True}, headers=BEARER)
    visitor.ask(401, "DELETE", one, path)
    visitor.ask(204, "DELETE", one, path, headers=BEARER)
    visitor.ask(404, "DELETE", one, path, headers=BEARER)
    visitor.ask(404, "DELETE", one, "/unlisted/x", headers=BEARER)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_monitors_and_browsers_ask_for(visitor: Visitor, method: str) -> None:
    """Probes, metrics in both formats, files for robots, the studio, and the document."""
    for path in ("/", "/_health", "/_live", "/_ready", "/ping", "/robots.txt", "/openapi.json"):
        visitor.ask(200, method, path)
    browser = {"Accept": "text/html,*/*;q=0.8"}
    visitor.ask(200, method, "/", headers=browser)
    visitor.ask(404, method, "/{name}.json", "/nobody.json", headers=browser)
    for kind in ("text/plain", "application/openmetrics-text; version=1.0.0"):
        visitor.ask(200, method, "/_metrics", headers={"Accept": kind})
    visitor.ask(204, method, "/favicon.ico")
    visitor.ask(308, method, "/_studio")
    tag = visitor.ask(200, method, "/_studio/").headers["ETag"]
    visitor.ask(304, method, "/_studio/", headers={"If-None-Match": tag})
    visitor.ask(200, method, "/_studio/{file}", "/_studio/icon.svg")
    visitor.ask(404, method, "/_studio/{file}", "/_studio/nobody.svg")
    visitor.ask(200, method, "/_studio/session", headers=BEARER)
    visitor.ask(401, method, "/_studio/session")


def test_tokens_of_the_studio(visitor: Visitor, name: str) -> None:
    """For holders of an admin secret."""
    at = "/_studio/token"
    visitor.ask(200, "POST", at, json={"id": name}, headers=BEARER)
    visitor.ask(400, "POST", at, json={}, headers=BEARER)
    visitor.ask(401, "POST", at, json={"id": name})


def test_what_is_not_allowed(launch: Callable[..., servers.Running]) -> None:
    """Networks, signatures and rates: answers that a server of every day does not give."""
    running = launch(
        token__networks=["10.0.0.0/8"],
        admin__networks=["10.0.0.0/8"],
        signing__keys=["a key of sixteen!"],
        signing__required=True,
    )
    visitor = Visitor(running)
    visitor.ask(403, "POST", "/token", json={"id": "cat"})
    visitor.ask(403, "POST", "/purge", json={"id": "cat"})
    visitor.ask(403, "DELETE", "/{name}", "/cat")
    visitor.get(403, "/_metrics")
    visitor.get(403, RENDITION, "/cat_10_10.jpg")
    visitor.get(403, "/{name}.json", "/cat.json?sig=wrong&exp=1")
    visitor.get(404, OBJECT, "/_renditions/cat/0/1.jpg")


def test_a_client_over_its_rate(launch: Callable[..., servers.Running]) -> None:
    """With `Retry-After`."""
    running = launch(limits__client_renders=0.001, limits__client_burst=1)
    visitor = Visitor(running)
    running.client.put_in("cat", pictures.jpeg())
    visitor.get(200, RENDITION, "/cat_20_0.jpg")
    visitor.get(429, RENDITION, "/cat_21_0.jpg")


def test_when_something_behind_is_away(
    gallery: buckets.Gallery, visitor: Visitor, name: str
) -> None:
    """The database, or the whole server as it stops."""

    async def down(*_: object, **__: object) -> None:
        raise errors.IndexUnavailable

    site, index = gallery.components.site, gallery.components.index
    with servers.replaced(site, "ping", down):
        visitor.get(500, "/_health")
    with servers.replaced(site, "ready", False):
        visitor.get(503, "/_ready")
    wanted = {"id": name, "secret": servers.SECRET}
    with servers.replaced(index.tokens, "issue", down):
        visitor.ask(503, "POST", "/token", json=wanted)
    with servers.replaced(index.rows, "find", down):
        visitor.get(503, "/{name}.json", "/nobody-knows.json")
        visitor.get(503, RENDITION, "/nobody-knows_10_10.jpg")


def test_a_disk_without_room_and_a_clock_without_time(
    launch: Callable[..., servers.Running],
) -> None:
    """507 of uploads, 504 of renditions."""
    with launch() as before:
        before.client.put_in("cat", pictures.jpeg())
    running = launch(disk__reserve=1 << 60, timeout__conversion=1)
    visitor = Visitor(running)
    visitor.get(504, RENDITION, "/cat_20_0.jpg")
    sent = {"X-Token": running.client.token("dog"), "Content-Type": "image/png"}
    visitor.ask(507, "POST", "/{name}", "/dog", content=pictures.png(), headers=sent)
