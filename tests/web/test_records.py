"""PATCH: what an application says of a picture, who may say it, and who sees a held one."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from liveresize.core import numbers, signing
from liveresize.core.originals import version_of

from . import buckets, pictures, servers
from .buckets import Gallery

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}
KEY = "the key that signs"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server with buckets, and with keys that sign without need."""
    folder = tmp_path_factory.mktemp("records")
    with Gallery(
        folder,
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        signing__keys=[KEY],
        constraints__max_width=90,
    ) as running:
        yield running


@pytest.fixture
def web(gallery: Gallery) -> servers.Client:
    return gallery.client


def patch(web: servers.Client, path: str, **fields: object) -> httpx.Response:
    """The answer to a change by an admin."""
    return web.patch(path, json=fields, headers=BEARER)


def test_a_change_is_answered_with_all_that_is_known(web: servers.Client, name: str) -> None:
    """Its .json shows the public what it may know, and an admin the rest."""
    receipt = web.put_in(name, pictures.jpeg())
    later = numbers.iso_instant(round(time.time()) + 3600)
    answer = patch(
        web, f"/{name}", focus=[0.25, 1], meta={"by": "ä", "n": 1}, keep_until=later, hidden=1, x=2
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.pop("ignored") == ["hidden (did you mean held?)", "x"]
    assert (told["version"], told["state"], told["held"]) == (receipt["version"], "public", False)
    assert (told["focus"], told["meta"]) == ([0.25, 1.0], {"by": "ä", "n": 1})
    assert (told["keep_until"], told["claim_until"]) == (later, None)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    facts = web.get(f"/{name}.json", headers=BEARER)
    assert facts.json() == told
    assert facts.headers["Cache-Control"] == "no-store"
    public = web.get(f"/{name}.json")
    private = {"state", "meta", "held", "keep_until", "claim_until"}
    assert public.json() == {field: told[field] for field in told if field not in private}
    assert public.headers["Cache-Control"] == "public, max-age=60"
    assert public.headers["Vary"] == facts.headers["Vary"] == "Authorization"
    cleared = patch(web, f"/{name}.jpg", focus=None, meta=None, keep_until=None).json()
    assert (cleared["focus"], cleared["meta"], cleared["keep_until"]) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "at least one"),
        ({"focus": [0.5]}, "`focus`"),
        ({"focus": [0.5, 1.1]}, "`focus`"),
        ({"focus": [True, 0]}, "`focus`"),
        ({"focus": "0.5,0.5"}, "`focus`"),
        ({"meta": []}, "`meta`"),
        ({"meta": {"a": "x" * 1017}}, "`meta` must have at most 1024"),
        ({"meta": {"a": "\0"}}, "`meta`"),
        ({"meta": {"\ud800": 1}}, "`meta`"),
        ({"meta": {"a": float("nan")}}, "`meta`"),
        ({"held": None}, "`held`"),
        ({"held": "yes"}, "`held`"),
        ({"claimed": False}, "`claimed`"),
        ({"claimed": None}, "`claimed`"),
        ({"keep_until": "2020-01-01T00:00:00Z"}, "future"),
        ({"keep_until": "2090-01-01T00:00:00"}, "zone"),
        ({"keep_until": 1e12}, "`keep_until`"),
    ],
)
def test_a_bad_change_is_named_and_changes_nothing(
    web: servers.Client, name: str, fields: dict[str, Any], named: str
) -> None:
    """With a good field beside it."""
    web.put_in(name, pictures.jpeg(), focus=[0.5, 0.5])
    body = json.dumps({**fields, **({"focus": None} if fields and "focus" not in fields else {})})
    answer = web.patch(f"/{name}", content=body.encode(), headers=BEARER)
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["error"]
    assert web.get(f"/{name}.json").json()["focus"] == [0.5, 0.5]


def test_a_change_of_nothing_known_is_told_what_it_may_mean(web: servers.Client, name: str) -> None:
    """The first unknown field; the secret is none."""
    web.put_in(name, pictures.jpeg())
    answer = web.patch(f"/{name}", json={"secret": servers.SECRET, "hold": True, "x": 1})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("`claimed`, not hold (did you mean held?).")


def test_meta_of_exactly_a_kibibyte_is_kept_whole(web: servers.Client, name: str) -> None:
    """Escapes that mean no NUL, too."""
    meta = {"a": "\\u0000" + "é" * 504}
    assert len(json.dumps(meta, ensure_ascii=False, separators=(",", ":")).encode()) == 1024 - 1
    web.put_in(name, pictures.jpeg())
    assert patch(web, f"/{name}", meta=meta).json()["meta"] == meta


