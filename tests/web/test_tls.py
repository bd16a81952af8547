"""TLS in the process itself: what is spoken, what is refused, and whom nothing disturbs."""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liveresize.http.handlers import status
from liveresize.http.transport.connections import TlsStream, WatchedStream
from liveresize.http.transport.tls import make_context
from liveresize.http.transport.unsent import Unsent

from . import certificates, pictures, secure, servers, wire
from .certificates import Pair
from .conftest import Events

HALF_OPEN = 200

Launch = Callable[..., servers.Running]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate with an RSA key, with which every cipher could be spoken."""
    return certificates.make(tmp_path_factory.mktemp("certificate"), rsa_key=True)


@pytest.fixture(scope="module")
def encrypted(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server whose only port speaks TLS."""
    folder = tmp_path_factory.mktemp("encrypted")
    keys = {**pair.keys, "admin__secrets": [servers.ADMIN]}
    with servers.Running(folder, **keys) as running:
        yield running


@pytest.fixture
def context(pair: Pair) -> ssl.SSLContext:
    """What a client of that server speaks."""
    return certificates.trusting(pair.certificate)


@pytest.fixture(autouse=True)
def nothing_to_worry_about(caplog: pytest.LogCaptureFixture, events: Events) -> Iterator[None]:
    """Whatever a client does: no warning, neither ours nor Tornado's."""
    yield
    assert [each for each in caplog.get_records("call") if each.levelno > logging.INFO] == []
    assert [each for each in events if each["log_level"] not in ("debug", "info")] == []


def refusals(events: Events) -> list[object]:
    """Why handshakes have failed."""
    return [each["reason"] for each in events if each["event"] == "handshake_failed"]


def test_a_picture_comes_and_goes_over_tls(encrypted: servers.Running, name: str) -> None:
    """Uploaded, rendered, redirected to, answered from memory, deleted."""
    web = encrypted.client
    assert encrypted.url.startswith("https://")
    web.put_in(name, pictures.png(200, 150))
    made = web.get(f"/{name}_100_0.png")
    assert (made.status_code, made.headers["X-Cache"]) == (200, "MISS")
    encrypted.published()
    assert web.get(f"/{name}_100_0.png").status_code == 303
    hit = web.get(f"/{name}_100_0.png?proxy=true")
    assert (hit.status_code, hit.headers["X-Cache"]) == (200, "HIT-MEMORY")
    assert hit.content == made.content
    bearer = {"Authorization": f"Bearer {servers.ADMIN}"}
    assert web.delete(f"/{name}", headers=bearer).status_code == 204
    assert web.get(f"/{name}_100_0.png").status_code == 404


def test_a_large_original_comes_whole(encrypted: servers.Running, name: str) -> None:
    """Many records, many chunks of a file."""
    noise = pictures.noise(1500, 1200, "PNG", compress_level=0)
    encrypted.client.put_in(name, noise)
    assert encrypted.client.get(f"/{name}.png").content == noise


