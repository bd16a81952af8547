"""Clients of vip: rows V1, V2, V7, V8 and V11."""

import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from web import pictures, servers, wire

from liveresize.compat.vip import requests
from liveresize.compat.vip.requests import VipRules
from liveresize.core.formats import Format
from liveresize.core.jobs import Rendered, RenderJob
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.rendition import Rendition
from liveresize.core.sizes import SizeRules
from liveresize.core.unsigned import Unsigned
from liveresize.imaging import perform
from liveresize.imaging.settings import EngineSettings

HIDDEN = (200, 40, 10)
"""What lies under the transparency of a picture."""


@pytest.fixture(scope="module")
def vip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server with a bucket, and nothing else of vip configured."""
    with _running(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server whose thumbnails are those of vip."""
    with _running(tmp_path_factory, vip__jpeg_thumbnails=True) as running:
        yield running


def _running(tmp_path_factory: pytest.TempPathFactory, **keys: object) -> "servers.Running":
    return servers.Running(
        tmp_path_factory.mktemp("vip"), vip__buckets=["pics"], vip__token="t", **keys
    )


def uploaded(running: servers.Running, data: bytes) -> str:
    """The path of an upload."""
    answer = running.client.post("/upload/pics", content=data, headers={"X-Vip-Token": "t"})
    assert answer.status_code == 201
    return "/pics/" + answer.json()["url"].rpartition("/")[2]


def see_through(form: str) -> bytes:
    """A picture of 120x80 that is transparent in its left half."""
    image = Image.new("RGBA", (120, 80), (10, 60, 200, 255))
    image.paste((*HIDDEN, 0), (0, 0, 60, 80))
    if form == "PNG":
        return pictures.encoded(image, form)
    flat = Image.new("P", (120, 80), 1)
    flat.putpalette([*HIDDEN, 10, 60, 200])
    flat.paste(0, (0, 0, 60, 80))
    return pictures.encoded(flat, form, transparency=0)


def opened(running: servers.Running, target: str) -> Image.Image:
    """What is answered; its format is the one that it says."""
    answer = running.client.get(target)
    assert answer.status_code == 200
    image = Image.open(io.BytesIO(answer.content))
    assert answer.headers["Content-Type"] == f"image/{str(image.format).lower()}"
    return image


@pytest.mark.parametrize("form", ["PNG", "GIF"])
@pytest.mark.parametrize("query", ["?s=60", "?s=60&c=true"])
def test_v1_a_thumbnail_is_a_png_by_default(vip: servers.Running, form: str, query: str) -> None:
    """Its transparency stays."""
    image = opened(vip, uploaded(vip, see_through(form)) + query)
    assert (image.format, image.width) == ("PNG", 60)
    assert image.convert("RGBA").getpixel((5, 20))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("form", ["PNG", "GIF"])
@pytest.mark.parametrize("query", ["?s=60", "?s=60&c=true", "?c=true", "?s=1"])
def test_v1_a_thumbnail_is_a_jpeg_as_there(jpeg: servers.Running, form: str, query: str) -> None:
    """Transparency is dropped, and what lies under it is seen."""
    image = opened(jpeg, uploaded(jpeg, see_through(form)) + query)
    assert (image.format, image.mode) == ("JPEG", "RGB")
    pixel = image.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    if image.width > 1:
        assert all(abs(a - b) < 30 for a, b in zip(pixel, HIDDEN, strict=True))


def test_v1_what_there_is_of_others_stays(jpeg: servers.Running) -> None:
    """Originals, animations that are asked for, and formats that vip cannot scale."""
    still = see_through("PNG")
    assert jpeg.client.get(uploaded(jpeg, still)).content == still
    film = pictures.encoded(
        Image.new("P", (60, 40), 3), "GIF", save_all=True, append_images=[Image.new("P", (60, 40))]
    )
    path = uploaded(jpeg, film)
    assert opened(jpeg, f"{path}?s=30&animate=true").format == "GIF"
    assert opened(jpeg, f"{path}?s=30").format == "JPEG"
    webp = pictures.encoded(pictures.gradient(60, 40), "WEBP")
    assert opened(jpeg, f"{uploaded(jpeg, webp)}?s=30").format == "WEBP"
    photo = pictures.encoded(pictures.gradient(60, 40), "JPEG")
    assert opened(jpeg, f"{uploaded(jpeg, photo)}?s=30").format == "JPEG"


def test_v1_the_object_of_a_thumbnail_can_be_made_again(jpeg: servers.Running) -> None:
    """By its own key, as any that needs no signature."""
    path = uploaded(jpeg, see_through("PNG"))
    first = jpeg.client.get(f"{path}?s=50")
    jpeg.published()
    jpeg.let_go()
    again = jpeg.client.get(f"{path}?s=50")
    assert again.content == first.content


@pytest.mark.parametrize(
    ("variant", "format_", "allowed"),
    [
        ("250x0-q80-noenlarge-floor-bare-jpeg", Format.PNG, True),
        ("250x0-q80-noenlarge-floor-bare-jpeg", Format.GIF, True),
        ("250x250-crop-q80-noenlarge-bare-jpeg", Format.PNG, True),
        ("250x0-noenlarge-floor-gif", Format.GIF, True),
        ("250x0-q80-noenlarge-floor-jpeg", Format.JPEG, True),
        ("250x0-q80-noenlarge-floor-bare-jpeg", Format.JPEG, False),
        ("250x0-noenlarge-floor-png", Format.PNG, False),
        ("250x0-q80-noenlarge-floor-jpeg", Format.PNG, False),
    ],
)
def test_v1_a_thumbnail_has_the_key_of_vip_and_needs_no_signature(
    variant: str, format_: Format, allowed: bool
) -> None:
    """Nothing else of a PNG or GIF does, but an animation."""
    image = ImageId("id", "pics")
    rules = VipRules(buckets=frozenset({"*"}), jpeg_thumbnails=True)
    rendition = Rendition.from_variant(variant)
    found = Unsigned(UrlRules(), rules, lambda _: SizeRules()).request(image, rendition, format_)
    assert (found is not None) is allowed
    if rendition.format is Format.JPEG:
        square = "c/" if rendition.height else ""
        assert requests.rendition_key(image, variant) == f"id/{square}s/250"


