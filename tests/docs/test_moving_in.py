"""The pages about coming from thumbor and imgproxy: their code, and what their tables name."""

import base64
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image
from web import pictures, servers

from docs import guides
from liveresize import config
from liveresize.core import geometry, signing
from liveresize.core import urls as domain_urls
from liveresize.core.formats import Format
from liveresize.core.operation import UrlRules
from liveresize.imaging import effects

THUMBOR = "docs/coming-from-thumbor.md"
IMGPROXY = "docs/coming-from-imgproxy.md"
PAGES = [THUMBOR, IMGPROXY]
RULES = UrlRules(presets={"thumb": (("fit", "crop"),)}, overlays=("logo",))
KEY = "correct horse battery"

Translated = Callable[..., str | None]


@functools.cache
def code(page: str) -> dict[str, Any]:
    """What the blocks of Python of a page define."""
    space: dict[str, Any] = {}
    for block in guides.blocks(page, "python"):
        exec(block, space)
    return space


def name_of(source: str) -> str:
    """`https://example.com/2024/cat.jpg` is `cat`."""
    return unquote(source).rpartition("/")[2].rpartition(".")[0]


OF_THUMBOR = [
    ("/unsafe/300x200/cat.jpg", "/cat_300_200.auto?fit=crop"),
    ("unsafe/300x200/https%3A%2F%2Fexample.com%2Fa%2Fcat.jpg", "/cat_300_200.auto?fit=crop"),
    ("/unsafe/300x200/http://example.com/a/cat.jpg", "/cat_300_200.auto?fit=crop"),
    ("/unsafe/300x0/cat.jpg", "/cat_300_0.auto"),
    ("/unsafe/300x/cat.jpg", "/cat_300_0.auto"),
    ("/unsafe/x200/cat.jpg", "/cat_0_200.auto"),
    ("/unsafe/cat.jpg", "/cat.auto"),
    ("/unsafe/0x0/filters:format(png)/cat.jpg", "/cat.png"),
    ("/unsafe/fit-in/300x200/cat.jpg", "/cat_300_200.auto?enlarge=false"),
    ("/unsafe/full-fit-in/300x200/cat.jpg", "/cat_300_200.auto?fit=cover&enlarge=false"),
    ("/unsafe/300x0/filters:round_corner(20,0,0,0,1)/cat.jpg", "/cat_300_0.auto?radius=20"),
    (
        "/unsafe/300x0/filters:round_corner(20|20,255,0,128):format(jpeg)/cat.jpg",
        "/cat_300_0.jpg?bg=ff0080&radius=20",
    ),
    (
        "/unsafe/300x0/filters:round_corner(20,255,0,128)/cat.jpg",
        "/cat_300_0.jpg?bg=ff0080&radius=20",
    ),
    (
        "/unsafe/fit-in/30x20/filters:fill(blur)/cat.jpg",
        "/cat_30_20.auto?fit=canvas&bg=blur&enlarge=false",
    ),
    ("/unsafe/300x0/filters:max_bytes(7168)/cat.jpg", "/cat_300_0.auto?max_bytes=7168"),
    (
        "/unsafe/10x20:300x400/fit-in/30x20/cat.jpg",
        "/cat_30_20.auto?rect=10%2C20%2C290%2C380&enlarge=false",
    ),
    ("/unsafe/trim/300x0/cat.jpg", "/cat_300_0.auto?trim=0"),
    ("/unsafe/meta/trim:top-left:50/300x0/cat.jpg", "/cat.json"),
    ("/unsafe/trim:top-left:50/300x0/cat.jpg", "/cat_300_0.auto?trim=29"),
    (
        "/unsafe/300x0/filters:watermark(https://example.com/logo.png,-10,-10,50)/cat.jpg",
        "/cat_300_0.auto?overlay=logo",
    ),
    ("/unsafe/stretch/300x200/cat.jpg", "/cat_300_200.auto?fit=fill"),
    ("/unsafe/300x200/filters:stretch()/cat.jpg", "/cat_300_200.auto?fit=fill"),
    (
        "/unsafe/fit-in/300x200/filters:stretch()/cat.jpg",
        "/cat_300_200.auto?enlarge=false",
    ),
    ("/unsafe/-300x200/cat.jpg", "/cat_300_200.auto?fit=crop&flip=h"),
    ("/unsafe/300x-200/cat.jpg", "/cat_300_200.auto?fit=crop&flip=v"),
    ("/unsafe/-300x-200/cat.jpg", "/cat_300_200.auto?fit=crop&flip=hv"),
    ("/unsafe/300x200/left/cat.jpg", "/cat_300_200.auto?fit=crop&gravity=west"),
    ("/unsafe/300x200/right/bottom/cat.jpg", "/cat_300_200.auto?fit=crop&gravity=southeast"),
    ("/unsafe/300x200/center/middle/cat.jpg", "/cat_300_200.auto?fit=crop"),
    ("/unsafe/300x200/left/top/smart/cat.jpg", "/cat_300_200.auto?fit=crop&gravity=smart"),
    (
        "/unsafe/300x200/smart/filters:quality(80):format(webp):strip_icc()/cat.jpg",
        "/cat_300_200.webp?fit=crop&gravity=smart&quality=80",
    ),
    ("/unsafe/300x0/filters:blur(7)/cat.jpg", "/cat_300_0.auto?blur=7"),
    ("/unsafe/300x0/filters:blur(7,3.5)/cat.jpg", "/cat_300_0.auto?blur=3.5"),
    ("/unsafe/300x0/filters:blur(150)/cat.jpg", "/cat_300_0.auto?blur=100"),
    ("/unsafe/300x0/filters:brightness(-20)/cat.jpg", "/cat_300_0.auto?brightness=-20"),
    ("/unsafe/300x0/filters:contrast(120)/cat.jpg", "/cat_300_0.auto?contrast=100"),
    ("/unsafe/300x0/filters:contrast(20)/cat.jpg", "/cat_300_0.auto?contrast=44"),
    ("/unsafe/300x0/filters:saturation(1.3)/cat.jpg", "/cat_300_0.auto?saturation=30"),
    ("/unsafe/300x0/filters:saturation(1):grayscale()/cat.jpg", "/cat_300_0.auto?grey=true"),
    ("/unsafe/300x0/filters:blur(0)/cat.jpg", "/cat_300_0.auto"),
    ("/unsafe/300x0/filters:sharpen(2,1.0,true)/cat.jpg", "/cat_300_0.auto?sharpen=2"),
    (
        "/unsafe/fit-in/300x200/filters:fill(ffffff)/cat.jpg",
        "/cat_300_200.auto?fit=canvas&bg=ffffff&enlarge=false",
    ),
    (
        "/unsafe/300x200/filters:background_color(f00)/cat.png",
        "/cat_300_200.auto?fit=crop&bg=f00",
    ),
    ("/unsafe/fit-in/300x200/filters:upscale()/cat.jpg", "/cat_300_200.auto"),
    ("/unsafe/300x200/filters:no_upscale()/cat.jpg", "/cat_300_200.auto?fit=crop&enlarge=false"),
    ("/unsafe/300x200/filters:rotate(90)/cat.jpg", "/cat_200_300.auto?fit=crop&rotate=270"),
    ("/unsafe/300x0/filters:cover()/cat.gif", "/cat_300_0.auto?animate=false"),
    ("/unsafe/meta/300x200/cat.jpg", "/cat.json"),
    ("/1234567890123456789012345-_=/300x200/cat.jpg", "/cat_300_200.auto?fit=crop"),
    ("/unsafe/300x200/été.jpg", "/%C3%A9t%C3%A9_300_200.auto?fit=crop"),
    *(
        (f"/unsafe/{each}/cat.jpg", None)
        for each in (
            *("trim:bottom-right", "trim:500", "trim/10x20:300x400", "300x400:10x20/300x200"),
            "adaptive-fit-in/300x200",
            *("origx100", "100xorig", "fit-in/stretch/300x200", "-origx100"),
            *("300x200/filters:rotate(45)", "300x200/left/filters:rotate(90)"),
            *("300x200/filters:focal(1x2:3x4)", "300x200/filters:saturation(40)"),
            *("300x0/filters:round_corner(2|3,0,0,0,1)", "300x0/filters:round_corner(2,0,0,300)"),
            *("300x0/filters:round_corner(2,0,0,0):format(webp)", "30x20/filters:fill(blur)"),
            "300x200/filters:watermark(logo.png,0,0,0)",
            *("300x200/filters:fill(auto)", "300x200/filters:quality(80):max_bytes(750)"),
            *("300x200/filters:format(heic)", "300x200/filters:blur()"),
        )
    ),
    ("/300x200/cat.jpg", None),
]

