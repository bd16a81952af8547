"""Which protocol a connection speaks: by ALPN over TLS, by how it begins elsewhere."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liveresize import config

from . import certificates, http2_client, pictures, secure, servers, wire
from .certificates import Pair
from .http2_client import Http2Wire, speaking

Launch = Callable[..., servers.Running]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate."""
    return certificates.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def encrypted(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server whose only port speaks TLS."""
    with servers.Running(tmp_path_factory.mktemp("encrypted"), **pair.keys) as running:
        yield running


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server whose plain port speaks whatever a connection begins with."""
    folder = tmp_path_factory.mktemp("begun")
    with servers.Running(folder, http2_cleartext=True) as running:
        yield running


def dribble(connection: wire.Wire | Http2Wire, data: bytes) -> None:
    """Send data byte by byte, each of which is a packet of its own."""
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in data:
        connection.send(bytes([byte]))


@pytest.mark.parametrize("offered", [["h2", "http/1.1"], ["http/1.1", "h2"], ["h3", "h2"], ["h2"]])
def test_http2_is_agreed_on(encrypted: servers.Running, pair: Pair, offered: list[str]) -> None:
    """With whoever offers it, in whatever place."""
    with Http2Wire(encrypted.port, speaking(pair.certificate, *offered)) as connection:
        assert connection.socket.selected_alpn_protocol() == "h2"  # type: ignore[attr-defined]
        answer = connection.ask("/_live")
        assert answer.status == 200
        assert answer.body == b"OK"


def test_what_the_server_has_to_say(encrypted: servers.Running, pair: Pair) -> None:
    """How many streams, how large a head, that pushes and PRIORITY mean nothing to it."""
    with Http2Wire(encrypted.port, speaking(pair.certificate)) as connection:
        connection.settled()
        said = connection.server
        assert said[http2_client.STREAMS] == 100
        assert said[http2_client.HEADER_LIST] == encrypted.settings.limits.header_bytes
        assert said[http2_client.INITIAL_WINDOW] == 256 << 10
        assert said[9] == 1  # SETTINGS_NO_RFC7540_PRIORITIES
        assert connection.window == 1 << 20
        assert connection.acknowledged == 1


def test_who_does_not_offer_it_is_not_given_it(encrypted: servers.Running, pair: Pair) -> None:
    """HTTP/1.1 is answered on the same port, and words of HTTP/2 are no request there."""
    with secure.SecureWire(encrypted.port, speaking(pair.certificate, "http/1.1")) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        assert connection.ask("/_live").status == 200
    context = certificates.trusting(pair.certificate)
    with secure.SecureWire(encrypted.port, context) as connection:
        connection.send(http2_client.PREFACE)
        assert connection.rest().startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("keys", [{"http2": False}, {"http2": False, "http2_cleartext": True}])
def test_it_can_be_turned_off(launch: Launch, pair: Pair, keys: dict[str, object]) -> None:
    """By `http2`, which is about TLS alone."""
    running = launch(**pair.keys, **keys)
    context = speaking(pair.certificate, "h2", "http/1.1")
    with secure.SecureWire(running.port, context) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        assert connection.ask("/_live").status == 200


def test_vips_own_name_turns_it_off(tmp_path: Path) -> None:
    """`DISABLE_HTTP2`, as its environment has it."""
    assert config.load({}, directory=tmp_path).http2
    assert not config.load({"DISABLE_HTTP2": "1"}, directory=tmp_path).http2


def test_a_plain_port_speaks_it_where_that_is_set(begun: servers.Running) -> None:
    """To those who begin with it; HTTP/1.1 is spoken there as ever."""
    with Http2Wire(begun.port) as connection:
        assert connection.ask("/_live").body == b"OK"
        assert wire.ask(begun.port, "/_live").body == b"OK"


def test_a_preface_may_come_byte_by_byte(begun: servers.Running) -> None:
    """And so may all else."""
    with Http2Wire(begun.port, preface=b"") as connection:
        empty = b"\0\0\0\4\0\0\0\0\0"
        dribble(connection, http2_client.PREFACE + empty + connection.head("/ping").serialize())
        assert connection.answer(1).body == b"pong"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "PROPFIND", "P"])
def test_http_1_may_come_byte_by_byte_too(begun: servers.Running, method: str) -> None:
    """Methods that begin as the preface does, too."""
    expected = 200 if method in ("GET", "HEAD") else 405
    with wire.Wire(begun.port) as connection:
        for _ in range(2):
            dribble(connection, wire.request("/_live", method))
            assert connection.reply(bodiless=method == "HEAD").status == expected


def test_an_upload_of_http_1_is_what_it_was(begun: servers.Running, name: str) -> None:
    """Its first bytes are looked at, and put back."""
    picture = pictures.png()
    begun.client.put_in(name, picture)
    assert wire.ask(begun.port, f"/{name}.png").body == picture


def test_a_plain_port_does_not_speak_it_unasked(bare: servers.Running) -> None:
    """The preface is a bad request."""
    with wire.Wire(bare.port) as connection:
        connection.send(http2_client.PREFACE)
        assert connection.rest().startswith(b"HTTP/1.1 400")


def test_a_connection_that_does_not_begin_is_ended(launch: Launch) -> None:
    """After `limits.header_timeout`, whichever protocol it might have become."""
    running = launch(http2_cleartext=True, limits__header_timeout=0.3)
    for sent in (b"", b"P", b"PR", http2_client.PREFACE[:7], http2_client.PREFACE):
        with Http2Wire(running.port, preface=b"") as connection:
            connection.send(sent)
            assert connection.rest() in (None, http2_client.NO_ERROR)
    servers.until(lambda: running.server.listener.connections == 0)


def test_detours_are_of_http_1_alone(tmp_path: Path, pair: Pair) -> None:
    """The plain port that sends clients to the encrypted one has nothing else to say."""
    keys = {**pair.keys, "tls__redirect": "https://images.example.com", "http2_cleartext": True}
    with (
        certificates.reserved_port() as port,
        servers.Running(tmp_path, **keys, tls__port=port) as running,
    ):
        assert wire.ask(running.port, "/cat.jpg").status == 308
        with wire.Wire(running.port) as connection:
            connection.send(http2_client.PREFACE)
            assert connection.rest().startswith(b"HTTP/1.1 400")
        with Http2Wire(port, speaking(pair.certificate)) as connection:
            assert connection.ask("/_live").status == 200
