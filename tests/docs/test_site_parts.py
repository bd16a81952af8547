"""What is generated in docs/: up to date, true to the parser, and small enough to be kept."""

import asyncio
import http.server
import json
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.transcripts import ROOT
from PIL import Image

from liveresize import config
from liveresize.compat.vip import requests as vip
from liveresize.core import geometry, parameters
from liveresize.core.values import COMPASS, Fit
from scripts.site import contents, drawings, examples, links, marked, pictures, written
from scripts.site.examples import Example

EVERY = list(examples.every())

PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "deploy").glob("*/README.md")),
    *(
        ROOT / name
        for name in (
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
            "config/README.md",
        )
    ),
]

TOLD = {"sig", "exp", "held", "proxy", "version"}
"""Parameters that change no picture; the page has words for them."""


def test_what_is_generated_is_up_to_date() -> None:
    """Tables and drawings are those of the code; else run `scripts/docs`."""
    stale = [path.name for path, text in written.files().items() if path.read_text() != text]
    assert stale == []


@pytest.mark.parametrize("example", EVERY, ids=lambda each: each.file)
def test_a_picture_is_what_its_address_says(example: Example) -> None:
    """The parser takes the address, and size and format of the file are what it asks for."""
    with Image.open(pictures.FOLDER / example.file) as picture:
        assert picture.size == geometry.output_size(example.source.size, example.rendition)
        assert (picture.format or "").lower() == example.format


def test_the_pictures_are_those_of_the_list() -> None:
    """None is missing, none left over, no two share a file; all together stay small."""
    names = [each.file for each in EVERY]
    assert len(set(names)) == len(names)
    found = {path.name: path.stat().st_size for path in pictures.FOLDER.iterdir()}
    assert found.keys() == set(names)
    assert sum(found.values()) < 600_000


def test_every_parameter_is_shown_or_told_of() -> None:
    """A parameter that is added to the parser must be on the page; so must every fit."""
    used = {
        pair.partition("=")[0]
        for each in EVERY
        for pair in each.path.partition("?")[2].split("&")
        if pair
    }
    assert used | TOLD == {*parameters.KNOWN, *vip.KNOWN}
    page = (ROOT / "docs" / "urls.md").read_text()
    assert all(re.search(rf"^## .*\b{name}\b", page, re.MULTILINE) for name in TOLD)
    assert all(f"`{word}`" in page for word in COMPASS)
    assert all(f"fit={fit}" in page for fit in Fit)


@pytest.mark.parametrize("name", drawings.FILES)
def test_a_drawing_can_be_read_aloud(name: str) -> None:
    """It is whole XML, with a title and a description, loads nothing, and knows the dark."""
    text = (ROOT / "docs" / name).read_text()
    drawing = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert drawing.get("role") == "img"
    assert drawing.findtext(f"{space}title")
    assert len(drawing.findtext(f"{space}desc") or "") > 100
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace('"http://www.w3.org/2000/svg"', "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_hold_on_a_code_host_too(page: Path) -> None:
    """What a page links to is a file or folder of the project, and nothing outside of it."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        path = target.partition("#")[0]
        if path and not re.match(r"[a-z]+:", path):
            found = (page.parent / path).resolve()
            assert found.is_relative_to(ROOT), target
            assert found.exists(), target


def test_the_settings_of_the_vm_are_accepted(tmp_path: Path) -> None:
    """The configuration of the page boots, and nothing about it needs a warning."""
    page = (ROOT / "docs" / "vm-with-s3-and-elk.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (tmp_path / "production.json").write_text(block)
    environ = {"NODE_ENV": "production", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    loaded = config.load(environ, tmp_path)
    assert loaded.warnings == ()
    assert loaded.aws.originals_bucket == json.loads(block)["aws"]["originals_bucket"]


def test_a_part_that_is_not_there_is_said() -> None:
    """A page that has lost a comment is not taken for one that is up to date."""
    page = "<!-- one: written by scripts/docs -->\nold\n<!-- end of one -->\n"
    assert "old" not in marked.filled(page, "one", r"new \1")
    with pytest.raises(marked.NoSuchPart, match="0 parts are called two"):
        marked.filled(page, "two", "new")


def test_contents_are_made_of_the_lists() -> None:
    """A heading with links to pages is a part of the contents, one without is none."""
    page = "# A\n\n## B\n\n- [C](c.md): d\n- [E](../e/README.md)\n\n## F\n\n- [G](g.html)\n"
    assert contents.toctrees(page) == (
        "```{toctree}\n:hidden:\n:caption: B\n\nC <c>\nE <../e/README>\n```\n"
    )


def site(folder: Path, **files: str) -> Path:
    """A site of those pages, and a style sheet."""
    for name, body in files.items():
        (folder / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>{body}")
    return folder


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    """A page, an anchor, a picture, a candidate of a `srcset`, and a way out of the site."""
    wrong = [
        '<a href="none.html">', '<a href="two.html#none">', '<img src="none.png">',
        '<img srcset="two.html 1x, none.webp 2x">', '<a href="../../x">', '<a href="#none">',
    ]  # fmt: skip
    right = '<a href="two.html#here"><a href="#"><a href="two.html"><p id="top"><a href="#top">'
    report = links.check(site(tmp_path, one="".join(wrong) + right, two="<h1 id=here>"))
    assert len(report.broken) == len(wrong)
    assert (report.pages, report.anchors) == (2, 4)
    assert report.loaded == []


def test_what_is_loaded_from_outside_is_found(tmp_path: Path) -> None:
    """Scripts, styles, fonts and pictures of other hosts; a plain link is only counted."""
    pages = site(
        tmp_path,
        one='<script src="//cdn.example.com/a.js"></script><link rel=stylesheet href="https://b.c/d">'
        "<style>@import 'https://e.f/g'; p { background: url(https://h.i/j) }</style>"
        '<a href="https://plain.example.org/">',
    )
    (pages / "site.css").write_text("@font-face { src: url('https://fonts.example.com/k') }")
    report = links.check(pages)
    assert len(report.loaded) == 5
    assert report.external["https://plain.example.org/"] == 1
    assert report.broken == []


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of a server that has one page."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/there" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.2", 0), Handler)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.2:{served.server_port}"
    served.shutdown()
    served.server_close()
    thread.join()


def test_addresses_outside_are_asked_for(elsewhere: str) -> None:
    """Those that refuse or do not answer are told, examples are left alone."""
    asked = [f"{elsewhere}/there", f"{elsewhere}/none", "http://127.0.0.2:1/", "mailto:a@b.c"]
    asked.append("https://images.example.com/cat")
    told = asyncio.run(links.ask(asked))
    assert told == [f"{elsewhere}/none: 404", "http://127.0.0.2:1/: ConnectError"]