IMAGE = "plain/https://example.com/2024/cat.jpg"
ENCODED = base64.urlsafe_b64encode(b"https://example.com/2024/cat.jpg").decode()

OF_IMGPROXY = [
    (f"/unsafe/rs:fit:300:200/{IMAGE}", "/cat_300_200.auto?enlarge=false"),
    (f"/_/resize:fill:300:200/{IMAGE}@png", "/cat_300_200.png?fit=crop&enlarge=false"),
    (f"/_/rs:fill-down:300:200/{IMAGE}@jpg", "/cat_300_200.jpg?fit=crop&enlarge=false"),
    (f"/_/rs:force:300:200/{IMAGE}@png", "/cat_300_200.png?fit=fill&enlarge=false"),
    (f"/_/rs::300:200:1/{IMAGE}", "/cat_300_200.auto"),
    (f"/_/rs:fill:300:200:1/{ENCODED}.webp", "/cat_300_200.webp?fit=crop"),
    (
        f"/_/rs:fill:300:200:t/{ENCODED[:16]}/{ENCODED[16:].rstrip('=')}",
        "/cat_300_200.auto?fit=crop",
    ),
    (f"/_/s:300:200/{IMAGE}", "/cat_300_200.auto?enlarge=false"),
    (f"/_/w:300/{IMAGE}", "/cat_300_0.auto?enlarge=false"),
    (f"/_/width:300/height:200/el:1/{IMAGE}", "/cat_300_200.auto"),
    (f"/_/{IMAGE}@avif", "/cat.avif"),
    (f"/_/f:gif/{IMAGE}@avif", "/cat.gif"),
    (f"/_/w:300/el:1/{IMAGE}@best", "/cat_300_0.auto"),
    (
        f"/_/rs:fit:300:200:0:1/bg:255:0:128/{IMAGE}",
        "/cat_300_200.auto?fit=canvas&bg=ff0080&enlarge=false",
    ),
    (f"/_/w:300/el:1/pix:8/{IMAGE}", "/cat_300_0.auto?pixelate=8"),
    (f"/_/w:300/el:1/pixelate:1/{IMAGE}", "/cat_300_0.auto"),
    (f"/_/w:300/el:1/pd:10/{IMAGE}", "/cat_300_0.auto?bg=transparent&pad=10%2C10%2C10%2C10"),
    (f"/_/w:300/el:1/padding:1:2::4/bg:fff/{IMAGE}", "/cat_300_0.auto?bg=fff&pad=1%2C2%2C1%2C4"),
    (
        f"/_/w:300/el:1/pd::20/dpr:2/{IMAGE}",
        "/cat_300_0_2x.auto?bg=transparent&pad=0%2C20%2C0%2C20",
    ),
    (f"/_/rs:fit:30:20:1:1/{IMAGE}", "/cat_30_20.auto?fit=canvas&bg=transparent"),
    (f"/_/w:300/el:1/mb:5000/{IMAGE}", "/cat_300_0.auto?max_bytes=5000"),
    (f"/_/w:300/el:1/autoquality:size:9216:70/{IMAGE}", "/cat_300_0.auto?max_bytes=9216"),
    (f"/_/w:300/el:1/mb:0/aq:dssim:0.02/{IMAGE}", "/cat_300_0.auto?quality=visual"),
    (f"/_/w:300/el:1/c:30:20:nowe:10:20/{IMAGE}", "/cat_300_0.auto?rect=10%2C20%2C30%2C20"),
    (f"/_/w:300/el:1/c:0.5:0.25/{IMAGE}", "/cat_300_0.auto?rect=0.25%2C0.375%2C0.5%2C0.25"),
    (f"/_/w:300/el:1/crop:0:20:nowe/{IMAGE}", "/cat_300_0.auto?rect=0%2C0%2C1.0%2C20"),
    (f"/_/w:300/el:1/c:0.5:0:soea:0.125/{IMAGE}", "/cat_300_0.auto?rect=0.375%2C0.0%2C0.5%2C1.0"),
    (f"/_/w:300/el:1/c:0.5:0.5:fp:0.3:0.9/{IMAGE}", "/cat_300_0.auto?rect=0.05%2C0.5%2C0.5%2C0.5"),
    (
        f"/_/rs:fill:30:20:1/g:no/c:0.5:0.5/{IMAGE}",
        "/cat_30_20.auto?fit=crop&gravity=north&rect=0.25%2C0%2C0.5%2C0.5",
    ),
    (f"/_/w:300/el:1/watermark:0.5:soea:10:10:0.2/{IMAGE}", "/cat_300_0.auto?overlay=logo"),
    (f"/_/w:300/el:1/wm:0/{IMAGE}", "/cat_300_0.auto"),
    (f"/_/w:300/el:1/trim:12.4::f/{IMAGE}", "/cat_300_0.auto?trim=12"),
    (f"/_/w:300/el:1/co:1.3/sa:0.5/{IMAGE}", "/cat_300_0.auto?contrast=30&saturation=-50"),
    (
        f"/_/w:300/el:1/a:51:2:0/{IMAGE}",
        "/cat_300_0.auto?brightness=20&contrast=100&saturation=-100",
    ),
    (f"/_/w:300/el:1/adjust::1.5/{IMAGE}", "/cat_300_0.auto?contrast=50"),
    (f"/_/w:300/el:1/dt:1:264653:e9c46a/{IMAGE}", "/cat_300_0.auto?tint=264653%2Ce9c46a"),
    (f"/_/w:300/el:1/duotone:1/{IMAGE}", "/cat_300_0.auto?tint=000000%2Cffffff"),
    (f"/_/w:300/el:1/dt:0/co:1/br:0/{IMAGE}", "/cat_300_0.auto"),
    (f"/_/w:300/el:1/dpr:2/{IMAGE}", "/cat_300_0_2x.auto"),
    (f"/_/rs:fill:300:200:1/g:no/{IMAGE}", "/cat_300_200.auto?fit=crop&gravity=north"),
    (
        f"/_/rs:fill:300:200:1/gravity:sowe:0:0/{IMAGE}",
        "/cat_300_200.auto?fit=crop&gravity=southwest",
    ),
    (f"/_/rs:fill:300:200:1/g:sm/{IMAGE}", "/cat_300_200.auto?fit=crop&gravity=smart"),
    (f"/_/rs:fill:300:200:1/g:fp:0.3:0.6/{IMAGE}", "/cat_300_200.auto?fit=crop&gravity=0.3%2C0.6"),
    (f"/_/rs:fill:300:200:1/g:ce/{IMAGE}", "/cat_300_200.auto?fit=crop"),
    (f"/_/w:300/el:1/q:80/{IMAGE}", "/cat_300_0.auto?quality=80"),
    (f"/_/w:300/el:1/q:0/sh:0.5/bl:3/{IMAGE}", "/cat_300_0.auto?blur=3&sharpen=0.5"),
    (f"/_/w:300/el:1/rot:90/fl:1:1/{IMAGE}", "/cat_300_0.auto?rotate=90&flip=hv"),
    (f"/_/w:300/el:1/fl:0:1/bg:fff/{IMAGE}", "/cat_300_0.auto?flip=v&bg=fff"),
    (f"/_/pr:thumb/w:300/el:1/{IMAGE}", "/cat_300_0.auto?preset=thumb"),
    (f"/_/w:300/el:1/cb:v2/ar:1/sm:1/scp:1/{IMAGE}", "/cat_300_0.auto"),
    *(
        (f"/_/{each}/{IMAGE}", None)
        for each in (
            *("rs:auto:300:200", "w:300/z:2", "pd:-1", "c:100:100", "c:9:9:no", "c:0.5:0.5:sm"),
            *("t:10:ff00ff", "t:10::1", "t:10/c:0.5:0.5", "c:0.5:0.5/rot:90", "c:0.5:0.5:nowe:-9"),
            *("c:100:100:fp:0.5:0.5", "c:0.5:0.5:ea:10", "c:0.5:0.5:noxx"),
            *("w:300/wm:0.5", "w:300/mb:500", "w:300/g:no:10:10", "w:300/dpr:1.5", "w:-5"),
            *("w:300/aq:none", "w:300/aq:size"),
            *("w:300/pr:one:two", "w:300/ar:0", "w:300/bl:1000", "w:300/exp:2000000000", "w:many"),
            *("w:300/co:2.1", "w:300/sa:nan", "w:300/br:300", "w:300/dt:0.5", "w:300/dt:1:fff"),
            *("f:tiff", "w:300/g:obj:face", "w:300/rot:45", "w:300/bg:300:0:0", "w:300/raw:1"),
        )
    ),
    ("/_/w:300/!!!", None),
    ("/_/w:300/_w", None),
]


