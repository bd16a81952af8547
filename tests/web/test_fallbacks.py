"""`fallback`: another picture is shown with the 404 of a missing one."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from liveresize.core import signing

from . import pictures, servers

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}
KEY = "a key of sixteen bytes"

OF_ONE_REQUEST = {
    "date",
    "expires",
    "x-request-id",
    "x-cache",
    "server-timing",
    "timing-allow-origin",
}
"""Headers that differ from request to request."""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server with two pictures that stand for missing ones, and one that is itself missing."""
    with servers.Running(
        tmp_path_factory.mktemp("gallery"),
        admin__secrets=[servers.ADMIN],
        signing__keys=[KEY],
        constraints__max_width=100,
        constraints__max_height=100,
        presets={"small": {"quality": "40"}},
        fallback={"avatar-": "nobody", "avatar-team-": "group", "lost-": "lost-too"},
    ) as running:
        running.client.put_in("nobody", pictures.jpeg())
        running.client.put_in("group", pictures.transparent(128, 96))
        yield running


@pytest.fixture
def web(gallery: servers.Running) -> servers.Client:
    return gallery.client


def shown(answer: httpx.Response, kind: str = "image/jpeg", age: str = "public") -> bytes:
    """What is shown instead of a missing picture; any other answer fails the test."""
    headers = answer.headers
    assert (answer.status_code, headers.get("X-Fallback")) == (404, "1"), answer.headers
    assert headers["Content-Type"] == kind
    assert headers["Cache-Control"] == (f"{age}, max-age=60" if age else "no-store")
    assert not {"ETag", "Last-Modified", "Accept-Ranges", "Location"} & set(headers)
    return answer.content


def refused(answer: httpx.Response, status: int = 404) -> str:
    """The code of an ordinary error, which is never kept."""
    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "no-store")
    assert "X-Fallback" not in answer.headers
    code: str = answer.json()["code"] if answer.content else ""
    return code


def test_the_picture_is_shown_as_the_missing_one_was_asked_for(gallery: servers.Running) -> None:
    """In any size and format, made now, from memory and from the store; never as a redirect."""
    web = gallery.client
    for rest, kind in (
        ("_32_0.jpg", "image/jpeg"),
        ("_16_20_2x.webp?fit=crop", "image/webp"),
        ("_20_20.png?grey=true", "image/png"),
        ("_9_9.jpg?preset=small", "image/jpeg"),
        (".jpg", "image/jpeg"),
        (".png", "image/png"),
        ("", "image/jpeg"),
    ):
        made = shown(web.get(f"/avatar-1{rest}"), kind)
        gallery.published()
        gallery.let_go()
        for path in (f"/avatar-2{rest}", f"/avatar-2{rest}", f"/avatar-%C3%A9{rest}"):
            again = web.get(path)
            assert shown(again, kind) == made
            assert again.headers["Cache-Tag"] == "nobody"
        head = web.head(f"/avatar-2{rest}")
        assert (shown(head, kind), head.headers["Content-Length"]) == (b"", str(len(made)))
        direct = f"/nobody{rest}{'&' if '?' in rest else '?'}proxy=true"
        assert web.get(direct).content == made


def test_no_answer_is_a_part_or_not_modified(web: servers.Client) -> None:
    """A client cannot mistake it for a picture of that id that it has."""
    etag = web.get("/nobody_30_0.jpg?proxy=true").headers["ETag"]
    for headers in ({"If-None-Match": etag}, {"If-None-Match": "*"}, {"Range": "bytes=0-9"}):
        for _ in range(2):  # the second from memory
            answer = web.get("/avatar-3_30_0.jpg", headers=headers)
            assert len(shown(answer)) == int(answer.headers["Content-Length"]) > 100
        assert shown(web.head("/avatar-3_30_0.jpg", headers=headers)) == b""


def test_auto_is_what_the_client_takes(web: servers.Client) -> None:
    """And varies as ever."""
    for accept, kind in (("image/webp", "image/webp"), ("image/jpeg", "image/jpeg")):
        for _ in range(2):
            answer = web.get("/avatar-4_30_0.auto", headers={"Accept": accept})
            shown(answer, kind, "private")
            assert answer.headers["Vary"] == "Accept"


