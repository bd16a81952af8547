"""What `compare` reads in logs, and what it calls different."""

import random
from pathlib import Path
from typing import Any

import pytest
from imaging import samples
from PIL import Image
from web import pictures

from liveresize import errors
from liveresize.maintenance.compare import access_log, answers, similarity
from liveresize.maintenance.compare.differences import Limits, Row, Summary
from liveresize.maintenance.compare.sheet import MOST, Sheet

COMBINED = (
    '10.0.0.7 - - [30/Nov/2026:10:00:00 +0000] "GET /cat_400_0.jpg?fit=crop HTTP/1.1" 303 0 '
    '"https://shop.example.com/" "Mozilla/5.0"'
)
BALANCER = (
    "https 2026-11-30T10:00:00.1Z app/x/50dc 10.0.0.7:2817 10.0.0.1:80 0.0 0.1 0.0 200 200 34 36 "
    '"GET https://img.example.com:443/cat_400_0.jpg?fit=crop HTTP/1.1" "curl/8"'
)
TARGET = "/cat_400_0.jpg?fit=crop"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (COMBINED, ("GET", TARGET)),
        (BALANCER, ("GET", TARGET)),
        (COMBINED.replace("GET", "POST"), ("POST", TARGET)),
        (TARGET, ("GET", TARGET)),
        ('{"request": "HEAD /cat_400_0.jpg?fit=crop HTTP/2.0"}', ("HEAD", TARGET)),
        ('{"method": "get", "request_uri": "/cat_400_0.jpg?fit=crop"}', ("GET", TARGET)),
        ('{"url.original": "https://a.example/cat_400_0.jpg?fit=crop"}', ("GET", TARGET)),
        ('"GET /b\\xC3\\xBCcket/cat?s=250 HTTP/1.1"', ("GET", "/b%C3%BCcket/cat?s=250")),
        ("/bücket/my cat#there", ("GET", "/b%C3%BCcket/my%20cat")),
        ('"GET http://a.example HTTP/1.1"', ("GET", "/")),
        ("/a?url=http://b.example/x", ("GET", "/a?url=http://b.example/x")),
        ("/a\udcff", ("GET", "/a%FF")),
        ("", None),
        ("cat", None),
        ('"OPTIONS * HTTP/1.1"', None),
        ('"GET  HTTP/1.1"', None),
        ("{", None),
        ("{}", None),
        ('{"url.path": "/cat_400_0.jpg"}', None),
        ("/" + "x" * 8_190, None),
    ],
)
def test_a_line_has_a_request(line: str, expected: tuple[str, str] | None) -> None:
    """The formats of nginx, balancers and JSON, absolute URLs, escaped bytes; or none."""
    assert access_log.request(line) == expected


def test_a_sample_is_drawn_from_the_whole_log() -> None:
    """All targets are as likely, the counts are exact, and the same seed draws the same."""
    rng = random.Random(1)
    lines = [f"/p{index}.jpg" for index in range(1_000) for _ in range(1 + index % 3)]
    rng.shuffle(lines)
    drawn = access_log.Sample(100)
    drawn.read(lines)
    assert len(drawn.targets()) == 100
    assert drawn.lines == len(lines)
    for target, count in drawn.targets():
        assert count == 1 + int(target[2:-4]) % 3
    again = access_log.Sample(100)
    again.read(reversed(lines))
    assert again.targets() == drawn.targets()
    other = access_log.Sample(100, seed=1)
    other.read(lines)
    assert other.targets() != drawn.targets()
    times = dict.fromkeys(lines, 0)
    for seed in range(100):
        one = access_log.Sample(100, seed)
        one.read(set(lines))
        for target, _ in one.targets():
            times[target] += 1
    assert max(times.values()) < 30
    assert min(times.values()) > 0


def test_a_sample_says_what_is_not_in_it() -> None:
    """Other methods, what is no request, and what is not below the path."""
    drawn = access_log.Sample(10)
    drawn.read([COMBINED.replace("GET", "POST"), "?", "", "/img/a.jpg", "/other/a.jpg"], "/img")
    assert drawn.targets() == [("/a.jpg", 1)]
    assert drawn.lines == 4
    skipped = "1 POST; 1 without a request; 1 outside the path of --old"
    assert drawn.skipped.line() == skipped


def test_pictures_are_looked_at_as_browsers_show_them() -> None:
    """Upright, on white, with their profile; what is no picture has no size."""
    upright = pictures.gradient(64, 48)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    pair = similarity.look(
        pictures.encoded(upright), pictures.encoded(turned, "JPEG", exif=exif, quality=95)
    )
    assert (pair.old.width, pair.old.height) == (pair.new.width, pair.new.height) == (64, 48)
    assert (pair.old.format, pair.new.format) == ("PNG", "JPEG")
    assert pair.ssim is not None
    assert pair.ssim > 0.95
    white = similarity.look(pictures.transparent(), pictures.encoded(Image.new("RGB", (64, 48))))
    assert white.ssim is not None
    assert white.ssim < 0.1
    nothing = similarity.look(b"<svg/>", pictures.png())
    assert nothing.old == similarity.Look()
    assert nothing.ssim is None
    assert similarity.look(pictures.png(), pictures.png(8, 8)).ssim is None


