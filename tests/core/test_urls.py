"""URL and `Accept` in, request out."""

from urllib.parse import quote

import pytest

from liveresize import errors
from liveresize.core import urls
from liveresize.core.formats import Format, Negotiated
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.rendition import Rendition

RULES = UrlRules(
    presets={
        "thumb": (("fit", "crop"), ("gravity", "smart"), ("quality", "60")),
        "loud": (("proxy", "true"), ("allow_webp", "true")),
    }
)

Expected = str | type[errors.RequestError]

MALFORMED, BAD = errors.MalformedUrl, errors.BadParameter

ANY = "*/*"
WEBP = "image/webp,*/*;q=0.8"
BOTH = "image/avif,image/webp,*/*;q=0.8"

LONG = "n" * 255


def told(request: urls.PictureRequest) -> str:
    """A request in a few words: `name variant`, `original name format`, or `facts name`."""
    match request:
        case urls.FactsRequest(image):
            words = ["facts", image.name]
        case urls.OriginalRequest(image=image, format=output):
            token = output.token if isinstance(output, Negotiated) else output or "own"
            words = ["original", image.name, token]
        case urls.RenditionRequest(image=image, rendition=rendition):
            words = [image.name, rendition.variant]
    if not isinstance(request, urls.FactsRequest) and request.varies:
        words.append("varies")
    if isinstance(request, urls.RenditionRequest) and request.proxy:
        words.append("proxy")
    return " ".join(words)


NAMES: list[tuple[str, str, Expected]] = [
    ("/cat_8_6.jpg", ANY, "cat 8x6-qa82-jpeg"),
    ("/a_1_2_3_4.png", ANY, "a_1_2 3x4-png"),
    ("/a_1_2_3_4_2x.png", ANY, "a_1_2 6x8-png"),
    ("/a_1_2_3x.png", ANY, "a 3x6-png"),
    ("/a_1_2_3x_4_5.png", ANY, "a_1_2_3x 4x5-png"),
    ("/cat.jpg_8_6.png", ANY, "cat.jpg 8x6-png"),
    ("/_health_8_6.png", ANY, "_health 8x6-png"),
    ("/__8_6.png", ANY, "_ 8x6-png"),
    ("/.hidden_8_6.png", ANY, ".hidden 8x6-png"),
    ("/..._8_6.png", ANY, "... 8x6-png"),
    ("/a+b_8_6.png", ANY, "a+b 8x6-png"),
    ("/a%20b_8_6.png", ANY, "a b 8x6-png"),
    ("/a%2Bb%3F%23_8_6.png", ANY, "a+b?# 8x6-png"),
    ("/%2561_8_6.png", ANY, "%61 8x6-png"),
    ("/cat%5F8%5f6%2Epng", ANY, "cat 8x6-png"),
    ("/%C3%A9t%c3%a9_8_6.png", ANY, "été 8x6-png"),
    ("/\xc3\xa9_8_6.png", ANY, "é 8x6-png"),
    ("/%F0%9F%98%80_8_6.png", ANY, "😀 8x6-png"),
    ("/e%CC%81_8_6.png", ANY, "e\u0301 8x6-png"),
    (f"/{LONG}_8_6.png", ANY, f"{LONG} 8x6-png"),
    (f"/{LONG}n_8_6.png", ANY, MALFORMED),
    (f"/{'n' * 300}_8_6.png", ANY, MALFORMED),
    (f"/{'%C3%A9' * 127}_8_6.png", ANY, f"{'é' * 127} 8x6-png"),
    (f"/{'%C3%A9' * 128}_8_6.png", ANY, MALFORMED),
    ("/._8_6.png", ANY, MALFORMED),
    ("/.._8_6.png", ANY, MALFORMED),
    ("/%2e%2e_8_6.png", ANY, MALFORMED),
    ("/..%2Fetc_8_6.png", ANY, MALFORMED),
    ("/a%2fb_8_6.png", ANY, MALFORMED),
    ("/a/b_8_6.png", ANY, MALFORMED),
    ("/a%5Cb_8_6.png", ANY, MALFORMED),
    ("/a\\b_8_6.png", ANY, MALFORMED),
    ("/a%00b_8_6.png", ANY, MALFORMED),
    ("/a%0Ab_8_6.png", ANY, MALFORMED),
    ("/a%7Fb_8_6.png", ANY, MALFORMED),
    ("/a%C2%85b_8_6.png", ANY, MALFORMED),
    ("/a%_8_6.png", ANY, MALFORMED),
    ("/a%2_8_6.png", ANY, MALFORMED),
    ("/a%zz_8_6.png", ANY, MALFORMED),
    ("/a%ff_8_6.png", ANY, MALFORMED),
    ("/a\xff_8_6.png", ANY, MALFORMED),
    ("/a%C0%AF_8_6.png", ANY, MALFORMED),
    ("/a%ED%A0%80_8_6.png", ANY, MALFORMED),
    ("/", ANY, MALFORMED),
    ("//", ANY, MALFORMED),
    ("/?fit=crop", ANY, MALFORMED),
]

