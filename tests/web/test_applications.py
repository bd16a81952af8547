"""Applications that share a server: each within its own prefix, quotas and rules."""

import unicodedata
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from imaging import heics
from webhook.receivers import Receiver

from liveresize.core import signing
from liveresize.http.transport.clients import Networks

from . import pictures, servers, tus
from .metering import Reading, series

SHOP, NEWS = "the secret of the shop", "the secret of the news"
KEY, ALL_KEYS = "a key of the shop, for URLs", "a key of the server, for URLs"
CARD = {"card": {"fit": "crop"}}
HOOK = {"secrets": ["a secret of the hook"], "events": ["picture.uploaded", "picture.deleted"]}


def applications(url: str = "", **shop: object) -> dict[str, dict[str, object]]:
    """Two of them; the first has further fields."""
    hook = {"webhook": {**HOOK, "url": url}} if url else {}
    return {
        "shop": {"secret": SHOP, "prefix": "shop-", "signing_keys": [KEY], **hook, **shop},
        "news": {"secret": NEWS, "prefix": "news-", "presets": ["card"]},
    }


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server with two applications, and secrets for everything."""
    with servers.Running(
        tmp_path_factory.mktemp("shared"),
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        signing__keys=[ALL_KEYS],
        presets={"card": {"quality": "40"}, "hero": {"quality": "50"}},
        applications=applications(formats=["png", "jpg"]),
    ) as running:
        yield running


def bearer(secret: str) -> dict[str, str]:
    """The header of who has that secret."""
    return {"Authorization": f"Bearer {secret}"}


def asked(web: servers.Client, id_: object, secret: str = "", **fields: object) -> httpx.Response:
    """The answer to a request for a token, or for one of each in a list."""
    key = "ids" if isinstance(id_, list) else "id"
    return web.post("/token", json={key: id_, **({"secret": secret} if secret else {}), **fields})


def said(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error."""
    return answer.status_code, answer.json().get("code", "")


def stored(
    web: servers.Client, name: str, data: bytes, secret: str = SHOP, **fields: Any
) -> httpx.Response:
    """The answer to an upload with a token for that secret."""
    answer = asked(web, name, secret, **fields)
    assert answer.status_code == 200, answer.text
    return web.upload(name, data, answer.json()["token"])


