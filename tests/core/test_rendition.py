"""A rendition's identity: what is inert is dropped, and the variant says the rest."""

import re
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liveresize.core.formats import EXTENSIONS, Format, Negotiated, is_known, sniff
from liveresize.core.operation import UrlRules
from liveresize.core.operations import ROWS
from liveresize.core.overlay import OverlayMark
from liveresize.core.rect import Rect
from liveresize.core.rendition import Rendition
from liveresize.core.values import (
    CENTER,
    COMPASS,
    MAX_RADIUS,
    NO_PAD,
    SMART,
    TRANSPARENT,
    WHITE,
    Backdrop,
    Fit,
    Gravity,
    Quality,
)
from liveresize.imaging import encode
from liveresize.imaging.settings import EngineSettings

from . import strategies

JPEG, PNG, WEBP, AVIF, GIF, JXL = Format
AUTO = Negotiated(avif=True, webp=True)
EVERY = replace(AUTO, jxl=True)
DEFAULT = Quality(82, 80, 60, match=True)
VISUAL = Quality(71, 68, 49, target=960)
RED = (255, 0, 0, 255)
MARK = OverlayMark("my-r90", "0123456789ab")


def box(output: Format | Negotiated, **changes: Any) -> Rendition:
    """An 8×6 rendition with every other field as it is by default, made canonical."""
    plain: dict[str, Any] = {"width": 8, "height": 6, "quality": DEFAULT}
    return Rendition(format=output, **(plain | changes)).canonical()


HALF = Rect.read("0.5,0,1.0,1.0")

