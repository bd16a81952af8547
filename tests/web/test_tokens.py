"""POST /token: who gets one, for what, and who does not."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from liveresize.core import suggestions
from liveresize.core.names import RESERVED, SUFFIXES

from . import pictures, servers, wire

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

IDS: list[object] = [
    None,
    "",
    7.5,
    ["cat"],
    {},
    True,
    ".",
    "..",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\x7fb",
    "a" * 256,
    "é" * 128,
    "e\u0301",
    "\ud800",
    "_cat",
    "cat_10_20.jpg",
    "cat_10_20.bmp",
    "cat_1_2_3x.foo",
    *(f"cat.{suffix}" for suffix in sorted(SUFFIXES)),
    "cat.JPG",
    *sorted(RESERVED),
    "Token",
]

GOOD_IDS = ["test", "a", "é 😀", "a.b.c", "cat_10", "cat.bmp", "%2e%2e", "a" * 255, "tokens", "+"]

BAD_FIELDS = [
    {"expires_in": 0},
    {"expires_in": -1},
    {"expires_in": "60"},
    {"expires_in": True},
    {"expires_in": 604_801},
    {"expires_in": 1e400},
    {"max_bytes": 0},
    {"max_bytes": "1"},
    {"max_bytes": 1 << 60},
    {"formats": []},
    {"formats": "jpeg"},
    {"formats": ["tiff"]},
    {"formats": [1]},
    {"formats": ["jpeg", None]},
    {"overwrite": "true"},
    {"overwrite": 1},
]


def ask(client: servers.Client, **fields: Any) -> Any:
    """The answer to a request for a token."""
    return client.post("/token", content=json.dumps(fields))


def test_a_token_is_a_uuid_with_an_end(web: servers.Client, name: str) -> None:
    """It names its id, and expires a quarter of an hour from now."""
    answer = ask(web, id=name, secret=servers.SECRET)
    granted = answer.json()
    assert answer.status_code == 200
    assert list(granted) == ["token", "id", "expires_at"]
    assert UUID.fullmatch(granted["token"])
    assert granted["id"] == name
    left = datetime.fromisoformat(granted["expires_at"]) - datetime.now(UTC)
    assert 890 < left.total_seconds() <= 901
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("id_", IDS)
def test_what_cannot_be_a_name_is_refused_as_an_id(web: servers.Client, id_: object) -> None:
    """And what a URL would read as something else."""
    body = {"id": id_, "secret": servers.SECRET}
    answer = ask(web, **body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_id"


def test_an_id_must_be_given(web: servers.Client) -> None:
    """An object without one is not a wish."""
    assert ask(web, secret=servers.SECRET).json()["code"] == "invalid_id"


@pytest.mark.parametrize("id_", GOOD_IDS)
def test_every_other_name_will_do(web: servers.Client, id_: str) -> None:
    """Spaces, emoji, dots and percent signs are nobody's business."""
    token = web.token(id_)
    segment = "".join(f"%{byte:02X}" for byte in id_.encode())
    assert web.upload(segment, pictures.jpeg(), token).status_code == 200
    assert web.get(f"/{segment}_10_0.jpg").status_code == 200
    assert web.get(f"/{segment}.json").json()["id"] == id_