def test_a_secret_opens_its_own_prefix_alone(shared: servers.Running) -> None:
    """Tokens, overwriting, changes, the list, purges and deletion; that of all opens everything."""
    web = shared.client
    outside = (403, "outside_application")
    for name in ("news-1", "other", "shop", "SHOP-1", "shöp-1"):
        assert said(asked(web, name, SHOP)) == outside
    assert said(asked(web, ["shop-1", "news-1"], SHOP)) == outside
    assert said(asked(web, "shop-1", "no secret at all")) == (401, "secret_refused")
    assert said(asked(web, "shop-1")) == (401, "secret_refused")
    assert said(asked(web, "shop-1", servers.ADMIN)) == (401, "secret_refused")
    for name, secret in (("shop-1", SHOP), ("news-1", NEWS), ("other", servers.SECRET)):
        assert stored(web, name, pictures.png(), secret).status_code == 200
    assert stored(web, "shop-2", pictures.png(), servers.SECRET).status_code == 200
    assert stored(web, "shop-2", pictures.png(20, 20), overwrite=True).status_code == 200
    assert asked(web, ["shop-3", "shop-4"], SHOP).status_code == 200

    for name, secret, status in (
        ("shop-1", SHOP, 200),
        ("shop-1.jpg", SHOP, 200),
        ("news-1", SHOP, 403),
        ("other", SHOP, 403),
        ("missing", SHOP, 403),
        ("shop-missing", SHOP, 404),
        ("news-1", servers.SECRET, 200),
        ("news-1", "no secret at all", 401),
    ):
        body = {"meta": {"by": "test"}}
        assert web.patch(f"/{name}", json={**body, "secret": secret}).status_code == status
        if secret != servers.SECRET:
            answer = web.patch(f"/{name}", json=body, headers=bearer(secret))
            assert answer.status_code == status
    assert web.patch("/news-1", json=body, headers=bearer(servers.ADMIN)).status_code == 200

    def listed(query: str, secret: str) -> Any:
        answer = web.get(f"/_pictures{query}", headers=bearer(secret))
        found = answer.json().get("pictures")
        return [each["id"] for each in found] if found is not None else answer.status_code

    own, everything = listed("", SHOP), listed("", servers.ADMIN)
    assert {"shop-1", "shop-2"} <= set(own)
    assert own == [name for name in everything if name.startswith("shop-")] != everything
    assert listed("?prefix=shop-2", SHOP) == ["shop-2"]
    assert listed("?after=news-1&limit=1", SHOP) == ["shop-1"]
    assert listed("?after=zzz", SHOP) == []
    for query in ("?prefix=sho", "?prefix=news-", "?prefix=other", "?bucket=pics"):
        assert listed(query, SHOP) == 403
    assert listed("", servers.SECRET) == 401

    def purged(secret: str, **selection: object) -> int:
        return web.post("/purge", json=selection, headers=bearer(secret)).status_code

    assert purged(SHOP, id="shop-1") == purged(SHOP, prefix="shop-") == 200
    for selection in (
        {"id": "news-1"},
        {"id": "bucket/shop-1"},
        {"prefix": "s"},
        {"prefix": "shop-/"},
        {"rendered_before": 9},
        {"engine_before": "1"},
        {"unused_for": 1e9},
    ):
        assert purged(SHOP, **selection) == 403

    for name in ("news-1", "other", "missing", "pics/shop-1"):
        assert web.delete(f"/{name}", headers=bearer(SHOP)).status_code in (403, 404)
    assert web.get("/news-1").status_code == 200
    gone = web.delete("/shop-2.png?receipt=true", headers=bearer(SHOP))
    assert gone.status_code == 200
    erasure = f"/_erasures/{gone.json()['erasure']}"
    statuses = [web.get(erasure, headers=bearer(one)).status_code for one in (SHOP, NEWS)]
    assert statuses == [200, 404]
    assert web.get(erasure, headers=bearer(servers.ADMIN)).status_code == 200
    assert stored(web, "shop-2", pictures.png()).status_code == 200  # uploaded again


def test_guesses_at_tokens_do_not_lock_out_the_administrator(
    launch: Callable[..., servers.Running],
) -> None:
    """Of the same address; those at the header do, as ever."""
    web = launch(
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        presets=CARD,
        limits__failed_secrets=5,
        applications=applications(),
    ).client
    assert said(asked(web, "shop-1", "a guess"))[0] == 401
    answers = [said(asked(web, "shop-1", f"guess {number}"))[0] for number in range(9)]
    assert answers[-1] == 429
    assert web.get("/_pictures", headers=bearer(servers.ADMIN)).status_code == 200
    refused = web.get("/_pictures", headers=bearer("a guess"))
    assert "that of the application whose prefix" in refused.json()["error"]
    for _ in range(9):
        web.get("/_pictures", headers=bearer("a guess"))
    assert web.get("/_pictures", headers=bearer(servers.ADMIN)).status_code == 429


def test_a_held_picture_is_shown_to_its_own_application(shared: servers.Running) -> None:
    """And to no other one, as if it were not there."""
    web = shared.client
    assert stored(web, "shop-held", pictures.png(), held=True).status_code == 200
    for secret, status in ((SHOP, 200), (NEWS, 404), (servers.ADMIN, 200), ("wrong", 404)):
        for path in ("/shop-held", "/shop-held_20_0.jpg", "/shop-held.json"):
            assert web.get(path, headers=bearer(secret)).status_code == status, (secret, path)
    elsewhere = {"X-Forwarded-For": "192.0.2.1"}
    with servers.replaced(shared.components.site, "trusted_proxies", Networks(["127.0.0.1/32"])):
        for secret, status in ((SHOP, 403), (servers.ADMIN, 200)):
            answer = web.get("/_metrics", headers={**bearer(secret), **elsewhere})
            assert answer.status_code == status


