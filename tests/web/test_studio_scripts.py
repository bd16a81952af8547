"""What the scripts of the studio compute, run by Node and judged by the code of the server."""

import dataclasses
import random
from typing import Any

import pytest
from imaging import samples
from PIL import Image, ImageDraw, ImageFilter

from liveresize.core import names, urls
from liveresize.core.formats import Format, Negotiated
from liveresize.core.operation import UrlRules
from liveresize.core.operations import OPERATIONS
from liveresize.core.rect import Rect
from liveresize.core.rendition import Rendition
from liveresize.core.values import COMPASS, SMART, Fit, Gravity, Quality
from liveresize.imaging import orientation, placeholder, similarity

from . import scripts
from .scripts import SESSION

pytestmark = scripts.needs_node

FACTS = {"frames": 3, "has_alpha": True}
"""A picture of which every knob means something."""

DEFAULT = UrlRules()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> scripts.Call:
    """Calls functions of the scripts."""
    return scripts.caller(tmp_path_factory.mktemp("scripts"))


def some_knobs(defaults: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Knobs turned this way and that; as the form gives them, and the same each time."""
    dice = random.Random(7)
    places = ["center", "smart", "auto", "focal", "north", "southwest"]
    return [
        {
            **defaults,
            "w": dice.choice([0, 1, 300, 5000]),
            "h": dice.choice([7, 200]),
            "n": dice.choice([1, 1, 2, 20]),
            "fit": dice.choice(list(Fit)),
            "gravity": dice.choice(places),
            "x": dice.choice([0, 0.123, 0.5, 1]),
            "y": dice.choice([0, 0.25, 0.877]),
            "rotate": dice.choice(["0", "90", "180", "270"]),
            "flip": dice.choice(["", "h", "v", "hv"]),
            "format": dice.choice(["auto", "jpg", "png", "webp", "avif", "gif"]),
            "automatic": dice.random() < 0.5,
            "quality": dice.choice([0, 41, 100]),
            "animate": dice.random() < 0.7,
            "enlarge": dice.random() < 0.7,
            "blur": dice.choice([0, 0, 0.5, 40]),
            "sharpen": dice.choice([0, 0, 0.1, 10]),
            "grey": index % 3 == 1,
            "brightness": dice.choice([0, 0, -100, 7]),
            "tint": "264653,e9c46a" if index % 3 == 2 else "",
            "pad": dice.choice(["", "", "10", "1,2,3,4"]),
            "radius": dice.choice(["", "", "max", "20"]),
            "colour": "p3" if index % 3 == 0 else "srgb",
            "bg": dice.choice(["#ffffff", "#ff0080"]),
            "clear": dice.random() < 0.3,
        }
        for index in range(count)
    ]


def meant(knobs: dict[str, Any]) -> Rendition:
    """The rendition that such knobs stand for."""
    wanted = Rendition(
        format=Negotiated(avif=True, webp=True)
        if knobs["format"] == "auto"
        else Format(knobs["format"].replace("jpg", "jpeg")),
        width=knobs["w"] * knobs["n"],
        height=knobs["h"] * knobs["n"],
        fit=Fit(knobs["fit"]),
        quality=DEFAULT.quality if knobs["automatic"] else Quality.of(knobs["quality"]),
        blur=round(knobs["blur"] * 10),
        sharpen=round(knobs["sharpen"] * 10),
        grey=knobs["grey"],
        brightness=knobs["brightness"],
        **{name: said(name, knobs) for name in ("tint", "pad", "radius", "colour") if knobs[name]},
        rotate=int(knobs["rotate"]),
        flip=knobs["flip"],
        enlarge=knobs["enlarge"],
        animate=knobs["animate"],
    )
    clear = knobs["clear"] and knobs["format"] != "jpg"  # which has no transparency
    colour = (255, 255, 255, 0) if clear else (*bytes.fromhex(knobs["bg"][1:]), 255)
    places = {**COMPASS, "auto": SMART}
    # Of `auto` the page does not know yet what will come of it, and leaves the colour out.
    canvas = wanted.fit is Fit.CANVAS and knobs["w"]
    seen = canvas or knobs["pad"] or knobs["format"] == "jpg"
    return dataclasses.replace(
        wanted,
        background=(colour[0], colour[1], colour[2], colour[3]) if seen else None,
        gravity=places.get(knobs["gravity"]) or focal(knobs, wanted),
    ).canonical()


def said(name: str, knobs: dict[str, Any]) -> Any:
    """The field for what is typed into a knob, multiplied by the density if it is pixels."""
    row = OPERATIONS[name]
    return row.scaled(row.read(knobs[name], DEFAULT), lambda pixels: pixels * knobs["n"])


def focal(knobs: dict[str, Any], wanted: Rendition) -> Gravity:
    """The focal point, as it lies once the picture has been turned."""
    a, b, c, d = orientation.MATRICES[orientation.wanted(1, wanted)]
    x, y = knobs["x"] - 0.5, knobs["y"] - 0.5
    return Gravity(round((a * x + b * y + 0.5) * 1000), round((c * x + d * y + 0.5) * 1000))


def parsed(target: str) -> urls.RenditionRequest:
    """What the server makes of an address of the page."""
    request = urls.parse(target, "image/avif,image/webp,*/*", DEFAULT)
    assert isinstance(request, urls.RenditionRequest)
    return request


def test_an_address_says_what_the_knobs_stand_for(node: Any) -> None:
    """However they are turned; what has no effect is not in it, nor what is the default."""
    (defaults,) = node([("DEFAULTS",)])
    turned = some_knobs(defaults, 600)
    reasons = node([("reasons", each, FACTS, {}) for each in turned])
    queries = node(
        [
            ("parameters", each, why, {}, SESSION, None)
            for each, why in zip(turned, reasons, strict=True)
        ]
    )
    addresses = node(
        [
            ("address", "кот & co", each, each["format"], query)
            for each, query in zip(turned, queries, strict=True)
        ]
    )
    order = SESSION["order"]
    for query in queries:
        said = [order.index(name) for name, _ in query]
        assert said == sorted(said)
    for wanted, address in zip(turned, addresses, strict=True):
        request = parsed(f"/{address}")
        assert request.image.name == "кот & co"
        assert request.rendition == meant(wanted), (wanted, address)
        assert urls.build(request.image, request.rendition, DEFAULT).count("&") == address.count(
            "&"
        )


def test_a_saved_focus_is_kept_or_said_otherwise(node: Any) -> None:
    """`center` is in the address where a crop without gravity keeps the focus, or may."""
    (defaults,) = node([("DEFAULTS",)])
    cases: list[tuple[str, str, dict[str, str], list[float] | None, str | None]] = [
        ("crop", "center", {}, [0.2, 0.7], "center"),
        ("crop", "center", {}, None, None),
        ("crop", "auto", {}, [0.2, 0.7], "auto"),
        ("crop", "auto", {}, None, "auto"),
        ("crop", "focal", {}, [0.2, 0.7], "0.5,0.5"),
        ("clip", "center", {"fit": "crop"}, [0.2, 0.7], "center"),
        ("clip", "center", {}, [0.2, 0.7], None),
        ("canvas", "center", {}, [0.2, 0.7], None),
        ("canvas", "auto", {}, [0.2, 0.7], None),
    ]
    for fit, gravity, preset, focus, wanted in cases:
        knobs = {**defaults, "fit": fit, "gravity": gravity}
        (why,) = node([("reasons", knobs, FACTS, preset)])
        (query,) = node([("parameters", knobs, why, preset, SESSION, focus)])
        assert dict(query).get("gravity") == wanted, (fit, gravity, preset, focus)
    (told,) = node([("remembered", "#id=cat&gravity=center")])
    (again,) = node([("fragment", "cat", {**defaults, **told["knobs"]}, SESSION)])
    assert "gravity=center" in again  # or a reload would take the focus


def test_a_preset_stands_for_what_it_sets(node: Any) -> None:
    """The knobs that it sets are off, and the others go with it; compared is what it shapes."""
    (defaults,) = node([("DEFAULTS",)])
    preset = {"fit": "crop", "quality": "50", "bg": "000"}
    knobs = {**defaults, "fit": "canvas", "gravity": "north", "preset": "card", "blur": 2}
    (why,) = node([("reasons", knobs, FACTS, preset)])
    assert {"fit", "automatic", "quality", "bg", "clear"} <= set(why)
    (query,) = node([("parameters", knobs, why, preset, SESSION)])
    assert query == [["gravity", "north"], ["blur", "2"], ["preset", "card"]]
    (other,) = node([("reference", "cat", knobs, query, preset)])
    assert other == "cat_800_600.png?fit=crop&bg=000&gravity=north"


def test_the_fragment_remembers_the_knobs(node: Any) -> None:
    """All of them, and the id, whatever is in it; what makes no sense is left out."""
    (defaults,) = node([("DEFAULTS",)])
    turned = some_knobs(defaults, 100)
    fragments = node([("fragment", "кот & #1+2", each, SESSION) for each in turned])
    for wanted, told in zip(
        turned, node([("remembered", each) for each in fragments]), strict=True
    ):
        assert told["id"] == "кот & #1+2"
        assert {**defaults, **told["knobs"]} == wanted
    (told,) = node([("remembered", "#id=cat&w=-5&h=x&n=&unknown=1&enlarge=maybe&contrast=-9")])
    assert told == {"id": "cat", "knobs": {"enlarge": False, "contrast": -9}, "view": ""}
    (fragment,) = node([("fragment", "cat", defaults, SESSION, "code")])
    (told,) = node([("remembered", fragment)])
    assert told["view"] == "code"


def test_every_file_suggests_an_id_that_the_server_takes(node: Any) -> None:
    """Whatever it is called."""
    files = [
        "IMG_2041.JPG",
        "Été à la mer.jpeg",
        "E\u0301te\u0301.png",
        "photo_800_600.jpg",
        "photo_800_600_2x.png",
        "_hidden.gif",
        "archive.jpg.png",
        "a.json.auto.webp",
        "token.png",
        "Openapi.avif",
        "....",
        ".png",
        "",
        "../../etc/passwd",
        "猫" * 200 + ".png",
        "𠮷" * 200 + ".png",
        "🐈.png",
        "a\\b/c?d#e%f&g.png",
        "-_-.png",
        "a" * 57 + "_1_2.png",
        "a" * 56 + ".jpgx.png",
    ]
    for id_ in node([("suggested", name) for name in files]):
        assert names.check_id(id_) == id_


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("size", [(48, 30), (20, 48), (48, 48)])
def test_a_thumbhash_looks_like_its_picture(
    node: Any, size: tuple[int, int], transparent: bool
) -> None:
    """In shape and colours, as far as a few waves can; decoded by the studio's own code."""
    picture = Image.new("RGBA", size, (200, 60, 40, 0 if transparent else 255))
    ImageDraw.Draw(picture).rectangle((size[0] // 2, 0, *size), fill=(30, 90, 200, 255))
    (told,) = node([("decode", placeholder.thumbhash(picture))])
    width, height = told["width"], told["height"]
    assert max(width, height) == 32
    assert abs(width / height - size[0] / size[1]) < 0.25
    decoded = Image.frombytes("RGBA", (width, height), bytes(told["data"]))
    left = decoded.getpixel((width // 6, height // 2))
    right = decoded.getpixel((width * 5 // 6, height // 2))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    near = 45
    assert all(abs(one - two) < near for one, two in zip(right, (30, 90, 200, 255), strict=True))
    if transparent:
        assert left[3] < near
    else:
        assert all(abs(one - two) < near for one, two in zip(left, (200, 60, 40, 255), strict=True))


def test_zoom_is_true_to_the_pixels(node: Any) -> None:
    """Whole device pixels, no gap at an edge, and what is under the pointer stays there."""
    size, room = [400, 300], [200, 210]
    for scale, x, y, wanted in [
        (1, 0.5, 0.5, (-100, -45)),
        (1, 0, 1, (0, -90)),
        (0.25, 0, 1, (50, 68)),
        (2.5, 0.333, 0.8, (-233, -495)),
    ]:
        (placed,) = node([("placed", {"scale": scale, "x": x, "y": y}, size, room)])
        assert (placed["left"], placed["top"]) == wanted, scale
        assert (placed["width"], placed["height"]) == (400 * scale, 300 * scale)
    before = {"scale": 1, "x": 0.5, "y": 0.5}
    (after,) = node([("around", before, 4, [30, 150], size, room)])
    assert after["fit"] is False
    for axis, at in (("x", 30), ("y", 150)):
        side = "xy".index(axis)
        under = [
            state[axis] * size[side] + (at - room[side] / 2) / state["scale"]
            for state in (before, after)
        ]
        assert under[0] == pytest.approx(under[1])
    fits = node(
        [
            ("fitting", size, room),
            ("fitting", size, [9000, 9000], 2),
            ("fitting", size, [9000, 9000]),
        ]
    )
    assert fits == [0.5, 2, 1]
    steps = node([("step", scale, way) for scale in (0.05, 0.64, 1, 16) for way in (-1, 1)])
    assert steps == [0.05, 0.1, 0.5, 0.75, 0.75, 1.5, 12, 16]


def test_parts_are_read_as_the_server_reads_them(node: Any) -> None:
    """In pixels, decimals and percent; and what is written is the same box again."""
    dice = random.Random(5)
    sizes = [(480, 320), (37, 1), (6000, 9999)]
    texts = [
        "0,0,1,1", "0.0,0,1.0,100%", "25%,0.5,12.5%,40", "0.99999,0,0.00001,9", "40,0.333,0.5,7%",
        "1.0,0,1,1", "0,0,0,5", "10,10,0.1", "0.5,0.5,2.0,1.0", "a,0,1,1", "5000,0,10,10", "",
    ]  # fmt: skip
    texts += [
        ",".join(dice.choice([str(dice.randrange(1, 300)), f"{dice.random():.5f}"]) for _ in "xywh")
        for _ in range(60)
    ]
    asked = [(text, size) for size in sizes for text in texts]
    told = node([("read", text, size) for text, size in asked])
    boxes = []
    for (text, size), found in zip(asked, told, strict=True):
        try:
            rect = Rect.read(text)
            wanted = rect.box(size) if rect else (0, 0, *size)
        except ValueError:
            wanted = None
        box = found and (found["x"], found["y"], found["x"] + found["w"], found["y"] + found["h"])
        assert box == wanted, (text, size)
        if found:
            boxes.append((found, size, wanted))
    written = node(
        [("write", box, size, whole) for box, size, _ in boxes for whole in (False, True)]
    )
    for at, text in enumerate(written):
        _, size, wanted = boxes[at // 2]
        rect = Rect.read(text) if text else None
        assert (rect.box(size) if rect else (0, 0, *size)) == wanted, text


def test_frames_stay_within_and_keep_their_ratio(node: Any) -> None:
    """Whichever grip is moved, however far: what is opposite stays where it is."""
    size, box = [300, 200], {"x": 60, "y": 40, "w": 120, "h": 80}
    asked = [
        ("resized", box, grip, by, size, ratio)
        for grip in ("n", "ne", "e", "se", "s", "sw", "w", "nw")
        for by in ([17, -9], [-400, 400], [400, -400])
        for ratio in (0, 1.5)
    ]
    for (_, _, grip, by, _, ratio), found in zip(asked, node(asked), strict=True):
        x, y, width, height = (found[key] for key in "xywh")
        assert 0 <= x <= 300 - width, (grip, by)
        assert 0 <= y <= 200 - height, (grip, by)
        assert "e" not in grip or x == 60
        assert "w" not in grip or x + width == 180
        assert "s" not in grip or y == 40
        assert "n" not in grip or y + height == 120
        assert not ratio or abs(width - 1.5 * height) <= 1.25, (grip, by, found)
    corner, square, low = node(
        [
            ("moved", box, [9000, -9000], size),
            ("shaped", None, 1, size, [0.1, 0.5]),
            ("shaped", box, 16 / 9, size),
        ]
    )
    assert corner == {"x": 180, "y": 0, "w": 120, "h": 80}
    assert square == {"x": 0, "y": 0, "w": 200, "h": 200}
    assert low["w"] * low["h"] == pytest.approx(120 * 80, rel=0.02)
    assert low["w"] / low["h"] == pytest.approx(16 / 9, abs=0.03)


@pytest.mark.parametrize("size", [(64, 48), (61, 50), (3, 9)])
def test_likeness_is_measured_as_by_the_server(node: Any, size: tuple[int, int]) -> None:
    """In the same windows, of the same greys; transparent pixels lie on grey."""
    one = samples.scene((64, 48)).crop((0, 0, *size)).convert("RGB")
    other = one.filter(ImageFilter.BoxBlur(1))
    clear = one.convert("RGBA")
    clear.putalpha(0)
    told = node([("luma", [*each.convert("RGBA").tobytes()]) for each in (one, other, clear)])
    levels = [[*each["levels"].values()] for each in told]
    assert [each["clear"] for each in told] == [False, False, True]
    assert levels[:2] == [[*each.convert("L").tobytes()] for each in (one, other)]
    assert set(levels[2]) == {128}
    (likeness, same) = node([("ssim", *levels[:2], *size), ("ssim", levels[0], levels[0], *size)])
    wanted = similarity.overlapping(one.convert("L"), other.convert("L"))
    assert 0 < wanted < 1
    assert likeness == pytest.approx(wanted, abs=1e-4)
    assert same == 1


def test_the_best_format_weighs_least_of_those_about_as_alike(node: Any) -> None:
    """Up to 0.005 below the highest; what could not be measured is none."""
    cases = [
        ([(300, 0.990), (200, 0.986), (100, 0.980)], 1),
        ([(300, 0.990), (200, 0.990), (100, 0.985)], 2),
        ([(300, 0.990), (100, None)], 0),
        ([(100, None)], -1),
        ([], -1),
    ]
    found = [
        [{"bytes": weight} | ({} if ssim is None else {"ssim": ssim}) for weight, ssim in case]
        for case, _ in cases
    ]
    assert node([("best", each) for each in found]) == [at for _, at in cases]


def test_the_next_id_is_one_that_is_free(node: Any) -> None:
    """Counted on from what was counted before, but not from the number of a camera."""
    cases: list[tuple[str, list[str], str]] = [
        ("sample", [], "sample-2"),
        ("sample", ["sample-2", "sample-3"], "sample-4"),
        ("sample-2", [], "sample-3"),
        ("sample-9", [], "sample-10"),
        ("IMG-2041", [], "IMG-2041-2"),
        ("holiday-01", [], "holiday-01-2"),
        ("-2", [], "-3"),
    ]
    found = node([("following", id_, taken) for id_, taken, _ in cases])
    assert found == [free for _, _, free in cases]


def test_tiles_say_what_is_to_know(node: Any) -> None:
    """What is held, what is over, and which end comes first; arrow keys keep to the grid."""
    early, late = "2030-01-02T03:04:05Z", "2031-01-01T00:00:00Z"
    cases = [
        ({}, []),
        ({"held": True, "state": "held"}, ["held"]),
        ({"held": True, "state": "expired", "keep_until": early}, ["held", "expired"]),
        ({"keep_until": late, "claim_until": early}, ["until 2030-01-02"]),
    ]
    assert node([("badges", picture) for picture, _ in cases]) == [said for _, said in cases]
    keys = [
        ("ArrowRight", 0, 1), ("ArrowRight", 6, 6), ("ArrowLeft", 0, 0), ("ArrowDown", 1, 4),
        ("ArrowDown", 5, 5), ("ArrowUp", 4, 1), ("Home", 4, 0), ("End", 1, 6), ("a", 1, -1),
    ]  # fmt: skip
    assert node([("led", key, at, 3, 7) for key, at, _ in keys]) == [to for _, _, to in keys]


def test_what_is_warmed(node: Any) -> None:
    """The rendition of the knobs, and the same size with each other preset."""
    (defaults,) = node([("DEFAULTS",)])
    session = {**SESSION, "presets": {"card": {"fit": "crop"}, "grey": {"grey": "true"}}}
    turned = {**defaults, "w": 300, "h": 200, "fit": "crop", "format": "webp", "preset": "grey"}
    ((*found,),) = node([("renditions", {"id": "a b", "focus": None}, turned, session)])
    assert found == [
        "a%20b_300_200.webp?fit=crop&preset=grey",
        "a%20b_300_200.webp?preset=card",
    ]
    ids = [f"cat-{number}" for number in range(7)]
    (asked,) = node([("question", ids)])
    assert asked.startswith("cat-0, cat-1, cat-2, cat-3, cat-4 and 2 more: ")
