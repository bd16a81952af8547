"""Chunked bodies: extensions and trailers are dropped, and everything else is strict."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import h11
import pytest
from tornado.httputil import HTTPInputError

from liveresize.http.transport.chunks import EXTRA, LINE, ChunkedBody

from . import pictures, servers, wire

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

NEXT = b"GET /_live HTTP/1.1\r\nHost: a\r\n\r\n"

WHOLE: list[tuple[bytes, bytes]] = [
    (b"0\r\n\r\n", b""),
    (b"5\r\nhello\r\n000\r\n\r\n", b"hello"),
    (b"00000000000000A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    (b"a\r\n0\r\n\r\nGET /\r\n0\r\n\r\n", b"0\r\n\r\nGET /"),
    (b"5;ext=1\r\nhello\r\n0;last\r\n\r\n", b"hello"),
    (b"5 ; a\t=\t1 ;b\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b'5;a="1;2, \\"\\\\\xff";b="";c=x\r\nhello\r\n0\r\n\r\n', b"hello"),
    (b"5;chunk-signature=" + b"a" * 64 + b"\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"5\r\nhello\r\n0\r\nX-Checksum: abc\r\nX-Empty:\r\n\r\n", b"hello"),
    (b"1\r\na\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: gzip\r\nHost: b\r\n\r\n", b"a"),
    (b"1;" + b"a" * (LINE - 4) + b"\r\na\r\n0\r\n\r\n", b"a"),
    (b"0\r\n" + (b"X: " + b"a" * (LINE - 5) + b"\r\n") * (EXTRA // LINE - 1) + b"\r\n", b""),
]
"""Bodies, and what they say."""

REFUSED: dict[str, bytes] = {
    "no size": b"\r\n",
    "prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "no digit": b"g\r\n",
    "other digits": b"\xb2\r\nab\r\n0\r\n\r\n",
    "space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "tab before the size": b"\t5\r\nhello\r\n0\r\n\r\n",
    "space behind the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "space in the size": b"5 5\r\nhello\r\n0\r\n\r\n",
    "overflow to 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "above the limit": b"40000001\r\n",
    "above the limit together": b"5\r\nhello\r\n3ffffffc\r\n",
    "line feed alone behind the size": b"5\nhello\r\n0\r\n\r\n",
    "return alone behind the size": b"5\rhello\r\n0\r\n\r\n",
    "two returns behind the size": b"5\r\r\nhello\r\n0\r\n\r\n",
    "line feed alone behind the data": b"5\r\nhello\n0\r\n\r\n",
    "nothing behind the data": b"5\r\nhello0\r\n\r\n",
    "more data than said": b"5\r\nhello!\r\n0\r\n\r\n",
    "empty line before a size": b"5\r\nhello\r\n\r\n0\r\n\r\n",
    "line feed alone in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "return alone in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "line feed in quotes": b'5;a="\n"\r\nhello\r\n0\r\n\r\n',
    "return in quotes": b'5;a="\r"\r\nhello\r\n0\r\n\r\n',
    "zero byte in quotes": b'5;a="\0"\r\nhello\r\n0\r\n\r\n',
    "quotes without an end": b'5;a="\r\nhello\r\n0\r\n\r\n',
    "escape without an end": b'5;a="\\"\r\nhello\r\n0\r\n\r\n',
    "extension without a name": b"5;\r\nhello\r\n0\r\n\r\n",
    "extension without a value": b"5;a=\r\nhello\r\n0\r\n\r\n",
    "extension of two words": b"5;a b\r\nhello\r\n0\r\n\r\n",
    "extension without a semicolon": b"5a=b\r\nhello\r\n0\r\n\r\n",
    "comma": b"5,5\r\nhello\r\n0\r\n\r\n",
    "long line": b"5;" + b"a" * (LINE - 3) + b"\r\nhello\r\n0\r\n\r\n",
    "line without an end": b"5;" + b"a" * LINE,
    "many extensions": (b"1;" + b"a" * 1000 + b"\r\na\r\n") * 17,
    "folded trailer": b"0\r\nX: a\r\n b\r\n\r\n",
    "folded trailer at first": b"0\r\n X: a\r\n\r\n",
    "trailer without a colon": b"0\r\nX\r\n\r\n",
    "trailer without a name": b"0\r\n: a\r\n\r\n",
    "space before the colon": b"0\r\nX : a\r\n\r\n",
    "zero byte in a trailer": b"0\r\nX: \0\r\n\r\n",
    "line feed alone behind a trailer": b"0\r\nX: a\n\r\n",
    "line feed alone at the end": b"0\r\n\n",
    "return alone in a trailer": b"0\r\nX: a\rY: b\r\n\r\n",
    "request instead of the end": b"0\r\n" + NEXT,
    "data behind the last chunk": b"0\r\nhello\r\n\r\n",
    "long trailer": b"0\r\nX: " + b"a" * LINE + b"\r\n\r\n",
    "many trailers": b"0\r\n" + b"X: aa\r\n" * (EXTRA // 7 + 1) + b"\r\n",
    "extensions and trailers": (b"1;" + b"a" * 1000 + b"\r\na\r\n") * 16
    + b"0\r\nX: "
    + b"a" * 900
    + b"\r\n\r\n",
}
"""Bodies that another reader may end elsewhere, and bodies above a limit."""


def decoded(*pieces: bytes, most: int = 1 << 30) -> tuple[bytes, bytes] | None:
    """What a body says and what is behind it; None if it has not ended."""
    body = ChunkedBody(most)
    said = b"".join([body.decode(piece) for piece in pieces if not body.is_whole])
    return (said, body.rest) if body.is_whole else None


@pytest.mark.parametrize(("body", "said"), WHOLE)
def test_a_body_is_decoded(body: bytes, said: bytes) -> None:
    """In whatever pieces it arrives; what is behind it is left."""
    assert decoded(body + NEXT) == (said, NEXT)
    assert decoded(*(bytes([each]) for each in body)) == (said, b"")
    for at in range(0, len(body), 1 + len(body) // 100):
        assert decoded(body[:at]) is None
        assert decoded(body[:at], body[at:] + NEXT) == (said, NEXT)


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_an_ambiguous_body_is_refused(body: bytes) -> None:
    """At once, or before the end of what has arrived if it arrives byte by byte."""
    with pytest.raises(HTTPInputError):
        decoded(body)
    with pytest.raises(HTTPInputError):
        decoded(*(bytes([each]) for each in body))


def test_the_limit_of_a_body_is_kept_to_the_byte() -> None:
    """Of its data: sizes and extensions do not count."""
    body = b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert decoded(body, most=5) == (b"abcde", b"")
    with pytest.raises(HTTPInputError):
        decoded(body, most=4)


def of_h11(body: bytes) -> tuple[bytes, bytes] | None:
    """The same as h11 sees it; None if the body has not ended. Raises RemoteProtocolError."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(HEAD + body)
    said = b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Data):
            said += event.data
        elif isinstance(event, h11.EndOfMessage):
            return said, connection.trailing_data[0]
        elif event is h11.NEED_DATA:
            return None


