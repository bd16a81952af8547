"""How caches are told: against servers that answer as Varnish, Cloudflare and Fastly document."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from liveresize import errors
from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId
from liveresize.notifications.caches import drivers, stale
from liveresize.notifications.caches.client import CacheClient
from liveresize.notifications.caches.stale import Stale
from liveresize.settings.caches import Cache, Cdn

from .scripted import OK, Answer, ScriptedServer, Sent

CAT = stale.picture(ImageId("cät, 1"))
TAG = "c%C3%A4t%2C%201"
PET = stale.picture(ImageId("a1-4x3", "pets"))

SUCCESS: Answer = (
    200,
    {"Content-Type": "application/json"},
    b'{"success": true, "errors": [], "messages": [], "result": {"id": "9a7806"}}',
)
FORBIDDEN: Answer = (
    403,
    {"Content-Type": "application/json"},
    b'{"success": false, "errors": [{"code": 10000, "message": "hidden"}], "result": null}',
)


def cache(**given: object) -> Cache:
    """One of `cdn.purge`, read as settings are."""
    (made,) = Cdn(purge=(given,)).caches
    return made


def told(made: Cache, *dropped: Stale, patience: float = 10.0) -> None:
    """Tell a cache of pictures, all at once."""

    async def main(driver: drivers.Driver) -> None:
        await asyncio.gather(*(driver.purge(one) for one in dropped))

    with_driver(made, main, patience)


def with_driver(
    made: Cache, work: Callable[[drivers.Driver], Awaitable[None]], patience: float = 10.0
) -> None:
    """Run `work` with the driver of a cache."""

    async def main() -> None:
        driver = drivers.make(made, patience)
        try:
            await work(driver)
        finally:
            await driver.close()

    asyncio.run(main())


def refusal(made: Cache, patience: float = 10.0) -> errors.CacheUnavailable:
    """Why a cache was not told; the log learns no secret from it."""
    with pytest.raises(errors.CacheUnavailable) as caught:
        told(made, CAT, patience=patience)
    assert "hidden" not in str(caught.value)
    return caught.value


def lines(sent: Sequence[Sent]) -> list[tuple[str, str]]:
    """The request lines."""
    return [(one.method, one.path) for one in sent]


def test_what_caches_drop() -> None:
    """Whatever changes what the public sees; nothing after what it cannot see."""
    cases: list[tuple[Kind, list[str], bool]] = [
        (Kind.UPLOADED, [], False),
        (Kind.REFUSED, [], False),
        (Kind.RELEASED, ["held"], False),
        (Kind.REPLACED, [], True),
        (Kind.DELETED, [], True),
        (Kind.EXPIRED, [], True),
        (Kind.CHANGED, ["focus"], True),
        (Kind.CHANGED, ["held"], True),
        (Kind.CHANGED, ["meta", "expired"], True),
        (Kind.CHANGED, ["meta", "keep_until", "claimed"], False),
    ]
    for kind, changed, expected in cases:
        event = Event(
            serial=1,
            at=0.0,
            kind=kind,
            image=ImageId("cät, 1"),
            generation="",
            document={"changed": changed},
        )
        assert stale.of(event) == (CAT if expected else None), (kind, changed)


def test_every_varnish_is_told_of_the_tag() -> None:
    """As the header `Cache-Tag` has it; a path and a user of the URL are sent."""
    with ScriptedServer() as one, ScriptedServer() as other:
        told(cache(driver="varnish", urls=[one.url, f"{other.url}/ban"], header="X-Tag"), CAT, PET)
    assert lines(one.sent) == [("BAN", "/")] * 2
    assert lines(other.sent) == [("BAN", "/ban")] * 2
    assert {sent.headers["x-tag"] for sent in one.sent} == {TAG, "a1-4x3"}


def test_varnish_is_told_of_urls() -> None:
    """Under the host that clients use: the original in each format, and the paths given."""
    with ScriptedServer() as server:
        made = cache(
            driver="varnish",
            urls=[server.url],
            method="PURGE",
            site="https://images.example.com/i",
            paths=["/{name}_400_0.jpg"],
        )
        told(made, CAT)
        told(made, PET)
    extensions = ("json", "jpg", "jpeg", "png", "webp", "avif", "gif", "jxl", "auto")
    assert lines(server.sent) == [
        *(("PURGE", f"/i/{TAG}.{extension}") for extension in extensions),
        ("PURGE", f"/i/{TAG}_400_0.jpg"),
        ("PURGE", "/i/pets/a1-4x3"),
    ]
    assert {sent.headers["host"] for sent in server.sent} == {"images.example.com"}


def test_a_template_is_filled_in() -> None:
    """Once for a picture, or once for each URL."""
    with ScriptedServer() as server:
        told(
            cache(
                driver="http",
                method="DELETE",
                url=f"{server.url}/zones/7?tag={{tag}}",
                headers={"X-Key": "hidden", "X-Name": "{name}"},
            ),
            PET,
        )
        told(
            cache(
                driver="http",
                url=f"{server.url}/purge",
                headers={"Content-Type": "application/json"},
                body='{"url": "{url}"}',
                site="https://images.example.com",
            ),
            PET,
        )
    tag, url = server.sent
    assert (tag.method, tag.path, tag.body) == ("DELETE", "/zones/7?tag=a1-4x3", b"")
    assert (tag.headers["x-key"], tag.headers["x-name"]) == ("hidden", "pets/a1-4x3")
    assert url.method == "POST"
    assert url.document == {"url": "https://images.example.com/pets/a1-4x3"}


def test_cloudflare_is_told_of_a_hundred_tags_in_a_call() -> None:
    """What comes at the same time goes together; each event learns how its own call ended."""
    with ScriptedServer(lambda sent: SUCCESS) as server:
        made = cache(driver="cloudflare", zone="0a1b", token="hidden-token", api=server.url)
        pictures = [stale.picture(ImageId(f"cat{number}")) for number in range(250)]
        told(made, *pictures, CAT)
    assert lines(server.sent) == [("POST", "/client/v4/zones/0a1b/purge_cache")] * 3
    assert [len(sent.document["tags"]) for sent in server.sent] == [100, 100, 51]
    assert server.sent[2].document["tags"][-1] == TAG
    for sent in server.sent:
        assert sent.headers["authorization"] == "Bearer hidden-token"
        assert sent.headers["content-type"] == "application/json"


def test_cloudflare_is_told_of_prefixes_and_urls() -> None:
    """Prefixes have no scheme; objects in the bucket have no tags, and are purged by theirs."""
    site = {"site": "https://images.example.com/"}
    with ScriptedServer(lambda sent: SUCCESS) as server:
        common = {"driver": "cloudflare", "zone": "0a1b", "token": "t", "api": server.url}
        told(cache(**common, by="prefixes", **site), CAT)
        told(cache(**common, by="urls", **site), CAT)
        told(cache(**common, objects="https://cdn.example.com/renditions"), CAT)
    prefixes, urls, tags, objects = (sent.document for sent in server.sent)
    host = "images.example.com"
    assert prefixes == {
        "prefixes": [f"{host}/{TAG}_", f"{host}/{TAG}.", f"{host}/_renditions/{TAG}/"]
    }
    assert urls["files"][:2] == [f"https://{host}/{TAG}.json", f"https://{host}/{TAG}.jpg"]
    assert tags == {"tags": [TAG]}
    assert objects == {"prefixes": [f"cdn.example.com/renditions/{TAG}/"]}


def test_fastly_is_told_of_keys() -> None:
    """At most 256 in a call, hard or soft."""
    confirmed = (200, {}, json.dumps({TAG: "108-1391560174-974124"}).encode())
    with ScriptedServer(lambda sent: confirmed) as server:
        given = {"driver": "fastly", "service": "SU1Z0isxPaozGVKXdv0eY", "token": "hidden"}
        pictures = [stale.picture(ImageId(f"cat{number}")) for number in range(300)]
        told(cache(**given, api=server.url), *pictures)
        told(cache(**given, api=server.url, soft=True), CAT)
    first, second, soft = server.sent
    assert lines(server.sent) == [("POST", "/service/SU1Z0isxPaozGVKXdv0eY/purge")] * 3
    assert [len(sent.document["surrogate_keys"]) for sent in (first, second)] == [256, 44]
    assert soft.document == {"surrogate_keys": [TAG]}
    assert (first.headers["fastly-key"], "fastly-soft-purge" in first.headers) == ("hidden", False)
    assert soft.headers["fastly-soft-purge"] == "1"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (FORBIDDEN, "status 403, error 10000"),
        ((200, {}, b'{"success": false, "errors": [{"code": 1}]}'), "it did not say `success`"),
        ((200, {}, b"<html>hidden</html>"), "it did not say `success`"),
        ((302, {"Location": "/hidden"}, b""), "status 302"),
        ((500, {}, b'{"errors": "hidden"}'), "status 500"),
        ((500, {}, b"[" * 60_000), "status 500"),
    ],
)
def test_what_cloudflare_does_not_confirm(answer: Answer, detail: str) -> None:
    """Is sent once, wherever it is redirected to, and none of its words is repeated."""
    with ScriptedServer(lambda sent: answer) as server:
        made = cache(driver="cloudflare", zone="0a1b", token="hidden", api=server.url)
        error = refusal(made)
    assert error.detail == detail
    assert len(server.sent) == 1


def test_a_varnish_that_does_not_answer_is_a_failure() -> None:
    """A port that nobody listens on; the other servers are told when it is tried again."""
    with ScriptedServer() as server:
        gone = server.url
    error = refusal(cache(driver="varnish", urls=[gone]), 2.0)
    assert "ClientConnectorError" in error.detail


@pytest.mark.parametrize(
    ("headers", "driver", "pause"),
    [
        ({"Retry-After": "17"}, "cloudflare", 17),
        ({"Retry-After": "99999999"}, "cloudflare", 3600),
        ({"Fastly-RateLimit-Reset": "{now+30}", "Fastly-RateLimit-Remaining": "0"}, "fastly", 30),
        ({"Fastly-RateLimit-Reset": "12"}, "fastly", 0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "fastly", 0),
        ({"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, "varnish", 3600),
        ({"Retry-After": "soon"}, "fastly", 0),
        ({}, "fastly", 0),
    ],
)
def test_a_cdn_that_is_told_too_much_gets_its_pause(
    headers: dict[str, str], driver: str, pause: int
) -> None:
    """Until it is over nothing is sent, and whoever tries again learns when it will be."""
    given = {
        name: value.replace("{now+30}", str(int(time.time()) + 30))
        for name, value in headers.items()
    }

    async def main(one: drivers.Driver) -> None:
        for _ in range(2):
            with pytest.raises(errors.CacheUnavailable) as caught:
                await one.purge(CAT)
            asked = caught.value.fields["retry_after"]
            assert isinstance(asked, float)
            assert asked == pytest.approx(pause, abs=2)

    with ScriptedServer(lambda sent: (429, given, b'{"msg": "Too many requests"}')) as server:
        services: dict[str, dict[str, object]] = {
            "fastly": {"service": "s1", "token": "t", "api": server.url},
            "cloudflare": {"zone": "z1", "token": "t", "api": server.url},
            "varnish": {"urls": [server.url]},
        }
        with_driver(cache(driver=driver, **services[driver]), main)
        assert len(server.sent) == (1 if pause else 2)


def test_after_its_pause_it_is_told() -> None:
    """By a clock that the test turns."""
    answers = [(429, {"Retry-After": "60"}, b""), OK]
    now = [100.0]

    async def main() -> None:
        client = CacheClient(timeout=10.0, monotonic=lambda: now[0])
        for _ in range(2):
            with pytest.raises(errors.CacheUnavailable):
                await client.send("BAN", server.url, {})
        now[0] += 60.1
        await client.send("BAN", server.url, {})
        await client.close()

    with ScriptedServer(lambda sent: answers[len(server.sent)]) as server:
        asyncio.run(main())
        assert len(server.sent) == 2
