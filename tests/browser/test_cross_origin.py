"""A page of another origin: what liveresize lets it send and read."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from web import pictures, servers

from .applications import Application
from .chromium import Visit, needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

VIP_TOKEN = "the token of vip"

Open = Callable[..., Visit]

READ = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        const kind = answer.headers.get("Content-Type") ?? "";
        const body = kind.includes("json") ? await answer.json() : (await answer.blob()).size;
        return { status: answer.status, url: answer.url, kind, body };
    } catch (error) {
        return { error: error.name };
    }
}"""
"""What a script of the page gets of an answer."""

PIXEL = """() => {
    const image = document.querySelector("img");
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const [red, green, blue] = context.getImageData(canvas.width - 3, 2, 1, 1).data;
    return { url: image.currentSrc, size: [canvas.width, canvas.height], red, green, blue };
}"""
"""What the page has in `<img>`: a canvas gives its pixels only where CORS allows it."""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server with the routes of both services, open to pages of `localhost`."""
    with servers.Process(
        tmp_path_factory.mktemp("server"),
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        constraints__max_upload_bytes=4 << 20,
        constraints__max_width=1000,
        vip__buckets=["pics"],
        vip__token=VIP_TOKEN,
        vip__allowed_origins=["localhost"],
    ) as process:
        yield process


@pytest.fixture
def application(process: servers.Process, name: str) -> Iterator[Application]:
    """An application that uploads one picture, `name`."""

    def leave() -> dict[str, Any]:
        return {"address": process.url, "id": name, "token": process.client.token(name)}

    with Application(leave) as application:
        yield application


@pytest.fixture
def visited(visit: Open, application: Application, process: servers.Process) -> Visit:
    """The page of the application."""
    visited = visit(application.url, process.url)
    visited.page.goto(application.url)
    return visited


def read(page: Page, url: str, **options: Any) -> dict[str, Any]:
    """What a script of the page gets of the answer, or the name of the error."""
    answer: dict[str, Any] = page.evaluate(READ, [url, options])
    return answer


def posted(process: servers.Process, path: str) -> list[tuple[str, int]]:
    """(method, status) of the requests up to a POST to `path`; nothing before that is logged."""
    lines = [line for line in process.lines("access") if line["url.path"] == path]
    seen = [(line["http.method"], line["http.status"]) for line in lines]
    return seen if "POST" in dict(seen) else []


def choose(page: Page, data: bytes) -> None:
    """Choose a picture, as from the gallery of a phone."""
    file = {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": data}
    page.get_by_label("Picture").set_input_files(file)  # type: ignore[arg-type]


def test_a_phone_uploads_and_shows_its_picture(
    visited: Visit, process: servers.Process, name: str
) -> None:
    """Token, preflight, upload with its progress, `srcset`, and pixels on a canvas."""
    page = visited.page
    data = pictures.noise(1600, 1200, quality=95)
    choose(page, data)
    expect(page.locator("output")).to_have_text("OK")
    expect(page.locator("body")).to_have_attribute("data-state", "shown")
    receipt = page.evaluate("() => window.receipt")
    assert (receipt["id"], receipt["bytes"]) == (name, len(data))
    steps = page.evaluate("() => steps")
    assert [loaded for loaded, _ in steps] == sorted(loaded for loaded, _ in steps)
    assert steps[-1][0] == steps[-1][1] > len(data), "the form is more than the picture"
    assert page.locator("progress").get_attribute("value") == "1"
    shown = page.evaluate(PIXEL)
    assert shown["url"] == f"{process.url}/{name}_200_0.jpg"
    assert shown["size"] == [200, 150]
    assert servers.until(lambda: posted(process, f"/{name}")) == [("OPTIONS", 204), ("POST", 200)]


def test_a_dense_screen_takes_the_wider_picture(
    visit: Open, application: Application, process: servers.Process, name: str
) -> None:
    """The browser of a phone chooses from `srcset` by its density; colours are the picture's."""
    options = {"device_scale_factor": 3, "viewport": {"width": 360, "height": 740}}
    page = visit(application.url, process.url, **options).page
    page.goto(application.url)
    choose(page, pictures.jpeg(800, 600))
    expect(page.locator("body")).to_have_attribute("data-state", "shown")
    shown = page.evaluate(PIXEL)
    assert shown["url"] == f"{process.url}/{name}_800_0.jpg"
    assert shown["size"] == [200, 150], "in pixels of the page"
    assert shown["red"] < 30 < 220 < shown["green"], "the gradient's upper right corner"