def test_who_may_change_a_picture(web: servers.Client, name: str) -> None:
    """An admin by header, the application by the secret of its tokens; nobody else."""
    web.put_in(name, pictures.jpeg())
    change = {"focus": [0, 0]}
    for body, headers, status in (
        ({**change, "secret": servers.SECRET}, {}, 200),
        (change, BEARER, 200),
        (change, {}, 401),
        ({**change, "secret": servers.ADMIN}, {}, 401),
        ({**change, "secret": 1}, {}, 401),
        ({**change, "secret": servers.SECRET}, {"Authorization": "Bearer wrong"}, 401),
    ):
        assert web.patch(f"/{name}", json=body, headers=headers).status_code == status
    missing = web.patch("/nothing", json={**change, "secret": servers.SECRET})
    assert (missing.status_code, missing.json()["code"]) == (404, "original_missing")
    assert web.patch("/token", json=change, headers=BEARER).status_code == 405
    bucket = web.patch(f"/{buckets.BUCKET}/x", json={**change, "secret": servers.SECRET})
    assert bucket.status_code == 401


def test_a_change_can_be_that_of_a_version(web: servers.Client, name: str) -> None:
    """412 for another one; weak tags never match, as RFC 9110 has it."""
    version = web.put_in(name, pictures.jpeg())["version"]
    for tag, status in (
        (f'"{version}"', 200),
        (f'"00000000", "{version}"', 200),
        (f'W/"00000000" , "{version}"', 200),
        ("*", 200),
        ('"00000000"', 412),
        (f'W/"{version}"', 412),
        (version, 412),
        (f'"{version}" "x"', 412),
        ("", 412),
    ):
        headers = {**BEARER, "If-Match": tag}
        answer = web.patch(f"/{name}", json={"focus": [1, 1]}, headers=headers)
        assert answer.status_code == status, tag
    assert answer.json()["code"] == "version_mismatch"
    assert f"`{version}`" in answer.json()["error"]


def looks(web: servers.Client, *paths: str, **headers: str) -> set[int]:
    """The statuses of GET and HEAD."""
    return {ask(path, headers=headers).status_code for path in paths for ask in (web.get, web.head)}


def test_a_held_picture_is_there_for_nobody_else(gallery: Gallery, name: str) -> None:
    """From the upload on; an absent one is answered alike, word for word."""
    web = gallery.client
    receipt = web.put_in(name, pictures.jpeg(), held=True)
    assert receipt["held"] is True
    kinds = ("", ".json", ".jpg", "_40_0.jpg", "_40_0.auto", "_4000_0.jpg", ".heic", ".bmp")
    for path in [f"/{name}{kind}" for kind in kinds]:
        answers = []
        for asked in (path, path.replace(name, f"{name}x")):
            answer = web.get(f"{asked}?held=true")
            answers.append((answer.status_code, answer.json()["code"], answer.json()["error"]))
            assert answer.headers["Cache-Control"] == "no-store"
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
        assert web.head(path).status_code == 404
    wrong = {"Authorization": "Bearer a-token-of-the-application"}
    assert web.get(f"/{name}", headers=wrong).status_code == 404


def test_who_may_see_a_held_picture_keeps_nothing_of_it(gallery: Gallery, name: str) -> None:
    """An admin and a signature that covers `held=true`: bytes, `no-store`, and no trace here."""
    web, data = gallery.client, pictures.jpeg()
    version = web.put_in(name, data, held=True)["version"]
    kinds = ("", ".json", ".jpg", "_40_0.jpg", "_40_0.auto", "_4000_0.jpg", "_40_0.webp")
    for kind in kinds:
        signed = signing.sign(f"/{name}{kind}?held=true", KEY)
        for target, headers in ((f"/{name}{kind}", BEARER), (signed, {})):
            for ask in (web.get, web.get, web.head):
                answer = ask(target, headers=headers)
                assert answer.status_code == (307 if "4000" in kind else 200), target
                assert answer.headers["Cache-Control"] == "no-store"
                assert "Expires" not in answer.headers
        if kind == "_4000_0.jpg":
            assert web.get(answer.headers["Location"]).status_code == 200
        if not kind:
            assert web.get(signed).content == data
    for target in (
        signing.sign(f"/{name}_40_0.jpg", KEY),
        signing.sign(f"/{name}_40_0.jpg?held=false", KEY),
        f"{signing.sign(f'/{name}_40_0.jpg', KEY)}&held=true",
    ):
        assert looks(web, target) <= {403, 404}
    gallery.published()
    assert not list((gallery.data / "renditions").rglob(f"{name}*/*"))
    memory = gallery.components.memory
    remembered = [*memory._images, *memory._links]
    assert version not in {version_of(generation) for generation, _ in remembered}
    facts = web.get(signing.sign(f"/{name}.json?held=true", KEY)).json()
    assert "meta" not in facts