def bodies(count: int) -> list[bytes]:
    """Bodies of all kinds, each changed in up to two places; always the same ones."""
    dice = random.Random(9112)
    made = []
    # h11 refuses trailers about the length of a body, which are dropped here.
    sources = [body for body, _ in WHOLE if len(body) < 200 and b"Length" not in body]
    scraps = [b"\r", b"\n", b"\r\n", b" ", b"\t", b";", b"=", b'"', b"\\", b":", b"0", b"5", b"x"]
    scraps += [b"+", b"-", b"_", b"\0", b"\x0b", b"\xff", b"0\r\n\r\n", b";a=b", b"X: y\r\n", b""]
    for _ in range(count):
        body = dice.choice(sources) + NEXT
        for _ in range(dice.randint(0, 2)):
            at = dice.randrange(len(body) - len(NEXT) + 1)
            body = body[:at] + dice.choice(scraps) + body[at + dice.randint(0, 2) :]
        if dice.random() < 0.1:
            body = body[: dice.randrange(len(body))]
        made.append(body)
    return made


def test_a_body_ends_where_it_does_for_h11() -> None:
    """What is decoded here is the same there, and what is refused there is refused here.

    Only white space before a semicolon is not read by h11.
    """
    outcomes = {"decoded": 0, "refused": 0, "unfinished": 0}
    for body in bodies(4000):
        try:
            ours = decoded(body)
        except HTTPInputError:
            outcomes["refused"] += 1
            continue
        outcomes["decoded" if ours else "unfinished"] += 1
        try:
            assert ours == of_h11(body), body
        except h11.RemoteProtocolError:
            assert b" ;" in body or b"\t;" in body, body
    assert min(outcomes.values()) > 100, outcomes


