"""The site itself: built without a warning, whole, and on its own."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from browser import chromium
from browser.chromium import needs_chromium
from docs.transcripts import ROOT
from PIL import Image, ImageChops, ImageStat

from scripts.site import build, examples, links, pictures

pytestmark = pytest.mark.long

LOOKED_AT = [
    "docs/index",
    "docs/quick-start",
    "docs/urls",
    "docs/architecture",
    "docs/vm-with-s3-and-elk",
    "config/README",
]

TEXTS = {".html", ".css", ".js", ".txt", ".json", ".svg", ".md"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `scripts/docs` builds it; a warning of Sphinx fails every test here."""
    target = tmp_path_factory.mktemp("built") / "site"
    build.build(target)
    return target


def test_every_link_holds(site: Path) -> None:
    """Pages, anchors, pictures and downloads are all there, and nothing comes from outside."""
    report = links.check(site)
    assert report.broken == []
    assert report.loaded == []
    assert report.pages >= len(list((ROOT / "docs").glob("*.md")))
    assert report.anchors > 100


def test_the_entrance_leads_to_the_index(site: Path) -> None:
    """Whoever asks for the root of the site finds the first page."""
    assert build.FIRST in (site / "index.html").read_text()
    assert "A live image resizer" in (site / build.FIRST).read_text()


def test_no_page_tells_of_this_machine(site: Path) -> None:
    """Neither folders of whoever built it, nor trackers, nor fonts of others."""
    folders = "|".join(re.escape(f"{folder}/") for folder in (ROOT, ROOT.parent, Path.home()))
    wrong = re.compile(rf"(?:{folders})|google-analytics|googletagmanager|fonts\.g")
    found = [
        f"{path.relative_to(site)}: {match.group()}"
        for path in site.rglob("*")
        if path.suffix in TEXTS
        for match in wrong.finditer(path.read_text())
    ]
    assert found == []


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a word."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=str(site))
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()
    thread.join()


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_read_by_everyone(address: str, scheme: Literal["light", "dark"]) -> None:
    """axe finds nothing serious, the console says nothing, nothing outside is asked for."""
    told: list[str] = []
    asked: list[str] = []
    with chromium.running() as browser:
        page = browser.new_page(color_scheme=scheme)
        page.on("console", lambda message: told.append(message.text))
        page.on("requestfailed", lambda request: told.append(request.url))
        page.on("request", lambda request: asked.append(request.url))
        for name in LOOKED_AT:
            page.goto(f"{address}/{name}.html")
            told += [
                f"{name}: {each['id']} {each['nodes'][0]['html'][:80]}"
                for each in Axe().run(page).response["violations"]
                if each["impact"] in ("serious", "critical")
            ]
    assert told == []
    assert [each for each in asked if not each.startswith((f"{address}/", "data:"))] == []


def test_a_page_with_a_fault_is_no_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to a page that is not there stops the build, and is named."""
    project = tmp_path / "project"
    (project / "docs").mkdir(parents=True)
    (project / "docs" / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "extensions = ['myst_parser']; root_doc = 'docs/index'\n"
    )
    (project / "docs" / "index.md").write_text("# A\n\n[b](b.md)\n")
    monkeypatch.setattr(build, "ROOT", project)
    with pytest.raises(build.BuildFailed, match=r"b\.md"):
        build.build(tmp_path / "site")


def test_the_pictures_are_what_the_server_makes(tmp_path: Path) -> None:
    """A server of today answers each address with the picture that is shown."""
    pictures.take(tmp_path)
    for example in examples.every():
        made, shown = pixels(tmp_path / example.file), pixels(pictures.FOLDER / example.file)
        assert made.size == shown.size, example.path
        difference = ImageStat.Stat(ImageChops.difference(made, shown))
        assert max(difference.mean) < 4, example.path


def pixels(path: Path) -> Image.Image:
    """The first frame of a picture."""
    with Image.open(path) as picture:
        return picture.convert("RGBA")