def test_v2_a_square_alone_is_the_largest(vip: servers.Running) -> None:
    """vip answers the whole original, which its own tests do not expect."""
    path = uploaded(vip, pictures.encoded(pictures.gradient(120, 80), "JPEG"))
    assert opened(vip, f"{path}?c=true").size == (80, 80)


UNCLEAN = [
    "//pics/{id}",
    "/pics//{id}",
    "///pics///{id}",
    "/pics/../pics/{id}",
    "/pics/./{id}",
    "/./pics/{id}",
    "/../../pics/{id}",
    "/a/b/../../pics/{id}",
]


@pytest.mark.parametrize("path", UNCLEAN)
def test_v7_a_path_is_cleaned(vip: servers.Running, path: str) -> None:
    """301 to the clean one, with its query."""
    name = uploaded(vip, pictures.jpeg()).removeprefix("/pics/")
    for method in ("GET", "HEAD"):
        answer = wire.ask(vip.port, f"{path}?s=20".format(id=name), method)
        assert answer.status == 301
        assert answer.headers["location"] == f"/pics/{name}?s=20"
    assert vip.client.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "//evil.example//",
        "///",
        "//",
        "/pics//../id",
        "//pics/id/",
        "//pics/id/.",
        "//pics/id/x/..",
        "//pics/%2e%2e",
        "//pics/a%2Fb",
        "//pics/a%5Cb",
        "//pics/%zz",
        "//pics/id/warmup",
        "//EVIL/id",
        "//%70ics/id",
        "/\\evil.example/./id",
        "//_renditions/id",
    ],
)
def test_v7_what_leads_nowhere_is_404(vip: servers.Running, path: str) -> None:
    """No redirect is made of what is no bucket and no id."""
    answer = wire.ask(vip.port, path)
    assert answer.status in (400, 404)
    assert "location" not in answer.headers


def test_v7_without_buckets_no_path_is_cleaned(server: servers.Running) -> None:
    """There is nothing that it could lead to."""
    assert wire.ask(server.port, "//pics/id").status == 404


def test_v7_only_reading_is_redirected(vip: servers.Running) -> None:
    """A browser would make a GET of it."""
    for method in ("POST", "DELETE", "PUT"):
        assert wire.ask(vip.port, "//pics/id", method).status == 404


def test_v8_a_warm_up_is_a_post(vip: servers.Running) -> None:
    """A GET with an effect is for those who may not read, either."""
    path = uploaded(vip, pictures.jpeg())
    assert vip.client.get(f"{path}/warmup").status_code == 405


@pytest.mark.parametrize(("query", "size"), [("s=1", (1, 1)), ("s=+25", (25, 18))])
def test_v11_a_plus_is_a_sign_and_one_pixel_is_one(
    vip: servers.Running, query: str, size: tuple[int, int]
) -> None:
    """vip fails on the one, and takes the other for no number."""
    path = uploaded(vip, pictures.encoded(pictures.gradient(64, 48), "JPEG"))
    assert opened(vip, f"{path}?{query}").size == size


def test_v12_an_origin_may_be_in_capitals(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hosts have no case; its scheme and port do not matter."""
    with servers.Running(
        tmp_path_factory.mktemp("origin"), vip__buckets=["pics"], vip__allowed_origins=["*.a.com"]
    ) as running:
        headers = {"Origin": "HTTP://WWW.A.COM:8080", "X-Request-Id": str(uuid.uuid4())}
        data = pictures.jpeg()
        assert running.client.post("/upload/pics", content=data, headers=headers).is_success


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_v1_what_lies_under_transparency_is_seen(tmp_path: Path, mode: str) -> None:
    """Of every mode of PNG, whatever a job before has kept of the same pixels."""
    image = Image.open(io.BytesIO(see_through("PNG"))).convert("RGBA")
    options: dict[str, Any] = {}
    if mode in ("P", "RGB"):
        flat = image.convert("RGB")
        options = {"transparency": HIDDEN}
        if mode == "P":
            flat = flat.quantize(4)
            options = {"transparency": flat.getpixel((0, 0))}
        image = flat
    path = tmp_path / "picture.png"
    image.convert(mode).save(path, **options)
    shown = Image.open(path).convert("RGBA").convert("RGB").getpixel((0, 0))
    variants = ("40x0-noenlarge-floor-png", "40x0-q80-noenlarge-floor-bare-jpeg")
    for variant in (*variants, *variants):
        job = RenderJob(path=str(path), rendition=Rendition.from_variant(variant))
        rendered = perform(job, EngineSettings())
        assert isinstance(rendered, Rendered)
        made = Image.open(io.BytesIO(rendered.data))
        seen = made.convert("RGBA").getpixel((5, 10))
        assert isinstance(seen, tuple)
        assert isinstance(shown, tuple)
        if variant.endswith("png"):
            assert seen[3] == 0
        else:
            assert all(abs(a - b) < 12 for a, b in zip(seen[:3], shown, strict=True))