SIZES: list[tuple[str, str, Expected]] = [
    ("/cat_0_6.png", ANY, "cat 0x6-png"),
    ("/cat_8_0.png", ANY, "cat 8x0-png"),
    ("/cat_0_0.png", ANY, MALFORMED),
    ("/cat_00_000_2x.png", ANY, MALFORMED),
    ("/cat_008_0006.png", ANY, "cat 8x6-png"),
    ("/cat_000000008_6.png", ANY, "cat 8x6-png"),
    ("/cat_0000000008_6.png", ANY, "original cat_0000000008_6 png"),
    ("/cat_999999999_1.png", ANY, "cat 999999999x1-png"),
    ("/cat_1000000000000_6.png", ANY, "original cat_1000000000000_6 png"),
    ("/cat_1e3_6.png", ANY, "original cat_1e3_6 png"),
    ("/cat_-8_6.png", ANY, "original cat_-8_6 png"),
    ("/cat_8_-6.png", ANY, "original cat_8_-6 png"),
    ("/cat_+8_6.png", ANY, "original cat_+8_6 png"),
    ("/cat_8.5_6.png", ANY, "original cat_8.5_6 png"),
    ("/cat_%D9%A3_6.png", ANY, "original cat_٣_6 png"),
    ("/cat_8_6_1x.png", ANY, "cat 8x6-png"),
    ("/cat_4_3_2x.png", ANY, "cat 8x6-png"),
    ("/cat_4_3_002x.png", ANY, "cat 8x6-png"),
    ("/cat_4_0_3x.png", ANY, "cat 12x0-png"),
    ("/cat_8_6_20x.png", ANY, "cat 160x120-png"),
    ("/cat_999999999_0_20x.png", ANY, "cat 19999999980x0-png"),
    ("/cat_8_6_0x.png", ANY, MALFORMED),
    ("/cat_8_6_21x.png", ANY, MALFORMED),
    ("/cat_8_6_99x.png", ANY, MALFORMED),
    ("/cat_8_6_1000x.png", ANY, "original cat_8_6_1000x png"),
    ("/cat_8_6_x.png", ANY, "original cat_8_6_x png"),
    ("/cat_8_6_2X.png", ANY, "cat 16x12-png"),
    ("/cat_8_6_1.5x.png", ANY, "cat 12x9-png"),
    ("/cat_33_0_1.5X.auto", ANY, "cat 50x0-qa82.80.60-auto.n varies"),
    ("/cat_33_3_1.50x.png", ANY, "cat 50x5-png"),
    ("/cat_3_0_1.3333333333333333x.png", ANY, "cat 4x0-png"),
    ("/cat_8_1_0.25x.png", ANY, "cat 2x1-png"),
    ("/cat_1_0_0.000000000000001x.png", ANY, "cat 1x0-png"),
    ("/cat_8_6_20.0x.png", ANY, "cat 160x120-png"),
    ("/cat_999999999_0_19.999999999999999999x.png", ANY, "cat 19999999980x0-png"),
    ("/cat_8_6_20.1x.png", ANY, MALFORMED),
    ("/cat_8_6_0.0x.png", ANY, MALFORMED),
    ("/cat_8_6_0X.png", ANY, MALFORMED),
    ("/cat_0_0_1.5x.png", ANY, MALFORMED),
    ("/cat_8_6_.5x.png", ANY, "original cat_8_6_.5x png"),
    ("/cat_8_6_1.x.png", ANY, "original cat_8_6_1.x png"),
    ("/cat_8_6_1.5x.tiff", ANY, "original cat_8_6_1.5x.tiff own"),
    ("/cat_8_6_2X.json", ANY, "facts cat_8_6_2X"),
    ("/cat_8_6_1.5x", ANY, MALFORMED),
]

