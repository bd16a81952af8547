"""The guides about pages and uploads: whatever they tell to copy works as it stands."""

import base64
import html.parser
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from browser import chromium
from web import servers

from docs import guides
from liveresize import errors, urls
from liveresize.core import urls as domain_urls
from liveresize.core.operation import UrlRules
from liveresize.http import failures

HTML = "docs/html.md"
UPLOADING = "docs/uploading.md"
SAMPLE = guides.ROOT / "docs" / "sample.jpg"
RULES = UrlRules()

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


class Pictures(html.parser.HTMLParser):
    """The addresses of the pictures in a piece of HTML, and their tags."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img":
            self.images.append(given)
        if tag in ("img", "source"):
            self.addresses += [given["src"] or ""] if "src" in given else []
            offered = (given.get("srcset") or "").split(", ")
            self.addresses += [each.split(" ")[0] for each in offered if each]


def understood(address: str, base: str = "") -> domain_urls.PictureRequest:
    """What the server reads in an address of a page."""
    assert address.startswith(f"{base}/")
    return domain_urls.parse(address.removeprefix(base), "", RULES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server with a secret, and a picture in it."""
    folder = tmp_path_factory.mktemp("guides")
    with servers.Running(folder, secret=servers.SECRET) as running:
        running.client.put_in("cat", SAMPLE.read_bytes())
        yield running


