"""vip's own test cases, played through its routes as a client of vip would.

`pytest -s -m long tests/corpus/test_vip.py` prints them as a table in Markdown.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from PIL import Image
from web import buckets, servers

from . import table

pytestmark = [table.needs_corpus, pytest.mark.long]

ORIGINS = "localhost,*.vokal.io"

TURNED = {1: False, 3: False, 6: True, 8: True}
"""EXIF orientations that vip knows, and whether sides change places by them."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a test of vip's states, and what we do."""

    test: str
    asked: str
    expected: str
    got: str

    @property
    def holds(self) -> bool:
        """Whether it is true of us; `?` stands for what vip's test says nothing of."""
        pattern = re.escape(self.expected).replace(r"\?", ".+")
        return re.fullmatch(pattern, self.got) is not None

    def __str__(self) -> str:
        """Its line of the table."""
        verdict = "held" if self.holds else "**not held**"
        cells = (self.test, self.asked, self.expected, self.got, verdict)
        return "| " + " | ".join(cells) + " |"


@dataclass
class Proxy:
    """A server set up by vip's variables; each picture is uploaded once."""

    process: servers.Process
    uploaded: dict[str, str]

    def send(self, file: str, token: str = buckets.TOKEN, **headers: str) -> httpx.Response:
        """The answer to the upload of a file of the corpus."""
        data = (table.CORPUS / file).read_bytes()
        return buckets.send(self.process.client, data, "samplebucket", token, **headers)

    def path(self, file: str) -> str:
        """The address of a file of the corpus."""
        if file not in self.uploaded:
            self.uploaded[file] = buckets.address(self.send(file))
        return self.uploaded[file]

    def size(self, file: str, query: str = "") -> str:
        """The size of what is answered, whatever EXIF may say of it: `WxH`."""
        answer = self.process.client.get(self.path(file) + query)
        assert answer.status_code == 200, answer.text
        with Image.open(io.BytesIO(answer.content)) as picture:
            return "{}x{}".format(*picture.size)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """As vip's tests have it: a token, two patterns of origins, and widths up to 1024."""
    prefix = ["env", f"AUTH_TOKEN={buckets.TOKEN}", f"ALLOWED_ORIGIN={ORIGINS}"]
    prefix += ["VIP_MAX_WIDTH=1024", "URI_HOSTNAME=localhost:8080"]
    folder = tmp_path_factory.mktemp("vip")
    with servers.Process(folder, *prefix, vip__buckets=["samplebucket"]) as process:
        yield Proxy(process, {})


def sizes(proxy: Proxy) -> Iterator[Case]:
    """Every row of the corpus that stems from vip: a picture, a width, a size."""
    for line in (table.CORPUS / "expect.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if not row["source"].startswith("vokal/vip"):
            continue
        query = [f"s={width}" for width in re.findall(r"w=([1-9][0-9]*)", row["op"])]
        query += ["c=true"] * ("crop=square" in row["op"])
        target = "?" + "&".join(query) if query else ""
        yield Case(
            row["source"].split()[-1],
            f"`{row['image'].rpartition('/')[2]}{target}`",
            f"{row['expect_w']}x{row['expect_h'] or '?'}",
            proxy.size(row["file"], target),
        )


def turns(proxy: Proxy) -> Iterator[Case]:
    """The orientations that vip turns a picture by; it leaves the mirrored ones alone."""
    for orientation, swapped in TURNED.items():
        file = f"orientation/vip-f{orientation}-exif.jpg"
        with Image.open(table.CORPUS / file) as picture:
            upright = picture.size[::-1] if swapped else picture.size
        expected = "{}x{}".format(*upright)
        asked = f"`f{orientation}-exif.jpg`"
        yield Case("TestNeedsRotation", asked, expected, proxy.size(file, "?s=1024"))


def uploads(proxy: Proxy) -> Iterator[Case]:
    """What an upload is answered with."""
    photo, small = "photos/vip-exif_test_img.jpg", "photos/vip-awesome.jpeg"
    posted = "`POST /upload/samplebucket`"
    jpeg = {"Content_Type": "image/jpeg"}
    answer = proxy.send(photo, **jpeg)
    told = re.sub("[0-9a-f]{32}", "…", answer.json()["url"])
    yield Case(
        "TestUpload",
        posted,
        "201 application/json http://localhost:8080/samplebucket/…-2448x3264",
        f"{answer.status_code} {answer.headers['Content-Type']} {told}",
    )
    warmed = proxy.send(photo, **jpeg, X_Vip_Warmup="s=3,s=100&c=true")
    asked = f"{posted}, `X-Vip-Warmup: s=3,s=100&c=true`"
    yield Case("TestUploadWarmup", asked, "201", str(warmed.status_code))
    empty = buckets.send(proxy.process.client, b"", "samplebucket", **jpeg)
    yield Case(
        "TestEmptyUpload",
        f"{posted}, no body",
        "400 File must have size greater than 0",
        f"{empty.status_code} {empty.json()['error']}",
    )
    refused = proxy.send(small, "", **jpeg)
    yield Case("TestUnauthorizedUpload", f"{posted}, no token", "401", str(refused.status_code))
    for test, origin in (
        ("TestSetOriginData", "http://images.vokal.io"),
        ("TestSetOriginDataLocalhost", "http://localhost:3000"),
    ):
        status = proxy.send(small, "", **jpeg, Origin=origin).status_code
        yield Case(test, f"{posted}, `Origin: {origin}`", "201", str(status))
    answer = proxy.process.client.options(
        "/upload/samplebucket", headers={"Origin": "http://localhost:3000"}
    )
    yield Case(
        "TestRespondCorsHeaders",
        "`OPTIONS /upload/samplebucket`, `Origin: http://localhost:3000`",
        "200 Access-Control-Allow-Origin: *",
        f"{answer.status_code} Access-Control-Allow-Origin: "
        f"{answer.headers['Access-Control-Allow-Origin']}",
    )


def stored(proxy: Proxy) -> Iterator[Case]:
    """A JPEG that is turned has another length; a PNG keeps its pixels, and vip its length.

    Here a PNG may lose what it tells of place and tools.
    """
    photo, drawing = "photos/vip-exif_test_img.jpg", "photos/vip-test_inspiration.png"
    answered = {file: proxy.process.client.get(proxy.path(file)) for file in (photo, drawing)}
    length = int(answered[photo].headers["Content-Length"])
    same = length == (table.CORPUS / photo).stat().st_size
    got = "its own length" if same else "another length"
    yield Case("TestContentLengthJpg", "`exif_test_img.jpg`, stored", "another length", got)
    with (
        Image.open(io.BytesIO(answered[drawing].content)) as ours,
        Image.open(table.CORPUS / drawing) as theirs,
    ):
        got = "its own pixels" if ours.tobytes() == theirs.tobytes() else "other pixels"
    yield Case("TestContentLengthPng", "`test_inspiration.png`, stored", "its own pixels", got)


def test_every_case_of_vips_own_tests_holds(proxy: Proxy) -> None:
    """Sizes, squares, orientations, statuses and words."""
    cases = [*sizes(proxy), *turns(proxy), *uploads(proxy), *stored(proxy)]
    head = ["| vip's test | asked | vip | liveresize | |", "|---|---|---|---|---|"]
    print("\n" + "\n".join([*head, *map(str, cases)]))  # noqa: T201
    assert [str(case) for case in cases if not case.holds] == []
    assert len(cases) >= 50
