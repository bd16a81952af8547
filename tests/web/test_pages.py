"""What people see who open a URL in a browser: errors, and `/`."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from liveresize import __version__, errors
from liveresize.http import failures, pages
from liveresize.http.context import ComponentHealth
from liveresize.http.responses import Response
from liveresize.http.transport.clients import Networks

from . import pictures, servers, wire

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

PROGRAMS = ("*/*", "image/avif,image/webp,image/*,*/*;q=0.8", "application/json, text/html;q=0.9")

LARGEST = 3 << 10
"""Bytes of a page."""

OF_CONTENT = {"Content-Type", "Content-Security-Policy", "Referrer-Policy", "Vary"}
"""Headers that a page has for itself."""


class Page(HTMLParser):
    """The elements of a page, its links, and its text without its style."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = self.style = ""
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        if self.elements[-1:] == ["style"] and not self.style:
            self.style = data
        else:
            self.text += data


ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main"),
    *("h1", "p", "ul", "li", "dl", "dt", "dd", "code", "a", "strong", "br"),
}
ATTRIBUTES = {"lang", "charset", "name", "content", "href", "class"}


def safe(body: bytes, policy: str) -> Page:
    """The page, which is small, runs nothing, and has the only style that its policy allows."""
    page = Page(body)
    assert len(body) < LARGEST
    assert set(page.elements) <= ELEMENTS
    assert page.attributes <= ATTRIBUTES
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert "unsafe" not in policy
    return page


def named(response: Response) -> dict[str, str]:
    """The headers of a response that do not describe its content."""
    return {name: value for name, value in response.headers if name not in OF_CONTENT}


@pytest.mark.parametrize(
    "kind",
    [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.LiveResizeError)
    ],
)
def test_every_error_has_a_page_with_the_same_status_and_headers(
    kind: type[errors.LiveResizeError],
) -> None:
    """`Retry-After` and `WWW-Authenticate` included."""
    told = failures.answer(kind(), "id-1")
    seen = failures.answer(kind(), "id-1", page=True)
    assert (seen.status, named(seen)) == (told.status, named(told))
    headers = dict(seen.headers)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Vary"] == "Accept"
    assert isinstance(seen.body, bytes)
    page = safe(seen.body, headers["Content-Security-Policy"])
    for text in (str(seen.status), kind.code, kind().public.replace("`", ""), "id-1"):
        assert text in page.text


@pytest.mark.parametrize(
    ("message", "links"),
    [
        ("Did you mean `/cat_400_0.jpg?a=1&b=2`?", ["/cat_400_0.jpg?a=1&b=2"]),
        ("Did you mean `/caf%C3%A9_400_0.jpg`, `clip`?", ["/caf%C3%A9_400_0.jpg"]),
        ("`//evil.example/`, `/\\evil.example`, `https://evil.example`, `javascript:x`", []),
        ('`/x"><script>alert(1)</script>` <img src=x onerror=alert(1)> &lt; $text ${facts}', []),
        ("`", []),
        ("`clip` or `<b>", []),
    ],
)
def test_a_suggested_url_is_a_link_and_nothing_else_is(message: str, links: list[str]) -> None:
    """Links lead to this server only; everything is escaped, whatever a message quotes."""
    seen = failures.answer(errors.MalformedUrl(message), "id-1", page=True)
    assert isinstance(seen.body, bytes)
    page = safe(seen.body, dict(seen.headers)["Content-Security-Policy"])
    assert page.links == links
    assert re.sub("`([^`]*)`", r"\1", message) in page.text


def test_browsers_get_pages_and_programs_json(server: servers.Running, name: str) -> None:
    """For every way to an error; HEAD has the headers of GET."""
    server.client.put_in(name, pictures.png())
    cases = [
        ("/a/b/c/d", 404, "not_found", {}),
        ("/_nothing", 404, "not_found", {}),
        (f"/{name}-none_10_10.jpg", 404, "original_missing", {}),
        (f"/{name}_10_10.jpg?fit=contain", 400, "bad_parameter", {}),
        ("/%ff_10_10.jpg", 400, "malformed_url", {}),
        ("/token", 405, "method_not_allowed", {"allow": "POST, DELETE"}),
        ("/purge", 405, "method_not_allowed", {"allow": "POST, DELETE"}),
        ("/_renditions/none", 404, "original_missing", {}),
    ]
    for path, status, code, headers in cases:
        for sent in PROGRAMS:
            told = wire.ask(server.port, path, Accept=sent)
            assert (told.status, told.headers["content-type"]) == (
                status,
                "application/json; charset=utf-8",
            )
        seen = wire.ask(server.port, path, Accept=BROWSER, X_Request_Id="mine")
        assert seen.status == status
        page = safe(seen.body, seen.headers["content-security-policy"])
        assert code in page.text
        assert "mine" in page.text
        assert headers.items() <= seen.headers.items()
        assert (seen.headers["cache-control"], seen.headers["x-request-id"]) == ("no-store", "mine")
        assert ("access-control-allow-origin" in seen.headers) == (
            "access-control-allow-origin" in told.headers
        )
        head = wire.ask(server.port, path, "HEAD", Accept=BROWSER, X_Request_Id="mine")
        assert {**head.headers, "date": ""} == {**seen.headers, "date": ""}
        assert head.status == status


def test_a_near_miss_is_a_link_to_the_picture(server: servers.Running, name: str) -> None:
    """Which is there; it is said once."""
    server.client.put_in(name, pictures.png())
    reply = wire.ask(server.port, f"/{name}_40x30.jpg", Accept=BROWSER)
    assert reply.status == 404
    page = safe(reply.body, reply.headers["content-security-policy"])
    assert page.links == [f"/{name}_40_30.jpg"]
    assert server.client.get(page.links[0]).status_code == 200


