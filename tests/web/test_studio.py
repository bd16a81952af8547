"""The studio: what is served of it, to whom, and that it can do nothing it should not."""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from liveresize.http.studio import assets

from . import pictures, servers, wire

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}

FOLDER = Path(assets.__file__).parent

FILES = sorted(assets.load(locked=False))

SCRIPTS = [name for name in FILES if name.endswith(".js")]

WEIGHT = 160 << 10
"""The most bytes of all files together, unpacked."""

SVG = '"http://www.w3.org/2000/svg"'
"""The name of its elements, which no browser asks for."""

PATHS = ["/_studio", "/_studio/", "/_studio/session", "/_studio/token", "/_studio/studio.js"]

Launch = Callable[..., servers.Running]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server whose studio asks for an admin secret."""
    with servers.Running(
        tmp_path_factory.mktemp("locked"),
        studio=True,
        secret=servers.SECRET,
        admin__secrets=["another admin", servers.ADMIN],
        presets={"card": {"fit": "crop", "quality": "50"}},
        constraints__max_width=1234,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server as `scripts/serve` starts it: nobody has set a secret."""
    with servers.Running(tmp_path_factory.mktemp("unlocked"), studio=True) as running:
        yield running


def test_the_page_is_served_with_every_guard(locked: servers.Running) -> None:
    """Nothing may frame it, guess types, or learn where its reader comes from."""
    answer = locked.client.get("/_studio/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_the_policy_allows_this_server_and_nothing_else(locked: servers.Running) -> None:
    """No inline code, no evaluation, no other origin, whatever the page may hold."""
    policy = locked.client.get("/_studio/").headers["Content-Security-Policy"]
    directives = dict(each.split(" ", 1) for each in policy.split("; "))
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "connect-src": "'self'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_whole_packed_and_not_again(
    locked: servers.Running, name: str
) -> None:
    """Each form of it has its own hash for an ETag, which is enough the next time."""
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg"}
    address = f"/_studio/{name}"
    plain = locked.client.get(address, headers={"Accept-Encoding": "identity"})
    packed = wire.ask(locked.port, address, Accept_Encoding="br, gzip")
    assert plain.headers["Content-Type"].startswith(kinds[name.rpartition(".")[2]])
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.content
    assert len(packed.body) < len(plain.content)
    for body, headers in ((plain.content, plain.headers), (packed.body, packed.headers)):
        etag = headers["etag"]
        assert etag == f'"{hashlib.sha256(body).hexdigest()}"'
        assert headers["vary"] == "Accept-Encoding"
        assert headers["x-frame-options"] == "DENY"
    for method in ("GET", "HEAD"):
        again = locked.client.request(
            method,
            address,
            headers={"Accept-Encoding": "identity", "If-None-Match": plain.headers["ETag"]},
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == plain.headers["ETag"]
        assert again.headers["Cache-Control"] == "no-cache"
    head = locked.client.head(address, headers={"Accept-Encoding": "identity"})
    assert int(head.headers["Content-Length"]) == len(plain.content)


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5", True),
        ("deflate, GZIP", True),
        ("*", True),
    ],
)
def test_it_is_packed_for_who_can_unpack(
    locked: servers.Running, accepted: str, packed: bool
) -> None:
    """What `Accept-Encoding` refuses is not sent."""
    answer = wire.ask(locked.port, "/_studio/studio.css", Accept_Encoding=accepted)
    assert ("content-encoding" in answer.headers) == packed


def test_the_page_is_light(locked: servers.Running) -> None:
    """Everything that the page may load, before and after packing."""
    sizes = [len(file.plain.data) for file in assets.load(locked=True).values()]
    packed = [len(file.packed.data) for file in assets.load(locked=True).values()]
    assert sum(sizes) < WEIGHT
    assert sum(packed) < 60_000


