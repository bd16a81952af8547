"""URLs that no browser makes: each is answered clearly, and none by a 500."""

import json

import pytest

from . import pictures, servers, wire

MALFORMED = [
    "*",
    "/..",
    "/.",
    "/%2e",
    "/..%2fsecret_10_10.jpg",
    "/%2e%2e.jpg",
    "/a%2fb_10_10.jpg",
    "/a%5Cb_10_10.jpg",
    "/a%00b_10_10.jpg",
    "/a%0ab_10_10.jpg",
    "/a%7fb_10_10.jpg",
    "/a%c2%85b_10_10.jpg",
    "/a%c2%85b",
    "/a%ff_10_10.jpg",
    "/a%ed%a0%80_10_10.jpg",
    "/a%_10_10.jpg",
    "/a%zz",
    "/a%2_10_10.jpg",
    f"/{'a' * 300}_10_10.jpg",
    f"/{'a' * 300}.jpg",
    f"/{'%C3%A9' * 128}_10_10.jpg",
    "/cat_0_0.jpg",
    "/cat_000_0.jpg",
    "/cat_10_10_0x.jpg",
    "/cat_10_10_21x.jpg",
    "/cat_10_10_99x.jpg",
    "/cat_10_10.bmp",
    "/cat_10_10.jpgx",
    "/cat_10_10.json",
    f"/cat_10_10.{'x' * 5000}",
]

MISSING = [
    "/cat_-5_10.jpg",
    "/cat_+5_10.jpg",
    "/cat_1e3_10.jpg",
    "/cat_1.5_10.jpg",
    "/cat_1000000000000_10.jpg",
    "/cat_%D9%A3_10.jpg",
    "/cat_%EF%BC%91_10.jpg",
    "/cat_10_10_1000x.jpg",
    "/cat_10_10_-1x.jpg",
    "/cat__.jpg",
    "/_10_10.jpg",
    "/%F0%9F%98%80_10_10.jpg",
    "/e%CC%81_10_10.jpg",
    "/e%CC%81.json",
    "/%3Cscript%3E_10_10.jpg",
    "/a%20b.jpg",
    "/cat_10_10.jpg%3Ffit=crop",
    "/a/b_10_10.jpg",
    "/cat_10_10.jpg/..",
    "//evil.test_10_10.jpg",
    "/cat_10_10.jpg/",
    "/_secret",
    "/_renditions",
    "/_LIVE",
    "http://evil.test/cat_10_10.jpg",
    "/openapi",
]

BAD_VALUES = [
    "fit=scale",
    "quality=best",
    "quality=%D9%A3",
    "blur=inf",
    "proxy=1",
    "fit=%ff",
]
"""One of a kind: the tests of the parser have the others."""


def refused(reply: wire.Reply, status: int) -> None:
    """Whether an answer is an error as every error should be."""
    assert reply.status == status
    said = json.loads(reply.body)
    cause = ["cause"] if said["code"] == "token_refused" else []
    assert list(said) == ["error", "code", *cause, "request_id"]
    assert said["error"].endswith((".", "?"))
    assert len(said["error"]) < 300
    assert said["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert b"Traceback" not in reply.body


@pytest.mark.parametrize("target", MALFORMED)
def test_a_url_that_cannot_be_read_is_400(server: servers.Running, target: str) -> None:
    """Bad escapes, names that can be none, sizes and extensions that mean nothing."""
    refused(wire.ask(server.port, target), 400)


@pytest.mark.parametrize("target", MISSING)
def test_a_url_of_nothing_is_404(server: servers.Running, target: str) -> None:
    """What is no size is part of a name, and there is no such picture."""
    refused(wire.ask(server.port, target), 404)


def test_without_buckets_no_answer_speaks_of_them(web: servers.Client) -> None:
    """Who asks such a server for `/a/b` has a wrong path, and not a wrong bucket."""
    for path in ("/a/b", "/a/b_1_1.jpg"):
        answer = web.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "original_missing")
        assert "bucket" not in answer.text


@pytest.mark.parametrize("query", BAD_VALUES)
def test_a_bad_value_of_a_known_parameter_is_400(server: servers.Running, query: str) -> None:
    """The answer names it, whether the picture is there or not."""
    reply = wire.ask(server.port, f"/cat_10_10.jpg?{query}")
    refused(reply, 400)
    if "%" not in query.replace("%D9%A3", "").replace("%63", "").replace("%23", ""):
        assert f"`{query.partition('=')[0]}`" in json.loads(reply.body)["error"]


@pytest.mark.parametrize("target", [*MALFORMED, *MISSING])
def test_an_upload_to_a_bad_url_is_refused_too(server: servers.Running, target: str) -> None:
    """And so is its deletion, and the question what may be done there."""
    reply = wire.ask(server.port, target, "POST", b"x", Content_Type="image/png", X_Token="t")
    assert reply.status in (400, 403, 404, 405)
    refused(reply, reply.status)
    admin = f"Bearer {servers.ADMIN}"
    reply = wire.ask(server.port, target, "DELETE", Authorization=admin)
    assert reply.status in (400, 404, 405)
    refused(reply, reply.status)


def test_raw_bytes_in_a_target_mean_what_they_would_mean_escaped(
    server: servers.Running, name: str
) -> None:
    """Some clients do not escape; bytes that are no UTF-8 are 400 all the same."""
    segment = f"{name}-é"
    escaped = f"{name}-%C3%A9"
    token = server.client.token(segment)
    assert server.client.upload(escaped, pictures.jpeg(), token).status_code == 200
    raw = segment.encode().decode("latin-1")
    assert wire.ask(server.port, f"/{raw}_10_0.jpg").status in (200, 400)
    assert wire.ask(server.port, f"/{name}-\xe9_10_0.jpg").status == 400


def test_a_plus_is_a_plus(web: servers.Client, name: str) -> None:
    """In a path it never was a space."""
    plus = f"{name}+1"
    web.put_in(plus, pictures.jpeg())
    assert web.get(f"/{name}%2B1_10_0.jpg").status_code == 200
    assert web.get(f"/{name}%201_10_0.jpg").status_code == 404


def test_decoding_happens_once(web: servers.Client, name: str) -> None:
    """`%2541` is the name `%41`, not `A`."""
    token = web.token(f"{name}%41")
    assert web.upload(f"{name}%2541", pictures.jpeg(), token).status_code == 200
    assert web.get(f"/{name}%2541_10_0.jpg").status_code == 200
    assert web.get(f"/{name}A_10_0.jpg").status_code == 404


@pytest.mark.parametrize("value", ["-1", "101", "9" * 400, "007", "auto"])
def test_quality_out_of_range_is_brought_into_it(
    server: servers.Running, name: str, value: str
) -> None:
    """−1 is `auto`, above 100 is 100: clients of the published service send that."""
    server.client.put_in(name, pictures.jpeg())
    assert wire.ask(server.port, f"/{name}_10_0.jpg?quality={value}").status == 200