VARIANTS = [
    (box(JPEG), "8x6-qa82-jpeg"),
    (box(PNG), "8x6-png"),
    (box(WEBP), "8x6-q80-webp"),
    (box(AVIF), "8x6-q60-avif"),
    (box(GIF), "8x6-gif"),
    (box(AUTO), "8x6-qa82.80.60-auto.aw"),
    (box(Negotiated(avif=True)), "8x6-qa82.80.60-auto.a"),
    (box(Negotiated(webp=True)), "8x6-qa82.80.60-auto.w"),
    (box(Negotiated()), "8x6-qa82.80.60-auto.n"),
    (box(JXL, quality=replace(DEFAULT, jxl=79)), "8x6-q79-jxl"),
    (box(JXL), "8x6-q82-jxl"),
    (box(EVERY, quality=replace(DEFAULT, jxl=79)), "8x6-qa82.80.60.79-auto.jaw"),
    (box(EVERY, quality=replace(DEFAULT, jxl=82)), "8x6-qa82.80.60-auto.jaw"),
    (box(EVERY, quality=VISUAL), "8x6-qv960.71.68.49-auto.jaw"),
    (box(JXL, quality=VISUAL), "8x6-qv960.71-jxl"),
    (box(EVERY, quality=Quality(7, 7, 7, jxl=8)), "8x6-q7.7.7.8-auto.jaw"),
    (box(Negotiated(jxl=True)), "8x6-qa82.80.60-auto.j"),
    (box(AUTO, quality=replace(DEFAULT, jxl=79)), "8x6-qa82.80.60-auto.aw"),
    (box(JPEG, quality=Quality.of(80)), "8x6-q80-jpeg"),
    (box(AUTO, quality=Quality.of(7)), "8x6-q7-auto.aw"),
    (box(JPEG, quality=Quality.of(0)), "8x6-q0-jpeg"),
    (box(JPEG, quality=VISUAL), "8x6-qv960.71-jpeg"),
    (box(WEBP, quality=VISUAL, max_bytes=2048), "8x6-qv960.68-mb2-webp"),
    (box(AUTO, quality=VISUAL), "8x6-qv960.71.68.49-auto.aw"),
    (box(AUTO, quality=Quality(40, 40, 40, target=7)), "8x6-qv7.40-auto.aw"),
    (box(JPEG, max_bytes=51200, blur=7), "8x6-qa82-mb50-b7-jpeg"),
    (box(AUTO, max_bytes=1024), "8x6-qa82.80.60-mb1-auto.aw"),
    (box(PNG, width=0), "0x6-png"),
    (box(PNG, width=0, height=0), "0x0-png"),
    (box(PNG, grey=True), "8x6-grey-png"),
    (box(PNG, brightness=-100), "8x6-brm100-png"),
    (box(PNG, overlay=MARK, grey=True, rotate=90), f"8x6-grey-ov{MARK.digest}.my.r90-r90-png"),
    (box(PNG, pixelate=8, tint=(RED, WHITE), grey=True), "8x6-px8-tff0000.ffffff-grey-png"),
    (box(PNG, colour="p3"), "8x6-csp3-png"),
    (box(JPEG, colour="p3", hdr="keep"), "8x6-qa82-csp3-hdrkeep-jpeg"),
    (box(PNG, blur=7, brightness=5, contrast=-20, saturation=1), "8x6-b7-br5-com20-sa1-png"),
    (box(PNG, width=256, rights=True), "256x6-rights-png"),
    (box(AUTO, height=0, rights=True, animate=False), "8x0-qa82.80.60-rights-still-auto.aw"),
    (box(PNG, fit=Fit.COVER, rights=True), "8x6-cover-rights-png"),
    (box(PNG, rect=Rect.read("10,20,50%,1")), "8x6-rect10.20.5000f.1-png"),
    (box(PNG, rect=Rect.read("0.1,0,1.0,1.0"), trim=0), "8x6-rect1000f.0.9000f.10000f-trim0-png"),
    (
        box(PNG, fit=Fit.CROP, gravity=Gravity(500, 500, untrimmed=True), trim=255),
        "8x6-crop-gu500x500-trim255-png",
    ),
    (box(PNG, fit=Fit.COVER), "8x6-cover-png"),
    (box(PNG, fit=Fit.FILL), "8x6-fill-png"),
    (box(PNG, fit=Fit.CROP), "8x6-crop-png"),
    (box(PNG, fit=Fit.CROP, gravity=SMART), "8x6-crop-smart-png"),
    (box(PNG, fit=Fit.CROP, gravity=COMPASS["northwest"]), "8x6-crop-g0x0-png"),
    (box(PNG, fit=Fit.CANVAS, gravity=Gravity(1, 1000)), "8x6-canvas-g1x1000-png"),
    (box(PNG, fit=Fit.CANVAS, background=RED), "8x6-canvas-bgff0000ff-png"),
    (box(PNG, fit=Fit.CANVAS, background=TRANSPARENT), "8x6-canvas-bgffffff00-png"),
    (box(JPEG, background=RED), "8x6-qa82-bgff0000ff-jpeg"),
    (box(JPEG, background=Backdrop.BLUR), "8x6-qa82-bgblur-jpeg"),
    (box(PNG, fit=Fit.CANVAS, background=Backdrop.BLUR), "8x6-canvas-bgblur-png"),
    (box(PNG, pad=(1, 1, 1, 1)), "8x6-pad1-png"),
    (box(PNG, pad=(1, 0, 1, 0), background=RED), "8x6-bgff0000ff-pad1.0-png"),
    (box(PNG, pad=(1, 2, 3, 2), radius=2), "8x6-rad2-pad1.2.3-png"),
    (box(PNG, pad=(1, 2, 1, 4), background=TRANSPARENT), "8x6-bgffffff00-pad1.2.1.4-png"),
    (box(PNG, radius=3), "8x6-radmax-png"),
    (
        box(
            GIF,
            fit=Fit.CROP,
            gravity=COMPASS["south"],
            blur=3,
            sharpen=100,
            grey=True,
            rotate=270,
            flip="hv",
            enlarge=False,
            animate=False,
        ),
        "8x6-crop-g500x1000-b3-s100-grey-r270-fhv-noenlarge-still-gif",
    ),
]


