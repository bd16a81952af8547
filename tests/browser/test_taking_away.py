"""What the studio hands out – address, HTML, curl – does what it says."""

import html.parser
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from web import pictures

from . import scenes
from .chromium import needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]

CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest.fixture
def turned(opened: Studio) -> Studio:
    """A crop that asks for several parameters."""
    opened.field("spinbutton", "Width").fill("120")
    opened.field("spinbutton", "Height").fill("90")
    opened.field("combobox", "Fit").select_option("crop")
    opened.field("combobox", "Format").select_option("webp")
    opened.field("combobox", "Rotate").select_option("180")
    opened.shown("_120_90.webp", "fit=crop", "rotate=180")
    return opened


def copied(studio: Studio, what: str) -> str:
    """What is in the clipboard after a click on the button for it."""
    if what != "URL":
        studio.view("Code")
        studio.field("radio", what).check()
    studio.button(f"Copy {what}").click()
    expect(studio.status).to_contain_text("Copied")
    text: str = studio.page.evaluate("() => navigator.clipboard.readText()")
    assert text == studio.field("textbox", what).input_value()
    return text


def test_the_address_is_copied(turned: Studio) -> None:
    """It is whole, without what only the studio needs, and gives what was seen."""
    turned.visit.context.grant_permissions(CLIPBOARD)
    url = copied(turned, "URL")
    assert url == turned.process.url + turned.shown()
    assert "proxy" not in url
    assert pictures.opened(turned.answer(url).content).size == (120, 90)


class Addresses(html.parser.HTMLParser):
    """Every address in `src` and `srcset`, and the elements seen."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        given = dict(attrs)
        if tag == "img":
            self.images.append(given)
        self.urls += [given["src"] or ""] if "src" in given else []
        for candidate in re.split(r"\s*,\s+", given.get("srcset") or ""):
            self.urls += candidate.split()[:1]


def test_the_html_is_copied(turned: Studio) -> None:
    """It has a size and an alternative text, and every address in it is a picture."""
    turned.visit.context.grant_permissions(CLIPBOARD)
    parser = Addresses()
    parser.feed(copied(turned, "HTML"))
    (image,) = parser.images
    assert (image["width"], image["height"]) == ("120", "90")
    assert "alt" in image
    assert len(parser.urls) >= 2
    for url in parser.urls:
        assert turned.answer(url).headers["Content-Type"].startswith("image/")


def test_the_line_for_curl_is_copied(turned: Studio, tmp_path: Path) -> None:
    """A shell does it as it is, whatever is in the address."""
    turned.visit.context.grant_permissions(CLIPBOARD)
    line = copied(turned, "curl")
    assert line.startswith("curl ")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True, capture_output=True)
    (file,) = tmp_path.iterdir()
    assert pictures.opened(file.read_bytes()).size == (120, 90)


def test_without_leave_the_text_is_selected(turned: Studio) -> None:
    """A browser that keeps its clipboard shut: the text is ready for Ctrl+C, and it is said."""
    turned.visit.context.grant_permissions([])
    turned.button("Copy URL").click()
    expect(turned.status).not_to_be_empty()
    script = """(field) => [document.activeElement === field,
        field.value.slice(field.selectionStart, field.selectionEnd)]"""
    focused, selected = turned.field("textbox", "URL").evaluate(script)
    assert (focused, selected) == (True, turned.process.url + turned.shown())


def test_an_id_that_needs_escaping(studio: Studio, tmp_path: Path) -> None:
    """Quotes, spaces, signs and letters beyond ASCII, in all that is taken away."""
    name = 'it\'s ünique & "loud" <i> 50% $HOME'
    studio.process.client.put_in(quote(name), scenes.jpeg(), id=name)
    studio.visit.context.grant_permissions(CLIPBOARD)
    studio.field("searchbox", "Id of a picture").fill(name)
    studio.button("Open").click()
    studio.shown(".")
    assert pictures.opened(studio.answer(copied(studio, "URL")).content).format
    parser = Addresses()
    parser.feed(copied(studio, "HTML"))
    assert [studio.answer(url).status_code for url in parser.urls] == [200] * len(parser.urls)
    line = copied(studio, "curl")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True, capture_output=True)
    (file,) = tmp_path.iterdir()
    assert pictures.opened(file.read_bytes()).format