class Page(HTMLParser):
    """What a page refers to, and what it has inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "poster", "srcset"):
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style") and data.strip():
            self.inline.append(data)


def test_the_page_holds_nothing_inline_and_nothing_from_elsewhere() -> None:
    """It would not work under its policy; every file that it names is one of ours."""
    page = Page((FOLDER / assets.INDEX).read_text())
    assert page.inline == []
    assert {each for each in page.references if each != "#main"} <= set(FILES)
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_keeps_to_the_rules(name: str) -> None:
    """It imports files of ours, writes no HTML, runs no text, keeps no secret, and uses no
    element that the page has not."""
    text = (FOLDER / name).read_text().replace(SVG, "")
    assert set(re.findall(r'from "\./([^"]*)"', text)) <= set(SCRIPTS)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", text)
    assert not re.search(r"new Function|sessionStorage|cookie|indexedDB|https?://", text)
    assert ("localStorage" in text) == (name == "recent.js")
    known = set(Page((FOLDER / assets.INDEX).read_text()).ids)
    assert set(re.findall(r'\b(?:byId|on)\("([^"]*)"', text)) <= known


def test_every_script_is_loaded_at_once() -> None:
    """None that others import waits until they have been read; the rest come when needed."""
    page = Page((FOLDER / assets.INDEX).read_text())
    first = set(SCRIPTS) & set(page.references)
    imported = {
        name
        for script in first
        for name in re.findall(r'from "\./(.+?)";', (FOLDER / script).read_text())
    }
    assert imported | {"studio.js"} == first


def test_the_style_refers_to_nothing() -> None:
    """No font, no picture, no other sheet."""
    assert not re.search(r"url\(|@import", (FOLDER / "studio.css").read_text())


def test_the_page_knows_whether_to_ask_for_a_secret(
    locked: servers.Running, unlocked: servers.Running
) -> None:
    """It need not be refused first to find out."""
    assert '<html lang="en" data-lock="secret"' in locked.client.get("/_studio/").text
    assert '<html lang="en" data-lock=""' in unlocked.client.get("/_studio/index.html").text


@pytest.mark.parametrize(
    "target",
    [
        "/_studio/nothing.js",
        "/_studio/handlers.py",
        "/_studio/__init__.py",
        "/_studio/__pycache__",
        "/_studio/STUDIO.JS",
        "/_studio/studio.js/",
        "/_studio/studio%2ejs",
        "/_studio/../_studio/studio.js",
        "/_studio/..%2f..%2ferrors.py",
        "/_studio/%2e%2e/handlers.py",
        "/_studio/..",
        "/_studio/.",
        "/_studio//studio.js",
        "/_studio/studio.js%00",
        "/_studio/C:\\studio.js",
        "/_studiox/",
        "/_studio/session/",
    ],
)
def test_nothing_else_is_served(locked: servers.Running, target: str) -> None:
    """A name is looked up in a table, and never made into a path."""
    for method in ("GET", "HEAD"):
        assert wire.ask(locked.port, target, method).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/_studio/", "GET, HEAD"),
        ("DELETE", "/_studio/studio.js", "GET, HEAD"),
        ("POST", "/_studio", "GET, HEAD"),
        ("POST", "/_studio/session", "GET, HEAD"),
        ("OPTIONS", "/_studio/session", "GET, HEAD"),
        ("GET", "/_studio/token", "POST"),
        ("OPTIONS", "/_studio/token", "POST"),
    ],
)
def test_other_methods_are_405(
    locked: servers.Running, method: str, path: str, allowed: str
) -> None:
    """No preflight is answered either: pages of other origins have no business here."""
    answer = locked.client.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", PATHS)
def test_without_the_key_there_is_no_studio(bare: servers.Running, method: str, path: str) -> None:
    """404, as of any address that there is not; a secret makes no difference."""
    answer = bare.client.request(method, path, headers=BEARER)
    other = bare.client.request(method, "/_nothing", headers=BEARER)
    assert answer.status_code == other.status_code == 404
    told = [dict(each.headers) for each in (answer, other)]
    assert told[0].keys() == told[1].keys()


def test_the_address_without_a_slash_leads_to_the_page(locked: servers.Running) -> None:
    """By a relative redirect, which is right behind any prefix as well."""
    for method in ("GET", "HEAD"):
        answer = locked.client.request(method, "/_studio")
        assert (answer.status_code, answer.headers["Location"]) == (308, "_studio/")


def test_who_has_the_secret_is_told_what_the_page_needs(locked: servers.Running) -> None:
    """Bounds, presets, and what may be done; nothing that is secret, and for nobody to keep."""
    answer = locked.client.get("/_studio/session", headers=BEARER)
    told = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (told["max_width"], told["max_height"]) == (1234, 2000)
    assert told["max_upload_bytes"] == 50 << 20
    assert told["max_megapixels"] == 128
    assert told["input"] == ["jpeg", "png", "webp", "gif", "avif", "heif"]
    assert told["presets"] == {"card": {"fit": "crop", "quality": "50"}}
    assert (told["enlarge"], told["facts"], told["signed"]) == (True, True, False)
    assert (told["order"][0], told["order"][-1]) == ("fit", "preset")
    assert (told["token"], told["delete"]) == ("studio", True)
    for secret in (servers.ADMIN, servers.SECRET, "another admin"):
        assert secret not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert locked.client.head("/_studio/session", headers=BEARER).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", f"Basic {servers.ADMIN}", servers.ADMIN, "Bearer \xe9\xff"],
)
@pytest.mark.parametrize("path", ["/_studio/session", "/_studio/token"])
def test_whoever_has_no_secret_is_refused(locked: servers.Running, path: str, header: str) -> None:
    """401 wherever they ask from, without a cookie, and for no other origin to read."""
    method, body = ("GET", b"") if path.endswith("session") else ("POST", b'{"id": "cat"}')
    answer = wire.ask(locked.port, path, method, body, Authorization=header)
    assert (answer.status, json.loads(answer.body)["code"]) == (401, "secret_refused")
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_the_secret_may_be_of_any_letters(launch: Launch) -> None:
    """A header holds bytes: those of UTF-8, as the page sends them."""
    server = launch(studio=True, admin__secrets=["Schlüssel 🔑"])
    bearer = b"Bearer " + "Schlüssel 🔑".encode()
    answer = server.client.get("/_studio/session", headers={b"Authorization": bearer})
    assert answer.status_code == 200


def test_guesses_are_counted(launch: Launch) -> None:
    """Those at the session and at the token together; the right one is 429 by then, too."""
    server = launch(
        studio=True,
        admin__secrets=[servers.ADMIN],
        limits__failed_secrets=3,
        trusted_proxies=["127.0.0.1"],
    )
    server.components.site.secret_throttle._monotonic = lambda: 0.0  # nothing is forgiven meanwhile
    wrong = {"Authorization": "Bearer wrong", "X-Forwarded-For": "192.0.2.1"}
    asked = [
        server.client.get("/_studio/session", headers=wrong),
        server.client.post("/_studio/token", headers=wrong, json={"id": "cat"}),
        server.client.get("/_studio/session", headers=wrong),
        server.client.get("/_studio/session", headers=wrong | BEARER),
        server.client.post("/_studio/token", headers=wrong | BEARER, json={"id": "cat"}),
    ]
    assert [each.status_code for each in asked] == [401, 401, 401, 429, 429]
    assert asked[3].headers["Retry-After"] == "60"
    assert server.client.get("/_studio/session", headers=BEARER).status_code == 200


def test_without_admin_secrets_the_network_decides(launch: Launch) -> None:
    """Who may look inside may work here, and delete nothing; a token takes what it always did."""
    server = launch(studio=True, trusted_proxies=["127.0.0.1"], secret=servers.SECRET)
    at_home, stranger = {"X-Forwarded-For": "10.1.2.3"}, {"X-Forwarded-For": "198.51.100.7"}
    told = server.client.get("/_studio/session", headers=at_home).json()
    assert (told["token"], told["delete"]) == ("secret", False)
    refused = server.client.get("/_studio/session", headers=stranger)
    assert (refused.status_code, refused.json()["code"]) == (403, "network_refused")
    assert server.client.get("/_studio/", headers=stranger).status_code == 200
    for header in (at_home, stranger, at_home | BEARER):
        answer = server.client.post("/_studio/token", headers=header, json={"id": "cat"})
        assert (answer.status_code, answer.json()["code"]) == (403, "admin_disabled")


def test_where_nothing_is_set_tokens_are_those_of_everybody(unlocked: servers.Running) -> None:
    """The page asks /token itself, under the rules of /token."""
    told = unlocked.client.get("/_studio/session").json()
    assert (told["token"], told["delete"]) == ("open", False)


def test_an_admin_gets_a_token_without_the_secret_of_tokens(
    locked: servers.Running, name: str
) -> None:
    """It is one like any other: once, for one id, under the same rules."""
    web = locked.client
    answer = web.post("/_studio/token", headers=BEARER, json={"id": name, "expires_in": 60})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json()["id"], "Access-Control-Allow-Origin" in answer.headers) == (name, False)
    assert web.upload(name, pictures.png(), answer.json()["token"]).status_code == 200
    again = web.post("/_studio/token", headers=BEARER, json={"id": name})
    assert (again.status_code, again.json()["code"]) == (403, "id_taken")
    for body in ({}, {"id": "_cat"}, {"id": "cat.jpg"}, {"id": "cat", "expires_in": -1}):
        assert web.post("/_studio/token", headers=BEARER, json=body).status_code == 400
    assert web.post("/token", headers=BEARER, json={"id": "cat"}).status_code == 401


def test_an_admin_may_replace_without_the_secret_of_tokens(launch: Launch, name: str) -> None:
    """Who may delete a picture may also put another one in its place."""
    web = launch(studio=True, admin__secrets=[servers.ADMIN]).client
    body = {"id": name}
    for data in (pictures.png(), pictures.jpeg()):
        answer = web.post("/_studio/token", headers=BEARER, json=body)
        assert web.upload(name, data, answer.json()["token"]).status_code == 200
        body = {"id": name, "overwrite": True}
    assert web.get(f"/{name}.json").json()["format"] == "jpeg"
    assert web.post("/token", json=body).json()["code"] == "bad_body"


def test_the_session_of_a_page_elsewhere_is_of_no_use(unlocked: servers.Running) -> None:
    """Its browser may send the request, and keeps the answer from it."""
    answer = unlocked.client.get("/_studio/session", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_secret_reaches_no_log(spawn: Callable[..., servers.Process]) -> None:
    """Neither a right nor a wrong one, however the request ends; the line tells the rest."""
    process = spawn(studio=True, admin__secrets=[servers.ADMIN])
    for number, secret in enumerate((servers.ADMIN, "nearly right")):
        headers = {"Authorization": f"Bearer {secret}", "X-Request-Id": f"session-{number}"}
        process.client.get("/_studio/session", headers=headers)
        headers["X-Request-Id"] = f"token-{number}"
        process.client.post("/_studio/token", headers=headers, content=b"{")
    lines = [
        process.line_of(f"{each}-{number}") for each in ("session", "token") for number in (0, 1)
    ]
    assert [line["http.status"] for line in lines] == [200, 401, 400, 401]
    assert lines[1]["url.path"] == "/_studio/session"
    text = process.log.read_text()
    assert servers.ADMIN not in text
    assert "nearly right" not in text


def test_its_requests_are_counted_under_one_name(locked: servers.Running) -> None:
    """Whatever is asked for, no label grows with it; tokens are counted with tokens."""
    for path in (*PATHS, "/_studio/a", "/_studio/b", "/_studio/%ff"):
        locked.client.get(path)
    locked.client.post("/_studio/token", json={})
    families = text_string_to_metric_families(locked.client.get("/_metrics").text)
    samples = [each for family in families for each in family.samples]
    routes = {each.labels["route"] for each in samples if "route" in each.labels}
    assert "studio" in routes
    assert not {route for route in routes if "/" in route}
    refused = {"outcome": "secret_refused"}
    assert [each.value for each in samples if each.labels == refused and "tokens" in each.name]


def test_an_asset_is_packed_the_same_each_time() -> None:
    """Two instances behind one address have the same ETags."""
    first, second = assets.load(locked=True), assets.load(locked=True)
    assert first == second
    for file in first.values():
        assert zlib.decompress(file.packed.data, 31) == file.plain.data