@pytest.mark.parametrize("fields", BAD_FIELDS)
def test_a_bad_field_is_named(web: servers.Client, name: str, fields: dict[str, object]) -> None:
    """400, in one sentence that names it."""
    (field,) = fields
    answer = ask(web, id=name, secret=servers.SECRET, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")
    assert f"`{field}`" in answer.json()["error"]


def test_unknown_fields_are_named(web: servers.Client, name: str) -> None:
    """With what may have been meant; the token is issued without them."""
    typos = {"exipres_in": 60, "maxBytes": 1, "name": "x", "zzz": 1, "a b": 1, "ttl": 5, "y": None}
    granted = ask(web, id=name, secret=servers.SECRET, **typos).json()
    assert granted["ignored"] == [
        "exipres_in (did you mean expires_in?)",
        "maxBytes (did you mean max_bytes?)",
        "name (did you mean id?)",
        "zzz",
        "ttl (did you mean expires_in?)",
    ]
    assert web.upload(name, pictures.png(), granted["token"]).status_code == 200
    usual = dict.fromkeys(suggestions.TOKEN_FIELDS.values())
    asked = {**usual, "id": f"{name}-2", "secret": servers.SECRET}
    assert "ignored" not in ask(web, **asked).json()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"id"', b"\xff", b"[" * 60_000, b"9" * 5000]
)
def test_a_body_that_is_no_object_is_400(web: servers.Client, body: bytes) -> None:
    """Whatever it is instead."""
    answer = web.post("/token", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")


def test_a_body_that_is_too_long_is_413(web: servers.Client) -> None:
    """64 KiB are enough to ask for a token."""
    for body in (b" " * 70_000, b" " * 9_000_000):
        answer = web.post("/token", content=body)
        assert answer.status_code == 413
        assert f"has {len(body):,} bytes; this address allows 65,536." in answer.json()["error"]


@pytest.mark.parametrize("secret", [None, "", "wrong", 7, servers.SECRET + " ", "\ud800"])
def test_a_wrong_secret_is_401(web: servers.Client, name: str, secret: object) -> None:
    """Missing, wrong or not even text."""
    answer = ask(web, id=name, secret=secret)
    assert (answer.status_code, answer.json()["code"]) == (401, "secret_refused")
    assert "the setting `secret`" in answer.json()["error"]


def test_a_second_token_for_an_id_is_403_while_the_first_lives(
    web: servers.Client, name: str
) -> None:
    """And after the upload for good."""
    token = web.token(name)
    assert ask(web, id=name, secret=servers.SECRET).json()["code"] == "id_taken"
    web.upload(name, pictures.jpeg(), token)
    answer = ask(web, id=name, secret=servers.SECRET)
    assert (answer.status_code, answer.json()["code"]) == (403, "id_taken")


def test_without_a_secret_only_configured_networks_are_answered(
    launch: Callable[..., servers.Running],
) -> None:
    """Behind a trusted proxy it is the client's address that counts."""
    running = launch(trusted_proxies=["127.0.0.0/8"])
    near = running.client.post("/token", json={"id": "a"}, headers={"X-Forwarded-For": "10.1.2.3"})
    far = running.client.post("/token", json={"id": "b"}, headers={"X-Forwarded-For": "8.8.8.8"})
    assert near.status_code == 200
    assert (far.status_code, far.json()["code"]) == (403, "network_refused")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("10.1.2.3:5000", 200),
        ("[fd00::1]:5000", 200),
        ("[fd00::1]", 200),
        ("8.8.8.8:5000", 403),
        ("[2001:db8::1]:5000", 403),
        ("unknown", 403),
        ("8.8.8.8:x", 403),
        ("", 200),
    ],
)
def test_what_a_proxy_says_is_read_with_its_port_or_not_at_all(
    launch: Callable[..., servers.Running], said: str, status: int
) -> None:
    """A client whose address cannot be read never passes for the proxy itself."""
    running = launch(trusted_proxies=["127.0.0.0/8"])
    answer = running.client.post("/token", json={"id": "a"}, headers={"X-Forwarded-For": said})
    assert answer.status_code == status


def test_an_untrusted_client_cannot_lie_about_its_address(
    launch: Callable[..., servers.Running],
) -> None:
    """`X-Forwarded-For` of a stranger is not read."""
    running = launch(token__networks=["10.0.0.0/8"])
    answer = running.client.post(
        "/token", json={"id": "a"}, headers={"X-Forwarded-For": "10.1.2.3"}
    )
    assert answer.status_code == 403


def test_overwriting_needs_a_configured_secret(bare: servers.Running, name: str) -> None:
    """Or else anybody near could replace anything."""
    answer = ask(bare.client, id=name, overwrite=True)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")
    assert "set `secret` in the configuration" in answer.json()["error"]
    assert ask(bare.client, id=name, overwrite=False).status_code == 200


def test_a_get_of_token_is_no_token(web: servers.Client, server: servers.Running) -> None:
    """Tokens are asked for by POST alone."""
    answer = web.get("/token")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, DELETE")
    assert wire.ask(server.port, "/token", "PUT").status == 405


def test_one_request_gets_tokens_for_many_ids(web: servers.Client, name: str) -> None:
    """All or none; what else it says goes for each of them."""
    ids = [f"{name}-1", f"{name}-2"]
    answer = ask(web, ids=ids, secret=servers.SECRET, formats=["png"])
    granted = answer.json()
    assert (answer.status_code, list(granted)) == (200, ["tokens"])
    assert [token["id"] for token in granted["tokens"]] == ids
    for token, data, status in zip(
        granted["tokens"], (pictures.png(), pictures.jpeg()), (200, 415), strict=True
    ):
        assert web.upload(token["id"], data, token["token"]).status_code == status
    taken = ask(web, ids=[f"{name}-3", *ids], secret=servers.SECRET)
    assert (taken.status_code, taken.json()["code"]) == (403, "id_taken")
    assert taken.json()["ids"] == [f"{name}-1"]
    assert ask(web, id=f"{name}-3", secret=servers.SECRET).status_code == 200
    single = ask(web, id=f"{name}-3", secret=servers.SECRET).json()
    assert "ids" not in single


def test_bad_lists_of_ids_are_refused(web: servers.Client, name: str) -> None:
    """With the place of the one that is bad."""
    for ids, code, text in (
        ([], "bad_body", "1 to 100"),
        ("cat", "bad_body", "1 to 100"),
        ([f"{name}{number}" for number in range(101)], "bad_body", "1 to 100"),
        ([name, name], "bad_body", "`ids[1]`"),
        ([7, "7"], "bad_body", "`ids[1]`"),
        ([name, "_cat"], "invalid_id", "`ids[1]`"),
        ([None], "invalid_id", "`ids[0]`"),
    ):
        answer = ask(web, ids=ids, secret=servers.SECRET)
        assert (answer.status_code, answer.json()["code"]) == (400, code), ids
        assert text in answer.json()["error"]
    both = ask(web, id=name, ids=[name], secret=servers.SECRET)
    assert (both.status_code, both.json()["code"]) == (400, "bad_body")
    assert ask(web, id=name, secret=servers.SECRET).status_code == 200
