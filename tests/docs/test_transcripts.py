"""The sessions and the page that the documentation shows, held against a real server."""

import html.parser
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.transcripts import ROOT
from PIL import Image
from web import servers

from docs import transcripts

PAGES = ["README.md", "docs/quick-start.md", "docs/urls.md"]

SERVE = ROOT / "scripts" / "serve"

SAMPLE = ROOT / "docs" / "sample.jpg"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Running]:
    """A server as `scripts/serve` starts it with the settings it writes, but for its port."""
    folder = tmp_path / "server"
    folder.mkdir()
    written = re.findall("<<'LINES'\n(.*?)^LINES$", SERVE.read_text(), re.DOTALL | re.MULTILINE)
    (folder / "default.json").write_text(written[0])
    with servers.Running(folder) as running:
        yield running


@pytest.mark.parametrize("name", PAGES)
def test_a_session_goes_as_it_is_shown(name: str, server: servers.Running, tmp_path: Path) -> None:
    """Every command of the page, run in order, prints what stands below it."""
    commands = list(transcripts.commands((ROOT / name).read_text()))
    assert commands
    if not any("/token" in each.text for each in commands):
        server.client.put_in("sample", SAMPLE.read_bytes())
    with transcripts.Terminal(server, tmp_path) as terminal:
        for command in commands:
            printed = transcripts.steady(terminal.run(command))
            assert printed == transcripts.steady(command.output), command.text


class Images(html.parser.HTMLParser):
    """The `<img>` tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append({name: value or "" for name, value in attrs})


def test_the_page_of_the_quick_start_shows_its_picture(server: servers.Running) -> None:
    """Each address of its `<img>` is a picture of the size that the tag says."""
    server.client.put_in("sample", SAMPLE.read_bytes())
    page = (ROOT / "docs" / "quick-start.md").read_text()
    (image,) = Images(re.findall(r"```html\n(.*?)```", page, re.DOTALL)[0]).found
    assert image["alt"]
    wanted = [(image["src"], int(image["width"]))]
    for candidate in image["srcset"].split(","):
        address, size = candidate.split()
        wanted.append((address, int(size.removesuffix("w"))))
    for address, width in wanted:
        path = address.removeprefix(f"http://{transcripts.ADDRESS}")
        answer = server.client.get(path, headers={"Accept": "image/avif"}, follow_redirects=True)
        with Image.open(io.BytesIO(answer.content)) as shown:
            assert shown.size == (width, width * int(image["height"]) // int(image["width"]))