EXTENSIONS: list[tuple[str, str, Expected]] = [
    *((f"/cat_8_6.{jpeg}", ANY, "cat 8x6-qa82-jpeg") for jpeg in ("jpg", "jpeg", "jfif", "jpe")),
    ("/cat_8_6.JPeG", ANY, "cat 8x6-qa82-jpeg"),
    ("/cat_8_6.PNG", ANY, "cat 8x6-png"),
    ("/cat_8_6.webp", ANY, "cat 8x6-q80-webp"),
    ("/cat_8_6.avif", ANY, "cat 8x6-q60-avif"),
    ("/cat_8_6.gif", ANY, "cat 8x6-gif"),
    ("/cat_8_6.auto", ANY, "cat 8x6-qa82.80.60-auto.n varies"),
    ("/cat_8_6.Auto", "", "cat 8x6-qa82.80.60-auto.n varies"),
    ("/cat_8_6.auto", BOTH, "cat 8x6-qa82.80.60-auto.aw varies"),
    ("/cat_8_6.auto", WEBP, "cat 8x6-qa82.80.60-auto.w varies"),
    ("/cat_8_6.auto", "image/avif", "cat 8x6-qa82.80.60-auto.a varies"),
    ("/cat_8_6.auto", "image/avif;q=0,image/webp;q=0.1,*/*", "cat 8x6-qa82.80.60-auto.n varies"),
    ("/cat_8_6.jpg", BOTH, "cat 8x6-qa82-jpeg"),
    *(
        (f"/cat_8_6.{unknown}", ANY, MALFORMED)
        for unknown in ("json", "svg", "jxl", "tiff", "bmp", "heic", "jpgx", "j", "7", "a" * 500)
    ),
    ("/cat_8_6.", ANY, "original cat_8_6. own"),
    ("/cat_8_6", ANY, "original cat_8_6 own"),
    ("/cat_8_6.jp%C3%A9", ANY, "original cat_8_6.jpé own"),
    ("/cat_8_6.png%0A", ANY, MALFORMED),
    ("/cat_8_6.png%00", ANY, MALFORMED),
    ("/cat_8_6.png/", ANY, MALFORMED),
]

ORIGINALS: list[tuple[str, str, Expected]] = [
    ("/cat", ANY, "original cat own"),
    ("/cat.jpg", ANY, "original cat jpeg"),
    ("/cat.JPE", ANY, "original cat jpeg"),
    ("/cat.webp", ANY, "original cat webp"),
    ("/cat.auto", BOTH, "original cat auto.aw varies"),
    ("/cat.json", ANY, "facts cat"),
    ("/cat.JSON?fit=crop", ANY, "facts cat"),
    ("/cat.json?fit=stretch", ANY, BAD),
    ("/cat.tiff", ANY, "original cat.tiff own"),
    ("/cat.jpg.png", ANY, "original cat.jpg png"),
    ("/_8_6.png", ANY, "original _8_6 png"),
    ("/cat_6.png", ANY, "original cat_6 png"),
    ("/.jpg", ANY, "original .jpg own"),
    ("/...jpg", ANY, MALFORMED),
    ("/.", ANY, MALFORMED),
    ("/..", ANY, MALFORMED),
    (f"/{LONG}.png", ANY, f"original {LONG} png"),
    (f"/{LONG}n.png", ANY, MALFORMED),
    ("/cat.jpg?blur=nonsense", ANY, BAD),
    ("/cat.jpg?allow_webp=true", WEBP, "original cat webp varies"),
    ("/cat.jpg?allow_webp=true", ANY, "original cat jpeg varies"),
    ("/cat?allow_webp=true", WEBP, "original cat own varies"),
]