def test_formats_and_presets_are_those_of_the_application(shared: servers.Running) -> None:
    """Whoever uploads, and for everybody who asks without a signature."""
    web = shared.client
    gif = pictures.encoded(pictures.gradient(9, 9), "GIF")
    for secret in (SHOP, servers.SECRET):
        refused = stored(web, "shop-gif", gif, secret)
        assert said(refused) == (415, "unsupported_image")
        assert said(asked(web, "shop-gif", secret, formats=["gif"])) == (400, "bad_body")
        many = asked(web, ["other-gif", "shop-gif"], servers.SECRET)
        assert many.status_code == 200
        first, second = many.json()["tokens"]
        assert web.upload("shop-gif", gif, second["token"]).status_code == 415
        assert web.upload("other-gif", gif, first["token"]).status_code == 200
        web.delete("/other-gif", headers=bearer(servers.ADMIN))
    assert stored(web, "news-2", pictures.png(), NEWS).status_code == 200
    for query, status in (
        ("_20_0.jpg?preset=card", 200),
        ("_20_0.jpg", 403),
        ("_20_0.jpg?preset=hero", 403),
        ("_20_0.jpg?preset=card&quality=9", 403),
        (".webp", 200),
        (".webp?preset=hero", 403),
        ("", 200),
        (".json", 200),
    ):
        answer = web.get(f"/news-2{query}")
        assert answer.status_code == status, query
        if status == 403:
            assert answer.json()["code"] == "preset_required"
            assert "`card`" in answer.json()["error"]
    assert web.get(signing.sign("/news-2_20_0.jpg", ALL_KEYS)).status_code == 200
    shared.published()
    place = web.get("/news-2_20_0.jpg?preset=card").headers["Location"]
    assert web.get(place).status_code == 200
    assert web.get(place.replace("20x0", "21x0")).status_code == 200  # as by the preset
    assert web.get(place.replace("-q40-", "-q50-")).status_code == 404


def test_keys_verify_urls_of_their_own_prefix(shared: servers.Running) -> None:
    """The keys of the server verify all; a redirect is signed again by a key that fits."""
    web = shared.client
    for name in ("shop-signed", "signed"):
        assert stored(web, name, pictures.png(), servers.SECRET).status_code == 200
    for name, key, status in (
        ("shop-signed", KEY, 200),
        ("shop-signed", ALL_KEYS, 200),
        ("signed", ALL_KEYS, 200),
        ("signed", KEY, 403),
    ):
        for path in (f"/{name}_20_0.jpg", f"/{name}.json"):
            signed = signing.sign(path, key)
            assert web.get(signed).status_code == status, (name, key)
            assert web.get(signed).status_code == status
    large = signing.sign("/shop-signed_9000_0.jpg", KEY)
    moved = web.get(large)
    assert moved.status_code == 307
    assert web.get(moved.headers["Location"]).status_code == 200


def test_a_key_reaches_no_shorter_name(launch: Callable[..., servers.Running]) -> None:
    """A prefix may end within what follows the name in a URL."""
    running = launch(
        secret=servers.SECRET,
        signing__keys=[ALL_KEYS],
        originals__public=False,
        applications={"odd": {"secret": SHOP, "prefix": "cat_2", "signing_keys": [KEY]}},
    )
    web = running.client
    for name in ("cat", "cat_2"):
        assert stored(web, name, pictures.png(), servers.SECRET).status_code == 200
    assert web.get(signing.sign("/cat_2.json", KEY)).status_code == 200
    assert web.get(signing.sign("/cat_2_9_0.jpg", KEY)).status_code == 200
    assert said(web.get(signing.sign("/cat_20_0.jpg", KEY))) == (403, "signature_refused")
    moved = web.get(signing.sign("/cat_20000_0.jpg", ALL_KEYS))
    assert (moved.status_code, web.get(moved.headers["Location"]).status_code) == (307, 200)
    for name, status in (("cat", 403), ("cat_2", 204)):
        assert web.delete(f"/{name}", headers=bearer(SHOP)).status_code == status


