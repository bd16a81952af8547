"""Who may upload into buckets, and what pages of other origins may read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from liveresize.http.cors import EXPOSED

from . import buckets, pictures, wire
from .buckets import TOKEN, Gallery

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
    "access-control-allow-headers": (
        "Accept, Content-Type, X-Vip-Token, X-Vip-Warmup, Authorization"
    ),
    "access-control-max-age": "86400",
    EXPOSED[0].lower(): EXPOSED[1],
}

PATTERNS = ("localhost", "*.Example.test", "app.test", "::1", "xn--bcher-kva.test")

WELCOME = [
    "http://localhost",
    "http://localhost:3000",
    "https://LOCALHOST:3000",
    "https://images.example.test",
    "https://a.b.example.test:8443",
    "https://IMAGES.EXAMPLE.TEST",
    "app://app.test",
    "http://[::1]:3000",
    "https://xn--bcher-kva.test",
]

STRANGERS = [
    "",
    "null",
    "https://evil.test",
    "https://example.test",
    "https://example.test.evil.test",
    "https://localhost.evil.test",
    "https://app.test.",
    "https://localhost@evil.test",
    "https://evil.test/#https://localhost",
    "https://evil.test?localhost",
    "localhost",
    "//",
    "https://",
    "http://[::2]:3000",
    "http://[::1",
    "https://\xe9.test",
    "https://localhost,https://evil.test",
    "x" * 5000,
]

TOKENS = {"right": TOKEN, "wrong": TOKEN + "x", "shorter": TOKEN[:-1], "empty": "", "none": None}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server; who may upload there is said test by test."""
    with Gallery(tmp_path_factory.mktemp("gallery")) as running:
        yield running


def asked(gallery: Gallery, *, origin: str | None = None, token: str | None = None) -> wire.Reply:
    """The answer to an empty upload: 400 for those who may upload, 401 for others."""
    headers: dict[str, Any] = {"Content_Length": "0"}
    if origin is not None:
        headers["Origin"] = origin
    if token is not None:
        headers["X_Vip_Token"] = token
    return wire.ask(gallery.port, "/upload/pics", "POST", **headers)


def shared(reply: wire.Reply) -> dict[str, str]:
    """The headers that speak to pages of other origins."""
    return {name: value for name, value in reply.headers.items() if name.startswith("access-")}


@pytest.mark.parametrize("origin", [*WELCOME, *STRANGERS, None], ids=ascii)
@pytest.mark.parametrize("required", [False, True])
def test_a_page_needs_the_right_origin_or_the_token(
    gallery: Gallery, origin: str | None, required: bool
) -> None:
    """Ports and the case of letters do not matter; `require_token` wants the token of all."""
    welcome = origin in WELCOME
    with gallery.entered(token=TOKEN, allowed_origins=PATTERNS, require_token=required):
        for kind, token in TOKENS.items():
            reply = asked(gallery, origin=origin, token=token)
            may = kind == "right" or (welcome and not required)
            assert (kind, reply.status) == (kind, 400 if may else 401)
            assert shared(reply) == (CORS if welcome else {})
            assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [None, "https://evil.test", "null", "", "http://[::1]"])
@pytest.mark.parametrize("required", [False, True])
def test_the_pattern_for_all_is_for_who_names_no_origin_too(
    gallery: Gallery, origin: str | None, required: bool
) -> None:
    """As with vip; only the token that is required keeps anyone out."""
    with gallery.entered(token=TOKEN, allowed_origins=("*",), require_token=required):
        assert asked(gallery, origin=origin).status == (401 if required else 400)
        assert asked(gallery, origin=origin, token=TOKEN).status == 400
        assert shared(asked(gallery, origin=origin)) == CORS


@pytest.mark.parametrize("origin", [None, "", "null", "https://evil.test", "http://localhost"])
@pytest.mark.parametrize("anonymous", [False, True])
def test_an_empty_token_lets_nobody_in(
    gallery: Gallery, origin: str | None, anonymous: bool
) -> None:
    """It is no token: only `allow_anonymous` opens a server that has neither it nor origins."""
    with gallery.entered(token="", allowed_origins=(), allow_anonymous=anonymous):
        for token in (None, "", "x", TOKEN):
            reply = asked(gallery, origin=origin, token=token)
            assert reply.status == (400 if anonymous else 401)
            assert shared(reply) == {}