@pytest.mark.parametrize(
    ("page", "path", "address"),
    [
        *((THUMBOR, path, address) for path, address in OF_THUMBOR),
        *((IMGPROXY, path, address) for path, address in OF_IMGPROXY),
    ],
)
def test_an_address_is_translated(page: str, path: str, address: str | None) -> None:
    """What comes out is what the tables say, and the server understands it."""
    translated: Translated = code(page)["translated"]
    assert translated(path, name_of) == address
    if address is not None:
        base = "https://images.example.com"
        written = translated(path, name_of, base=base, key=KEY)
        assert written is not None
        target = written.removeprefix(base)
        assert signing.read(target).opened_by([KEY])
        assert domain_urls.parse(target, "", RULES).image.name in ("cat", "été")


@pytest.mark.parametrize(
    ("page", "path", "original", "size"),
    [
        (THUMBOR, "/unsafe/400x0/cat.jpg", (800, 600), (400, 300)),
        (THUMBOR, "/unsafe/300x200/cat.jpg", (800, 600), (300, 200)),
        (THUMBOR, "/unsafe/fit-in/300x200/cat.jpg", (400, 600), (133, 200)),
        (THUMBOR, "/unsafe/full-fit-in/300x200/cat.jpg", (800, 600), (300, 225)),
        (THUMBOR, "/unsafe/full-fit-in/300x200/cat.jpg", (400, 600), (300, 450)),
        (THUMBOR, "/unsafe/300x200/filters:stretch()/cat.jpg", (400, 600), (300, 200)),
        (THUMBOR, "/unsafe/0x0/filters:rotate(90)/cat.jpg", (800, 600), (600, 800)),
        (THUMBOR, "/unsafe/10x20:300x400/cat.jpg", (800, 600), (290, 380)),
        (THUMBOR, "/unsafe/10x20:300x400/30x20/cat.jpg", (800, 600), (30, 20)),
        (IMGPROXY, f"/_/c:0.5:0:ea/{IMAGE}", (800, 600), (400, 600)),
        (IMGPROXY, f"/_/c:300:100:nowe:0.25:50/{IMAGE}", (800, 600), (300, 100)),
        (IMGPROXY, f"/_/rs:fill:100:200/pd:10/{IMAGE}", (800, 600), (120, 220)),
        (IMGPROXY, f"/_/rs:fill:100:200/pd:10:5/dpr:2/{IMAGE}", (800, 600), (220, 440)),
        (IMGPROXY, f"/_/rs:fit:100:200/pd::1::2/{IMAGE}", (800, 600), (103, 75)),
        (IMGPROXY, f"/_/rs:force:100:200/{IMAGE}", (800, 600), (100, 200)),
        (IMGPROXY, f"/_/rs:fit:100:200:1:1/{IMAGE}", (800, 600), (100, 200)),
        (IMGPROXY, f"/_/rs:fit:900:900/{IMAGE}", (800, 600), (800, 600)),
    ],
)
def test_a_size_is_the_one_that_was_documented(
    page: str, path: str, original: tuple[int, int], size: tuple[int, int]
) -> None:
    """By thumbor in its pages on usage and on `stretch`, by imgproxy in its processing options."""
    translated = code(page)["translated"](path, name_of)
    request = domain_urls.parse(translated, "", RULES)
    if not isinstance(request, domain_urls.RenditionRequest):
        assert isinstance(request, domain_urls.OriginalRequest)
        request = request.rendition_as(Format.JPEG)
    assert geometry.output_size(original, request.rendition) == size