def test_a_picture_by_another_spelling_of_its_name(launch: Callable[..., servers.Running]) -> None:
    """Names in NFD, and HEIC with an extension, are within the same bounds."""
    running = launch(
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        signing__keys=[ALL_KEYS],
        originals__public=False,
        presets=CARD,
        applications={
            "bars": {"secret": NEWS, "prefix": "bär-", "presets": ["card"]},
            "odd": {"secret": SHOP, "prefix": "cat.h", "signing_keys": [KEY]},
        },
    )
    web = running.client
    assert stored(web, "bär-1", pictures.png(), NEWS).status_code == 200
    for form in ("NFC", "NFD"):
        name = urllib.parse.quote(unicodedata.normalize(form, "bär-1"))
        assert web.get(f"/{name}_20_0.jpg?preset=card").status_code == 200
        assert said(web.get(f"/{name}_20_0.jpg")) == (403, "preset_required")
    heic = heics.File((heics.shown(),)).data()
    for name, held in (("cat", True), ("cat.h", False)):
        assert stored(web, name, heic, servers.SECRET, held=held).status_code == 200
    assert web.get("/cat.heic", headers=bearer(servers.ADMIN)).status_code == 200
    assert web.get("/cat.heic", headers=bearer(SHOP)).status_code == 404
    assert web.patch("/cat", json={"held": False, "secret": servers.SECRET}).status_code == 200
    assert web.get(signing.sign("/cat.heic", ALL_KEYS)).status_code == 200
    assert web.get(signing.sign("/cat.heic", KEY)).status_code == 403
    assert web.get(signing.sign("/cat.h", KEY)).status_code == 200


def test_without_a_secret_of_all_networks_get_other_ids(
    launch: Callable[..., servers.Running],
) -> None:
    """Ids of applications still need theirs; nothing else changes."""
    web = launch(presets=CARD, applications=applications()).client
    assert asked(web, "cat").status_code == 200
    assert said(asked(web, "dog", overwrite=True)) == (400, "bad_body")
    assert said(asked(web, "shop-1")) == (401, "secret_refused")
    assert said(asked(web, "shop-1", NEWS)) == (403, "outside_application")
    assert said(asked(web, "cat", "wrong")) == (401, "secret_refused")
    assert stored(web, "shop-1", pictures.png()).status_code == 200
    assert stored(web, "shop-1", pictures.png(), overwrite=True).status_code == 200
    assert web.patch("/shop-1", json={"meta": {}, "secret": SHOP}).status_code == 200
    assert web.delete("/shop-1", headers=bearer(SHOP)).status_code == 204


def test_a_full_quota_says_so(launch: Callable[..., servers.Running]) -> None:
    """At the token where it is full, and at the commit; resumable uploads are no way around it."""
    data = pictures.png(40, 30)
    running = launch(
        admin__secrets=[servers.ADMIN], presets=CARD, applications=applications(max_pictures=2)
    )
    web = running.client
    running.call(running.components.application_counts.look())  # as every 30 seconds
    spare = [asked(web, f"shop-{number}", SHOP).json()["token"] for number in (8, 9)]
    for name in ("shop-1", "shop-2"):
        assert stored(web, name, data).status_code == 200
    refused = asked(web, "shop-3", SHOP)
    assert said(refused) == (403, "quota_full")
    assert refused.json()["quota"] == "max_pictures"
    assert (refused.json()["limit"], refused.json()["used"]) == (2, 2)
    late = web.upload("shop-8", data, spare[0])
    assert said(late) == (403, "quota_full")
    resumable = tus.Tus(web).create("shop-9", spare[1], len(data), data, Content_Type=tus.PART)
    assert said(resumable) == (403, "quota_full")
    assert web.get("/shop-8").status_code == web.get("/shop-9").status_code == 404
    assert len(running.originals) == 2
    assert running.staged == []
    assert stored(web, "shop-2", pictures.png(9, 9), overwrite=True).status_code == 200
    assert web.delete("/shop-1", headers=bearer(SHOP)).status_code == 204
    assert stored(web, "shop-3", data).status_code == 200
    reading, shop = Reading.of(web), {"application": "shop"}
    assert reading[series("application_refused_total", code="quota_full", **shop)] >= 3
    assert reading[series("application_pictures_limit", **shop)] == 2
    running.call(running.components.application_counts.look())
    reading = Reading.of(web)
    assert reading[series("application_pictures", **shop)] == 2
    size = sum(path.stat().st_size for path in running.originals)
    assert reading[series("application_bytes", **shop)] == size
    assert reading[series("application_pictures", application="news")] == 0


