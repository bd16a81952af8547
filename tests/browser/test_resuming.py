"""tus-js-client, as npm has it and the guide uses it, on a connection that breaks ten times."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web import pictures, servers

from docs import guides

from .applications import Application
from .chromium import Visit, needs_chromium
from .cutting import CuttingProxy

pytestmark = [pytest.mark.long, needs_chromium]

CUTS = 10

PINNED = re.search(r"\btus-js-client@[\d.]+", (servers.ROOT / "scripts" / "test").read_text())

SEND = """({ server, id, token }) => {
    const seen = window.seen = [];
    const onProgress = (part) => seen.push(part);
    const [file] = document.querySelector("#resumed").files;
    window.sent = uploadInParts(file, { server, id, token, onProgress });
}"""


def large_jpeg() -> bytes:
    """100 MB: a small picture behind comments at random, which are made in no time."""
    data, chance = pictures.jpeg(400, 300), random.Random(1)
    comment = b"\xff\xfe\xff\xff" + chance.randbytes(65_533)
    return data[:2] + comment * 1600 + data[2:]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server that takes large pictures, and keeps them as they are."""
    with servers.Process(
        tmp_path_factory.mktemp("large"),
        secret=servers.SECRET,
        constraints__max_upload_bytes=128 << 20,
        originals__metadata="keep",
    ) as process:
        yield process


def test_100_mb_arrive_over_a_connection_that_breaks_ten_times(
    visit: Callable[..., Visit],
    large: servers.Process,
    tmp_path: Path,
    name: str,
) -> None:
    """From another origin, to a receipt; nothing that had arrived is sent again."""
    assert PINNED is not None
    script = servers.ROOT / "scratch" / "npm" / PINNED[0] / "dist" / "tus.min.js"
    if not script.exists():
        pytest.skip(f"scripts/test --all fetches {PINNED[0]}, with npm")
    data = large_jpeg()
    file = tmp_path / "large.jpg"
    file.write_bytes(data)
    with (
        Application(dict) as application,
        CuttingProxy(large.port, times=2 * CUTS, size=len(data) // 12) as way,
    ):
        server = f"http://127.0.0.1:{way.port}"
        visiting = visit(application.url, server)
        visiting.expect("net::ERR_", "status of 409")
        page = visiting.page
        page.goto(application.url)
        page.add_script_tag(path=script)
        page.add_script_tag(
            content=guides.blocks("docs/uploading.md", "js")[2].replace("export ", "")
        )
        page.evaluate("""() => {
            const field = document.body.appendChild(document.createElement("input"));
            Object.assign(field, { type: "file", id: "resumed" });
        }""")
        page.locator("#resumed").set_input_files(file)
        page.evaluate(SEND, {"server": server, "id": name, "token": large.client.token(name)})
        receipt = page.evaluate("() => window.sent")
        seen = page.evaluate("() => window.seen")
        page.close()
    assert (receipt["id"], receipt["bytes"]) == (name, len(data))
    assert seen[-1] == 1
    assert large.client.get(f"/{name}.jpg").content == data
    parts = [line for line in large.lines("access") if line["http.method"] == "PATCH"]
    statuses = [line["http.status"] for line in parts]
    assert statuses.count(499) >= CUTS
    # Chromium itself sends a request again whose connection was in use before. The upload has more
    # bytes by then, which tus-js-client hears.
    assert set(statuses) - {499, 409} == {200}