def test_a_hold_and_a_release_take_effect_at_once(gallery: Gallery, name: str) -> None:
    """Redirects and objects are gone when PATCH responds; a release renders the picture again."""
    web = gallery.client
    web.put_in(name, pictures.jpeg())
    paths = (f"/{name}", f"/{name}.json", f"/{name}_40_0.jpg", f"/{name}_30_0.jpg")
    assert looks(web, *paths) == {200}
    gallery.published()
    place = web.get(paths[2]).headers["Location"]
    assert looks(web, place) == {200}
    assert patch(web, f"/{name}", held=True).json()["state"] == "held"
    assert looks(web, *paths, place) == {404}
    assert looks(web, place, **BEARER) == {404}
    assert not list((gallery.data / "renditions").rglob(f"*{name}*/*/*"))
    assert patch(web, f"/{name}", held=False).json()["state"] == "public"
    assert web.get(paths[2]).headers["X-Cache"] == "MISS"
    assert looks(web, *paths) <= {200, 303}


def test_a_held_picture_of_a_bucket(gallery: Gallery) -> None:
    """404 to GET, HEAD and warm-ups; an admin sees it. The object itself stays in its bucket."""
    web = gallery.client
    path = gallery.put(pictures.jpeg())
    assert looks(web, path, f"{path}?s=20") == {200}
    answer = patch(web, path, held=True)
    assert answer.json()["bucket"] == path.split("/")[1]
    assert looks(web, path, f"{path}?s=20", f"{path}?c=true") == {404}
    warm = web.post(
        f"{path}/warmup", headers={"X-Vip-Token": buckets.TOKEN, "X-Vip-Warmup": "s=20"}
    )
    assert warm.status_code == 404
    assert looks(web, path, f"{path}?s=20", **BEARER) == {200}
    assert looks(web, signing.sign(f"{path}?s=20&held=true", KEY)) == {200}
    assert patch(web, path, held=False).status_code == 200
    assert looks(web, path, f"{path}?s=20") == {200}


def test_tokens_say_what_their_pictures_are(web: servers.Client, name: str) -> None:
    """Focus, meta and times from the upload on; bad ones are named before any upload."""
    later = numbers.iso_instant(round(time.time()) + 3600)
    web.put_in(
        name, pictures.jpeg(), focus=[0, 0.5], meta={}, keep_until=later, claim_within=2_592_000
    )
    told = web.get(f"/{name}.json", headers=BEARER).json()
    assert (told["focus"], told["meta"], told["keep_until"]) == ([0.0, 0.5], {}, later)
    until = numbers.instant(told["claim_until"])
    uploaded = numbers.instant(told["uploaded_at"])
    assert until is not None
    assert uploaded is not None
    assert until - uploaded == pytest.approx(2_592_000)
    assert patch(web, f"/{name}", claimed=True).json()["claim_until"] is None
    for fields in ({"claim_within": 2_592_001}, {"claim_within": 0}, {"focus": 1}, {"held": 1}):
        answer = web.post("/token", json={"id": f"{name}x", "secret": servers.SECRET, **fields})
        assert answer.status_code == 400
        assert f"`{next(iter(fields))}`" in answer.json()["error"]
        assert "claim_within" not in fields or "from 1 to 2592000." in answer.json()["error"]


def test_an_instance_of_1_0_0_forbids_holds(gallery: Gallery, name: str) -> None:
    """It would show the picture; everything else can be changed."""
    web, peers = gallery.client, gallery.components.index.peers
    web.put_in(name, pictures.jpeg())

    async def older() -> bool:
        return True

    with servers.replaced(peers, "older", older):
        refused = patch(web, f"/{name}", held=True)
        assert (refused.status_code, refused.json()["code"]) == (409, "older_instance")
        for fields in ({"held": True}, {"claim_within": 60}):
            body = {"id": f"{name}x", "secret": servers.SECRET, **fields}
            assert web.post("/token", json=body).status_code == 409
        assert patch(web, f"/{name}", focus=[0, 0], held=False).status_code == 200
    assert looks(web, f"/{name}") == {200}


def test_the_settings_can_hold_every_upload(tmp_path: Path) -> None:
    """`token.held`; that an admin may see originals that nobody else may is another matter."""
    with servers.Running(
        tmp_path,
        token__held=True,
        token__shrink_to=2560,
        admin__secrets=[servers.ADMIN],
        originals__public=False,
        signing__keys=[KEY],
        signing__required=True,
    ) as running:
        web = running.client
        assert web.post("/token", json={"id": "dog"}).json()["shrink_to"] == 2560
        assert web.put_in("cat", pictures.jpeg(), held=False)["held"] is True
        signed = signing.sign("/cat_40_0.jpg", KEY)
        assert looks(web, signed) == {404}
        assert looks(web, "/cat", "/cat_40_0.jpg", "/cat.json", **BEARER) == {200}
        assert patch(web, "/cat", held=False).status_code == 200
        assert looks(web, signed) == {200}
        assert looks(web, "/cat_40_0.jpg") == {403}