def test_renders_over_the_rate_are_refused_and_hits_are_not(
    launch: Callable[..., servers.Running],
) -> None:
    """With the seconds after which there is room; other applications notice nothing."""
    running = launch(presets=CARD, applications=applications(renders_per_second=0.01))
    web = running.client
    assert stored(web, "shop-1", pictures.png()).status_code == 200
    assert stored(web, "news-1", pictures.png(), NEWS).status_code == 200
    before = Reading.of(web)  # the counts are those of the process
    assert web.get("/shop-1_20_0.jpg").status_code == 200
    over = web.get("/shop-1_21_0.jpg")
    assert said(over) == (429, "application_rate_limited")
    assert over.headers["Retry-After"] == "100"
    for _ in range(3):
        assert web.get("/shop-1_20_0.jpg?proxy=true").status_code == 200
    assert web.get("/news-1_21_0.jpg?preset=card").status_code == 200
    reading, shop = Reading.of(web), {"application": "shop"}

    def more(name: str, **labels: str) -> float:
        wanted = series(f"application_{name}_total", **shop, **labels)
        return reading[wanted] - before[wanted]

    assert more("renders") == 1
    assert more("render_seconds") > 0
    assert more("refused", code="application_rate_limited") == 1
    assert more("requests", cache="HIT-MEMORY") == 3
    assert more("response_bytes") > 0


def test_the_webhook_hears_of_its_own_pictures(
    launch: Callable[..., servers.Running],
) -> None:
    """From the upload to the end; the webhook of the server hears of all."""
    with Receiver() as own, Receiver() as of_all:
        running = launch(
            presets=CARD,
            admin__secrets=[servers.ADMIN],
            applications=applications(own.url),
            webhook__url=of_all.url,
            webhook__secrets=["a secret of all hooks"],
            webhook__events=HOOK["events"],
        )
        web = running.client
        for name, secret in (("news-1", NEWS), ("cat", ""), ("shop-1", SHOP)):
            assert stored(web, name, pictures.png(), secret).status_code == 200
        assert web.delete("/cat", headers=bearer(servers.ADMIN)).status_code == 204
        assert web.delete("/shop-1", headers=bearer(SHOP)).status_code == 204
        told = [(each["event"], each["id"]) for each in own.confirms(2)]
        assert sorted(told) == [("picture.deleted", "shop-1"), ("picture.uploaded", "shop-1")]
        assert {each["id"] for each in of_all.confirms(5)} == {"news-1", "cat", "shop-1"}
        assert len(own.heard) == 2


def test_lines_and_series_name_the_application(spawn: Callable[..., servers.Process]) -> None:
    """Of its pictures and of its secret; without any there is neither field nor series."""
    process = spawn(presets=CARD, applications=applications())
    web = process.client
    assert stored(web, "shop-1", pictures.png()).status_code == 200
    assert stored(web, "cat", pictures.png(), "").status_code == 200
    expected = {
        ("GET", "/shop-1_20_0.jpg"): "shop",
        ("GET", "/shop-1_20_0.jpg?proxy=true"): "shop",
        ("GET", "/shop-missing"): "shop",
        ("GET", "/cat"): None,
        ("GET", "/news"): None,
        ("HEAD", "/shop-1"): "shop",
        ("GET", "/_pictures"): "shop",
        ("DELETE", "/shop-1"): "shop",
    }
    for number, ((method, path), application) in enumerate(expected.items()):
        headers = bearer(SHOP) if method == "DELETE" or "_pictures" in path else {}
        web.request(method, path, headers={**headers, "X-Request-Id": f"request-{number}"})
        assert process.line_of(f"request-{number}").get("application") == application, path
    (token,) = [line for line in process.lines("access") if line["url.path"] == "/token"][:1]
    assert token["application"] == "shop"
    assert [line["application"] for line in process.lines("application_counted")] == [
        "news",
        "shop",
    ]


def test_without_applications_nothing_is_said_of_them(
    bare: servers.Running,
) -> None:
    """No series, and no row that would have to be kept."""
    assert not [name for name in Reading.of(bare.client).names if "application" in name]
    assert bare.call(bare.components.index.application_use.totals()) == {}
