"""Sizes and parameters that need no signature, over HTTP."""

from collections.abc import Callable, Iterator

import pytest

from liveresize import errors
from liveresize.domain import signing

from . import pictures, servers
from .buckets import Gallery

KEY = "the key that signs"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server that makes a few sizes."""
    with Gallery(
        tmp_path_factory.mktemp("listed"),
        constraints__allowed_sizes=["20x10", "40x0"],
        constraints__max_width=100,
        signing__keys=[KEY],
    ) as running:
        running.client.put_in("cat", pictures.jpeg())
        yield running


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server that makes a few kinds."""
    with Gallery(
        tmp_path_factory.mktemp("preset"),
        constraints__presets_only=True,
        presets={"card": {"fit": "crop", "quality": "50"}},
        signing__keys=[KEY],
    ) as running:
        running.client.put_in("cat", pictures.jpeg())
        yield running


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "target",
    ["/cat_20_10.jpg", "/cat_20_10_3x.png?fit=crop", "/cat_80_0.webp", "/cat.jpg", "/cat.webp"],
)
def test_a_listed_size_is_made(listed: Gallery, target: str, method: str) -> None:
    """With its two and three times, and the picture's own."""
    assert listed.client.request(method, target).status_code in (200, 303)


@pytest.mark.parametrize("target", ["/cat_21_10.jpg", "/cat_20_10_4x.jpg", "/cat_50_0.jpg"])
def test_another_size_needs_a_signature(listed: Gallery, target: str) -> None:
    """403 says which would do, before anyone looks for the picture; signed, it is made."""
    for address in (target, target.replace("cat", "nothing")):
        for method in ("GET", "HEAD"):
            assert listed.client.request(method, address).status_code == 403
        said = listed.client.get(address).json()
        assert said["code"] == "size_refused"
        assert "20x10, 40x0" in said["error"]
    assert listed.client.get(signing.sign(target, KEY)).status_code == 200
    assert listed.client.get(target).status_code == 403
    assert listed.client.get(f"{target}?sig=x").json()["code"] == "signature_refused"


def test_a_listed_size_beyond_the_bounds_leads_to_one_that_is_made(listed: Gallery) -> None:
    """40x0 three times is too wide: where it is sent to is allowed."""
    answer = listed.client.get("/cat_40_0_3x.jpg")
    assert answer.status_code == 307
    assert listed.client.get(answer.headers["Location"]).status_code == 200


def test_pictures_of_vip_have_sizes_too(listed: Gallery) -> None:
    """`s` is a width, with `c` a square; without either it is the picture's own size."""
    path = listed.put(pictures.jpeg())
    for query, status in (
        *(("", 200), ("?c=true", 200), ("?s=40", 200), ("?s=80", 200), ("?s=120", 200)),
        *(("?s=41", 403), ("?s=20", 403), ("?s=40&c=true", 403), ("?s=160", 403)),
    ):
        for method in ("GET", "HEAD"):
            assert listed.client.request(method, path + query).status_code == status
        assert listed.client.get(signing.sign(path + query, KEY)).status_code == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/cat_20_10.jpg?preset=card", 200),
        ("/cat_23_10_2x.webp?preset=card&allow_webp=true&proxy=true&utm=1", 200),
        ("/cat_20_10.jpg", 403),
        ("/cat_20_10.jpg?preset=card&quality=51", 403),
        ("/nothing_20_10.jpg?blur=3", 403),
        ("/cat_20_10.jpg?preset=none", 400),
        ("/cat.jpg", 200),
        ("/cat.jpg?blur=3", 403),
        ("/cat.json", 200),
    ],
)
def test_presets_only(preset: Gallery, target: str, status: int) -> None:
    """Nothing beside a preset makes another picture, but a signature allows it."""
    answer = preset.client.get(target)
    assert answer.status_code == status or (status, answer.status_code) == (200, 303)
    if status == 403:
        assert answer.json()["code"] == "preset_required"
        signed = preset.client.get(signing.sign(target.replace("nothing", "cat"), KEY))
        assert signed.status_code == 200


@pytest.mark.parametrize("size", ["20", "20x", "0x0", "x20", "20x20x2", "-1x5", "000x00", "20X30"])
def test_what_is_no_size_stops_the_start(launch: Callable[..., servers.Running], size: str) -> None:
    """One sentence says what a size looks like."""
    with pytest.raises(errors.SettingsError, match="a size such as 400x300 or 400x0"):
        launch(constraints__allowed_sizes=[size])