def test_the_longest_beginning_counts(web: servers.Client) -> None:
    """Of the name as an id has it, however it is spelled; other names have no fallback."""
    group = web.get("/group_30_0.png?proxy=true").content
    assert shown(web.get("/avatar-team-1_30_0.png"), "image/png") == group
    assert shown(web.get("/avatar%2Dteam-1_30_0.png"), "image/png") == group
    assert shown(web.get("/avatar-team_30_0.png"), "image/png") != group
    for path in ("/Avatar-1_30_0.jpg", "/my-avatar-1_30_0.jpg", "/lost-1_30_0.jpg", "/lost-too"):
        for ask in (web.get, web.head):
            assert refused(ask(path)) in ("original_missing", "")


def test_what_is_wrong_stays_an_error(web: servers.Client) -> None:
    """So do facts, versions that nobody has, and what is no picture of ours."""
    for path, status, code in (
        ("/avatar-5.json", 404, "original_missing"),
        ("/avatar-5_30_0.xyz", 400, "malformed_url"),
        ("/avatar-5_30_0.jpg?fit=square", 400, "bad_parameter"),
        ("/avatar-5_30_0.jpg?sig=wrong", 403, "signature_refused"),
        ("/avatar-5/x_30_0.jpg", 404, "original_missing"),
        ("/_renditions/avatar-5/x/y.jpg", 404, "original_missing"),
    ):
        assert refused(web.get(path), status) == code, path
    shown(web.get("/avatar-5_30_0.jpg?version=12345678"))
    assert shown(web.get("/avatar-5_4000_0.jpg")) == web.get("/nobody_100_0.jpg?proxy=true").content
    assert shown(web.head("/avatar-5_4000_0.jpg")) == b""
    large = shown(web.get("/avatar-team-5.webp"), "image/webp")
    assert large == web.get("/group_100_0.webp?proxy=true").content
    shown(web.get(signing.sign("/avatar-5_31_0.jpg", KEY)))
    shown(web.get("/avatar-5_31_0.jpg", headers=BEARER), age="")


def test_a_missing_and_a_held_picture_are_alike(gallery: servers.Running, name: str) -> None:
    """At each request; who may see the held one sees it, and never its fallback."""
    web, held = gallery.client, f"avatar-{name}"
    web.put_in(held, pictures.png(shade=7))
    assert web.get(f"/{held}_25_0.jpg").status_code == 200
    assert web.patch(f"/{held}", json={"held": True}, headers=BEARER).status_code == 200
    for rest in ("_25_0.jpg", "_25_0.jpg", "_2500_0.jpg", "", ".png", "_25_0.auto"):
        answers = [web.get(f"/{each}{rest}") for each in (held, f"{held}x")]
        answers += [web.get(f"/{each}{rest}") for each in (held, f"{held}x")]
        assert len({answer.content for answer in answers}) == 1
        told = [
            {key: value for key, value in each.headers.items() if key not in OF_ONE_REQUEST}
            for each in answers
        ]
        assert told[0]["x-fallback"] == "1"
        assert told[1:] == told[:-1]
        assert answers[2].headers["X-Cache"] == answers[3].headers["X-Cache"]
    for target, headers in (
        (signing.sign(f"/{held}_25_0.jpg?held=true", KEY), {}),
        (f"/{held}_25_0.jpg", BEARER),
    ):
        seen = web.get(target, headers=headers)
        assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "no-store")
    web.patch(f"/{held}", json={"held": False}, headers=BEARER)
    assert web.get(f"/{held}_25_0.jpg").status_code in (200, 303)


def test_an_upload_ends_it_at_once(web: servers.Client, name: str) -> None:
    """Although memory had just answered without the index; a deletion begins it again."""
    path = f"/avatar-{name}_26_0.jpg"
    for _ in range(3):
        assert shown(web.get(path))
        web.put_in(f"avatar-{name}", pictures.png(shade=9))
        assert web.get(path).status_code in (200, 303)
        assert web.delete(f"/avatar-{name}", headers=BEARER).status_code == 204
    shown(web.get(path))
    shown(web.get(path))


