"""The query of a URL: every value of every parameter, and every way to get one wrong."""

import contextlib
import dataclasses
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize import errors
from liveresize.core import parameters
from liveresize.core.operation import UrlRules
from liveresize.core.operations import OPERATIONS
from liveresize.core.overlay import OverlayMark
from liveresize.core.rect import Length, Rect
from liveresize.core.values import COMPASS, SMART, TRANSPARENT, Backdrop, Fit, Gravity

RULES = UrlRules(
    blur=55,
    presets={
        "thumb": (("fit", "crop"), ("gravity", "smart"), ("quality", "60")),
        "kleine Größe": (("sharpen", "1"),),
        "": (("flip", "h"),),
        "marked": (("overlay", "logo"),),
    },
    overlays=("logo", "old-logo"),
)

PIXEL, HALF, ALL = Length(1), Length(5000, relative=True), Length(10_000, relative=True)
ZERO = Length(0)
RECTS = {
    # One pixel is not all of a side.
    "0,0,1,1": Rect(ZERO, ZERO, PIXEL, PIXEL),
    "0,0,1.0,1.0": None,
    "0.0,0%25,100%25,100.0%25": None,
    "0,0,1.0,1": Rect(ZERO, ZERO, ALL, PIXEL),
    "50%25,0.5,001,50.0%25": Rect(HALF, HALF, PIXEL, HALF),
    "50%25%2C0,90%25,1.0": Rect(HALF, ZERO, HALF, ALL),
    "0.33333333,12,0.3,999999999": Rect(
        Length(3333, relative=True), Length(12), Length(3000, relative=True), Length(999_999_999)
    ),
    # Neither nothing nor all of a side, however little of either.
    "0.00001,0.99999,0.000001,0.99999": Rect(
        *(Length(each, relative=True) for each in (1, 9999, 1, 1))
    ),
}

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("fit=clip", {"fit": Fit.CLIP}),
    ("fit=crop", {"fit": Fit.CROP}),
    ("fit=cover", {"fit": Fit.COVER}),
    ("fit=canvas", {"fit": Fit.CANVAS}),
    ("fit=fill", {"fit": Fit.FILL}),
    *((f"gravity={word}", {"gravity": point}) for word, point in COMPASS.items()),
    ("gravity=0,0", {"gravity": Gravity(0, 0)}),
    ("gravity=1,1.000", {"gravity": Gravity(1000, 1000)}),
    ("gravity=0.5,0.5", {"gravity": COMPASS["center"]}),
    ("gravity=0.1234,0.9996", {"gravity": Gravity(123, 1000)}),
    ("gravity=0.25%2C0.75", {"gravity": Gravity(250, 750)}),
    *((f"rect={text}", {"rect": rect}) for text, rect in RECTS.items()),
    ("trim=true", {"trim": 10}),
    ("trim=false", {"trim": None}),
    ("trim=0", {"trim": 0}),
    ("trim=0255", {"trim": 255}),
    ("quality=auto", {"quality": None}),
    ("quality=visual", {"quality": "visual"}),
    ("quality=-1", {"quality": None}),
    ("quality=0", {"quality": 0}),
    ("quality=080", {"quality": 80}),
    ("quality=100", {"quality": 100}),
    ("quality=101", {"quality": 100}),
    (f"quality=1{'0' * 500}", {"quality": 100}),
    ("blur=false", {"blur": 0}),
    ("blur=true", {"blur": 55}),
    ("blur=0.3", {"blur": 3}),
    ("blur=7", {"blur": 70}),
    ("blur=1.26", {"blur": 13}),
    ("blur=100", {"blur": 1000}),
    ("sharpen=0", {"sharpen": 0}),
    ("sharpen=0.04", {"sharpen": 0}),
    ("sharpen=1.5", {"sharpen": 15}),
    ("sharpen=10", {"sharpen": 100}),
    *(
        (f"{look}={text}", {look: value})
        for look in ("brightness", "contrast", "saturation")
        for text, value in (
            ("0", 0),
            ("-0", 0),
            ("1", 1),
            ("-100", -100),
            ("100", 100),
            ("-07", -7),
        )
    ),
    ("max_bytes=0", {"max_bytes": 0}),
    ("max_bytes=1024", {"max_bytes": 1024}),
    ("max_bytes=051999", {"max_bytes": 51200}),
    ("max_bytes=67108864", {"max_bytes": 67108864}),
    ("pixelate=0", {"pixelate": 0}),
    ("pixelate=2", {"pixelate": 2}),
    ("pixelate=0200", {"pixelate": 200}),
    ("tint=000,FFcc00", {"tint": ((0, 0, 0, 255), (255, 204, 0, 255))}),
    ("tint=264653%2Cfff", {"tint": ((38, 70, 83, 255), (255, 255, 255, 255))}),
    ("radius=0", {"radius": 0}),
    ("radius=012", {"radius": 12}),
    ("radius=9999", {"radius": 9999}),
    ("radius=max", {"radius": 10_000}),
    ("pad=0", {"pad": (0, 0, 0, 0)}),
    ("pad=10", {"pad": (10, 10, 10, 10)}),
    ("pad=10,20", {"pad": (10, 20, 10, 20)}),
    ("pad=10%2C20,30", {"pad": (10, 20, 30, 20)}),
    ("pad=10,20,30,9999", {"pad": (10, 20, 30, 9999)}),
    ("bg=blur", {"bg": Backdrop.BLUR}),
    ("colour=srgb", {"colour": "srgb"}),
    ("hdr=none", {"hdr": "none"}),
    ("hdr=keep", {"hdr": "keep"}),
    ("colour=p3", {"colour": "p3"}),
    *((f"rotate={turn}", {"rotate": turn}) for turn in (0, 90, 180, 270)),
    *((f"flip={axis}", {"flip": axis}) for axis in ("h", "v", "hv")),
    ("bg=ffffff", {"bg": (255, 255, 255, 255)}),
    ("bg=F0a", {"bg": (255, 0, 170, 255)}),
    ("bg=102030", {"bg": (16, 32, 48, 255)}),
    ("bg=10203040", {"bg": (16, 32, 48, 64)}),
    ("bg=transparent", {"bg": TRANSPARENT}),
    ("enlarge=true", {"enlarge": True}),
    ("enlarge=false", {"enlarge": False}),
    ("grey=true", {"grey": True}),
    ("grey=false", {"grey": False}),
    ("animate=true", {"animate": True}),
    ("animate=false", {"animate": False}),
    ("allow_webp=true", {"allow_webp": True}),
    ("allow_webp=false", {"allow_webp": False}),
    ("proxy=true", {"proxy": True}),
    ("proxy=false", {"proxy": False}),
    ("overlay=logo", {"overlay": OverlayMark("logo")}),
    ("preset=marked", {"overlay": OverlayMark("logo")}),
    ("overlay=old-logo&preset=marked", {"overlay": OverlayMark("old-logo")}),
    ("sig=abc-_=&exp=1763762000", {}),
    ("", {}),
    ("&&=&x", {}),
]


