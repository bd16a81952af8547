"""Overlays in a real server, and every way by which bytes leave it: none goes around the overlay of
`constraints.overlay_above`."""

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from storage import s3worlds

from liveresize.core import signing
from liveresize.core.rendition import Rendition

from . import galleries, pictures, servers
from .buckets import BEARER, Gallery

KEY = "a key of signatures"
BLUE, RED, GREEN = (0, 0, 200), (200, 0, 0), (0, 200, 0)

OVERLAYS = {
    "logo": {"picture": "brand", "scale": 1, "margin": 0, "gravity": "north"},
    "other": {"picture": "second", "scale": 0.5, "margin": 0, "gravity": "southwest"},
}
LIMITED = {
    "overlays": OVERLAYS,
    "constraints__overlay_above": {"width": 50, "overlay": "logo"},
    "constraints__max_width": 120,
    "signing__keys": [KEY],
    "secret": servers.SECRET,
    "admin__secrets": [servers.ADMIN],
    "presets": {"card": {"fit": "crop"}, "other": {"overlay": "other"}},
}


def flat(
    colour: tuple[int, int, int], size: tuple[int, int] = (40, 10), kind: str = "PNG"
) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    frames = [Image.new("RGB", size, colour), Image.new("RGB", size, (0, 9, colour[2]))]
    more = {"save_all": True, "append_images": frames[1:]} if kind == "GIF" else {}
    frames[0].save(file, kind, **more)
    return file.getvalue()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server with blue pictures `cat` and `film` of 160 × 120, red overlays and green ones."""
    with Gallery(tmp_path_factory.mktemp("overlays"), **LIMITED) as running:
        fill(running)
        yield running


def fill(running: servers.Running) -> None:
    """Upload everything."""
    web = running.client
    web.put_in("brand", flat(RED))
    web.put_in("second", flat(GREEN))
    web.put_in("cat", flat(BLUE, (160, 120)))
    web.put_in("photo", flat(BLUE, (160, 120), "JPEG"))
    web.put_in("film", flat(BLUE, (160, 120), "GIF"))


def shown(data: bytes) -> str:
    """Which overlay a blue picture has."""
    picture = pictures.opened(data)
    found = set()
    for frame in range(getattr(picture, "n_frames", 1)):
        picture.seek(frame)
        image = picture.convert("RGB")
        middle = image.width // 2
        top, bottom = image.getpixel((middle, 0)), image.getpixel((0, image.height - 1))
        found.add("logo" if top[0] > 120 else "other" if bottom[1] > 120 else "none")
    return found.pop() if len(found) == 1 else f"not all frames: {found}"


def seen(web: servers.Client, target: str, **headers: str) -> str:
    """Which overlay a client sees at a target, redirects followed; a status that is no picture."""
    answer = web.get(target, headers=headers, follow_redirects=True)
    return shown(answer.content) if answer.status_code == 200 else str(answer.status_code)


def signed(target: str) -> str:
    """The same target with a signature."""
    return signing.sign(target, KEY)


WAYS = [
    ("/cat_50_0.png", "none"),
    ("/cat_50_0.png?overlay=other", "other"),
    ("/cat_50_0.png?overlay=logo", "logo"),
    ("/cat_50_0.png?preset=other", "other"),
    ("/cat_51_0.png", "logo"),
    ("/cat_51_0.png?overlay=other", "logo"),
    ("/cat_51_0.png?preset=other", "logo"),
    ("/cat_100_0.png?proxy=true", "logo"),
    ("/cat_0_100.jpg?quality=3", "logo"),
    ("/cat_25_0_3x.webp", "logo"),
    ("/cat_50_40.png?fit=crop", "logo"),
    ("/cat_30_60.png?preset=card", "logo"),
    ("/cat_50_50.png?fit=cover", "logo"),
    ("/cat_40_110.png?fit=fill", "logo"),
    ("/cat_70_30.png?fit=canvas&bg=0000c8", "logo"),
    ("/cat_45_90.png?rotate=90", "logo"),
    ("/cat_30_60.png?rotate=90", "none"),
    ("/cat_400_300.png?enlarge=false", "logo"),
    ("/cat_9000_0.png", "logo"),
    ("/cat_100_0.avif", "logo"),
    ("/cat_110_0.auto", "logo"),
    ("/photo_50_0.jpg", "none"),
    ("/photo_50_0.jpg?quality=visual", "none"),
    ("/photo_90_0.jpg?quality=visual", "logo"),
    ("/photo_80_0.webp?max_bytes=20000", "logo"),
    ("/photo_90_0.png?radius=2&bg=blur", "logo"),
    ("/cat_50_0.png?rect=0,0,160,60", "none"),
    ("/cat_30_0.png?rect=0,0,40,120", "logo"),
    ("/cat.png?rect=0,0,20,20", "logo"),
    ("/cat_40_0.png?trim=3", "logo"),
    ("/cat.png?trim=3", "logo"),
    ("/cat", "logo"),
    ("/cat.png", "logo"),
    ("/cat.png?overlay=other", "logo"),
    ("/cat.webp", "logo"),
    ("/cat.jpg?quality=80", "logo"),
    ("/photo", "logo"),
    ("/photo.jpg", "logo"),
    ("/film", "logo"),
    ("/film.gif", "logo"),
    ("/film_80_0.gif", "logo"),
    ("/film_80_0.webp", "logo"),
]
"""What a client without a signature sees: (target, overlay)."""


def test_nobody_escapes_by_another_url(gallery: Gallery) -> None:
    """Cold and hot, with and without the memory, over redirects and by HEAD; in parts, too."""
    web = gallery.client
    cold = {target: seen(web, target) for target, _ in WAYS}
    wanted = dict(WAYS)
    assert cold == wanted
    gallery.published()
    assert {target: seen(web, target) for target, _ in WAYS} == wanted
    gallery.let_go()
    assert {target: seen(web, target) for target, _ in WAYS} == wanted
    for target in wanted:
        whole, head = web.get(target), web.head(target)
        final = web.get(target, follow_redirects=True)
        if whole.status_code == 307:
            assert head.headers["Location"] == whole.headers["Location"]
        else:
            assert (head.status_code, head.headers["ETag"]) == (200, final.headers["ETag"])
        if whole.status_code == 200:
            part = web.get(target, headers={"Range": "bytes=5-60"})
            assert part.content == whole.content[5:61]


def test_a_signature_frees_and_so_does_an_admin_secret(gallery: Gallery) -> None:
    """From the overlay that is forced, not from one that is asked for."""
    web = gallery.client
    for target in ("/cat_60_0.png", "/cat.png", "/cat", "/cat_110_0.auto", "/film_90_0.gif"):
        assert (seen(web, target), seen(web, signed(target))) == ("logo", "none")
        assert seen(web, target, **BEARER) == "none"
        assert seen(web, target) == "logo"
    assert seen(web, signed("/cat_60_0.png?overlay=other")) == "other"
    assert web.get("/cat_60_0.png?sig=AAAA").status_code == 403


def test_neither_do_pictures_of_vip(gallery: Gallery) -> None:
    """Whole and in sizes, made behind the upload, too."""
    web = gallery.client
    address = gallery.put(flat(BLUE, (160, 120)), X_Vip_Warmup="s=80,s=40")
    for query, overlay in (
        ("", "logo"),
        ("?s=80", "logo"),
        ("?s=40", "none"),
        ("?s=40&c=true", "logo"),
    ):
        assert seen(web, address + query) == overlay
        assert seen(web, signed(address + query)) == "none"
        assert seen(web, address + query) == overlay


def test_an_unknown_overlay_is_refused_with_what_was_meant(gallery: Gallery) -> None:
    """The answer has the names."""
    answer = gallery.client.get("/cat_40_0.png?overlay=lgo")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert "`logo`, `other`. Did you mean `logo`?" in answer.json()["error"]


def keyed(answer_url: str, **changes: Any) -> str:
    """The key of a redirect, with another variant."""
    folder, _, file = urlsplit(answer_url).path.rpartition("/")
    variant, _, rest = file.partition("~")
    rendition = Rendition.from_variant(variant)
    return f"{folder}/{dataclasses.replace(rendition, **changes).canonical().variant}~{rest}"


def test_old_keys_lead_to_the_overlay_of_today(tmp_path: Path) -> None:
    """What was made before the setting was switched on is on the disk, in the index and in
    redirects that browsers keep; the same goes for a picture that is replaced, and removed."""
    before = {
        **LIMITED,
        "constraints__overlay_above": None,
        "overlays": {"other": OVERLAYS["other"]},
    }
    with servers.Running(tmp_path, **before) as running:
        fill(running)
        web = running.client
        kept = {}
        for target in ("/cat_90_0.png", "/cat_40_0.png", "/cat_90_0.png?overlay=other"):
            web.get(target)
            running.published()
            kept[target] = web.get(target).headers["Location"]
            assert seen(web, kept[target]) == ("other" if "other" in target else "none")
    plain, small, other = kept.values()
    with servers.Running(tmp_path, **LIMITED) as running:
        web = running.client
        for _ in range(3):
            assert [seen(web, key) for key in (plain, small, other)] == ["logo", "none", "logo"]
            running.published()
        old, new = web.get(plain), web.get("/cat_90_0.png")
        assert "immutable" not in old.headers["Cache-Control"]
        assert web.head(plain).headers["ETag"] == old.headers["ETag"]
        assert new.headers["Location"] != plain
        current = web.get(new.headers["Location"])
        assert (current.content, "immutable" in current.headers["Cache-Control"]) == (
            old.content,
            True,
        )
        # A guessed key has it, too, though a signed URL has had it made.
        assert seen(web, signed("/cat_95_0.png")) == "none"
        running.published()
        assert seen(web, keyed(plain, width=95)) == "logo"
        assert seen(web, keyed(plain, width=0)) == "logo"
        # A URL with the version of the picture does not promise that its overlay stays.
        for target in ("/cat_40_0.png", "/cat_90_0.png"):
            version = web.get("/cat.json").json()["version"]
            url = f"{target}?proxy=true&version={version}"
            for answer in (web.get(url), web.head(url)):
                lasting = "immutable" in answer.headers["Cache-Control"]
                assert (answer.status_code, lasting) == (200, "40" in target)
        # Another logo, at once; old keys lead to it.
        web.put_in("brand", flat((150, 0, 0)), overwrite=True)
        replaced = web.get("/cat_90_0.png")
        assert replaced.status_code == 200
        assert pictures.opened(replaced.content).convert("RGB").getpixel((40, 0)) == (150, 0, 0)
        assert seen(web, "/cat.png") == "logo"
        assert web.get(new.headers["Location"]).content == replaced.content
        # None at all: what should have it is not answered without it, in no way.
        assert web.delete("/brand", headers=BEARER).status_code == 204
        ways = [
            "/cat_90_0.png",
            "/cat.png",
            "/cat",
            "/cat_90_0.auto",
            plain,
            other,
            keyed(plain, width=95),
        ]
        for target in (*ways, *ways):
            answer = web.get(target)
            assert (target, answer.status_code) == (target, 503)
            assert (answer.json()["code"], answer.headers["Retry-After"]) == (
                "overlay_unavailable",
                "60",
            )
            assert "`logo`" in answer.json()["error"]
            assert web.head(target).status_code == 503
        assert seen(web, "/cat_40_0.png") == "none"
        assert seen(web, signed("/cat_90_0.png")) == "none"
        assert web.get("/cat_40_0.png?overlay=logo").status_code == 503
        # A picture that is held is as good as none, until it is published.
        web.put_in("brand", flat(RED), held=True)
        assert [seen(web, target) for target in ways] == ["503"] * len(ways)
        web.patch("/brand", json={"held": False}, headers=BEARER).raise_for_status()
        assert [seen(web, target) for target in ways] == ["logo"] * len(ways)


def test_settings_that_change_give_new_renditions(tmp_path: Path) -> None:
    """The key tells the settings, so that no cache mixes them up."""
    keys = []
    for gravity in ("north", "south"):
        changed = {"logo": {**OVERLAYS["logo"], "gravity": gravity}}
        with servers.Running(tmp_path, overlays=changed) as running:
            web = running.client
            if not keys:
                web.put_in("brand", flat(RED))
                web.put_in("cat", flat(BLUE, (160, 120)))
            web.get("/cat_40_0.png?overlay=logo")
            running.published()
            keys.append(web.get("/cat_40_0.png?overlay=logo").headers["Location"])
            assert seen(web, "/cat_40_0.png?overlay=logo") == (
                "logo" if gravity == "north" else "none"
            )
    assert keys[0] != keys[1]


@s3worlds.needs_moto
def test_instances_with_a_bucket_have_the_same_overlay(tmp_path: Path) -> None:
    """One that has no files brings them; a logo that is replaced at one is seen at the other. The
    bucket is public, so nothing goes there that only a signature frees."""
    with galleries.place() as renditions, galleries.place() as originals:
        keys: dict[str, object] = {
            **LIMITED,
            "database__path": str(tmp_path / "shared.sqlite"),
            "aws__bucket": renditions.bucket,
            "aws__originals_bucket": originals.bucket,
            "aws__endpoint_url": galleries.upstream(),
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "aws__region": "us-east-1",
        }
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        with (
            servers.Running(tmp_path / "one", **keys) as one,
            servers.Running(tmp_path / "two", **keys) as two,
        ):
            fill(one)
            for running in (one, two):
                assert seen(running.client, "/cat_90_0.png?proxy=true") == "logo"
                running.published()
            answer = two.client.get("/cat_90_0.png")
            assert (answer.status_code, "-ov" in answer.headers["Location"]) == (303, True)
            assert seen(two.client, signed("/cat_80_0.png")) == "none"
            assert seen(two.client, signed("/cat_40_0.png")) == "none"
            two.published()
            listed = renditions.client.list_objects_v2(Bucket=renditions.bucket)["Contents"]
            variants = sorted(each["Key"].rpartition("/")[2] for each in listed)
            plain = [each.partition("~")[0] for each in variants if "-ov" not in each]
            assert (plain, len(variants)) == (["40x0-png", "robots.txt"], 3)
            one.client.put_in("brand", flat((120, 0, 0)), overwrite=True)
            for running in (one, two):
                web = running.client
                servers.until(
                    lambda web=web: (
                        pictures.opened(  # type: ignore[misc]
                            web.get("/cat_90_0.png?proxy=true").content
                        )
                        .convert("RGB")
                        .getpixel((40, 0))
                        == (120, 0, 0)
                    )
                )
            one.client.delete("/brand", headers=BEARER).raise_for_status()
            assert one.client.get("/cat_90_0.png").status_code == 503
            servers.until(lambda: two.client.get("/cat_90_0.png").status_code == 503)
            one.published()
            two.published()
