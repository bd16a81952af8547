"""What nginx keeps of answers, for how long, and for whom."""

import contextlib
import functools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from web import servers

from .nginx import LIFE, Nginx, needs_nginx
from .recorder import Answer, Recorder, Seen

pytestmark = [pytest.mark.long, needs_nginx]

CAT = "/cat_8_6.jpg"

PUBLIC = {"Cache-Control": "public, max-age=86400"}


class Cached:
    """One picture, behind a cache: asks for it, and knows what the instance was asked."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.headers = dict(PUBLIC, ETag='"one"')
        self.recorder = stack.enter_context(Recorder(self._answer))
        self.nginx = stack.enter_context(Nginx(folder, [self.recorder.port]))
        self.client = stack.enter_context(self.nginx.client())
        self.gone = False
        self.status = 200

    def _answer(self, seen: Seen) -> Answer:
        if self.gone:
            return 404, {"Cache-Control": "no-store"}, b"gone"
        if seen.headers.get("If-None-Match", "") == self.headers.get("ETag"):
            return 304, self.headers, b""
        return self.status, {**self.headers, "X-Cache": "MISS"}, seen.headers["Accept"].encode()

    def ask(self, path: str = CAT, times: int = 3, headers: dict[str, str] | None = None) -> str:
        """What `X-Cache` says at last."""
        for _ in range(times):
            answer = self.client.get(path, headers=headers)
            assert answer.status_code == self.status
        said: str = answer.headers["X-Cache"]
        return said

    def hit(self, path: str = CAT, headers: dict[str, str] | None = None) -> bool:
        """Whether it comes from the cache by now."""
        return self.ask(path, headers=headers) == "HIT-PROXY"


@pytest.fixture
def cached(tmp_path: Path) -> Iterator[Cached]:
    """A picture that may be cached."""
    with contextlib.ExitStack() as stack:
        yield Cached(tmp_path, stack)


def test_what_is_asked_for_often_comes_from_the_cache(cached: Cached) -> None:
    """From the third time on, with the id of the request that it answers."""

    def from_the_cache() -> bool:
        answer = cached.client.get(CAT, headers={"X-Request-Id": "mine"})
        assert answer.headers["X-Request-Id"] == "mine"
        said: str = answer.headers["X-Cache"]
        return said == "HIT-PROXY"

    servers.until(from_the_cache)
    servers.until(lambda: any(line["cache"] == "HIT" for line in cached.nginx.lines()))
    assert len(cached.recorder.seen) >= 2


def test_an_object_is_asked_about_and_not_sent_again(cached: Cached) -> None:
    """After two seconds an instance only says that it is still there."""
    path = "/_renditions/cat/generation/8x6.jpg"
    servers.until(lambda: cached.hit(path))

    def revalidated() -> bool:
        answer = cached.client.get(path)
        assert answer.content == b"*/*"
        return bool(cached.nginx.line_of(answer)["instance_status"] == "304")

    servers.until(revalidated)


def test_bytes_make_room_for_a_redirect(cached: Cached) -> None:
    """A picture that was answered with bytes is asked for anew, however often it is wanted."""
    servers.until(cached.hit)
    servers.until(lambda: cached.ask(times=1) == "MISS")
    assert {seen.headers["If-None-Match"] for seen in cached.recorder.seen} == {None}


def test_nothing_outlives_a_delete_for_long(cached: Cached) -> None:
    """Within the life of an entry it is gone, and does not come back."""
    servers.until(cached.hit)
    cached.gone = True
    deleted = time.monotonic()
    while True:
        began = time.monotonic()
        if cached.client.get(CAT).status_code == 404:
            break
        assert began < deleted + LIFE
    assert {cached.client.get(CAT).status_code for _ in range(10)} == {404}


def test_a_404_with_a_picture_is_kept_like_a_picture(cached: Cached) -> None:
    """Its body, and what clients are told of its life."""
    cached.status = 404
    cached.headers = {"Cache-Control": "public, max-age=60", "X-Fallback": "1"}
    servers.until(cached.hit)
    answer = cached.client.get(CAT)
    assert (answer.text, answer.headers["X-Fallback"]) == ("*/*", "1")
    assert answer.headers["Cache-Control"] == "public, max-age=60"


def test_formats_do_not_mix(cached: Cached) -> None:
    """Each of the three `Accept` has an entry of its own."""
    for accept in ("*/*", "image/webp,*/*", "image/avif,image/webp,*/*"):
        wanted = {"Accept": accept}
        servers.until(functools.partial(cached.hit, headers=wanted))
        answer = cached.client.get(CAT, headers=wanted)
        assert answer.text == accept


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer 0"},
        {"Authorization": "0"},
        {"X-Token": "token"},
        {"Freshness-Token": "0"},
        {"Range": "bytes=0-1"},
        {"If-None-Match": '"other"'},
    ],
    ids=lambda headers: "-".join(headers),
)
def test_what_is_personal_is_not_cached(cached: Cached, headers: dict[str, str]) -> None:
    """It reaches an instance with its headers, every time, and is never given to others."""
    assert cached.ask(headers=headers) == "MISS"
    assert len(cached.recorder.seen) == 3
    for name, value in headers.items():
        assert cached.recorder.seen[-1].headers[name] == value
    assert cached.ask(times=1) == "MISS"
    servers.until(cached.hit)
    assert cached.ask(times=1, headers=headers) == "MISS"


@pytest.mark.parametrize(
    "query", ["v=1", "FIT=crop", "fit", "sig=x&exp=9", "fit=crop&", "fit=crop&v=1", "&fit=crop"]
)
def test_a_foreign_query_is_not_cached(cached: Cached, query: str) -> None:
    """Each would be an entry of its own, or be taken for another."""
    assert cached.ask(f"{CAT}?{query}", times=5) == "MISS"


@pytest.mark.parametrize("query", ["fit=crop", "fit=crop&gravity=0.5,0.5&bg=fff", "s=100&c=true"])
def test_a_known_query_is_cached(cached: Cached, query: str) -> None:
    """Options of pictures, ours and vip's."""
    servers.until(lambda: cached.hit(f"{CAT}?{query}"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "private, max-age=9"},
        {"Cache-Control": "no-store"},
        {"Cache-Control": "max-age=9"},
        {},
        {**PUBLIC, "Vary": "Origin"},
        {**PUBLIC, "Vary": "Accept, Origin"},
        {**PUBLIC, "Set-Cookie": "a=b"},
    ],
    ids=lambda headers: "-".join(headers.values()) or "nothing",
)
def test_only_what_is_public_is_cached(cached: Cached, headers: dict[str, str]) -> None:
    """Whatever else an instance says of an answer keeps it out."""
    cached.headers = headers
    assert cached.ask(times=5) == "MISS"


def test_vary_by_accept_is_cached(cached: Cached) -> None:
    """The key holds what was accepted; `cdn.varies_on_accept` may be set."""
    cached.headers["Vary"] = "Accept"
    servers.until(cached.hit)


def test_a_head_stays_a_head(cached: Cached) -> None:
    """It makes no instance render anything, and is not answered from a GET."""
    for _ in range(4):
        cached.client.head(CAT)
    assert [seen.method for seen in cached.recorder.seen] == ["HEAD"] * 4


def test_the_log_holds_no_signature(cached: Cached) -> None:
    """It has paths without their queries."""
    answer = cached.client.get("/cat_8_6.jpg?sig=secret")
    cached.nginx.line_of(answer)
    assert "secret" not in cached.nginx.log.read_text() + cached.nginx.errors