def meaning(query: str) -> dict[str, Any]:
    """What a query means, whatever it does not say included."""
    read = parameters.read(query, RULES)
    return PLAIN | dict(read.values) | {"allow_webp": read.allow_webp, "proxy": read.proxy}


PLAIN = {name: each.plain for name, each in OPERATIONS.items()} | {
    "allow_webp": False,
    "proxy": False,
}


@pytest.mark.parametrize(("query", "fields"), GOOD)
def test_every_value_of_the_contract_is_read(query: str, fields: dict[str, Any]) -> None:
    """Each value has its meaning, and everything else stays as it is by default."""
    assert meaning(query) == PLAIN | fields


BAD = {
    "fit": ["stretch", "clip ", "inside"],
    "gravity": [
        *("north-east", "North", "0.5", "0.5,", ",0.5", "1.1,0", "0,1.0001", "-0.1,0"),
        *("0.5,0.5,0.5", "1e-1,0", "0.5, 0.5", "nan,0", "٠,٠", "faces"),
    ],
    "quality": ["Visual", "-2", "80.5", "high", "1e2", "+80", "٨٠", " 80", "--1"],
    "rect": [
        *("1,2,3", "1,2,3,4,5", "0,0,0,1", "0,0,1,0.0", "0,0,0%,1", "1.0,0,1,1", "0,100%,1,1"),
        *("0,0,1.1,1", "0,0,101%,1", "-1,0,1,1", ".5,0,1,1", "5.,0,1,1", "1e1,0,1,1", "0, 0,1,1"),
        *("0,0,+1,1", "٠,٠,١,١", "0,0,1px,1", "0,0,1000000000,1", "a,b,c,d", "0,0,nan,1"),
    ],
    "trim": ["256", "-1", "1.5", "10%", "auto", "True", "1e1"],
    "blur": ["0", "0.29", "100.1", "-1", "yes", "True", "1e1", "inf", "nan", ".5", "5."],
    "sharpen": ["-1", "10.1", "true", "false", "1,5", "nan"],
    "brightness": ["101", "-101", "1.5", "+5", "--5", "20%", "٢", "true", "1e1", " 5"],
    "contrast": ["101", "-101", "0.5", "high"],
    "saturation": ["101", "-101", "2.0", "none"],
    "max_bytes": ["1", "1023", "-1", "67108865", "50k", "5e4", "1024.0", "auto", "9" * 99],
    "pixelate": ["1", "201", "-2", "2.5", "true"],
    "tint": ["000", "000,", "000,ffff", "000,ffffff80", "#000,#fff", "red,blue", "0,1,2"],
    "radius": ["10000", "-1", "1.5", "50%", "Max", "true", "circle", "1,2", "9" * 5000],
    "pad": ["-1", "1.5", "10000", "1,2,3,4,5", "1,", ",1", "1,,2", "1 2", "10px", "auto", "max"],
    "hdr": ["true", "Keep", "1", "hlg"],
    "colour": ["P3", "display-p3", "true", "adobe"],
    "rotate": ["45", "-90", "360", "090", "90.0", "auto"],
    "flip": ["vh", "H", "true", "hh", "both"],
    "bg": [
        "ff",
        "ffff",
        "fffff",
        "fffffff",
        "#fff",
        "gggggg",
        "red",
        "Transparent",
        "ffffff\n",
    ],
    "grey": ["1", "True", "50"],
    "enlarge": ["1", "TRUE", "yes"],
    "animate": ["0", "False", "no"],
    "allow_webp": ["1", "webp"],
    "proxy": ["1", "on"],
    "preset": ["nosuch", "THUMB"],
    "overlay": ["Logo", "nosuch", "logo ", "true", "*"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_value_is_refused_by_the_name_of_its_parameter(name: str, value: str) -> None:
    """The public sentence names the parameter, so that its sender can find it."""
    with pytest.raises(errors.BadParameter) as caught:
        parameters.read(f"{name}={quote(value)}", RULES)
    assert f"`{name}`" in caught.value.public


def test_every_parameter_has_values_of_both_kinds_above() -> None:
    """A parameter that is added without rows in these tables fails here."""
    free = {"sig", "exp", "held", "version"}
    assert set(BAD) == set(parameters.KNOWN) - free
    assert {query.partition("=")[0] for query, _ in GOOD} >= set(BAD) - {"preset"}


@pytest.mark.parametrize(
    "query", ["quality=%20", "fit=crop+", "bg=%23fff", "fit=&preset=thumb&quality=x"]
)
def test_a_parameter_without_a_proper_value_is_not_the_default(query: str) -> None:
    """A space, a plus and an escaped `#` are values, and bad ones."""
    with pytest.raises(errors.BadParameter):
        parameters.read(query, RULES)


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("fit=crop&fit=cover", "fit=crop"),
        ("fit=crop&fit=nonsense", "fit=crop"),
        ("quality=auto&quality=3", ""),
        ("utm_source=x&cachebust=%zz&fit=crop", "fit=crop"),
        ("FIT=cover&Quality=1&dpr=2&w=9", ""),
        ("fit=%63rop", "fit=crop"),
        ("flip=h;fit=crop&fit=cover", None),
        ("fit=crop=", None),
        ("preset=thumb", "fit=crop&gravity=smart&quality=60"),
        ("preset=thumb&fit=clip&quality=3", "preset=thumb"),
        ("fit=clip&preset=thumb", "fit=clip&gravity=smart&quality=60"),
        ("quality=3&preset=thumb&gravity=north", "fit=crop&gravity=smart&quality=3"),
        ("preset=thumb&preset=nosuch", "preset=thumb"),
        ("preset=kleine%20Gr%C3%B6%C3%9Fe", "sharpen=1"),
        ("preset=kleine%20Gr\xc3\xb6\xc3\x9fe", "sharpen=1"),
        ("preset=kleine+Gr%C3%B6%C3%9Fe", None),
        ("preset=", ""),
        ("fit", ""),
        ("&&=&fit", ""),
        ("fit=&fit=crop", ""),
        ("fit=Crop", "fit=crop"),
        ("fit=CROP&gravity=north", "fit=crop&gravity=north"),
    ],
)
def test_two_queries_mean_the_same(query: str, same: str | None) -> None:
    """First of a repeated parameter, presets at their place, unknown ones for nothing."""
    if same is None:
        with pytest.raises(errors.BadParameter):
            parameters.read(query, RULES)
    else:
        assert meaning(query) == meaning(same)


