"""Sizes and parameters that need no signature, over HTTP."""

from collections.abc import Callable, Iterator

import pytest

from liveresize import errors
from liveresize.core import signing

from . import buckets, pictures, servers
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


def test_a_pad_is_within_the_bounds(listed: Gallery) -> None:
    """A redirect shrinks the box and keeps the pad, in a size that is allowed; one that alone is
    too wide is an error."""
    for method in ("GET", "HEAD"):
        moved = listed.client.request(method, "/cat_40_0_2x.jpg?pad=2,20&proxy=true")
        assert moved.status_code == 307
        assert moved.headers["Location"] == "/cat_20_0.jpg?pad=4,40&proxy=true"
        assert listed.client.request(method, moved.headers["Location"]).status_code == 200
        refused = listed.client.request(method, "/cat_20_10.jpg?pad=0,50")
        assert refused.status_code == 400
    assert listed.client.get("/cat_20_10.jpg?pad=0,50").json()["error"] == (
        "The parameter `pad` leaves no room for a picture within 100x2000."
    )


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


def objects(server: Gallery) -> str:
    """How the addresses of the objects of `cat` begin."""
    (original,) = (path for path in server.originals if path.name.startswith("cat~"))
    return f"/_renditions/cat/{original.name.rpartition('~')[2]}/"


def stored(server: Gallery) -> set[str]:
    """The files of all renditions."""
    server.published()
    return {path.name for path in (server.data / "renditions").rglob("*") if path.is_file()}


CHANGED = {
    "listed": [f"{width}x0-qa82-jpeg.jpg" for width in range(51, 80)],
    "preset": [f"20x10-crop-q50-b{blur}-jpeg.jpg" for blur in range(3, 30)],
    "any": ["20x10-q101-jpeg.jpg", "20x10-qa75-jpeg.jpg", "020x10-qa82-jpeg.jpg"],
}


@pytest.mark.parametrize("rules", ["listed", "preset"])
def test_the_address_of_an_object_is_no_way_around(
    rules: str, request: pytest.FixtureRequest
) -> None:
    """A variant that nobody was redirected to is neither rendered nor stored, nor is one that
    no URL can ask for; what a URL may ask for is."""
    server: Gallery = request.getfixturevalue(rules)
    place, before, renders = objects(server), stored(server), server.renders
    for file in (*CHANGED[rules], *CHANGED["any"]):
        for method in ("HEAD", "GET", "GET"):
            assert server.client.request(method, place + file).status_code == 404, file
    assert (stored(server), server.renders) == (before, renders)
    allowed = {"listed": "40x20-q3-jpeg~2.jpg", "preset": "31x10-crop-q50-jpeg~2.jpg"}[rules]
    for method in ("HEAD", "GET", "GET"):
        assert server.client.request(method, place + allowed).status_code == 200
    assert stored(server) == {*before, allowed}


def test_what_a_signature_has_had_made_is_an_object(listed: Gallery) -> None:
    """It has a link; one that was evicted is rendered again, and nothing beside it."""
    assert listed.client.get(signing.sign("/cat_33_0.jpg", KEY)).status_code == 200
    file = "33x0-qa82-jpeg~2.jpg"
    assert file in stored(listed)
    assert listed.client.get(objects(listed) + file).status_code == 200
    index = listed.components.index
    links = [link for link in listed.call(index.links.least_used(100)) if link.variant in file]
    listed.call(index.links.evict(links, 10))
    for link in links:
        listed.components.memory.drop(link.image, link.generation, link.variant)
    listed.call(listed.components.store.remove(links))
    assert file not in stored(listed)
    assert listed.client.head(objects(listed) + file).status_code == 200
    answer = listed.client.get(objects(listed) + file)
    assert (answer.status_code, answer.headers["X-Cache"]) == (200, "MISS")
    assert file in stored(listed)


def test_a_warm_up_of_vip_makes_no_other_sizes(listed: Gallery) -> None:
    """What nobody could see without a signature is not made for whoever may upload."""
    path = listed.put(pictures.jpeg(), X_Vip_Warmup="s=41,s=40")
    servers.until(lambda: not listed.components.warmup.pending)
    before = listed.renders
    answer = listed.client.post(
        f"{path}/warmup",
        headers={"X-Vip-Token": buckets.TOKEN, "X-Vip-Warmup": "s=41,s=40,s=80"},
    )
    fates = [each["fate"] for each in answer.json()["warmup"]]
    assert fates == ["invalid", "ready", "queued"]
    servers.until(lambda: not listed.components.warmup.pending)
    assert listed.renders == before + 1
    listed.published()


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