def test_other_methods_are_told_in_json(server: servers.Running) -> None:
    """A form of a page too: its answer is JSON when it works."""
    reply = wire.ask(server.port, "/cat", "POST", b"x", Accept=BROWSER)
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


def test_a_refused_range_and_a_broken_head_have_pages(server: servers.Running, name: str) -> None:
    """These are answered outside the handlers."""
    server.client.put_in(name, pictures.png())
    for _ in range(2):  # the second one is a hit
        reply = wire.ask(server.port, f"/{name}", Accept=BROWSER, Range="bytes=999999-")
        assert reply.status == 416
        assert reply.headers["content-range"].startswith("bytes */")
        safe(reply.body, reply.headers["content-security-policy"])
    with wire.Wire(server.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nAccept: text/html\r\n\r\n")
        reply = connection.reply()
    assert reply.status == 400
    assert "malformed_request" in safe(reply.body, reply.headers["content-security-policy"]).text


@pytest.mark.parametrize(
    "path",
    [
        "/<script>alert(1)</script>_10_10.jpg",
        "/%3Cscript%3Ealert(1)%3C%2Fscript%3E_10_10.jpg",
        '/x_10_10.jpg?fit="><script>alert(1)</script>',
        "/x_10_10.jpg?preset=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "/x_10_10.<b>",
        "/x_10_10.jpg?fit=%0d%0aSet-Cookie:%20a=b",
        "/%0d%0aSet-Cookie:%20a=b",
        "/<a>/<b>/<c>",
        "//evil.example/%2e%2e",
    ],
)
def test_nothing_of_a_hostile_url_is_live(server: servers.Running, path: str) -> None:
    """No element, link or header comes from what was sent."""
    reply = wire.ask(server.port, path, Accept=BROWSER, X_Request_Id='"><script>')
    assert reply.status in (400, 404)
    page = safe(reply.body, reply.headers["content-security-policy"])
    assert page.links == []
    assert "set-cookie" not in reply.headers
    assert re.fullmatch("[0-9a-f]{16}", reply.headers["x-request-id"])


def test_the_door(launch: Callable[..., servers.Running]) -> None:
    """What this is, the state and three links; nothing of the settings."""
    running = launch(studio=True, docs_url='https://docs.example/a?b="c&d')
    for sent in PROGRAMS:
        told = wire.ask(running.port, "/", Accept=sent)
        assert json.loads(told.body) == {
            "name": "liveresize",
            "about": pages.ABOUT,
            "status": "ready",
            "version": __version__,
            "studio": "/_studio/",
            "contract": "/openapi.json",
            "docs": 'https://docs.example/a?b="c&d',
        }
    seen = wire.ask(running.port, "/", Accept=BROWSER)
    page = safe(seen.body, seen.headers["content-security-policy"])
    assert page.links == ["_studio/", "openapi.json", 'https://docs.example/a?b="c&d']
    assert "Ready. Images are served" in page.text
    assert __version__ in page.text
    for method, sent in (("GET", "*/*"), ("GET", BROWSER), ("HEAD", "*/*"), ("HEAD", BROWSER)):
        reply = wire.ask(running.port, "/", method, Accept=sent)
        assert (reply.status, reply.headers["cache-control"]) == (200, "no-cache")
        assert reply.headers["vary"] == "Accept"
        assert reply.headers["access-control-allow-origin"] == "*"
        assert int(reply.headers["content-length"]) > 200


def test_the_door_says_the_state(launch: Callable[..., servers.Running]) -> None:
    """With 200, also while it starts or stops; which part suffers is for `admin.networks`."""
    running = launch()
    site = running.components.site
    named = list(running.client.get("/_ready").json()["parts"])
    strangers = Networks(["10.0.0.0/8"])
    cases = [
        ((), True, "Ready", "works."),
        *(((name,), True, "Degraded", f"{name}: ") for name in named),
        (tuple(named), True, "Degraded", f"{named[-1]}: "),
        ((), False, "Not ready", "starting or stopping"),
        (("disk",), False, "Not ready", "get 507"),
    ]
    for failing, ready, state, said in cases:

        async def parts(failing: tuple[str, ...] = failing) -> dict[str, ComponentHealth]:
            return {name: ComponentHealth(name not in failing) for name in named}

        with servers.replaced(site, "parts", parts), servers.replaced(site, "ready", ready):
            reply = wire.ask(running.port, "/", Accept=BROWSER)
            page = safe(reply.body, reply.headers["content-security-policy"])
            assert reply.status == 200
            assert f"{state}. " in page.text
            assert said in page.text
            assert ": it has a problem." not in page.text
            # Nobody keeps the details, and no page of another origin reads them.
            assert reply.headers["cache-control"] == ("no-store" if failing else "no-cache")
            assert ("access-control-allow-origin" in reply.headers) == (not failing)
            assert page.links == (["_ready"] if failing else []) + ["openapi.json"]
            told = running.client.get("/").json()
            assert set(told) == {"name", "about", "status", "version", "contract"}
            assert told["status"] == running.client.get("/_ready").json()["status"]
            with servers.replaced(site, "admin_networks", strangers):
                reply = wire.ask(running.port, "/", Accept=BROWSER)
                page = safe(reply.body, reply.headers["content-security-policy"])
                assert f"{state}. " in page.text
                assert [name for name in named if f"{name}: " in page.text] == []
                assert page.links == ["openapi.json"]
                assert reply.headers["access-control-allow-origin"] == "*"