def test_a_bad_value_after_a_preset_is_still_refused() -> None:
    """A preset that comes first hides the value of a parameter, not its mistake."""
    with pytest.raises(errors.BadParameter, match="`fit`"):
        parameters.read("preset=thumb&fit=nonsense", RULES)


@pytest.mark.parametrize(
    "query", ["fit=%", "fit=%c", "fit=%zz", "gravity=%ff", "preset=%C3", "sig=%"]
)
def test_a_bad_escape_in_a_known_parameter_is_a_malformed_url(query: str) -> None:
    """Escapes are checked before values, `sig` included."""
    with pytest.raises(errors.MalformedUrl):
        parameters.read(query, RULES)


LENIENT = dataclasses.replace(RULES, lenient=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD.items() if name != "preset" for value in values],
)
def test_lenient_rules_ignore_a_bad_value(name: str, value: str) -> None:
    """It means what its absence means, and is told apart from what counts."""
    read = parameters.read(f"gravity=north&{name}={quote(value)}&{name}=true", LENIENT)
    first = (("gravity", "north"),)
    if name == "gravity":
        assert (read.sent, read.ignored) == (first, ())
    else:
        assert read == parameters.Parameters(
            values=parameters.read("gravity=north", RULES).values, sent=first, ignored=(name,)
        )


