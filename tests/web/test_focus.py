"""The focus of a picture in a real server: what a crop keeps, from the upload to the next one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ImageChops

from . import pictures, servers
from .buckets import BEARER, Gallery

CARD = {"fit": "crop", "quality": "50"}

WIDE, OTHER = pictures.noise(90, 40), pictures.noise(80, 40)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server with buckets and a preset."""
    with Gallery(
        tmp_path_factory.mktemp("focus"),
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        presets={"card": CARD},
    ) as running:
        yield running


def same(web: servers.Client, one: str, other: str) -> bool:
    """Whether two addresses give the same pixels."""
    answers = [web.get(target, follow_redirects=True) for target in (one, other)]
    assert [answer.status_code for answer in answers] == [200, 200]
    first, second = (pictures.opened(answer.content).convert("RGB") for answer in answers)
    return first.size == second.size and ImageChops.difference(first, second).getbbox() is None


def told(web: servers.Client, name: str) -> list[float] | None:
    """The focus in `.json`, with which HEAD agrees about the document."""
    answer, head = web.get(f"/{name}.json"), web.head(f"/{name}.json")
    assert head.headers["Content-Length"] == answer.headers["Content-Length"]
    focus: list[float] | None = answer.json()["focus"]
    return focus


def test_a_crop_keeps_the_focus_until_the_picture_is_replaced(gallery: Gallery, name: str) -> None:
    """Without a gravity, with `auto`, and with a preset; what says otherwise has its way."""
    web = gallery.client
    crop = f"/{name}_20_30.png?fit=crop"

    def keeps(x: float, y: float) -> None:
        point = f"{crop}&gravity={x},{y}"
        assert same(web, crop, point)
        assert same(web, f"{crop}&gravity=auto", point)
        assert same(web, f"/{name}_20_30.png?preset=card", f"{point}&quality=50")
        assert not same(web, crop, f"{crop}&gravity=center")
        assert not same(web, f"{crop}&rotate=180", f"{crop}&gravity=center&rotate=180")
        assert told(web, name) == [x, y]
        gallery.published()
        heads = [web.head(target) for target in (crop, point, f"{crop}&gravity=center")]
        tags = [head.headers["ETag"] for head in heads]
        assert (tags[0] == tags[1], tags[0] == tags[2]) == (True, False)

    web.put_in(name, WIDE, focus=[0.1, 0.5])
    keeps(0.1, 0.5)
    assert web.patch(f"/{name}", json={"focus": [0.8, 0.5]}, headers=BEARER).status_code == 200
    keeps(0.8, 0.5)
    # 0.8 of 90 pixels is at 27 of the right half.
    half = f"{crop}&rect=45,0,45,40"
    assert same(web, half, f"{half}&gravity=0.6,0.5")
    assert not same(web, half, f"{half}&gravity=center")
    assert same(web, f"{half}&trim=true", f"{half}&gravity=0.6,0.5&trim=true")
    plain = f"/{name}_20_30.png"
    assert same(web, f"{plain}?fit=canvas", f"{plain}?fit=canvas&gravity=center")
    web.put_in(name, OTHER, overwrite=True)
    assert told(web, name) is None
    assert same(web, crop, f"{crop}&gravity=center")
    assert same(web, f"{crop}&gravity=auto", f"{crop}&gravity=smart")


def test_a_square_of_vip_stays_in_the_middle(gallery: Gallery) -> None:
    """`c` is vip's own: it has never had a gravity."""
    address = gallery.put(WIDE)
    square = f"{address}?s=30&c=true"
    before = gallery.client.get(square, follow_redirects=True).content
    change = gallery.client.patch(address, json={"focus": [0, 0.5]}, headers=BEARER)
    assert change.json()["focus"] == [0, 0.5]
    gallery.let_go()
    assert gallery.client.get(square, follow_redirects=True).content == before


def test_an_object_of_a_preset_is_rendered_again(tmp_path: Path) -> None:
    """Where presets alone are allowed, its address says only where the crop came to lie."""
    with Gallery(
        tmp_path,
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        presets={"card": CARD},
        constraints__presets_only=True,
    ) as gallery:
        web = gallery.client
        web.put_in("cat", WIDE, focus=[0.1, 0.5])
        first = web.get("/cat_20_30.png?preset=card")
        gallery.published()
        target = web.get("/cat_20_30.png?preset=card").headers["Location"]
        (file,) = (path for path in (gallery.data / "renditions").rglob("*.png"))
        file.unlink()
        gallery.let_go()
        again = web.get(target)
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.content == first.content
        web.patch("/cat", json={"focus": [0.9, 0.5]}, headers=BEARER).raise_for_status()
        moved = web.get("/cat_20_30.png?preset=card")
        assert (moved.status_code, moved.content != first.content) == (200, True)
