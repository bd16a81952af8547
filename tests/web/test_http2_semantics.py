"""Whatever is asked, HTTP/2 answers as HTTP/1.1 does: nothing behind it knows the difference."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from liveresize.http import fast_path

from . import buckets, certificates, forms, pictures, secure, servers, wire
from .buckets import Gallery
from .certificates import Pair
from .http2_client import Http2Wire, speaking

PICTURE = pictures.png(96, 64)

BEARER = f"Bearer {servers.ADMIN}"

APART = {"connection", "transfer-encoding", "date", "expires", "last-modified"}
APART |= {"server-timing", "x-request-id"}
"""Headers that differ from one answer to the next."""

ONCE = {"token", "expires_at", "uploaded_at", "version", "request_id"}
"""Fields that do."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate."""
    return certificates.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def gallery(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server with everything, whose only port speaks TLS."""
    folder = tmp_path_factory.mktemp("gallery")
    with Gallery(folder, **pair.keys, admin__secrets=[servers.ADMIN]) as running:
        yield running


@dataclass(frozen=True)
class Visitor:
    """Somebody with a name of their own; `ask` is in one protocol or the other."""

    gallery: Gallery
    name: str
    ask: Callable[..., wire.Reply]

    def stored(self) -> None:
        """Have a picture under the name."""
        self.gallery.client.put_in(self.name, PICTURE)

    def made(self, target: str) -> str:
        """The same, and a rendition of it; returns its ETag."""
        self.stored()
        answer = self.gallery.client.get(target)
        assert answer.status_code == 200
        self.gallery.published()
        return str(answer.headers["ETag"])


def get(target: str, **headers: str) -> Callable[[Visitor], wire.Reply]:
    """A request for what is there, or is not; `*` stands for the name."""

    def visit(visitor: Visitor) -> wire.Reply:
        visitor.stored()
        return visitor.ask(target.replace("*", visitor.name), **headers)

    return visit


def bare(target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Any:
    """A request that needs nothing to be there."""

    def visit(visitor: Visitor) -> wire.Reply:
        return visitor.ask(target.replace("*", visitor.name), method, body, **headers)

    return visit


def token(visitor: Visitor) -> wire.Reply:
    body = json.dumps({"id": visitor.name}).encode()
    return visitor.ask("/token", "POST", body, Content_Type="application/json")


def raw_upload(visitor: Visitor) -> wire.Reply:
    leave = visitor.gallery.client.token(visitor.name)
    return visitor.ask(f"/{visitor.name}", "POST", PICTURE, X_Token=leave, Content_Type="image/png")


def form_upload(visitor: Visitor) -> wire.Reply:
    leave = visitor.gallery.client.token(visitor.name)
    body = forms.form(forms.part(PICTURE))
    return visitor.ask(
        f"/{visitor.name}", "POST", body, X_Token=leave, Content_Type=forms.CONTENT_TYPE
    )


def redirect(visitor: Visitor) -> wire.Reply:
    visitor.made(f"/{visitor.name}_20_0.png")
    return visitor.ask(f"/{visitor.name}_20_0.png")


def hit(visitor: Visitor) -> wire.Reply:
    visitor.made(f"/{visitor.name}_20_0.png?proxy=true")
    return visitor.ask(f"/{visitor.name}_20_0.png?proxy=true")


def part(visitor: Visitor) -> wire.Reply:
    visitor.made(f"/{visitor.name}_20_0.png?proxy=true")
    return visitor.ask(f"/{visitor.name}_20_0.png?proxy=true", Range="bytes=3-20")


def not_modified(visitor: Visitor) -> wire.Reply:
    tag = visitor.made(f"/{visitor.name}_20_0.png?proxy=true")
    return visitor.ask(f"/{visitor.name}_20_0.png?proxy=true", If_None_Match=tag)


def stored_object(visitor: Visitor) -> wire.Reply:
    visitor.made(f"/{visitor.name}_20_0.png")
    place = visitor.gallery.client.get(f"/{visitor.name}_20_0.png").headers["Location"]
    return visitor.ask(place)


def deleted(visitor: Visitor) -> wire.Reply:
    visitor.stored()
    return visitor.ask(f"/{visitor.name}", "DELETE", Authorization=BEARER)


def vip_upload(visitor: Visitor) -> wire.Reply:
    return visitor.ask("/upload/pics", "POST", PICTURE, X_Vip_Token=buckets.TOKEN)


def vip_picture(visitor: Visitor) -> wire.Reply:
    return visitor.ask(visitor.gallery.put(PICTURE) + "?s=30&c=true")


def vip_head(visitor: Visitor) -> wire.Reply:
    return visitor.ask(visitor.gallery.put(PICTURE) + "?s=30", "HEAD")


VISITS: dict[str, Callable[[Visitor], wire.Reply]] = {
    "a token": token,
    "no token without JSON": bare("/token", "POST", b"{", Content_Type="application/json"),
    "an upload": raw_upload,
    "an upload by a form": form_upload,
    "an upload without a token": bare("/*", "POST", PICTURE, Content_Type="image/png"),
    "an upload of nothing": bare("/*", "POST", X_Token="spent", Content_Type="image/png"),
    "a new rendition": get("/*_20_0.png"),
    "a redirect": redirect,
    "a hit": hit,
    "a part": part,
    "not modified": not_modified,
    "an object": stored_object,
    "a part that is not there": get("/*.png", Range="bytes=99999-"),
    "an original": get("/*.png"),
    "facts": get("/*.json"),
    "a picture that is too large": get("/*_9000_9000.png"),
    "no such picture": bare("/*_20_0.png"),
    "a bad parameter": get("/*_20_0.png?fit=what"),
    "a bad escape": bare("/%zz_20_0.png"),
    "a name that is not ASCII": bare("/k\xc3\xa4tzchen_20_0.png"),
    "a name that is Latin-1": bare("/k\xe4tzchen_20_0.png"),
    "a deletion": deleted,
    "a deletion by nobody": bare("/*", "DELETE"),
    "a preflight": bare(
        "/*", "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="POST"
    ),
    "a preflight of vip": bare("/upload/pics", "OPTIONS", Origin=buckets.ORIGIN),
    "an upload to vip": vip_upload,
    "an upload to vip by nobody": bare("/upload/pics", "POST", PICTURE),
    "a picture of vip": vip_picture,
    "a head of vip": vip_head,
    "health": bare("/_health"),
    "life": bare("/_live"),
    "the head of life": bare("/_live", "HEAD"),
    "ping": bare("/ping"),
    "robots": bare("/robots.txt"),
    "a wrong method": bare("/*", "PUT"),
    "an unknown method": bare("/*", "BREW"),
    "no route": bare("/a/b/c/d"),
    "a body that nobody wants": bare("/_live", "GET", b"hello"),
}
"""By what they are after. In each, everything is as if nobody had been there before."""


def told(reply: wire.Reply, name: str) -> tuple[int, dict[str, str], object]:
    """What one may expect of another answer, too."""
    headers = {key: value for key, value in reply.headers.items() if key not in APART}
    headers = {key: _nameless(value, name) for key, value in headers.items()}
    body: object = reply.body
    if reply.body.startswith(b"{"):
        fields = json.loads(_nameless(reply.body.decode(), name))
        body = {key: value for key, value in fields.items() if key not in ONCE}
    return reply.status, headers, body


def _nameless(text: str, name: str) -> str:
    """Without names, ids of vip and generations, which are all of one length."""
    return re.sub(r"[0-9a-f]{28,32}", "?", text.replace(name, "*"))


@pytest.mark.parametrize("visit", VISITS.values(), ids=VISITS.keys())
def test_both_protocols_say_the_same(
    gallery: Gallery, pair: Pair, name: str, visit: Callable[[Visitor], wire.Reply]
) -> None:
    """Status, headers and body, but for those that differ from one second to the next."""
    plain = speaking(pair.certificate, "http/1.1")
    with (
        secure.SecureWire(gallery.port, plain) as one,
        Http2Wire(gallery.port, speaking(pair.certificate)) as other,
    ):

        def ask(target: str, method: str = "GET", body: bytes = b"", **more: str) -> wire.Reply:
            answer = other.ask(target, method, body, **more)
            assert answer.reset is None
            assert "server" not in answer.headers
            assert answer.headers["date"].endswith(" GMT")
            return wire.Reply(answer.status, answer.headers, bytes(answer.body))

        expected = told(visit(Visitor(gallery, f"{name}-one", one.ask)), f"{name}-one")
        assert told(visit(Visitor(gallery, f"{name}-two", ask)), f"{name}-two") == expected
        assert one.ask("/_live").status == 200
        assert other.ask("/_live").status == 200


def test_a_large_answer_comes_whole(gallery: Gallery, pair: Pair, name: str) -> None:
    """Windows are opened and used up many times over."""
    noise = pictures.noise(1500, 1200, "PNG", compress_level=0)
    gallery.client.put_in(name, noise)
    with Http2Wire(gallery.port, speaking(pair.certificate)) as connection:
        assert connection.ask(f"/{name}.png").body == noise


def test_a_large_upload_comes_whole(gallery: Gallery, pair: Pair, name: str) -> None:
    """The same the other way, without a length in its head."""
    noise = pictures.noise(1500, 1200, "PNG", compress_level=0)
    leave = gallery.client.token(name)
    with Http2Wire(gallery.port, speaking(pair.certificate)) as connection:
        number = connection.open(
            f"/{name}", "POST", end=False, X_Token=leave, Content_Type="image/png"
        )
        connection.body(number, noise)
        assert connection.answer(number).status == 200
    assert gallery.client.get(f"/{name}.png").content == noise


def test_no_header_of_an_answer_has_capitals(gallery: Gallery, pair: Pair, name: str) -> None:
    """Nor is one of HTTP/1 among them."""
    gallery.client.put_in(name, PICTURE)
    with Http2Wire(gallery.port, speaking(pair.certificate)) as connection:
        for target in (f"/{name}_20_0.png", "/_live", "/nothing"):
            names = [field for field, _ in connection.ask(target).fields]
            assert [field.lower() for field in names] == names
            assert not APART.intersection(names) & {"connection", "transfer-encoding"}


def test_cookies_and_bytes_that_are_not_ascii_harm_nobody(gallery: Gallery, pair: Pair) -> None:
    """Several cookies are one header, several others stay so; Latin-1 is passed on."""
    seen = []
    received = fast_path.FastPathRequest.headers_received

    def noted(self: fast_path.FastPathRequest, line: Any, headers: Any) -> Any:
        seen.append((line, headers))
        return received(self, line, headers)

    fields = [
        *(
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "pics.test"),
            (":path", "/ping"),
        ),
        *(("cookie", "a=1"), ("x-word", "k\xe4tzchen"), ("cookie", "b=2"), ("x-word", "two")),
    ]
    with (
        servers.replaced(fast_path.FastPathRequest, "headers_received", noted),
        Http2Wire(gallery.port, speaking(pair.certificate)) as connection,
    ):
        frame = connection.head_of(fields)
        connection.frames(frame)
        assert connection.answer(frame.stream_id).status == 200
    ((line, headers),) = seen
    assert line == ("GET", "/ping", "HTTP/2.0")
    assert headers["Host"] == "pics.test"
    assert headers["Cookie"] == "a=1; b=2"
    assert headers.get_list("X-Word") == ["k\xe4tzchen", "two"]


def test_the_request_id_is_the_clients(gallery: Gallery, pair: Pair) -> None:
    """It comes back, and a bad one is replaced."""
    with Http2Wire(gallery.port, speaking(pair.certificate)) as connection:
        assert connection.ask("/_live", X_Request_Id="me-2").headers["x-request-id"] == "me-2"
        assert connection.ask("/_live", X_Request_Id="me 2").headers["x-request-id"] != "me 2"