def test_lenient_rules_let_a_preset_take_the_place_of_a_bad_value() -> None:
    """As it does of a missing one."""
    read = parameters.read("quality=abc&preset=thumb", LENIENT)
    assert read.values == parameters.read("preset=thumb", RULES).values
    assert (read.sent, read.ignored) == ((("preset", "thumb"),), ("quality",))


@pytest.mark.parametrize("query", ["preset=nosuch", "preset=THUMB&fit=x"])
def test_lenient_rules_ignore_no_preset(query: str) -> None:
    """It may be all that a client is allowed."""
    with pytest.raises(errors.BadParameter, match="`preset`"):
        parameters.read(query, LENIENT)


@pytest.mark.parametrize("name", parameters.KNOWN)
@pytest.mark.parametrize("rules", [RULES, LENIENT])
def test_an_empty_value_is_none(name: str, rules: UrlRules) -> None:
    """Of every parameter; a later one does not count, for the first is what is signed."""
    assert parameters.read(f"{name}=&{name}=crop", rules) == parameters.Parameters()
    assert parameters.read(name, rules) == parameters.Parameters()


def test_known_parameters_are_kept_as_they_were_sent() -> None:
    """A redirect can repeat them: decoded, in order, the first of each, no unknown one."""
    read = parameters.read("x=1&preset=thumb&fit=cr%6fp&fit=clip&exp=9&sig=a%2Bb&y", RULES)
    assert read.sent == (("preset", "thumb"), ("fit", "crop"), ("exp", "9"), ("sig", "a+b"))


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("cat", "cat"),
        ("a+b", "a+b"),
        ("a%20b%2Bc", "a b+c"),
        ("%2525", "%25"),
        ("%c3%A9", "é"),
        ("\xc3\xa9", "é"),
        ("%F0%9F%98%80", "😀"),
        ("%00", "\x00"),
        ("%ED%A0%80", None),
        ("%C0%AF", None),
        ("%e9", None),
        ("\xe9", None),
        ("é→", None),
        ("\ud800", None),
        ("%", None),
        ("%4", None),
        ("%u0041", None),
        ("%é", None),
    ],
)
def test_escapes_are_decoded_once_as_strict_utf_8(raw: str, decoded: str | None) -> None:
    """No second decoding, no overlong forms, no surrogates, and a plus is a plus."""
    if decoded is None:
        with pytest.raises(errors.MalformedUrl):
            parameters.percent_decode(raw)
    else:
        assert parameters.percent_decode(raw) == decoded