def test_what_a_page_may_read(visited: Visit, process: servers.Process, name: str) -> None:
    """Renditions, also through the redirect to the store, facts, and the way to what is allowed."""
    page = visited.page
    process.client.put_in(name, pictures.png(64, 48))
    url = f"{process.url}/{name}_40_0.png"
    assert read(page, url) | {"body": 0} == {
        "status": 200,
        "url": url,
        "kind": "image/png",
        "body": 0,
    }
    servers.until(lambda: process.client.get(url).status_code == 303)
    assert read(page, url, cache="no-store")["url"].startswith(f"{process.url}/_renditions/")
    assert read(page, f"{process.url}/{name}.json")["body"]["width"] == 64
    larger = read(page, f"{process.url}/{name}_2000_0.png")
    assert (larger["status"], larger["url"]) == (200, f"{process.url}/{name}_1000_0.png")


def test_a_page_may_see_how_long_a_rendition_took(
    visited: Visit, process: servers.Process, name: str
) -> None:
    """`Timing-Allow-Origin` opens the entries of `Server-Timing` to the page."""
    page = visited.page
    process.client.put_in(name, pictures.png(64, 48))
    url = f"{process.url}/{name}_40_0.png"
    assert read(page, url)["status"] == 200
    script = "(url) => performance.getEntriesByName(url)[0].serverTiming.map((each) => each.name)"
    assert page.evaluate(script, url) == ["queue", "decode", "resize", "encode", "total"]


def test_errors_are_read_as_sentences(visited: Visit, process: servers.Process, name: str) -> None:
    """A page reads why its upload was refused, or why there is no picture."""
    visited.expect("status of (400|403|404|413|415)")
    page = visited.page
    token = process.client.token(name)
    url = f"{process.url}/{name}"
    headers = {"X-Token": token, "Content-Type": "image/png"}
    refused = read(page, url, method="POST", headers=headers, body="no picture at all")
    assert (refused["status"], refused["body"]["code"]) == (415, "unsupported_image")
    spent = read(page, url, method="POST", headers=headers, body="x")
    assert (spent["status"], spent["body"]["error"][-1]) == (403, ".")
    fresh = {**headers, "X-Token": process.client.token(name)}
    large = read(page, url, method="POST", headers=fresh, body="x" * (5 << 20))
    assert large["status"] == 413
    assert read(page, f"{url}_40_0.png")["status"] == 404
    assert read(page, f"{url}_40_0.tiff")["status"] == 400


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/{name}"), ("POST", "/purge"), ("POST", "/token")]
)
def test_what_a_page_of_another_origin_may_not(
    visited: Visit, process: servers.Process, name: str, method: str, path: str
) -> None:
    """The preflight of what an operator or the application's server does fails in the browser."""
    visited.expect("blocked by CORS policy", "net::ERR_FAILED", "status of 4")
    process.client.put_in(name, pictures.png())
    headers = {"Authorization": f"Bearer {servers.ADMIN}", "Content-Type": "application/json"}
    url = process.url + path.format(name=name)
    assert read(visited.page, url, method=method, headers=headers) == {"error": "TypeError"}
    assert process.client.get(f"/{name}.json").status_code == 200


def test_a_page_that_vip_allows_uploads(visited: Visit, process: servers.Process) -> None:
    """With the token and without, and shows what it is told; port and case do not matter."""
    page = visited.page
    url = f"{process.url}/upload/pics"
    with_token = {"X-Vip-Token": VIP_TOKEN, "X-Vip-Warmup": "s=32", "Content-Type": "image/png"}
    for headers in (with_token, {"Content-Type": "image/png"}):
        script = """async ([url, headers, data]) => {
            const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
            const answer = await fetch(url, { method: "POST", headers, body: bytes });
            return { status: answer.status, ...await answer.json() };
        }"""
        made = page.evaluate(script, [url, headers, _base64(pictures.png(64, 48))])
        assert made["status"] == 201
        assert made["url"].endswith("-64x48")
        shown = read(page, process.url + "/pics/" + made["url"].rpartition("/")[2] + "?s=32")
        assert (shown["status"], shown["kind"]) == (200, "image/png")


def test_a_page_that_vip_does_not_know_cannot_upload(
    visit: Open, application: Application, process: servers.Process
) -> None:
    """The token alone does not help in a browser: the preflight has no leave for it."""
    stranger = f"http://127.0.0.1:{application.port}"
    visited = visit(stranger, process.url)
    visited.expect("blocked by CORS policy", "net::ERR_FAILED", "status of 401")
    visited.page.goto(stranger)
    url = f"{process.url}/upload/pics"
    headers = {"X-Vip-Token": VIP_TOKEN, "Content-Type": "image/png"}
    answer = read(visited.page, url, method="POST", headers=headers, body="x")
    assert answer == {"error": "TypeError"}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