QUERIES: list[tuple[str, str, Expected]] = [
    ("/cat_8_6.png?", ANY, "cat 8x6-png"),
    ("/cat_8_6.png?fit=cover", ANY, "cat 8x6-cover-png"),
    ("/cat_8_6.png?fit=crop", ANY, "cat 8x6-crop-png"),
    ("/cat_8_6.png?fit=canvas", ANY, "cat 8x6-canvas-png"),
    ("/cat_8_0.png?fit=crop&gravity=smart", ANY, "cat 8x0-png"),
    ("/cat_0_6.png?fit=canvas&bg=f00", ANY, "cat 0x6-png"),
    ("/cat_8_0.png?fit=cover", ANY, "cat 8x0-png"),
    ("/cat_8_6.png?fit=stretch", ANY, BAD),
    ("/cat_8_6.png?fit=fill&gravity=west&bg=f00", ANY, "cat 8x6-fill-png"),
    ("/cat_8_0.png?fit=FILL", ANY, "cat 8x0-png"),
    ("/cat_8_6.png?fit=crop&gravity=east", ANY, "cat 8x6-crop-g1000x500-png"),
    ("/cat_8_6.png?fit=crop&gravity=0.1239,1", ANY, "cat 8x6-crop-g124x1000-png"),
    ("/cat_8_6.png?fit=crop&gravity=.5,0.5,0.5", ANY, BAD),
    ("/cat_8_6.png?fit=crop&gravity=smart", ANY, "cat 8x6-crop-smart-png"),
    ("/cat_8_6.png?fit=canvas&gravity=smart", ANY, "cat 8x6-canvas-png"),
    ("/cat_8_6.jpg?quality=auto", ANY, "cat 8x6-qa82-jpeg"),
    ("/cat_8_6.jpg?quality=-1", ANY, "cat 8x6-qa82-jpeg"),
    ("/cat_8_6.jpg?quality=82", ANY, "cat 8x6-q82-jpeg"),
    ("/cat_8_6.webp?quality=80", ANY, "cat 8x6-q80-webp"),
    ("/cat_8_6.jpg?quality=1000", ANY, "cat 8x6-q100-jpeg"),
    ("/cat_8_6.png?quality=high", ANY, BAD),
    ("/cat_8_6.auto?quality=5", ANY, "cat 8x6-q5-auto.n varies"),
    ("/cat_8_6.png?blur=true", ANY, "cat 8x6-b70-png"),
    ("/cat_8_6.png?blur=7.04&sharpen=0.5", ANY, "cat 8x6-b70-s5-png"),
    ("/cat_8_6.png?rotate=90&flip=hv", ANY, "cat 8x6-r90-fhv-png"),
    ("/cat_8_6.png?rotate=0&blur=false&sharpen=0", ANY, "cat 8x6-png"),
    ("/cat_8_6.png?fit=canvas&bg=transparent", ANY, "cat 8x6-canvas-bgffffff00-png"),
    ("/cat_8_6.jpg?bg=transparent", ANY, "cat 8x6-qa82-jpeg"),
    ("/cat_8_6.jpg?bg=0f0", ANY, "cat 8x6-qa82-bg00ff00ff-jpeg"),
    ("/cat_8_6.png?enlarge=false", ANY, "cat 8x6-noenlarge-png"),
    ("/cat_8_6.png?enlarge=true", ANY, "cat 8x6-png"),
    ("/cat_8_6.gif?animate=false", ANY, "cat 8x6-still-gif"),
    ("/cat_8_6.png?animate=false", ANY, "cat 8x6-png"),
    ("/cat_8_6.png?proxy=true", ANY, "cat 8x6-png proxy"),
    ("/cat_8_6.png?proxy=true&proxy=false", ANY, "cat 8x6-png proxy"),
    ("/cat_8_6.png?sig=x&exp=y&v=3&utm=%zz", ANY, "cat 8x6-png"),
    ("/cat_8_6.png?fit=%zz", ANY, MALFORMED),
    ("/cat_8_6.png?fit=crop?gravity=smart", ANY, BAD),
    ("/cat_8_6.jpg?preset=thumb", ANY, "cat 8x6-crop-smart-q60-jpeg"),
    ("/cat_8_6.jpg?quality=9&preset=thumb&fit=clip", ANY, "cat 8x6-crop-smart-q9-jpeg"),
    ("/cat_8_6.jpg?preset=loud", WEBP, "cat 8x6-q80-webp varies proxy"),
    ("/cat_8_6.jpg?preset=nosuch", ANY, BAD),
]