@given(st.text())
def test_what_is_encoded_is_decoded(text: str) -> None:
    """Any text that UTF-8 can hold survives quoting and decoding."""
    text = text.encode("utf-8", "ignore").decode()
    assert parameters.percent_decode(quote(text, safe="")) == text


@given(st.sampled_from(parameters.KNOWN), st.text(max_size=30))
def test_any_value_is_read_or_refused(name: str, value: str) -> None:
    """No value of a known parameter, once escaped, raises anything but BadParameter."""
    encoded = quote(value.encode("utf-8", "ignore"))
    with contextlib.suppress(errors.BadParameter):
        parameters.read(f"{name}={encoded}", RULES)


@given(st.floats(0.3, 100))
def test_blur_is_quantised_to_a_tenth(sigma: float) -> None:
    """Sigmas closer than a tenth share a rendition, and the rounding is to the nearest."""
    tenths = parameters.read(f"blur={sigma:.9f}", RULES).values["blur"]
    assert 3 <= tenths <= 1000
    assert abs(tenths - 10 * sigma) <= 0.5 + 1e-6


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_focal_point_is_quantised_to_a_thousandth(x: float, y: float) -> None:
    """Points closer than a thousandth share a rendition."""
    gravity = parameters.read(f"gravity={x:.9f},{y:.9f}", RULES).values["gravity"]
    assert gravity != SMART
    assert abs(gravity.x - 1000 * x) <= 0.5 + 1e-5
    assert abs(gravity.y - 1000 * y) <= 0.5 + 1e-5


def test_presets_that_could_never_be_used_are_found_at_the_start() -> None:
    """The message names the preset; one inside another and signatures are no parameters."""
    parameters.check_presets({"thumb": {"fit": "crop", "proxy": "true"}}, RULES)
    bad = [{"fit": "stretch"}, {"size": "3"}, {"preset": "thumb"}, {"sig": "x"}, {"exp": "1"}]
    for preset in bad:
        with pytest.raises(errors.BadParameter, match="`odd`"):
            parameters.check_presets({"thumb": {"fit": "crop"}, "odd": preset}, RULES)