@pytest.mark.parametrize(
    "entered", [{"token": TOKEN, "allowed_origins": ()}, {"allowed_origins": ("localhost",)}]
)
def test_anonymous_uploads_need_a_server_that_asks_for_nothing(
    gallery: Gallery, entered: dict[str, Any]
) -> None:
    """A token or origins that are set are asked for, `allow_anonymous` or not."""
    with gallery.entered(**{"token": "", "allow_anonymous": True, **entered}):
        for token in (None, "", "x"):
            assert asked(gallery, origin="https://evil.test", token=token).status == 401


def test_a_token_required_and_not_set_lets_nobody_in(gallery: Gallery) -> None:
    """Not even the pages that may."""
    with gallery.entered(token="", allowed_origins=PATTERNS, require_token=True):
        for token in (None, "", TOKEN):
            assert asked(gallery, origin="http://localhost", token=token).status == 401


def test_a_token_may_have_any_characters(gallery: Gallery) -> None:
    """As UTF-8, in which operators write it; comparing others fails no request."""
    with gallery.entered(token="é €", allowed_origins=()):
        assert asked(gallery, token="é €".encode().decode("latin-1")).status == 400
        for token in ("é", "é €".encode("utf-8", "replace")[:-1].decode("latin-1"), "\xff" * 99):
            assert asked(gallery, token=token).status == 401


def test_a_refusal_says_what_is_missing(gallery: Gallery) -> None:
    """One sentence; the token that was tried is in neither answer nor log."""
    reply = asked(gallery, token="not the token")
    told = json.loads(reply.body)
    assert (reply.status, told["code"]) == (401, "secret_refused")
    assert told["error"] == "The header X-Vip-Token is missing or wrong."
    assert reply.headers["cache-control"] == "no-store"
    assert b"not the token" not in reply.body


ANSWERS: list[tuple[int, dict[str, Any], str]] = [
    (201, {"body": pictures.png()}, "/upload/pics"),
    (400, {"Content_Length": "0"}, "/upload/pics"),
    (404, {"body": b"x"}, "/upload/elsewhere"),
    (413, {"body": b"x", "Content_Length": str(20 << 20)}, "/upload/pics"),
    (415, {"body": b"x"}, "/upload/pics"),
    (404, {}, f"/pics/{'0' * 32}-1x1/warmup"),
]


@pytest.mark.parametrize(("status", "sent", "target"), ANSWERS)
@pytest.mark.parametrize("origin", [buckets.ORIGIN, "https://evil.test"])
def test_every_answer_to_a_page_that_may_upload_can_be_read(
    gallery: Gallery, status: int, sent: dict[str, Any], target: str, origin: str
) -> None:
    """One constant set of headers, whatever the answer; other pages see none of them."""
    given = {"Content_Length": "0", "X_Vip_Token": TOKEN, "Origin": origin, **sent}
    if "body" in sent and "Content_Length" not in sent:
        del given["Content_Length"]
    reply = wire.ask(gallery.port, target, "POST", **given)
    assert reply.status == status
    assert shared(reply) == (CORS if origin == buckets.ORIGIN else {})
    assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize("target", ["/upload/pics", "/upload/elsewhere", "/pics/id/warmup"])
def test_a_preflight_is_200_for_pages_that_may_upload(gallery: Gallery, target: str) -> None:
    """With an empty body, and without a token, which browsers do not send then."""
    with gallery.entered(require_token=True):
        reply = wire.ask(
            gallery.port,
            target,
            "OPTIONS",
            Origin=buckets.ORIGIN,
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="content-type,x-vip-token,x-vip-warmup",
        )
    assert (reply.status, reply.body) == (200, b"")
    asked_for = {"access-control-allow-headers": "content-type,x-vip-token,x-vip-warmup"}
    usual = {name: value for name, value in CORS.items() if name != EXPOSED[0].lower()}
    assert shared(reply) == usual | asked_for
    assert reply.headers["vary"] == "Origin, Access-Control-Request-Headers"
    assert reply.headers["content-length"] == "0"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", None])
@pytest.mark.parametrize("target", ["/upload/pics", "/pics/id/warmup"])
def test_a_preflight_is_401_for_others(gallery: Gallery, origin: str | None, target: str) -> None:
    """The token in it does not change that."""
    headers: dict[str, Any] = {} if origin is None else {"Origin": origin}
    reply = wire.ask(gallery.port, target, "OPTIONS", X_Vip_Token=TOKEN, **headers)
    assert (reply.status, json.loads(reply.body)["code"]) == (401, "secret_refused")
    assert shared(reply) == {}
    assert reply.headers["vary"] == "Origin, Access-Control-Request-Headers"
