"""The JavaScript client in a project with Vite, as somebody begins one, and in a browser."""

import functools
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.chromium import PATIENCE, Visit, needs_chromium, running
from browser.cutting import CuttingProxy
from playwright.sync_api import Browser, Page, expect
from web import pictures, servers

from . import builds

pytestmark = [pytest.mark.long, needs_chromium, builds.needs_npm]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[builds.Pages]:
    """The site that Vite builds of an empty project with the package of `npm pack`."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(Path(__file__).parent / "project", folder, dirs_exist_ok=True)
    modules = folder / "node_modules"
    (modules / "@liveresize").mkdir(parents=True)
    packed = builds.package(tmp_path_factory.mktemp("pack"))
    assert sorted(path.name for path in packed.iterdir()) == ["README.md", "dist", "package.json"]
    shutil.move(packed, modules / "@liveresize" / "client")
    for path in builds.MODULES.iterdir():
        if not path.name.startswith("."):
            (modules / path.name).symlink_to(path)
    (folder / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
    builds.node(builds.MODULES / "vite" / "bin" / "vite.js", "build", "--base", "./", folder=folder)
    script = "".join(path.read_text() for path in (folder / "dist" / "assets").glob("*.js"))
    assert "createHmac" not in script  # what signs stays on the server
    with builds.Pages(folder / "dist") as site:
        yield site


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    with servers.Process(
        tmp_path_factory.mktemp("server"),
        secret=servers.SECRET,
        constraints__max_upload_bytes=128 << 20,
        originals__metadata="keep",
    ) as process:
        yield process


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running() as browser:
        yield browser


@pytest.fixture
def visit(
    browser: Browser, pages: builds.Pages, server: servers.Process
) -> Iterator[Callable[[str], Visit]]:
    """Comes to the page, which talks to the server at a URL; whatever goes wrong fails the test."""
    visits: list[Visit] = []

    def come(url: str) -> Visit:
        visits.append(Visit(browser, pages.url, (url, server.url)))
        visits[-1].page.goto(f"{pages.url}/?server={url}")
        return visits[-1]

    yield come
    for each in visits:
        each.page.context.close()
        assert each.unexpected == []


@pytest.fixture
def upload(tmp_path: Path) -> Callable[..., None]:
    """Begins an upload on a page."""

    def begin(page: Page, data: bytes, id_: str, token: object, **options: Any) -> None:
        file = tmp_path / f"{id_}.jpg"
        file.write_bytes(data)
        page.set_input_files("#file", file)
        page.evaluate("([id, token, options]) => begin(id, token, options)", [id_, token, options])

    return begin


@functools.cache
def large(mebibytes: int) -> bytes:
    """A small picture behind comments at random."""
    data, chance = pictures.jpeg(400, 300), random.Random(1)
    return data[:2] + (b"\xff\xfe\xff\xff" + chance.randbytes(65_533)) * (16 * mebibytes) + data[2:]


def test_a_picture_is_uploaded_and_shown(
    visit: Callable[[str], Visit], server: servers.Process, upload: Callable[..., None]
) -> None:
    """In one request, with its progress; the element changes with its attributes."""
    page = visit(server.url).page
    upload(page, pictures.jpeg(400, 300), "small", server.client.token("small"))
    receipt = page.evaluate("sent")
    assert (receipt["id"], receipt["original_width"]) == ("small", 400)
    assert page.evaluate("seen")[-1] == 1
    page.evaluate(
        "show",
        f'<live-picture name="small" base="{server.url}" width="120" height="80" fit="crop" '
        'alt="A field" densities="1" loading="eager"></live-picture>',
    )
    image = page.locator("live-picture img")
    expect(image).to_have_js_property("naturalWidth", 120)
    page.evaluate("document.querySelector('live-picture').setAttribute('width', '60')")
    expect(image).to_have_js_property("naturalWidth", 60)
    assert page.evaluate("document.querySelectorAll('live-picture picture').length") == 1
    page.evaluate("document.querySelector('live-picture').removeAttribute('name')")
    expect(image).to_have_count(0)


def test_a_refusal_is_told_in_the_words_of_the_server(
    visit: Callable[[str], Visit], server: servers.Process, upload: Callable[..., None]
) -> None:
    visiting = visit(server.url)
    visiting.expect("status of 403", "status of 422", "status of 415")
    upload(visiting.page, b"no picture at all", "none", server.client.token("none"))
    refused = visiting.page.evaluate("sent")
    assert (refused["failed"], refused["status"]) == ("UploadFailed", 415)
    upload(visiting.page, pictures.jpeg(40, 30), "none", "0" * 36)
    assert visiting.page.evaluate("sent")["code"] == "token_refused"


def test_a_large_file_goes_on_where_it_was(
    visit: Callable[[str], Visit], server: servers.Process, upload: Callable[..., None]
) -> None:
    """Over a connection that breaks five times, and on a page that comes again later."""
    data = large(20)
    with CuttingProxy(server.port, times=5, size=3 << 20) as way:
        visiting = visit(f"http://127.0.0.1:{way.port}")
        visiting.expect("net::ERR_", "status of 409")
        upload(visiting.page, data, "large", server.client.token("large"))
        assert visiting.page.evaluate("sent")["bytes"] == len(data)
        assert visiting.page.evaluate("localStorage.length") == 0
        visiting.page.context.close()  # or its idle connections keep the proxy
    with CuttingProxy(server.port, times=1000, size=3 << 20) as way:
        visiting = visit(f"http://127.0.0.1:{way.port}")
        visiting.expect("net::ERR_", "status of 409")
        page, token = visiting.page, server.client.token("left")
        upload(page, data, "left", token, delays=[0, 500])
        assert page.evaluate("sent")["failed"] == "UploadFailed"
        assert page.evaluate("localStorage.length") == 1
        page.reload()
        way.heal()
        upload(page, data, "left", token)
        assert page.evaluate("sent")["bytes"] == len(data)
        assert page.evaluate("seen[0]") > 0.1
        page.context.close()


def test_an_aborted_upload_leaves_nothing(
    visit: Callable[[str], Visit], server: servers.Process, upload: Callable[..., None]
) -> None:
    """Neither on the server nor in the browser; the token can be used again."""
    with CuttingProxy(server.port, times=1, size=3 << 20) as way:
        visiting = visit(f"http://127.0.0.1:{way.port}")
        visiting.expect("net::ERR_", "status of 409")
        page, token = visiting.page, server.client.token("aborted")
        upload(page, large(20), "aborted", token, delays=[100_000])
        page.wait_for_function("seen.length > 0", timeout=PATIENCE)
        page.evaluate("() => stop.abort()")
        assert page.evaluate("sent")["failed"] == "AbortError"
        assert page.evaluate("localStorage.length") == 0
        assert list((server.folder / "data" / "originals" / "_staging").iterdir()) == []
        upload(page, pictures.jpeg(40, 30), "aborted", token)
        assert page.evaluate("sent")["original_width"] == 40
        page.context.close()


def test_a_picture_is_made_smaller_first(
    visit: Callable[[str], Visit], server: servers.Process, upload: Callable[..., None]
) -> None:
    """As the token's answer says, or the page; what is small enough is sent as it is."""
    page = visit(server.url).page
    data = pictures.jpeg(1200, 800)
    upload(page, data, "shrunk", {"token": server.client.token("shrunk"), "shrink_to": 600})
    receipt = page.evaluate("sent")
    assert (receipt["original_width"], receipt["original_height"]) == (600, 400)
    upload(page, data, "same", {"token": server.client.token("same"), "shrink_to": 1200})
    assert page.evaluate("sent")["bytes"] == len(data)
    upload(page, data, "asked", server.client.token("asked"), shrink={"maxSide": 300})
    assert page.evaluate("sent")["original_width"] == 300