@pytest.mark.parametrize(("rendition", "variant"), VARIANTS)
def test_a_variant_is_written_and_read_back(rendition: Rendition, variant: str) -> None:
    """The text is fixed: it is in object keys and in the index, and outlives releases."""
    assert rendition.variant == variant
    assert Rendition.from_variant(variant) == rendition


def test_every_field_but_box_and_format_is_a_row() -> None:
    """Rows and fields are the same, and a row's plain value is the field's default."""
    rest = {each.name: each.default for each in fields(Rendition)}
    for name in ("format", "width", "height"):
        del rest[name]
    assert [row.attribute for row in ROWS] == list(rest)
    rules = UrlRules()
    for row in ROWS:
        if row.attribute != "quality":
            assert row.resolve(row.plain, rules) == rest[row.attribute]


INERT = [
    ("gravity under clip", PNG, {"gravity": SMART}, {}),
    ("gravity under cover", PNG, {"fit": Fit.COVER, "gravity": Gravity(1, 2)}, {"fit": Fit.COVER}),
    ("smart on a canvas", PNG, {"fit": Fit.CANVAS, "gravity": SMART}, {"fit": Fit.CANVAS}),
    ("what is cut off anyway", PNG, {"rect": HALF}, {"rect": Rect.read("0.5,0,0.5,1.0")}),
    (
        "a focus before no trimming",
        PNG,
        {"fit": Fit.CROP, "gravity": Gravity(1, 2, untrimmed=True)},
        {"fit": Fit.CROP, "gravity": Gravity(1, 2)},
    ),
    ("quality of a PNG", PNG, {"quality": Quality.of(1)}, {}),
    ("quality of a GIF", GIF, {"quality": Quality.of(1)}, {}),
    ("bytes of a PNG", PNG, {"max_bytes": 1024}, {}),
    ("bytes of a GIF", GIF, {"max_bytes": 1024}, {}),
    ("visual quality of a PNG", PNG, {"quality": VISUAL}, {}),
    ("other formats' quality", WEBP, {"quality": Quality(1, 80, 2)}, {}),
    ("matching for WebP", WEBP, {"quality": Quality.of(80)}, {}),
    ("background of a PNG", PNG, {"background": RED}, {}),
    ("background of a WebP", WEBP, {"background": RED}, {}),
    ("background under cover", GIF, {"fit": Fit.COVER, "background": RED}, {"fit": Fit.COVER}),
    ("white under JPEG", JPEG, {"background": WHITE}, {}),
    ("transparency under JPEG", JPEG, {"background": TRANSPARENT}, {}),
    ("invisible red under JPEG", JPEG, {"background": (255, 0, 0, 0)}, {}),
    ("white canvas", PNG, {"fit": Fit.CANVAS, "background": WHITE}, {"fit": Fit.CANVAS}),
    (
        "the hue of transparency",
        PNG,
        {"fit": Fit.CANVAS, "background": (1, 2, 3, 0)},
        {"fit": Fit.CANVAS, "background": TRANSPARENT},
    ),
    (
        "alpha under JPEG",
        JPEG,
        {"background": (255, 0, 0, 128)},
        {"background": (255, 127, 127, 255)},
    ),
    ("a radius of nothing", PNG, {"radius": 0}, {}),
    ("a radius of more than half", PNG, {"radius": 4}, {"radius": MAX_RADIUS}),
    ("a pad of nothing", PNG, {"pad": (0, 0, 0, 0), "background": RED}, {"pad": NO_PAD}),
    ("a white pad", PNG, {"pad": (1, 1, 1, 1), "background": WHITE}, {"pad": (1, 1, 1, 1)}),
    (
        "a blur that is behind nothing",
        WEBP,
        {"background": Backdrop.BLUR, "radius": 2},
        {"radius": 2},
    ),
    ("stillness of a PNG", PNG, {"animate": False}, {}),
    ("rights of a GIF", GIF, {"width": 0, "rights": True}, {"width": 0}),
    ("rights of a JPEG XL", Format.JXL, {"width": 0, "rights": True}, {"width": 0}),
    (
        "rights in a small box",
        JPEG,
        {"width": 255, "height": 255, "rights": True},
        {"width": 255, "height": 255},
    ),
    ("stillness of a JPEG", JPEG, {"animate": False}, {}),
    ("HDR of a PNG", PNG, {"hdr": "keep"}, {}),
    ("HDR of greys", JPEG, {"hdr": "keep", "grey": True}, {"grey": True}),
    ("HDR on a canvas", JPEG, {"hdr": "keep", "fit": Fit.CANVAS}, {"fit": Fit.CANVAS}),
    ("Display P3 in a GIF", GIF, {"colour": "p3"}, {}),
    ("Display P3 in greys", PNG, {"colour": "p3", "grey": True}, {"grey": True}),
    ("crop with a free width", PNG, {"width": 0, "fit": Fit.CROP, "gravity": SMART}, {"width": 0}),
    ("canvas with a free height", PNG, {"height": 0, "fit": Fit.CANVAS}, {"height": 0}),
    ("fill with a free width", PNG, {"width": 0, "fit": Fit.FILL}, {"width": 0}),
    ("cover with a free height", PNG, {"height": 0, "fit": Fit.COVER}, {"height": 0}),
    (
        "enlarging without a box",
        PNG,
        {"width": 0, "height": 0, "enlarge": False},
        {"width": 0, "height": 0},
    ),
]