@pytest.mark.parametrize(
    ("target", "accept", "expected"),
    NAMES + SIZES + EXTENSIONS + ORIGINALS + QUERIES,
    ids=lambda value: quote(value[:60]) if isinstance(value, str) else value.__name__,
)
def test_a_url_means_what_the_contract_says(target: str, accept: str, expected: Expected) -> None:
    """One table for names, sizes, extensions, originals and queries."""
    if isinstance(expected, str):
        assert told(urls.parse(target, accept, RULES)) == expected
    else:
        with pytest.raises(expected) as caught:
            urls.parse(target, accept, RULES)
        assert type(caught.value) is expected
        assert len(caught.value.public) < 200


@pytest.mark.parametrize("extension", ["jpg", "png", "gif", "webp", "avif"])
@pytest.mark.parametrize("accept", [WEBP, ANY, "", "image/webp;q=0"])
@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("opt_in", [True, False])
@pytest.mark.parametrize("always", [True, False])
def test_webp_replaces_older_formats_where_configuration_allows(
    extension: str, accept: str, asked: bool, opt_in: bool, always: bool
) -> None:
    """JPEG, PNG and GIF, when `Accept` names WebP, and asked for or always; else not."""
    rules = UrlRules(webp_opt_in=opt_in, webp_always=always)
    query = f"?allow_webp={str(asked).lower()}"
    request = urls.parse(f"/cat_8_6.{extension}{query}", accept, rules)
    plain = urls.parse(f"/cat_8_6.{extension}", "", UrlRules())
    assert isinstance(request, urls.RenditionRequest)
    assert isinstance(plain, urls.RenditionRequest)
    open_to_it = (always or (opt_in and asked)) and extension in ("jpg", "png", "gif")
    switched = open_to_it and accept == WEBP
    assert request.rendition.format is (Format.WEBP if switched else plain.rendition.format)
    assert request.varies is open_to_it


def test_an_original_is_not_switched_unasked() -> None:
    """`webp.allow_dynamic_switch` is about renditions; an original keeps its format."""
    request = urls.parse("/cat.jpg", WEBP, UrlRules(webp_always=True))
    assert told(request) == "original cat jpeg"


def test_configured_defaults_are_resolved_into_the_variant() -> None:
    """Quality, blur and enlarge as configured stand in the identity, and can be overruled."""
    rules = UrlRules(blur=12, enlarge=False)
    for query, expected in [
        ("blur=true", "cat 8x6-b12-noenlarge-png"),
        ("blur=1.2&enlarge=false", "cat 8x6-b12-noenlarge-png"),
        ("enlarge=true", "cat 8x6-png"),
    ]:
        assert told(urls.parse(f"/cat_8_6.png?{query}", ANY, rules)) == expected


