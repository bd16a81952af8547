"""The widgets that pages upload with, as npm has them: Dropzone, Uppy and FilePond."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from web import pictures, servers

from .applications import Application
from .chromium import Visit, needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

PACKAGES = servers.ROOT / "scratch" / "npm"

TEST = (servers.ROOT / "scripts" / "test").read_text()

DROPZONE = """({ address, id, token }) => new Promise((resolve) => {
    const form = document.body.appendChild(document.createElement("form"));
    const zone = new Dropzone(form, { url: `${address}/${id}`, headers: { "X-Token": token } });
    zone.on("success", (file, receipt) => resolve(receipt));
    zone.on("error", (file, error) => resolve(error));
})"""
"""With its defaults: the field `file`, and the headers `Cache-Control` and `X-Requested-With`."""

UPPY = """({ address, id, token }) => new Promise((resolve) => {
    const { Uppy: Core, Dashboard, XHRUpload } = Uppy;
    const uppy = new Core({ autoProceed: true });
    uppy.use(Dashboard, { inline: true, target: "body" });
    uppy.use(XHRUpload, { endpoint: `${address}/${id}`, headers: { "X-Token": token } });
    uppy.on("upload-success", (file, response) => resolve(response.body));
    uppy.on("upload-error", (file, error) => resolve(String(error)));
})"""
"""With its defaults: the field `file` after fields with what is known of it."""

UPPY_TUS = """({ address, id, token }) => new Promise((resolve) => {
    const { Uppy: Core, Dashboard, Tus } = Uppy;
    const uppy = new Core({ autoProceed: true });
    uppy.use(Dashboard, { inline: true, target: "body" });
    uppy.use(Tus, { endpoint: `${address}/_uploads/${id}`, headers: { "X-Token": token } });
    uppy.on("upload-success", (file, { body }) => resolve(JSON.parse(body.xhr.responseText)));
    uppy.on("upload-error", (file, error) => resolve(String(error)));
})"""
"""An upload in parts: the protocol tus."""

FILEPOND = """({ address, id, token }) => new Promise((resolve) => {
    const input = document.body.appendChild(document.createElement("input"));
    input.type = "file";
    const onload = (response) => { resolve(JSON.parse(response)); return id; };
    const process = { url: `/${id}`, headers: { "X-Token": token }, onload, onerror: resolve };
    FilePond.create(input, { name: "image", server: { url: address, process } });
})"""
"""With the name of the field. It sends its own notes as a first field of the same name."""

WIDGETS = {
    "dropzone": ("dist/dropzone-min.js", DROPZONE, "input.dz-hidden-input"),
    "uppy": ("dist/uppy.min.js", UPPY, "input.uppy-Dashboard-input >> nth=0"),
    "uppy (tus)": ("dist/uppy.min.js", UPPY_TUS, "input.uppy-Dashboard-input >> nth=0"),
    "filepond": ("dist/filepond.min.js", FILEPOND, "input.filepond--browser"),
}
"""Name → its script, what a page does with it, and the field that files are put in."""


@pytest.fixture
def application(process: servers.Process, name: str) -> Iterator[Application]:
    """An application of another origin; the test has its token already."""

    def leave() -> dict[str, Any]:
        raise AssertionError("the widgets do not ask")

    with Application(leave) as application:
        yield application


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_uploads_a_picture(
    visit: Callable[..., Visit],
    application: Application,
    process: servers.Process,
    name: str,
    widget: str,
) -> None:
    """From another origin, with a token, to a receipt; the stored bytes are those of the file."""
    pinned = re.search(rf"\b{widget.partition(' ')[0]}@[\d.]+", TEST)
    assert pinned is not None
    package = PACKAGES / pinned[0]
    if not package.exists():
        pytest.skip(f"scripts/test --all fetches {pinned[0]}, with npm")
    script, act, field = WIDGETS[widget]
    page = visit(application.url, process.url).page
    page.goto(application.url)
    page.add_script_tag(path=package / script)
    token = process.client.token(name)
    granted = {"address": process.url, "id": name, "token": token}
    page.evaluate(f"(granted) => {{ window.uploaded = ({act})(granted); }}", granted)
    data = pictures.jpeg(400, 300)
    page.locator(field).set_input_files(
        [{"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": data}]
    )
    receipt = page.evaluate("() => window.uploaded")
    assert (receipt["id"], receipt["bytes"]) == (name, len(data))
    assert process.client.get(f"/{name}.jpg").content == data