def upload(server: servers.Running, name: str, body: bytes, **headers: str) -> bytes:
    """A request that uploads a chunked body."""
    token = server.client.token(name)
    headers = {"X_Token": token, "Content_Type": "image/png", **headers}
    return wire.request(f"/{name}", "POST", Transfer_Encoding="chunked", **headers) + body


def chunked(data: bytes, size: int, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """Data in chunks."""
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    chunks = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces]
    return b"".join(chunks) + b"0%b\r\n%b\r\n" % (extension, trailers)


TRAILERS = (
    b"X-Checksum: abc\r\nX-Token: other\r\nContent-Length: 1\r\nTransfer-Encoding: gzip\r\n"
    b"Content-Type: text/html\r\nConnection: close\r\nHost: b\r\nX-Request-Id: trailer\r\n"
)
"""Most of them are forbidden as trailers (RFC 9110 §6.5.1)."""


def test_the_connection_goes_on_behind_extensions_and_trailers(
    server: servers.Running, name: str
) -> None:
    """With requests that come with the body, and those that come later; no trailer counts."""
    data = pictures.png()
    body = chunked(data, 100, b';a="1;2" ; b', TRAILERS)
    with wire.Wire(server.port) as connection:
        connection.send(upload(server, name, body, X_Request_Id="head") + NEXT + NEXT)
        reply = connection.reply()
        assert (reply.status, reply.headers["x-request-id"]) == (200, "head")
        assert [connection.reply().body for _ in range(2)] == [b"OK", b"OK"]
        connection.send(wire.request("/_live", Transfer_Encoding="chunked"))
        for each in body[:300]:
            connection.send(bytes([each]))
        connection.send(body[300:])
        assert connection.reply().body == b"OK"
        assert connection.ask(f"/{name}").body == data


def test_a_large_picture_comes_in_chunks(server: servers.Running, name: str) -> None:
    """Of 1,000 bytes or of a megabyte, with trailers."""
    data = pictures.noise(2000, 1800, "PNG")
    assert len(data) > 3 << 20
    for number, (size, extension) in enumerate([(1000, b""), (1 << 16, b";a=b"), (1 << 20, b";a")]):
        image = f"{name}-{number}"
        with wire.Wire(server.port) as connection:
            connection.send(upload(server, image, chunked(data, size, extension, TRAILERS) + NEXT))
            assert [connection.reply().status for _ in range(2)] == [200, 200]
            assert connection.ask(f"/{image}").body == data


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_sends_a_file_in_chunks(server: servers.Running, name: str, tmp_path: Path) -> None:
    """As it comes, and with an expectation in capitals."""
    data = pictures.noise(2000, 1800, "PNG")
    file = tmp_path / "cat.png"
    file.write_bytes(data)
    for number, expect in enumerate(["", "100-Continue"]):
        image = f"{name}-{number}"
        fields = [f"X-Token: {server.client.token(image)}", "Transfer-Encoding: chunked"]
        fields.append(f"Expect: {expect}" if expect else "Expect:")
        given = [f"-H{field}" for field in (*fields, "Content-Type: image/png")]
        url = f"http://127.0.0.1:{server.port}/{image}"
        command = ["curl", "-sS", "--http1.1", "-XPOST", *given, "-T", str(file), url]
        ran = subprocess.run(command, capture_output=True, check=True)
        assert json.loads(ran.stdout)["id"] == image
        assert server.client.get(f"/{image}").content == data


@pytest.mark.parametrize("target", ["/{name}", "/_nothing", "/_live"])
@pytest.mark.parametrize("kind", ["prefix", "line feed alone behind the data", "long line"])
def test_an_ambiguous_body_ends_the_connection(
    server: servers.Running, name: str, target: str, kind: str
) -> None:
    """400, whoever reads the body: what is behind it is no request."""
    head = upload(server, name, b"").replace(b"/" + name.encode(), target.encode(), 1)
    with wire.Wire(server.port) as connection:
        connection.send(head.replace(b"{name}", name.encode()) + REFUSED[kind] + NEXT)
        connection.send(bytes(1 << 20))
        assert connection.rest() == b"HTTP/1.1 400 Bad Request\r\n\r\n"
    servers.until(lambda: server.staged == [])