def test_the_settings_say_whether_renditions_say_the_rights() -> None:
    """That is part of the identity where it can have an effect, and no parameter changes it."""
    for path, expected in [
        ("/cat_300_0.jpg?rights=false", "cat 300x0-qa82-rights-jpeg"),
        ("/cat_200_200.jpg", "cat 200x200-qa82-jpeg"),
        ("/cat_300_0.gif", "cat 300x0-gif"),
        ("/cat_300_0.auto", "cat 300x0-qa82.80.60-rights-auto.n varies"),
    ]:
        assert told(urls.parse(path, ANY, UrlRules(rights=True))) == expected
        assert "rights" not in told(urls.parse(path, ANY, UrlRules()))


def test_an_error_names_the_extension_and_those_that_would_do() -> None:
    """The sentence is short however long the extension, and lists the alternatives."""
    with pytest.raises(errors.MalformedUrl) as caught:
        urls.parse(f"/cat_8_6.{'x' * 900}", ANY, RULES)
    assert f"`.{'x' * 20}`" in caught.value.public
    assert "`.jpg`" in caught.value.public
    assert "`.auto`" in caught.value.public


@pytest.mark.parametrize(
    ("query", "will_do"),
    [
        ("", True),
        ("?fit=crop&gravity=north&enlarge=false&proxy=true&v=1", True),
        ("?quality=auto&blur=false&sharpen=0&rotate=0&animate=true", True),
        ("?animate=false", True),
        ("?quality=80", False),
        ("?blur=1", False),
        ("?sharpen=1", False),
        ("?grey=true", False),
        ("?grey=false", True),
        ("?rotate=90", False),
        ("?flip=h", False),
        ("?radius=0&pad=0,0&bg=blur", True),
        ("?radius=max", False),
        ("?pad=0,0,1", False),
    ],
)
def test_stored_bytes_will_do_until_something_would_change_them(query: str, will_do: bool) -> None:
    """What only matters in a box does not turn an original into a rendition."""
    for path in ("/cat", "/cat.jpg"):
        request = urls.parse(f"{path}{query}", ANY, RULES)
        assert isinstance(request, urls.OriginalRequest)
        assert request.stored_will_do(Format.JPEG, animated=False) is will_do


def test_stored_bytes_will_not_do_for_another_format_or_a_still_of_an_animation() -> None:
    """An extension asks for that format, `animate=false` for the first frame alone."""
    other = urls.parse("/cat.png", ANY, RULES)
    still = urls.parse("/cat?animate=false", ANY, RULES)
    assert isinstance(other, urls.OriginalRequest)
    assert isinstance(still, urls.OriginalRequest)
    assert not other.stored_will_do(Format.JPEG, animated=False)
    assert not still.stored_will_do(Format.GIF, animated=True)


def test_a_bare_name_becomes_webp_where_that_is_allowed_and_wanted() -> None:
    """`allow_webp` means the same without an extension; AVIF originals stay as they are."""
    request = urls.parse("/cat?allow_webp=true", WEBP, RULES)
    assert isinstance(request, urls.OriginalRequest)
    assert not request.stored_will_do(Format.JPEG, animated=False)
    assert request.rendition_as(Format.JPEG).rendition.format is Format.WEBP
    assert request.stored_will_do(Format.AVIF, animated=False)
    assert request.rendition_as(Format.AVIF).rendition.format is Format.AVIF


def test_an_original_without_extension_is_rendered_in_its_own_format() -> None:
    """Options on a bare name keep format, extension and parameters of the request."""
    request = urls.parse("/cat?blur=1&proxy=true&fit=crop", ANY, RULES)
    assert isinstance(request, urls.OriginalRequest)
    rendered = request.rendition_as(Format.GIF)
    assert told(rendered) == "cat 0x0-b10-gif proxy"
    assert urls.resized(rendered, 8, 0) == "/cat_8_0.gif?blur=1&proxy=true&fit=crop"