def test_handlers_know_that_a_request_was_encrypted(encrypted: servers.Running) -> None:
    """`request.protocol` comes from the connection, whatever headers claim."""
    seen = []

    async def get(self: status.LiveHandler) -> None:
        seen.append(self.request.protocol)
        self.finish()

    with servers.replaced(status.LiveHandler, "get", get):
        headers = {"X-Forwarded-Proto": "http", "X-Scheme": "http"}
        assert encrypted.client.get("/_live", headers=headers).status_code == 200
    assert seen == ["https"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_versions_of_today_are_spoken(
    encrypted: servers.Running, context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """1.2 and 1.3."""
    context.minimum_version = context.maximum_version = version
    with secure.SecureWire(encrypted.port, context) as connection:
        assert connection.socket.version() == version.name.replace("_", ".")
        assert connection.socket.compression() is None
        assert connection.ask("/_live").status == 200


def test_tls_1_1_is_refused(
    encrypted: servers.Running, context: ssl.SSLContext, events: Events
) -> None:
    """With the alert that says why."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="TLSV1_ALERT_PROTOCOL_VERSION"):
        secure.SecureWire(encrypted.port, context)
    servers.until(lambda: refusals(events) == ["UNSUPPORTED_PROTOCOL"])


def test_the_oldest_version_can_be_1_3(launch: Launch, pair: Pair, context: ssl.SSLContext) -> None:
    """By `tls.min_version`."""
    running = launch(**pair.keys, tls__min_version="1.3")
    assert running.client.get("/_live").status_code == 200
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="TLSV1_ALERT_PROTOCOL_VERSION"):
        secure.SecureWire(running.port, context)


@pytest.mark.parametrize(
    "cipher",
    [
        "AES128-SHA",
        "AES256-GCM-SHA384",
        "DHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA384",
    ],
)
def test_ciphers_of_the_past_are_refused(
    encrypted: servers.Running, context: ssl.SSLContext, cipher: str, events: Events
) -> None:
    """Without forward secrecy, or in CBC mode, or both."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        secure.SecureWire(encrypted.port, context)
    servers.until(lambda: refusals(events) == ["NO_SHARED_CIPHER"])


@pytest.mark.parametrize(
    "cipher",
    [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ],
)
def test_ciphers_of_today_are_spoken(
    encrypted: servers.Running, context: ssl.SSLContext, cipher: str
) -> None:
    """Under TLS 1.2 too; the client chooses."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    with secure.SecureWire(encrypted.port, context) as connection:
        chosen = connection.socket.cipher()
        assert chosen is not None
        assert chosen[0] == cipher
        assert connection.ask("/_live").status == 200


def test_every_cipher_of_tls_1_2_has_forward_secrecy_and_aead(pair: Pair) -> None:
    """Whatever OpenSSL makes of the list."""
    context = make_context(pair.tls)
    names = [each["name"] for each in context.get_ciphers() if each["protocol"] == "TLSv1.2"]
    assert names
    for each in names:
        assert each.startswith(("ECDHE-ECDSA-", "ECDHE-RSA-")), each
        assert "-GCM-" in each or "CHACHA20-POLY1305" in each, each
    assert ssl.OP_NO_RENEGOTIATION in context.options
    assert ssl.OP_NO_COMPRESSION in context.options


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["http/1.1", "h3"], "http/1.1"), (["http/1.1"], "http/1.1"), (["h3"], None), ([], None)],
)
def test_http_1_1_is_agreed_on(
    encrypted: servers.Running, context: ssl.SSLContext, offered: list[str], chosen: str | None
) -> None:
    """By ALPN where the client knows nothing newer, and taken for granted elsewhere."""
    if offered:
        context.set_alpn_protocols(offered)
    with secure.SecureWire(encrypted.port, context) as connection:
        assert connection.socket.selected_alpn_protocol() == chosen
        assert connection.ask("/_live").status == 200


def test_the_end_of_a_connection_is_announced(
    encrypted: servers.Running, context: ssl.SSLContext
) -> None:
    """A client can tell it from one that was cut off."""
    with secure.SecureWire(encrypted.port, context) as connection:
        connection.send(wire.request("/_live", Connection="close"))
        assert connection.reply().status == 200
        assert connection.socket.recv(1) == b""  # without the announcement this raises


@pytest.mark.parametrize(
    "sent",
    [
        wire.request("/_live"),
        b"\x16\x03\x01\xff\xff" + bytes(70_000),
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        bytes(range(256)) * 16,
    ],
    ids=["plain HTTP", "a hello that is too long", "an alert", "SSH", "anything"],
)
def test_whoever_speaks_something_else_is_dropped(encrypted: servers.Running, sent: bytes) -> None:
    """At once, and nobody else notices."""
    with wire.Wire(encrypted.port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.send(sent)
        assert b"HTTP/" not in connection.rest()
    assert encrypted.client.get("/_live").status_code == 200


def test_a_client_that_does_not_believe_the_certificate_is_no_warning(
    encrypted: servers.Running, events: Events, tmp_path: Path
) -> None:
    """It says so, and that is told to whoever looks for it."""
    other = certificates.make(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        secure.SecureWire(encrypted.port, certificates.trusting(other.certificate))
    servers.until(lambda: refusals(events) == ["TLSV1_ALERT_UNKNOWN_CA"])
    assert encrypted.client.get("/_live").status_code == 200


def test_nonsense_after_the_handshake_is_no_warning(
    encrypted: servers.Running, context: ssl.SSLContext
) -> None:
    """Records that cannot be decrypted end their connection alone."""
    before = encrypted.server.listener.connections
    with secure.SecureWire(encrypted.port, context) as connection:
        assert connection.ask("/_live").status == 200
        with socket.socket(fileno=connection.socket.detach()) as bare:
            bare.settimeout(servers.PATIENCE)
            bare.sendall(b"\x17\x03\x03\x00\x40" + bytes(64))
            with contextlib.suppress(ConnectionError):
                while bare.recv(65536):
                    pass
    servers.until(lambda: encrypted.server.listener.connections <= before)
    assert encrypted.client.get("/_live").status_code == 200


def hello(context: ssl.SSLContext) -> bytes:
    """The first bytes that a client sends."""
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["silent", "half a hello", "a hello"])
def test_a_handshake_that_stalls_ends_the_connection(
    launch: Launch, pair: Pair, context: ssl.SSLContext, share: float
) -> None:
    """After `limits.header_timeout`; until then it counts among the connections."""
    running = launch(**pair.keys, limits__header_timeout=1.0)
    words = hello(context)
    with wire.Wire(running.port) as connection:
        connection.send(words[: int(len(words) * share)])
        servers.until(lambda: running.server.listener.connections == 1)
        answered = connection.rest()
        assert bool(answered) == (share == 1.0)
    servers.until(lambda: running.server.listener.connections == 0)


def test_handshakes_that_go_on_byte_by_byte_succeed(
    encrypted: servers.Running, context: ssl.SSLContext
) -> None:
    """A slow client is waited for, and nobody waits with it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with wire.Wire(encrypted.port) as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    connection.send(bytes([byte]))
                assert encrypted.client.get("/_live").status_code == 200
                incoming.write(connection.socket.recv(65536))
        client.write(wire.request("/_live", Connection="close"))
        connection.send(outgoing.read())
        incoming.write(connection.rest())
        assert client.read(65536).startswith(b"HTTP/1.1 200")


def test_half_open_handshakes_do_not_stop_others(
    encrypted: servers.Running, context: ssl.SSLContext
) -> None:
    """Two hundred of them, some silent, some in the middle."""
    before = encrypted.server.listener.connections
    words = hello(context)
    with contextlib.ExitStack() as stack:
        for index in range(HALF_OPEN):
            connection = stack.enter_context(wire.Wire(encrypted.port))
            connection.send(words[: index % 3 * 100])
        servers.until(lambda: encrypted.server.listener.connections >= HALF_OPEN)
        with secure.SecureWire(encrypted.port, context) as connection:
            assert connection.ask("/_live").status == 200
    servers.until(lambda: encrypted.server.listener.connections <= before)


def test_a_refusal_reaches_whoever_sends_all_of_it_first(
    encrypted: servers.Running, context: ssl.SSLContext, name: str
) -> None:
    """The answer is not lost to a connection that is reset, and what is still sent is dropped."""
    size = 20 << 20
    head = wire.request(
        f"/{name}", "POST", X_Token="spent", Content_Type="image/png", Content_Length=str(size)
    )
    before = encrypted.server.listener.connections
    with secure.SecureWire(encrypted.port, context) as connection:
        connection.send(head)
        for _ in range(size >> 20):
            connection.send(bytes(1 << 20))
        answer = connection.reply()
        assert (answer.status, b'"token_refused"' in answer.body) == (403, True)
        assert connection.socket.recv(1) == b""
    servers.until(lambda: encrypted.server.listener.connections <= before)


def test_httpx_gets_its_refusal_too(encrypted: servers.Running, name: str) -> None:
    """A client as people use it, with 20 MB that nobody wants."""
    answer = encrypted.client.upload(name, bytes(20 << 20), "spent")
    assert answer.status_code == 403


def test_what_is_under_way_is_finished_first(
    launch: Launch, pair: Pair, context: ssl.SSLContext
) -> None:
    """Draining ends idle connections, and busy ones after their answer."""
    running = launch(**pair.keys)
    begun, gate = threading.Event(), threading.Event()

    async def get(self: status.LiveHandler) -> None:
        begun.set()
        await running.waiting(gate)
        self.finish()

    with (
        servers.replaced(status.LiveHandler, "get", get),
        secure.SecureWire(running.port, context) as idle,
        secure.SecureWire(running.port, context) as busy,
    ):
        busy.send(wire.request("/_live"))
        assert begun.wait(servers.PATIENCE)
        draining = asyncio.run_coroutine_threadsafe(running.server.drain(0), running._loop)
        assert idle.rest() == b""
        gate.set()
        assert busy.reply().status == 200
        assert busy.rest() == b""
        draining.result(servers.PATIENCE)
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", running.port))


def test_a_peer_that_takes_a_large_answer_slowly_is_seen_to_take_it(
    pair: Pair, context: ssl.SSLContext
) -> None:
    """OpenSSL counts a write when all of it is sent: that must not look like a stall."""

    async def scenario() -> None:
        speaks = make_context(pair.tls)
        ended: list[WatchedStream] = []
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            opened = asyncio.to_thread(
                secure.SecureWire, listening.getsockname()[1], context, buffer=8192
            )
            client = asyncio.ensure_future(opened)
            accepted, _ = await asyncio.to_thread(listening.accept)
        encrypted = speaks.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        stream = TlsStream(encrypted, ended.append, Unsent())
        await stream.wait_for_handshake()
        with await client as connection:
            written = asyncio.ensure_future(stream.write(bytes(8 << 20)))
            moves: set[float] = set()
            while len(moves) < 5:
                await asyncio.to_thread(connection.socket.recv, 16384)
                moves.add(stream.wrote_at)
            assert not written.done()
            stream.abandon()
        with contextlib.suppress(Exception):
            await written
        assert ended == [stream]

    asyncio.run(scenario())
