"""JPEG XL as a format of answers: where it is on, and where it is off."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from liveresize.imaging import jxl

from . import pictures, servers

NEXT = "image/jxl,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server that makes JPEG XL, of few pixels."""
    folder = tmp_path_factory.mktemp("jxl")
    keys = {"enabled": True, "in_auto": True, "max_pixels": 6000}
    with servers.Running(
        folder, **{f"jxl__{key}": value for key, value in keys.items()}
    ) as running:
        yield running


def shown(content: bytes) -> Image.Image:
    """The picture in the bytes, decoded."""
    jxl.register()
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def test_an_address_ends_in_jxl_where_it_is_made(on: servers.Running, name: str) -> None:
    """In a size, in its own, in parts, by its key, and as a HEAD; above the bound it is refused."""
    web = on.client
    web.put_in(name, pictures.jpeg())
    small = web.get(f"/{name}_40_0.jxl", follow_redirects=True)
    assert (small.status_code, small.headers["Content-Type"]) == (200, "image/jxl")
    assert (shown(small.content).width, shown(small.content).format) == (40, "JXL")
    again = web.get(f"/{name}_40_0.jxl", follow_redirects=True)
    assert (again.content, again.headers["ETag"]) == (small.content, small.headers["ETag"])
    kept = servers.until(lambda: list(on.data.rglob("40x0-q80-jxl~2.jxl")))
    key = f"/_renditions/{name}/{kept[0].parent.name}/{kept[0].name}"
    by_key = web.get(key)
    assert (by_key.content, by_key.headers["Content-Type"]) == (small.content, "image/jxl")
    for asked in (f"/{name}_40_0.JXL", f"/{name}_40_0.JXL?quality=20"):
        head = web.head(asked)
        assert (head.status_code, head.headers["Content-Type"]) == (200, "image/jxl")
    part = web.get(f"/{name}_40_0.jxl?proxy=true", headers={"Range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, b"\xff\x0a")
    whole = web.get(f"/{name}.jxl", follow_redirects=True)
    assert shown(whole.content).size == shown(web.get(f"/{name}").content).size
    large = web.get(f"/{name}_500_500.jxl?fit=fill")
    assert (large.status_code, large.json()["code"]) == (422, "image_too_large")
    assert "jxl.max_pixels" in large.json()["error"]


def test_auto_offers_it_to_those_who_name_it(on: servers.Running, name: str) -> None:
    """And what is too large, or moves, is what it was."""
    web = on.client
    web.put_in(name, pictures.jpeg())
    web.put_in(f"{name}-moving", pictures.animation())
    for path, accept, kind in (
        ("_40_0", NEXT, "jxl"),
        ("_40_0", NEXT.replace("image/jxl,", ""), "avif"),
        ("_200_100", f"{NEXT}&fit=fill", "jxl"),
        ("-moving_32_0", NEXT, "webp"),
    ):
        answer = web.get(f"/{name}{path}.auto", headers={"Accept": accept}, follow_redirects=True)
        expected = "avif" if path == "_200_100" else kind
        assert (path, answer.headers["Content-Type"]) == (path, f"image/{expected}")
        assert answer.headers["Vary"] == "Accept"


def test_a_picture_may_be_called_so(on: servers.Running, name: str) -> None:
    """An id that ends in `.jxl` stays in reach unless there is one without; as JPEG XL, too."""
    web = on.client
    web.put_in(f"{name}.jxl", pictures.jpeg())
    stored = web.get(f"/{name}.jxl")
    assert (stored.status_code, stored.headers["Content-Type"]) == (200, "image/jpeg")
    assert web.head(f"/{name}.jxl").headers["Content-Type"] == "image/jpeg"
    sized = web.get(f"/{name}.jxl_32_0.jxl", follow_redirects=True)
    assert sized.headers["Content-Type"] == "image/jxl"
    web.put_in(name, pictures.jpeg())
    answer = web.get(f"/{name}.jxl", follow_redirects=True)
    assert answer.headers["Content-Type"] == "image/jxl"


def test_near_misses_and_the_description_know_it(on: servers.Running, name: str) -> None:
    """Where it is on."""
    on.client.put_in(name, pictures.jpeg())
    near = on.client.get(f"/{name}-40x30.jxl").json()
    assert near["did_you_mean"] == f"/{name}_40_30.jxl"
    assert '"jxl"' in on.client.get("/openapi.json").text


def test_without_the_setting_nothing_is_new(server: servers.Running, name: str) -> None:
    """The extension is unknown, and what is near is suggested as before."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    answer = web.get(f"/{name}_40_30.jxl")
    assert answer.status_code == 400
    assert answer.json()["did_you_mean"] == f"/{name}_40_30.jpg"
    answer = web.get(f"/{name}.jxl")
    assert (answer.status_code, answer.json()["did_you_mean"]) == (400, f"/{name}.jpg")
    auto = web.get(f"/{name}_40_0.auto", headers={"Accept": NEXT}, follow_redirects=True)
    assert auto.headers["Content-Type"] == "image/avif"
    assert '"jxl"' not in web.get("/openapi.json").text