@pytest.mark.parametrize("percent", [-100, -60, -7, 0, 9, 20, 41])
def test_contrast_of_thumbor_keeps_its_look(percent: int) -> None:
    """To two levels of 255: its integers are rounded towards 128, and ours from 127.5."""
    translated = code(THUMBOR)["translated"](
        f"/unsafe/9x0/filters:contrast({percent})/a.jpg", name_of
    )
    request = domain_urls.parse(translated, "", RULES)
    assert isinstance(request, domain_urls.RenditionRequest)
    slope = (100 + percent) ** 2 // 100
    theirs = [int(slope * (level - 128) / 100) + 128 for level in range(256)]
    ours = effects.filtered(Image.linear_gradient("L"), request.rendition).get_flattened_data()[
        ::256
    ]
    for their, our in zip(theirs, ours, strict=True):
        assert abs(min(255, max(0, their)) - our) <= 2


def test_an_end_is_kept_by_whoever_signs() -> None:
    """imgproxy's `exp` ends the new address as well."""
    translated: Translated = code(IMGPROXY)["translated"]
    path = f"/_/w:300/exp:2000000000/{IMAGE}"
    assert translated(path, name_of) is None
    assert signing.read(translated(path, name_of, key=KEY) or "").ends == 2_000_000_000


def test_signatures_of_thumbor_are_told_from_others() -> None:
    """The vector is that of imagor's documentation, which signs as thumbor does."""
    genuine = code(THUMBOR)["signed_by_thumbor"]
    rest = "500x500/top/raw.githubusercontent.com/cshum/imagor/master/testdata/gopher.png"
    assert genuine(f"/cST4Ko5_FqwT3BDn-Wf4gO3RFSk=/{rest}", "mysecret")
    assert not genuine(f"/cST4Ko5_FqwT3BDn-Wf4gO3RFSk=/{rest}", "another")
    assert not genuine(f"/cST4Ko5_FqwT3BDn-Wf4gO3RFSk=/5{rest}", "mysecret")