@pytest.mark.parametrize(
    ("target", "redirected"),
    [
        ("/cat_9000_9000_2x.JPG", "/cat_8_6.JPG"),
        ("/cat.JPEG?blur=1", "/cat_8_6.JPEG?blur=1"),
        ("/%C3%A9t%C3%A9", "/%C3%A9t%C3%A9_8_6.gif"),
        ("/a%20b%2B_9_9.auto?fit=crop&v=1", "/a%20b%2B_8_6.auto?fit=crop"),
        ("/a+b_9_9.png?gravity=0.1%2C1&fit=crop", "/a%2Bb_8_6.png?gravity=0.1,1&fit=crop"),
        ("/cat_9_9.jpg?preset=thumb&quality=3&quality=4", "/cat_8_6.jpg?preset=thumb&quality=3"),
        ("/cat_9_9.jpg?sig=a-_&exp=12&proxy=true", "/cat_8_6.jpg?sig=a-_&exp=12&proxy=true"),
    ],
)
def test_a_redirect_keeps_everything_known_but_the_box(target: str, redirected: str) -> None:
    """Extension as written, known parameters in their order, density folded away."""
    request = urls.parse(target, ANY, RULES)
    if isinstance(request, urls.OriginalRequest):
        request = request.rendition_as(Format.GIF)
    assert isinstance(request, urls.RenditionRequest)
    assert urls.resized(request, 8, 6) == redirected


@pytest.mark.parametrize(
    "target",
    [
        "/cat_8_6.jpg",
        "/a%20b_0_6.png",
        "/cat_8_6.auto?fit=crop&gravity=smart&quality=5",
        "/cat_8_6.jpg?quality=82&bg=0a0b0c",
        "/cat_8_6.png?fit=canvas&gravity=0.001,1&bg=01020304",
        "/cat_8_6.png?fit=canvas&bg=transparent",
        "/cat_8_6.gif?blur=0.3&sharpen=10&rotate=270&flip=hv&enlarge=false&animate=false",
        "/cat_8_6.png?proxy=true",
    ],
)
def test_a_built_url_says_no_default(target: str) -> None:
    """The shortest URL that means the rendition, its parameters in one order."""
    request = urls.parse(target, ANY, RULES)
    assert isinstance(request, urls.RenditionRequest)
    assert urls.build(request.image, request.rendition, RULES, proxy=request.proxy) == target


def test_a_rendition_without_a_quality_is_built_without_one() -> None:
    """Variants of other releases may lack it; the URL leaves it to the rules."""
    rendition = Rendition(format=Format.JPEG, width=8)
    assert urls.build(ImageId("cat"), rendition, UrlRules()) == "/cat_8_0.jpg"


def test_jpeg_xl_is_an_extension_where_it_is_made() -> None:
    """Else its addresses mean what they did: the name of a picture, or nothing."""
    rules = UrlRules(jxl=True)
    for target, variant in (("/cat_8_6.JXL?quality=7", "8x6-q7-jxl"), ("/cat_8_0_2x.jxl", "")):
        request = urls.parse(target, "", rules)
        assert isinstance(request, urls.RenditionRequest)
        assert request.rendition.format is Format.JXL
        assert request.rendition.variant == (variant or "16x0-q82-jxl")
        assert not request.varies
    whole = urls.parse("/cat.jxl", "", rules)
    assert isinstance(whole, urls.OriginalRequest)
    assert (whole.image.name, whole.format, whole.extension) == ("cat", Format.JXL, "jxl")
    assert whole.stored_will_do("jxl", animated=False)
    assert not whole.stored_will_do("jpeg", animated=False)
    built = urls.build(whole.image, whole.rendition_as(Format.PNG).rendition, rules)
    assert built == "/cat.jxl"
    without = urls.parse("/cat.jxl", "", UrlRules())
    assert isinstance(without, urls.OriginalRequest)
    assert (without.image.name, without.format) == ("cat.jxl", None)
    with pytest.raises(errors.MalformedUrl, match=r"`\.jxl` is none of .*`\.gif`, `\.auto`\."):
        urls.parse("/cat_8_6.jxl", "", UrlRules())
    auto = UrlRules(jxl=True, jxl_in_auto=True)
    for each, token in ((rules, "auto.w"), (auto, "auto.jw")):
        request = urls.parse("/cat_8_6.auto", "image/jxl,image/webp", each)
        assert isinstance(request, urls.RenditionRequest)
        assert request.rendition.variant.endswith(token)