def test_a_held_fallback_is_not_shown(web: servers.Client) -> None:
    """Nor to an admin; then the 404 is an ordinary one."""
    web.patch("/group", json={"held": True}, headers=BEARER)
    for headers in ({}, BEARER):
        assert refused(web.get("/avatar-team-6_30_0.png", headers=headers)) == "original_missing"
    web.patch("/group", json={"held": False}, headers=BEARER)
    shown(web.get("/avatar-team-6_30_0.png"), "image/png")


def test_many_missing_ids_are_one_render(gallery: servers.Running) -> None:
    """However many ask at once, and for however many ids."""
    web, renders = gallery.client, gallery.renders
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: web.get(f"/avatar-7{i % 40}_41_0.jpg"), range(80)))
    assert len({shown(answer) for answer in answers}) == 1
    assert gallery.renders == renders + 1


def test_what_may_not_be_asked_for_has_no_fallback(
    launch: Callable[..., servers.Running],
) -> None:
    """Sizes, parameters and originals for which a signature is needed; with it, a fallback ends
    when the signature does."""
    running = launch(
        signing__keys=[KEY],
        constraints__allowed_sizes=["30x0"],
        constraints__presets_only=True,
        presets={"card": {}},
        originals__public=False,
        fallback={"": "nobody"},
    )
    web = running.client
    web.put_in("nobody", pictures.jpeg())
    shown(web.get("/x_30_0.jpg?preset=card"))
    for path in ("/x_31_0.jpg?preset=card", "/x_30_0.jpg", "/x_30_0.jpg?preset=card&blur=2"):
        refused(web.get(path), 403)
    for path in ("/x.jpg", "/x", "/x.json"):
        assert refused(web.get(path)) == "original_missing"
    shown(web.get(signing.sign("/x_31_0.jpg?blur=2", KEY)))
    ends = int(time.time()) + 20
    ending = web.get(signing.sign(f"/x_31_0.jpg?exp={ends}", KEY))
    assert ending.headers["X-Fallback"] == "1"
    assert 0 < int(ending.headers["Cache-Control"].removeprefix("public, max-age=")) <= 20


def test_a_fallback_has_the_overlay_that_no_signature_frees(
    launch: Callable[..., servers.Running],
) -> None:
    """As any other that is so wide; without the picture of the overlay, nothing is shown."""
    web = launch(
        signing__keys=[KEY],
        overlays={"logo": {"picture": "logo"}},
        constraints__overlay_above={"width": 40, "overlay": "logo"},
        constraints__max_width=60,
        fallback={"x": "nobody"},
    ).client
    web.put_in("nobody", pictures.png(80, 60))
    assert refused(web.get("/x_50_0.png")) == "original_missing"
    web.put_in("logo", pictures.png(8, 8, shade=200))
    free = shown(web.get(signing.sign("/x_50_0.png", KEY)), "image/png")
    covered = shown(web.get("/x_50_0.png"), "image/png")
    assert free != covered == web.get("/nobody_50_0.png?proxy=true").content
    assert shown(web.get("/x_50_0.png"), "image/png") == covered
    assert shown(web.get("/x_90_0.png"), "image/png") == web.get("/nobody_60_0.png").content
    assert shown(web.get("/x"), "image/png") == web.get("/nobody", params={"proxy": "true"}).content
    narrow = shown(web.get("/x_30_0.png"), "image/png")
    assert narrow == shown(web.get(signing.sign("/x_30_0.png", KEY)), "image/png")


def test_a_large_one_is_streamed_from_the_store(launch: Callable[..., servers.Running]) -> None:
    """As an ordinary rendition that memory does not hold."""
    running = launch(cache__memory_bytes=1 << 20, fallback={"x": "nobody"})
    web = running.client
    web.put_in("nobody", pictures.noise(1200, 1200, "PNG"))
    made = shown(web.get("/x1_1199_0.png"), "image/png")
    assert len(made) > 1 << 20
    running.published()
    renders = running.renders
    assert shown(web.get("/x2_1199_0.png", headers={"Range": "bytes=5-"}), "image/png") == made
    assert shown(web.get("/x3"), "image/png") == shown(web.get("/x3.png"), "image/png")
    assert running.renders == renders