def test_signatures_of_imgproxy_are_told_from_others() -> None:
    """The vector is that of imgproxy's documentation."""
    genuine = code(IMGPROXY)["signed_by_imgproxy"]
    rest = "rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png"
    path = f"/oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8/{rest}"
    assert genuine(path, "736563726574", "68656C6C6F")
    assert not genuine(path, "736563726574", "68656C6C6E")
    assert not genuine(f"{path}5", "736563726574", "68656C6C6F")


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_the_loop_puts_a_folder_in_and_may_be_run_again(page: str, tmp_path: Path) -> None:
    """Every file is there under its name; a second run changes nothing and ends."""
    (loop,) = guides.blocks(page, "sh")
    folder = tmp_path / "pictures" / "2024"
    folder.mkdir(parents=True)
    for name in ("cat.png", "two words.png"):
        (folder / name).write_bytes(pictures.png())
    with servers.Running(tmp_path, secret=servers.SECRET) as running:
        for _ in range(2):
            subprocess.run(
                ["sh", "-c", loop.replace("https://images.example.com", running.url)],
                cwd=tmp_path,
                env={
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "PYTHONPATH": str(guides.ROOT),
                    "SECRET": servers.SECRET,
                },
                capture_output=True,
                timeout=300,
                check=False,
            )
        assert running.client.get("/cat").content == pictures.png()
        assert running.client.get("/two%20words.json").json()["id"] == "two words"


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_name_keys_that_there_are(page: str) -> None:
    """Every key of the middle column is one of the settings."""
    keys = {key for key in guides.code(config.reference()) if key.islower()}
    named = [key for row in guides.rows(page, "## Configuration") for key in guides.code(row[1])]
    assert len(named) > 20
    assert set(named) <= keys


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_addresses_are_understood(page: str) -> None:
    """Whatever the middle column writes as an address or a query is one."""
    written = [each for row in guides.rows(page, "## URLs") for each in guides.code(row[1])]
    targets = [each for each in written if each.startswith(("/", "?"))]
    assert len(targets) > 10
    for target in targets:
        whole = target if target.startswith("/") else f"/cat_300_200.jpg{target}"
        request = domain_urls.parse(whole, "", RULES)
        assert request.image.name == "cat"
        if "?" in target:
            assert isinstance(request, domain_urls.RenditionRequest)
            assert request.sent