def node(script: str, folder: Path) -> str:
    """What a module prints."""
    file = folder / "script.mjs"
    file.write_text(script)
    ran = subprocess.run(
        ["node", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_calls_come_out_as_the_page_says() -> None:
    """Each call of the first block gives what stands below it."""
    lines = [line for line in guides.blocks(HTML, "python")[0].splitlines() if line]
    for call, said in zip(lines[1::2], lines[2::2], strict=True):
        made = str(eval(call, {"urls": urls}))
        parts = said.removeprefix("# ").split("…")
        assert all(part.strip() in made for part in parts), call
        assert "…" in said or made == said.removeprefix("# ")


def test_the_jinja_filters_run_as_they_stand(tmp_path: Path) -> None:
    """Addresses are escaped once, tags not at all, and the server reads all of them."""
    code = guides.blocks(HTML, "python")[1].replace('"templates"', repr(str(tmp_path)))
    (tmp_path / "page.html").write_text(guides.blocks(HTML, "jinja")[0])
    space: dict[str, Any] = {}
    exec(code, space)
    environment: jinja2.Environment = space["environment"]
    made = environment.get_template("page.html").render(name="a&b, c", title='"Cat" & <dog>')
    check_page(made, 2)


def test_the_django_tags_run_as_they_stand(tmp_path: Path) -> None:
    """So does the library of tags; in a process of its own, for Django is set up only once."""
    pytest.importorskip("django")
    (tmp_path / "images.py").write_text(guides.blocks(HTML, "python")[2])
    (tmp_path / "page.html").write_text(guides.blocks(HTML, "django")[0])
    script = (
        "import django.conf, django.template, pathlib\n"
        "django.conf.settings.configure(IMAGES={'base': 'https://images.example.com'})\n"
        "engine = django.template.Engine(libraries={'images': 'images'})\n"
        "page = engine.from_string(pathlib.Path('page.html').read_text())\n"
        "context = {'name': 'a&b, c', 'title': '\"Cat\" & <dog>'}\n"
        "print(page.render(django.template.Context(context)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "url(&#x27;https://images.example.com/a%26b%2C%20c_1200_0.auto&#x27;)" not in ran.stdout
    assert "https://images.example.com/a%26b%2C%20c_1200_0.auto" in ran.stdout
    check_page(ran.stdout, 2)


def check_page(made: str, images: int) -> None:
    """Pictures of `a&b, c`, titled `"Cat" & <dog>`, that the server would give."""
    found = Pictures(made)
    assert [image["alt"] for image in found.images] == ['"Cat" & <dog>'] * images
    for address in found.addresses:
        request = understood(address, "https://images.example.com")
        assert request.image.name == "a&b, c"
    assert len(found.addresses) > images


@needs_node
def test_the_function_for_javascript_writes_what_python_does(tmp_path: Path) -> None:
    """Names, sizes, densities and parameters are spelled so that both mean the same."""
    calls: list[tuple[str, int, int, dict[str, Any]]] = [
        ("cat", 400, 300, {}),
        ("cat", 400, 0, {"format": "jpg", "density": 2}),
        ("été, n° 1", 4, 3, {"fit": "crop", "gravity": "0.3,0.6"}),
        ("a&b?c#d%", 0, 3, {"fit": "canvas", "bg": "fff", "enlarge": False, "quality": 60}),
        ("cat", 0, 0, {"format": "png", "rotate": 90}),
    ]
    script = guides.blocks(HTML, "js")[0]
    script += f"\nconst calls = {json.dumps(calls)};\n"
    script += "console.log(JSON.stringify(calls.map((call) => imageUrl(...call))));\n"
    written = json.loads(node(script, tmp_path))
    for address, (name, width, height, options) in zip(written, calls, strict=True):
        theirs, ours = understood(address), understood(urls.url(name, width, height, **options))
        if isinstance(theirs, domain_urls.RenditionRequest):
            assert isinstance(ours, domain_urls.RenditionRequest)
            assert theirs.rendition == ours.rendition
        assert theirs.image == ours.image


def test_every_address_in_the_markup_of_the_page_is_one() -> None:
    """The server understands all of them, and every picture keeps its place free."""
    markup = guides.blocks(HTML, "html")
    assert len(markup) >= 5
    for piece in markup:
        found = Pictures(piece)
        assert found.addresses
        for address in found.addresses:
            assert isinstance(understood(address), domain_urls.RenditionRequest)
        assert all({"width", "height", "alt"} <= image.keys() for image in found.images)


def test_the_facts_of_the_page_are_those_of_the_sample(server: servers.Running) -> None:
    """Colour and thumbhash are what the server tells of docs/sample.jpg."""
    facts = server.client.get(urls.url("cat", format="json", base=server.url, key="")).json()
    (said,) = (json.loads(block) for block in guides.blocks(HTML, "json"))
    assert said == {key: facts[key] for key in said}
    assert all(said["thumbhash"] in guides.page(HTML).split("## Before")[1] for _ in said)


def flask_client(server: servers.Running, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the application of the page."""
    monkeypatch.setenv("IMAGES_URL", server.url)
    monkeypatch.setenv("IMAGES_SECRET", servers.SECRET)
    space: dict[str, Any] = {"__name__": "application"}
    exec(guides.blocks(UPLOADING, "python")[0], space)
    return space["app"].test_client(), space["images"]


def test_the_application_hands_out_tokens_that_work_once(
    server: servers.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token takes one picture, the same bytes again get the same answer, others do not."""
    client, images = flask_client(server, monkeypatch)
    with images:
        granted = client.post("/pictures").get_json()
    assert granted.keys() == {"id", "token"}
    data = SAMPLE.read_bytes()
    web = server.client
    first = web.upload(granted["id"], data, granted["token"], "image/jpeg")
    again = web.upload(granted["id"], data, granted["token"], "image/jpeg")
    other = web.upload(granted["id"], data + b"\0", granted["token"], "image/jpeg")
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 403)
    assert first.json() == again.json()
    assert other.json()["code"] == "token_refused"
    assert web.get(urls.url(granted["id"], 40, base=server.url)).status_code == 200
    refused = web.post("/token", json={"id": granted["id"], "secret": servers.SECRET})
    assert (refused.status_code, refused.json()["code"]) == (403, "id_taken")


def test_no_page_can_read_a_token(server: servers.Running) -> None:
    """The answer of /token has no header that opens it to other origins; an upload's has."""
    asked = {"id": "mine", "secret": servers.SECRET}
    granted = server.client.post("/token", json=asked, headers={"Origin": "https://a.example"})
    assert granted.status_code == 200
    assert "Access-Control-Allow-Origin" not in granted.headers
    sent = server.client.upload("mine", SAMPLE.read_bytes(), granted.json()["token"])
    assert sent.headers["Access-Control-Allow-Origin"] == "*"
    asked_first = server.client.options("/mine", headers={"Origin": "https://a.example"})
    assert asked_first.headers["Access-Control-Max-Age"] == "86400"


@needs_node
def test_the_upload_with_fetch_runs_as_it_stands(server: servers.Running, tmp_path: Path) -> None:
    """It sends a form that the server takes, and a refusal is an error with code and status."""
    tokens = [server.client.token("fetched"), "no such token"]
    granted = [{"id": "fetched", "token": token} for token in tokens]
    script = (
        guides.blocks(UPLOADING, "js")[0]
        + f"""
const real = globalThis.fetch;
const granted = {json.dumps(granted)};
globalThis.fetch = (address, options) =>
  address === "/pictures" ? {{ json: () => granted.shift() }} : real(address, options);
const {{ readFileSync }} = await import("node:fs");
const file = new Blob([readFileSync({json.dumps(str(SAMPLE))})], {{ type: "image/jpeg" }});
const told = await upload(file, {json.dumps(server.url)});
const refused = await upload(file, {json.dumps(server.url)}).catch((error) => error);
console.log(JSON.stringify([told, refused.code, refused.status, refused.message]));
"""
    )
    told, code, status, message = json.loads(node(script, tmp_path))
    assert (told["id"], told["original_width"], told["format"]) == ("fetched", 1440, "jpeg")
    assert (code, status) == ("token_refused", 403)
    assert message


@pytest.mark.long
@chromium.needs_chromium
def test_the_upload_with_progress_runs_as_it_stands(server: servers.Running) -> None:
    """In a browser, of another origin: it tells how far it is, and what came of it."""
    script = guides.blocks(UPLOADING, "js")[1].replace("export ", "")
    data = base64.b64encode(SAMPLE.read_bytes()).decode()
    token = server.client.token("sent")
    act = f"""async ([server, token, data]) => {{
        {script}
        const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
        const file = new File([bytes], "picture.jpg", {{ type: "image/jpeg" }});
        const seen = [];
        const onProgress = (part) => seen.push(part);
        const told = await send(file, {{ server, id: "sent", token, onProgress }});
        const refused = await send(file, {{ server, id: "other", token }}).catch((error) => error);
        const broken = await send(file, {{ server: "http://127.0.0.1:9", id: "sent", token }})
            .catch((error) => error);
        return [told.id, seen.at(-1), refused.code, refused.status, refused.message, broken.code];
    }}"""
    with chromium.running() as browser:
        page = browser.new_page()
        seen = page.evaluate(act, [server.url, token, data])
    assert seen[:4] == ["sent", 1, "token_refused", 403]
    assert seen[4]
    assert seen[5] == "network"


@needs_node
@pytest.mark.parametrize("page", [HTML, UPLOADING])
def test_every_script_of_the_guides_is_javascript(page: str, tmp_path: Path) -> None:
    """node reads each of them without an error, though only a browser could run some."""
    for at, script in enumerate(guides.blocks(page, "js")):
        file = tmp_path / f"{at}.mjs"
        file.write_text(script)
        ran = subprocess.run(
            ["node", "--check", str(file)], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr


def every_error(kind: type[errors.LiveResizeError]) -> Iterator[type[errors.LiveResizeError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from every_error(each)


def test_the_table_of_what_to_tell_people_is_that_of_the_server() -> None:
    """Each code is one that there is, with the status that it is answered with."""
    known = {kind.code: kind for kind in every_error(errors.LiveResizeError)}
    told = guides.rows(UPLOADING, "## What to tell people")
    assert len(told) >= 10
    for status, codes, *_ in told:
        for code in guides.code(codes):
            assert failures.failure_of(known[code]()).status == int(status), code


def test_the_fields_of_a_token_are_those_that_the_server_reads(server: servers.Running) -> None:
    """Each one given, each one taken; a field of another kind is refused by name."""
    fields = {guides.code(row[0])[0] for row in guides.rows(UPLOADING, "## Your application")}
    values: dict[str, object] = {
        "id": "fields",
        "secret": servers.SECRET,
        "expires_in": 60,
        "max_bytes": 1000,
        "formats": ["jpeg", "png"],
        "overwrite": True,
        "focus": [0, 0.5],
        "meta": {"a": 1},
        "held": True,
        "keep_until": "2100-01-01T00:00:00Z",
        "claim_within": 60,
    }
    assert fields == {*values, "ids"}
    assert server.client.post("/token", json=values).status_code == 200
    narrow: Callable[..., Any] = server.client.post
    for field in fields - {"id", "secret"}:
        answer = narrow("/token", json={**values, field: [{"no": "such"}]})
        assert answer.status_code == 400
        assert field in answer.json()["error"]


def test_the_upload_in_parts_runs_as_it_stands(server: servers.Running) -> None:
    """With tuspy: in parts with checksums, broken off, and gone on with by another process."""
    space: dict[str, Any] = {"__name__": "application"}
    exec(guides.blocks(UPLOADING, "python")[1].replace("5_000_000", "10_000"), space)
    data, token = SAMPLE.read_bytes(), server.client.token("parts")
    told = space["upload_in_parts"](io.BytesIO(data), server.url, "parts", token)
    assert (told["id"], told["original_width"]) == ("parts", 1440)
    client = space["TusClient"](f"{server.url}/_uploads/again")
    metadata = {"token": server.client.token("again"), "filename": "sample.jpg"}
    first = client.uploader(file_stream=io.BytesIO(data), metadata=metadata, chunk_size=20_000)
    first.upload(stop_at=30_000)
    second = client.uploader(file_stream=io.BytesIO(data), url=first.url, chunk_size=20_000)
    assert second.offset == 30_000
    second.upload()
    assert server.client.get("/again").content == data
