"""Guessing secrets: how often a client may be wrong, and who is not held up by it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core import signing
from liveresize.http.secret_throttle import SecretThrottle

from . import pictures, servers, wire
from .buckets import TOKEN, Gallery

KEY = "the key that signs"
LIMIT = 3


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Gallery]:
    """A server with every kind of secret, that forgives few wrong ones."""
    with Gallery(
        tmp_path,
        limits__failed_secrets=LIMIT,
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN, "another"],
        freshness=servers.FRESHNESS,
        signing__keys=[KEY],
        trusted_proxies=["127.0.0.1"],
    ) as running:
        # Time stands still, so that nothing is forgiven because the machine is busy.
        running.components.site.secret_throttle._monotonic = lambda: 0.0
        yield running


def asked(server: Gallery, client: str, kind: str, secret: str) -> wire.Reply:
    """The answer to a request that brings a secret of that kind."""
    if kind == "token":
        body = b'{"id": "new", "secret": "%s"}' % secret.encode()
        return wire.ask(server.port, "/token", "POST", body, X_Forwarded_For=client)
    if kind == "delete":
        bearer = f"Bearer {secret}"
        return wire.ask(
            server.port, "/nothing", "DELETE", X_Forwarded_For=client, Authorization=bearer
        )
    if kind == "purge":
        bearer = {"Authorization": f"bearer {secret}", "X_Forwarded_For": client}
        return wire.ask(server.port, "/purge", "POST", b'{"id": "nothing"}', **bearer)
    if kind == "vip":
        sent = {"X_Vip_Token": secret, "X_Forwarded_For": client}
        return wire.ask(server.port, "/upload/pics", "POST", pictures.png(), **sent)
    if kind == "warmup":
        return wire.ask(
            server.port, "/pics/nothing/warmup", "POST", X_Forwarded_For=client, X_Vip_Token=secret
        )
    target = signing.sign(f"/nothing_{client.rpartition('.')[2]}_0.jpg", secret)
    return wire.ask(
        server.port, target, "HEAD" if kind == "head" else "GET", X_Forwarded_For=client
    )


KINDS = [
    ("token", servers.SECRET, 401, 200),
    ("delete", servers.ADMIN, 401, 404),
    ("purge", servers.ADMIN, 401, 200),
    ("vip", TOKEN, 401, 201),
    ("warmup", TOKEN, 401, 404),
    ("picture", KEY, 403, 404),
    ("head", KEY, 403, 404),
]


@pytest.mark.parametrize(("kind", "right", "refused", "welcome"), KINDS)
def test_a_client_that_guesses_is_not_answered_any_more(
    guarded: Gallery, kind: str, right: str, refused: int, welcome: int
) -> None:
    """After its share 429, the right secret too: else it would know it. Others go on, and
    so does this one a minute later."""
    for number in range(LIMIT):
        assert asked(guarded, "192.0.2.1", kind, f"guess number {number}").status == refused
    for secret in ("guess", right):
        reply = asked(guarded, "192.0.2.1", kind, secret)
        assert (reply.status, reply.headers["retry-after"]) == (429, "60")
        assert reply.headers["cache-control"] == "no-store"
    assert asked(guarded, "192.0.2.2", kind, right).status == welcome
    guarded.components.site.secret_throttle._monotonic = lambda: 60.0
    for number in range(LIMIT):
        assert asked(guarded, "192.0.2.1", kind, f"another guess {number}").status == refused
    assert asked(guarded, "192.0.2.1", kind, right).status == 429


SAME = [{"token"}, {"delete", "purge"}, {"vip", "warmup"}, {"picture", "head"}]
"""Kinds of requests that guess at the same secret."""


@pytest.mark.parametrize("same", SAME, ids=lambda same: "+".join(sorted(same)))
def test_requests_for_the_same_secret_count_together(guarded: Gallery, same: set[str]) -> None:
    """Two ways to a secret are not twice as many guesses; a visitor with an old signature locks
    nobody out who has another kind of secret and the same address."""
    for number in range(LIMIT):
        kind = sorted(same)[number % len(same)]
        asked(guarded, "192.0.2.1", kind, f"guess number {number}")
    for kind, right, _, welcome in KINDS:
        expected = 429 if kind in same else welcome
        assert asked(guarded, "192.0.2.1", kind, right).status == expected


def test_a_secret_that_is_used_twice_is_not_guessed_at_twice() -> None:
    """Whatever it is brought for, and among whichever others."""
    tried = SecretThrottle(1, lambda: 0.0)
    assert not tried.one_of("192.0.2.1", b"guess", ("a", "b"))
    for secrets in (("a", "b"), ("b", "c"), ("a",)):
        with pytest.raises(errors.TooManyFailures):
            tried.one_of("192.0.2.1", b"b", secrets)
    assert not tried.one_of("192.0.2.1", b"guess", ("c",))


def test_guessers_from_everywhere_do_not_make_one_forgotten(guarded: Gallery) -> None:
    """Wrong signatures from ten thousand addresses leave the counts of admin secrets alone."""
    secret_throttle = guarded.components.site.secret_throttle
    for number in range(LIMIT):
        asked(guarded, "192.0.2.1", "delete", f"guess number {number}")
    for number in range(10_001):
        secret_throttle.attempt(f"10.1.{number >> 8}.{number & 255}", (KEY,), lambda: False)
    assert asked(guarded, "192.0.2.1", "delete", servers.ADMIN).status == 429


def test_visitors_of_an_unlisted_proxy_do_not_lock_each_other_out(tmp_path: Path) -> None:
    """Wrong signatures are not counted there; wrong secrets still are, as those of one client."""
    keys = {"limits__failed_secrets": LIMIT, "signing__keys": [KEY]}
    with Gallery(tmp_path, admin__secrets=[servers.ADMIN], **keys) as running:
        running.components.site.secret_throttle._monotonic = lambda: 0.0
        for number in range(2 * LIMIT):
            assert asked(running, "192.0.2.1", "picture", f"guess {number}").status == 403
        assert asked(running, "192.0.2.2", "picture", KEY).status == 404
        for number in range(LIMIT):
            assert asked(running, "192.0.2.1", "delete", f"guess {number}").status == 401
        assert asked(running, "192.0.2.2", "delete", servers.ADMIN).status == 429
        assert asked(running, "192.0.2.2", "picture", KEY).status == 404


def test_right_ones_cost_nothing(guarded: Gallery) -> None:
    """An application that asks for tokens all day is never held up."""
    for _ in range(3 * LIMIT):
        for kind, right, _, _ in KINDS:
            assert asked(guarded, "192.0.2.1", kind, right).status not in (401, 429)


def test_what_is_no_guess_is_not_counted(guarded: Gallery) -> None:
    """Nothing at all, another scheme, what needs no secret, and what was right and is over."""
    over = signing.sign("/cat_20_0.jpg", KEY, int(time.time()) - 1)
    for _ in range(2 * LIMIT):
        assert guarded.client.post("/token", json={"id": "new"}).status_code == 401
        assert guarded.client.delete("/cat").status_code == 401
        basic = {"Authorization": "Basic Z3Vlc3M6Z3Vlc3M="}
        assert guarded.client.delete("/cat", headers=basic).status_code == 401
        assert guarded.send(pictures.png(), token="").status_code == 401
        assert guarded.client.get(over).status_code == 403
        assert guarded.client.get("/cat_20_0.jpg").status_code == 404
    assert guarded.client.token("new")


def test_a_guesser_of_freshness_gets_what_everybody_gets(guarded: Gallery) -> None:
    """Pictures are public: only whether they are made anew is refused, in silence."""
    guarded.client.put_in("cat", pictures.jpeg())

    def cache(token: str) -> str:
        headers = {"Freshness-Token": token, "X-Forwarded-For": "192.0.2.1"}
        answer = guarded.client.get("/cat_20_0.jpg?proxy=true", headers=headers)
        assert answer.status_code == 200
        found: str = answer.headers["X-Cache"]
        return found

    assert cache(servers.FRESHNESS) == "BYPASS"
    for number in range(LIMIT):
        assert cache(f"guess {number}") != "BYPASS"
    assert cache(servers.FRESHNESS) != "BYPASS"
    assert asked(guarded, "192.0.2.1", "token", servers.SECRET).status == 200


def test_addresses_that_were_verified_go_on(guarded: Gallery) -> None:
    """A page with a few wrong signatures keeps the pictures that it has been showing."""
    guarded.client.put_in("cat", pictures.jpeg())
    address = signing.sign("/cat_20_0.jpg", KEY)
    assert wire.ask(guarded.port, address, X_Forwarded_For="192.0.2.1").status == 200
    for number in range(LIMIT + 1):
        asked(guarded, "192.0.2.1", "picture", f"guess number {number}")
    assert asked(guarded, "192.0.2.1", "picture", KEY).status == 429
    for method in ("GET", "HEAD"):
        assert wire.ask(guarded.port, address, method, X_Forwarded_For="192.0.2.1").status == 200


def test_without_a_limit_guesses_are_only_wrong() -> None:
    """0 is no limit."""
    tried = SecretThrottle(0)
    assert not any(tried.one_of("192.0.2.1", b"guess", ("secret",)) for _ in range(1000))
    assert tried.one_of("192.0.2.1", b"secret", ("other", "secret"))


def test_nothing_is_compared_over_the_limit() -> None:
    """Or the time that it takes would tell."""
    tried, asked_for = SecretThrottle(1, lambda: 0.0), []

    def is_right() -> bool:
        asked_for.append(1)
        return False

    assert not tried.attempt("192.0.2.1", (KEY,), is_right)
    for _ in range(5):
        with pytest.raises(errors.TooManyFailures):
            tried.attempt("192.0.2.1", (KEY,), is_right)
    assert len(asked_for) == 1


def test_an_attempt_comes_back_with_time() -> None:
    """One each sixtieth of the limit, and never more than the limit."""
    now = 0.0
    tried = SecretThrottle(2, lambda: now)

    def left() -> int:
        for count in range(100):
            try:
                tried.attempt("192.0.2.1", (KEY,), lambda: False)
            except errors.TooManyFailures:
                return count
        return 100

    assert left() == 2
    for later, expected in ((29.0, 0), (30.0, 1), (59.0, 0), (61.0, 1), (10_000.0, 2)):
        now = later
        assert left() == expected


def test_clients_without_end_take_no_memory_without_end() -> None:
    """Those that were wrong longest ago are forgotten."""
    tried = SecretThrottle(1, lambda: 0.0)
    for number in range(20_000):
        assert not tried.one_of(f"10.1.{number >> 8}.{number & 255}", b"guess", ("secret",))
    assert len(tried._rates["secret"]._buckets) <= 10_000


def test_what_is_empty_is_never_right() -> None:
    """Not even where nothing is asked for by mistake."""
    assert not SecretThrottle().one_of("192.0.2.1", b"", ("",))


def test_wrong_bearers_of_pictures_are_limited_apart(guarded: Gallery) -> None:
    """They may be those of another service: the public picture is answered, and the administrator
    at the same address deletes. Beyond the limit not even the right one opens a held picture."""
    web = guarded.client
    web.put_in("cat", pictures.png())
    web.put_in("dog", pictures.png(), held=True)

    def status(name: str, secret: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return web.get(f"/{name}", headers=headers).status_code

    assert status("dog", servers.ADMIN) == 200
    assert [status("dog", "a token of the page") for _ in range(LIMIT)] == [404] * LIMIT
    assert status("dog", servers.ADMIN) == 404
    assert status("cat", "a token of the page") == 200
    change = {"held": True, "secret": servers.SECRET}
    assert web.patch("/cat", json=change).status_code == 200
    for _ in range(LIMIT):
        assert web.patch("/cat", json={**change, "secret": "guess"}).status_code == 401
    assert web.patch("/cat", json=change).status_code == 429
    assert web.post("/token", json={"id": "new", "secret": servers.SECRET}).status_code == 429
    deleted = web.delete("/dog", headers={"Authorization": f"Bearer {servers.ADMIN}"})
    assert deleted.status_code == 204