@pytest.mark.parametrize(
    ("output", "one", "other"), [row[1:] for row in INERT], ids=[row[0] for row in INERT]
)
def test_what_has_no_effect_makes_no_second_rendition(
    output: Format, one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Inert differences vanish in `canonical`, so both are one value and one variant."""
    assert box(output, **one) == box(output, **other)


@pytest.mark.parametrize(
    ("output", "changes"),
    [
        (JPEG, {"quality": Quality.of(82)}),
        (PNG, {"fit": Fit.CROP, "gravity": COMPASS["north"]}),
        (PNG, {"fit": Fit.CANVAS, "gravity": COMPASS["north"]}),
        (PNG, {"fit": Fit.CANVAS, "background": RED}),
        (JPEG, {"background": RED}),
        (AUTO, {"background": RED}),
        (PNG, {"radius": 2}),
        (PNG, {"radius": 999, "fit": Fit.COVER}),
        (PNG, {"radius": 9999, "width": 0, "height": 0}),
        (PNG, {"pad": (0, 0, 0, 1)}),
        (JPEG, {"background": Backdrop.BLUR}),
        (AUTO, {"background": Backdrop.BLUR}),
        (PNG, {"fit": Fit.CANVAS, "background": Backdrop.BLUR}),
        (GIF, {"animate": False}),
        (WEBP, {"animate": False}),
        (AVIF, {"animate": False}),
        (AUTO, {"animate": False}),
        (PNG, {"enlarge": False}),
        (JPEG, {"colour": "p3"}),
        (AUTO, {"colour": "p3"}),
        (JPEG, {"hdr": "keep"}),
        (AUTO, {"hdr": "keep"}),
    ],
)
def test_what_has_an_effect_is_kept(output: Format | Negotiated, changes: dict[str, Any]) -> None:
    """Canonical form drops no more than it may."""
    plain = {name: value for name, value in changes.items() if name == "fit"}
    assert box(output, **changes) != box(output, **plain)


@given(strategies.renditions())
def test_every_variant_reads_back_as_its_rendition(rendition: Rendition) -> None:
    """`from_variant` inverts `variant`, so distinct renditions have distinct variants."""
    assert Rendition.from_variant(rendition.variant) == rendition


@given(strategies.renditions())
def test_canonical_form_is_final(rendition: Rendition) -> None:
    """Making a canonical rendition canonical changes nothing."""
    assert rendition.canonical() == rendition


@given(strategies.renditions(), strategies.renditions(), st.data())
def test_one_field_apart_is_another_variant(
    one: Rendition, other: Rendition, data: st.DataObject
) -> None:
    """Two canonical renditions share a variant exactly when they are equal."""
    name = data.draw(st.sampled_from([field.name for field in fields(Rendition)]))
    neighbour = replace(one, **{name: getattr(other, name)}).canonical()
    assert (one == neighbour) == (one.variant == neighbour.variant)
    assert (one == neighbour) <= (hash(one) == hash(neighbour))


@given(strategies.renditions())
def test_a_variant_is_safe_in_a_key_and_in_a_file_name(rendition: Rendition) -> None:
    """ASCII letters, digits, dashes and dots, and shorter than a file name may be."""
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{1,199}", rendition.variant)


@given(st.text() | st.from_regex(r"[0-9]{1,3}x[0-9]{1,3}(-[a-z0-9.]{1,8}){0,4}", fullmatch=True))
def test_what_variant_never_writes_is_refused(text: str) -> None:
    """Any text is either ValueError or the variant of what it was read as."""
    try:
        rendition = Rendition.from_variant(text)
    except ValueError:
        return
    assert rendition.variant == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8x6",
        "8x6-jpg",
        "08x6-png",
        "8x6-png\n",
        "8x6-PNG",
        "8x6-b0-png",
        "8x6-r0-png",
        "8x6-rad0-png",
        "8x6-rad3-png",
        "8x6-rad02-png",
        "8x6-pad0-png",
        "8x6-pad1.1-png",
        "8x6-pad01-png",
        "8x6-pad1.2.3.2-png",
        "8x6-bgblur-png",
        "0x0-rad10000-png",
        "8x6-clip-png",
        "8x6-smart-png",
        "8x6-crop-g500x500-png",
        "8x6-q80-png",
        "8x6-qa80-webp",
        "8x6-q80.80.80-auto.n",
        "8x6-still-png",
        "8x6-bgff0000ff-png",
        "8x6-canvas-bgffffffff-png",
        "0x0-noenlarge-png",
        "0x6-crop-png",
        "8x6-q101-jpeg",
        "8x6-qv960-jpeg",
        "8x6-qv0.71-jpeg",
        "8x6-qv096.71-jpeg",
        "8x6-qv1960.71-jpeg",
        "8x6-qv960.071-jpeg",
        "8x6-qv960.101-jpeg",
        "8x6-qv960.71.68-auto.n",
        "8x6-qv960.71.68.49-jpeg",
        "8x6-qav960.71-jpeg",
        "8x6-qv960.71-png",
        "8x6-qa82-mb0-jpeg",
        "8x6-qa82-mb65537-jpeg",
        "8x6-qa82-mb050-jpeg",
        "8x6-mb50-png",
        "8x6-q101-webp",
        "8x6-q80.80.101-auto.n",
        "8x6-b2-png",
        "8x6-b1001-png",
        "8x6-s101-png",
        "8x6-r45-png",
        "8x6-crop-g1001x0-png",
        "8x6-crop-g0x1001-png",
        "٣x6-png",
    ],
)
def test_a_variant_that_is_not_canonical_is_refused(text: str) -> None:
    """One rendition has one variant: near misses are ValueError, not a second spelling."""
    with pytest.raises(ValueError, match="variant"):
        Rendition.from_variant(text)


@given(strategies.renditions(), st.sampled_from(Format))
def test_auto_resolves_to_what_could_have_been_asked_for(
    rendition: Rendition, output: Format
) -> None:
    """An `auto` rendition whose format is known is the canonical one of that format."""
    resolved = rendition.resolved(output)
    assert resolved.format is output
    assert resolved == resolved.canonical()
    if resolved.quality is not None and rendition.quality is not None:
        assert resolved.quality.level(output) == rendition.quality.level(output)


@pytest.mark.parametrize(
    ("changes", "opaque", "clear"),
    [
        ({}, False, True),
        ({"fit": Fit.CANVAS}, False, False),
        ({"fit": Fit.CANVAS, "background": TRANSPARENT}, True, True),
        ({"fit": Fit.CANVAS, "background": Backdrop.BLUR}, False, False),
        ({"fit": Fit.CANVAS, "background": Backdrop.BLUR, "radius": 1}, True, True),
        ({"background": RED, "radius": 1}, True, True),
        ({"pad": (0, 1, 0, 0), "radius": 1}, False, False),
        ({"pad": (0, 1, 0, 0), "background": Backdrop.BLUR}, False, False),
        ({"pad": (0, 1, 0, 0), "background": (255, 0, 0, 254)}, True, True),
    ],
)
def test_what_shows_through_is_known(changes: dict[str, Any], opaque: bool, clear: bool) -> None:
    """Of an opaque picture, and of one with alpha; for `auto` and for what it becomes."""
    for output in (AUTO, PNG, WEBP):
        assert box(output, **changes).may_be_clear(has_alpha=False) is opaque
        assert box(output, **changes).may_be_clear(has_alpha=True) is clear


def test_a_rendition_is_a_value() -> None:
    """It cannot be changed, so it can be a key in memory and in flight."""
    rendition = box(JPEG)
    with pytest.raises(FrozenInstanceError):
        rendition.width = 9  # type: ignore[misc]
    assert {rendition: 1}[box(JPEG)] == 1


def test_every_format_has_its_extension_its_media_type_and_its_limit() -> None:
    """What a URL ends in, what is sent, and the most pixels a side that the format holds."""
    for output in Format:
        assert EXTENSIONS[output.extension] is output
        assert output.mime == f"image/{output}"
        assert (DEFAULT.level(output) < 100) == output.lossy
    assert {suffix for suffix, output in EXTENSIONS.items() if output is JPEG} == {
        "jpg",
        "jpeg",
        "jfif",
        "jpe",
    }
    assert {output.value: output.max_side for output in Format} == {
        "jpeg": 65_500,
        "png": 2_147_483_647,
        "webp": 16_383,
        "avif": 65_536,
        "gif": 65_535,
        "jxl": 262_144,
    }
    assert AUTO.max_side == JPEG.max_side
    assert [output for output in Format if output.lossy] == [JPEG, WEBP, AVIF, JXL]
    assert [output for output in Format if output.animates] == [WEBP, AVIF, GIF]
    assert [output for output in Format if not output.has_alpha] == [JPEG]


@pytest.mark.parametrize("output", Format)
def test_what_is_encoded_is_recognised_by_its_first_bytes(output: Format) -> None:
    """Twelve bytes of each format's real output tell it from the others."""
    encoded = encode.still(Image.new("RGB", (8, 8), "red"), output, 80, EngineSettings())
    assert sniff(encoded[:12]) is output
    assert is_known(encoded)


def test_the_compass_points_where_it_says() -> None:
    """North is the top, west the left, and the centre is the default."""
    assert Rendition(format=PNG).gravity == CENTER
    assert COMPASS["center"].point == (0.5, 0.5)
    assert COMPASS["north"].point == (0.5, 0.0)
    assert COMPASS["southeast"].point == (1.0, 1.0)
    assert COMPASS["west"].point == (0.0, 0.5)
    for name, gravity in COMPASS.items():
        assert gravity.smart == (name == "smart")
        assert gravity.y == (0 if "north" in name else 1000 if "south" in name else 500)
        assert gravity.x == (0 if "west" in name else 1000 if "east" in name else 500)
