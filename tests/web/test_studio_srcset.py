"""Which candidates the studio offers, and which one it says that a browser loads."""

from typing import Any

import pytest

from liveresize import urls

from . import scripts
from .test_studio_code import BASE, FACTS, shot, tags

pytestmark = scripts.needs_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> scripts.Call:
    """Calls functions of the scripts."""
    return scripts.caller(tmp_path_factory.mktemp("scripts"))


def test_sizes_are_read_as_css(node: scripts.Call) -> None:
    """The first length whose conditions hold; what is not understood is no number."""
    cases: list[tuple[str, int, float | None]] = [
        ("100vw", 360, 360),
        ("33vw", 1000, 330),
        ("320px", 360, 320),
        ("20em", 360, 320),
        ("(min-width: 60em) 50vw, 100vw", 959, 959),
        ("(min-width: 60em) 50vw, 100vw", 960, 480),
        ("(max-width: 40rem) 100vw, (width < 1000px) 50vw, 25vw", 641, 320.5),
        ("(max-width: 40rem) 100vw, (width < 1000px) 50vw, 25vw", 1000, 250),
        ("(min-width: 30em) and (max-width: 50em) 10vw, 20px", 500, 50),
        ("(min-width: 30em) and (max-width: 50em) 10vw, 20px", 900, 20),
        ("calc(50vw - 2rem)", 1000, 468),
        ("calc(10px + 25vw + .5em)", 1000, 268),
        ("(min-width: 1px) 50vw", 100, 50),
        ("(min-width: 1000px) 50vw", 100, 100),
        ("0px", 100, 0),
        *(
            (text, 100, None)
            for text in ("50", "50%", "wide", "-5px", "calc(1px", "min(1px, 2px)", "1px 2px", "")
        ),
        ("(orientation: portrait) 50vw, 100vw", 100, None),
        ("not (min-width: 9px) 50vw, 100vw", 100, None),
    ]
    told = node([("slot", text, viewport) for text, viewport, _ in cases])
    wanted = [None if width is None else pytest.approx(width) for *_, width in cases]
    assert told == wanted


def test_the_smallest_candidate_is_chosen_that_is_enough(node: scripts.Call) -> None:
    """For the pixels of the screen; the largest where none is."""
    widths = [400, 800, 1200, 1600]
    cases = [
        *[(1, 1, 400), (400, 1, 400), (400.5, 1, 800), (800, 1, 800), (1601, 1, 1600)],
        *[(200, 2, 400), (201, 2, 800), (9999, 3, 1600), (400, 3, 1200), (0, 1, 400)],
    ]
    told = node([("chosen", widths, wide, density) for wide, density, _ in cases])
    assert [widths[at] for at in told] == [width for *_, width in cases]
    assert node([("chosen", [300], 1000, 2)]) == [0]


def test_candidates_are_those_of_the_helper(node: scripts.Call) -> None:
    """In the ratio of the box, as wide as is said, within the server and the original."""
    limits = {**scripts.SESSION, "max_width": 1300}
    crop, pad = [["fit", "crop"]], [["fit", "crop"], ["pad", "0,50"]]
    box: dict[str, Any] = {"fit": "crop", "w": 700, "h": 400}
    cases: list[tuple[dict[str, Any], list[list[str]], dict[str, Any], tuple[int, ...]]] = [
        ({"fit": "clip"}, [], {}, (400, 800, 1200)),
        ({"fit": "clip", "rotate": "90"}, [["rotate", "90"]], {}, (400, 800)),
        (box, crop, {}, (400, 800, 1200)),
        ({**box, "pad": "0,50"}, pad, {}, (400, 800, 1200)),
        ({**box, "pad": "0,51"}, [["fit", "crop"], ["pad", "0,51"]], {}, (400, 800)),
        (box, crop, {"width": 320, "height": 999}, (320,)),
        (box, crop, {"width": 1440, "height": 460}, (400, 800)),
    ]
    (defaults,) = node([("DEFAULTS",)])
    shots = []
    for turned, query, original, _ in cases:
        told = shot("plain", "cat")
        told["knobs"] = {**defaults, **turned, "format": "avif", "gravity": "center"}
        shots.append(
            {
                **told,
                "query": query,
                "facts": {**FACTS, **original},
                "session": limits,
                "preset": {},
            }
        )
    offered = node([("candidates", each) for each in shots])
    pages = node(
        [
            ("picture", f"{BASE}/", {**each, **made}, made["boxes"], [9, 9], "50vw")
            for each, made in zip(shots, offered, strict=True)
        ]
    )
    for page, (turned, query, _, widths) in zip(pages, cases, strict=True):
        ratio = (turned["w"], turned["h"]) if "w" in turned else (0, 0)
        wanted = urls.picture(
            "cat",
            *ratio,
            alt="",
            widths=widths,
            sizes="50vw",
            formats=("avif",),
            base=BASE,
            attributes={"width": "9", "height": "9"},
            **dict(query),  # type: ignore[arg-type]
        )
        assert tags(page) == tags(wanted), (turned, widths)