def test_a_profile_counts() -> None:
    """Pixels that look alike are alike, whatever their numbers are; a broken one is ignored."""
    plain = pictures.encoded(pictures.gradient(64, 48))
    dark = pictures.encoded(pictures.gradient(64, 48), icc_profile=samples.profile(4.0))
    ssim = similarity.look(plain, dark).ssim
    assert ssim is not None
    assert ssim < 0.95
    broken = pictures.encoded(pictures.gradient(64, 48), icc_profile=b"no profile")
    assert similarity.look(plain, broken).ssim == pytest.approx(1.0)


def picture(**changes: Any) -> answers.Answer:
    """The answer with a picture, as `changes` say."""
    usual = {"status": 200, "type": "image/jpeg", "bytes": 1000, "width": 40, "height": 30}
    return answers.Answer(**{**usual, **changes})


@pytest.mark.parametrize(
    ("old", "new", "ssim", "expected"),
    [
        ({}, {}, 1.0, ()),
        ({"type": "image/jpg"}, {}, 1.0, ()),
        ({"redirect": 303}, {}, 1.0, ()),
        ({}, {"status": 404, "width": 0}, None, ("status",)),
        ({}, {"type": "image/png", "bytes": 9000}, 1.0, ("type", "bytes")),
        ({}, {"width": 41}, None, ("size",)),
        ({}, {}, 0.89, ("likeness",)),
        ({}, {"bytes": 2000}, 0.91, ()),
        ({}, {"bytes": 2001}, 0.91, ("bytes",)),
        ({}, {"width": 0, "type": "text/html"}, None, ("type",)),
        ({"status": 404, "width": 0}, {"status": 404, "type": "text/html", "width": 0}, None, ()),
    ],
)
def test_answers_differ_in_kinds(
    old: dict[str, Any], new: dict[str, Any], ssim: float | None, expected: tuple[str, ...]
) -> None:
    """The gravest first; how the answer was reached does not count."""
    assert Limits().differences(picture(**old), picture(**new), ssim) == expected


def test_a_kind_can_be_ignored() -> None:
    """Then what is left counts."""
    limits = Limits(ignored=frozenset({"type"}))
    new = picture(type="image/png", bytes=9000)
    assert limits.differences(picture(), new, 1.0) == ("bytes",)


def row(number: int, *differences: str, ssim: float | None = 1.0) -> Row:
    """A row with these differences."""
    return Row(f"/{number}.jpg", number, picture(), picture(bytes=500), ssim, differences)


def test_a_summary_weighs_requests_and_lines() -> None:
    """It passes while few enough requests differ."""
    summary = Summary(Limits(max_different=50.0))
    summary.add(row(1))
    summary.add(row(3, "type", ssim=0.95))
    assert summary.passed
    assert summary.text() == [
        "2 requests compared, which are 4 lines of the log",
        "1 differ (50.0 % of the requests, 75.0 % of lines)",
        "  type          1",
        "SSIM: median 1.000, least 0.950",
        "bytes of the pictures, weighted by lines: 4000 → 2000 (× 0.50)",
    ]
    summary.add(row(1, "size", ssim=None))
    assert not summary.passed
    assert summary.as_json()["kinds"] == {
        "status": 0, "type": 1, "size": 1, "likeness": 0, "bytes": 0
    }  # fmt: skip


def test_the_sheet_has_the_worst_pairs(tmp_path: Path) -> None:
    """At most so many, the gravest first; without pictures there is none."""
    sheet = Sheet()
    nothing = similarity.Pair(similarity.Look(), similarity.Look())
    sheet.add(row(1, "status"), nothing)
    assert not sheet.save(tmp_path / "sheet.png")
    red, blue = (pictures.encoded(Image.new("RGB", (220, 165), name)) for name in ("red", "blue"))
    pair = similarity.look(red, blue)
    for number in range(2 * MOST):
        sheet.add(row(number, ssim=1.0), similarity.look(blue, blue) if number < 2 else pair)
    sheet.add(row(99, "likeness", ssim=0.2), similarity.Pair(pair.old, similarity.Look()))
    assert sheet.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as page:
        second = page.width // 2
        assert page.getpixel((20, 20)) == (255, 0, 0)
        assert page.getpixel((350, 150)) == (255, 255, 255)
        assert page.getpixel((second + 20, 20)) == (0, 0, 255)
        assert page.getpixel((second + 255, 20)) == (0, 0, 255)
        assert page.height < 40 * 300


def test_a_report_that_is_none_is_named(tmp_path: Path) -> None:
    """Also where it is JSON of something else."""
    file = tmp_path / "report.jsonl"
    for text in ("[]\n", "{}\n", "x\n", '{"target": "/", "old": {"status": 200, "x": 1}}\n'):
        file.write_text(text)
        with pytest.raises(errors.LiveResizeError, match="is not the report"):
            answers.Recording.read(file)
