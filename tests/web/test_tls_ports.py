"""A plain and an encrypted port at once, and clients who are sent from one to the other."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liveresize import config, errors
from liveresize.app import tls
from liveresize.settings import entrances

from . import certificates, pictures, secure, servers, wire
from .certificates import Pair
from .conftest import Events

ORIGIN = "https://images.example.com:8443"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate."""
    return certificates.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def both(tmp_path: Path, pair: Pair) -> Iterator[Callable[..., servers.Running]]:
    """Starts a server with two ports."""
    with contextlib.ExitStack() as stack:

        def start(**keys: object) -> servers.Running:
            port = stack.enter_context(certificates.reserved_port())
            return stack.enter_context(
                servers.Running(tmp_path, **pair.keys, tls__port=port, **keys)
            )

        yield start


@pytest.fixture(scope="module")
def detour(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server whose plain port sends clients to ORIGIN."""
    with (
        certificates.reserved_port() as port,
        servers.Running(
            tmp_path_factory.mktemp("detour"),
            **pair.keys,
            tls__port=port,
            tls__redirect=ORIGIN,
            limits__body_grace=0.5,
        ) as running,
    ):
        yield running


def encrypted(running: servers.Running) -> servers.Client:
    """A client of the second port; close it."""
    return servers.Client(running.server.urls[1], certificate=running.settings.tls.certificate)


def test_both_ports_serve_the_same_pictures(both: Callable[..., servers.Running]) -> None:
    """Of one address, plain and encrypted."""
    running = both()
    (host, plain), (other, port) = running.server.addresses
    assert host == other == "127.0.0.1"
    assert running.server.urls == [f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{port}"]
    assert port == running.settings.tls.port != plain
    running.client.put_in("cat", pictures.png())
    with encrypted(running) as web:
        made = web.get("/cat_20_0.png")
        assert made.status_code == 200
        web.put_in("dog", pictures.png())
    assert running.client.get("/cat_20_0.png?proxy=true").content == made.content
    assert running.client.get("/dog.png").status_code == 200


def test_the_log_has_every_address(
    tmp_path: Path, pair: Pair, spawn: Callable[..., servers.Process]
) -> None:
    """With its scheme; and SIGTERM ends both ports."""
    with certificates.reserved_port() as port:
        process = spawn(**pair.keys, tls__port=port, drain__delay=0)
        (line,) = process.lines("server_started")
        assert line["urls"] == [f"http://127.0.0.1:{process.port}", f"https://127.0.0.1:{port}"]
        assert wire.ask(process.port, "/_live").status == 200
        process.process.terminate()
        assert process.process.wait(servers.PATIENCE) == 0
        for each in (process.port, port):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", each))


def test_one_bound_holds_for_both_ports(
    both: Callable[..., servers.Running], pair: Pair, events: Events
) -> None:
    """Idlers of one make room for those who come to the other; handshakes count."""
    running = both(limits__max_connections=16)
    listener, (_, port) = running.server.listener, running.server.addresses[1]
    context = certificates.trusting(pair.certificate)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(wire.Wire(running.port))
            stack.enter_context(wire.Wire(port))
        servers.until(lambda: listener.connections == 16)
        assert wire.ask(running.port, "/_live").status == 200
        with secure.SecureWire(port, context) as connection:
            assert connection.ask("/_live").status == 200
            assert listener.connections <= 16
    assert [each["event"] for each in events].count("connections_full") == 1


def test_both_ports_are_drained(both: Callable[..., servers.Running], pair: Pair) -> None:
    """Idle connections end, and nothing new is accepted."""
    running = both()
    (_, plain), (_, port) = running.server.addresses
    context = certificates.trusting(pair.certificate)
    with wire.Wire(plain) as one, secure.SecureWire(port, context) as other:
        assert [each.ask("/_live").status for each in (one, other)] == [200, 200]
        running.call(running.server.drain(0))
        assert (one.rest(), other.rest()) == (b"", b"")
    for each in (plain, port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", each))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "BREW"])
@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/cat_10_20.jpg?fit=crop&sig=a%2Fb",
        "//evil.example.com/..;/x",
        "/%0d%0aSet-Cookie:%20a",
        "/_studio/",
        "/_livelier",
        "/_renditions/a/b.jpg",
        "/\\evil.example.com",
        "/@evil.example.com",
    ],
)
def test_everyone_is_sent_to_the_encrypted_address(
    detour: servers.Running, method: str, target: str
) -> None:
    """Its own origin, the raw target; on a connection that goes on."""
    with wire.Wire(detour.port) as connection:
        for _ in range(2):
            answer = connection.ask(target, method, X_Request_Id="me")
            assert (answer.status, answer.body) == (308, b"")
            assert answer.headers["location"] == ORIGIN + target
            assert answer.headers["x-request-id"] == "me"
            assert "connection" not in answer.headers


def test_a_target_of_other_bytes_is_escaped(detour: servers.Running) -> None:
    """A header holds none of them."""
    with wire.Wire(detour.port) as connection:
        connection.send("GET /ä.png?{b} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        answer = connection.reply()
    assert (answer.status, answer.headers["location"]) == (308, f"{ORIGIN}/%C3%A4.png?{{b}}")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "target", ["*", "ftp://evil.example.com/cat.jpg", "evil.example.com:443", "cat.jpg", "@x"]
)
def test_a_target_that_is_no_path_is_400(detour: servers.Running, method: str, target: str) -> None:
    """There is nothing to append to the origin."""
    with wire.Wire(detour.port) as connection:
        answer = connection.ask(target, method)
        assert answer.status == 400
        assert "location" not in answer.headers
        assert (b'"malformed_url"' in answer.body) == (method != "HEAD")


def test_a_url_as_the_target_leads_to_its_path(detour: servers.Running) -> None:
    """Never to the host that it names."""
    answer = wire.ask(detour.port, "http://evil.example.com/cat.jpg?fit=crop")
    assert (answer.status, answer.headers["location"]) == (308, f"{ORIGIN}/cat.jpg?fit=crop")


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n"])
def test_only_one_host_is_sent_away(detour: servers.Running, hosts: bytes) -> None:
    """Here, too, HTTP/1.1 names exactly one."""
    with wire.Wire(detour.port) as connection:
        connection.send(b"GET /cat.jpg HTTP/1.1\r\n" + hosts + b"\r\n")
        answer = connection.reply()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert connection.rest() == b""


def test_a_head_that_is_too_large_is_not_sent_away(detour: servers.Running) -> None:
    """It is refused as on the other port."""
    with wire.Wire(detour.port) as connection:
        connection.send(wire.request("/cat.jpg", X_Filler="a" * 70_000))
        assert connection.reply().status == 431


@pytest.mark.parametrize(
    "path", ["/_health", "/_live", "/_ready", "/_ready?a=b", "/_metrics", "/ping"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_are_answered(detour: servers.Running, path: str, method: str) -> None:
    """Those who ask follow no redirects."""
    assert wire.ask(detour.port, path, method).status == 200


def test_the_encrypted_port_sends_nobody_away(detour: servers.Running) -> None:
    """It is where they were sent."""
    with encrypted(detour) as web:
        web.put_in("cat", pictures.png())
        assert web.get("/cat_10_0.png").status_code == 200


def test_a_short_body_is_read_first(detour: servers.Running) -> None:
    """Then the connection goes on, with a length or in chunks."""
    chunked = b"POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with wire.Wire(detour.port) as connection:
        assert connection.ask("/token", "POST", bytes(100_000)).status == 308
        connection.send(chunked + b"3\r\nabc\r\n")
        connection.send(b"0\r\n\r\n")
        assert connection.reply().headers["location"] == f"{ORIGIN}/token"
        assert connection.ask("/cat", "POST", b"x").status == 308


@pytest.mark.parametrize("size", [20 << 20, 40 << 20])
def test_a_redirect_reaches_whoever_sends_a_long_body_first(
    detour: servers.Running, size: int
) -> None:
    """It is not lost to a connection that is reset."""
    head = wire.request("/cat", "POST", Content_Type="image/png", Content_Length=str(size))
    with wire.Wire(detour.port) as connection:
        connection.send(head)
        for _ in range(size >> 20):
            connection.send(bytes(1 << 20))
        answer = connection.reply()
        assert (answer.status, answer.headers["connection"]) == (308, "close")
        assert connection.rest() == b""
    servers.until(lambda: detour.server.listener.connections == 0)


def test_a_long_body_in_chunks_is_not_read_to_its_end(detour: servers.Running) -> None:
    """Nothing told beforehand how long it is."""
    head = b"POST /cat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with wire.Wire(detour.port) as connection:
        connection.send(head)
        for _ in range(20):
            connection.send(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        answer = connection.reply()
        assert (answer.status, answer.headers["connection"]) == (308, "close")


def test_who_waits_for_leave_to_send_is_sent_away_at_once(detour: servers.Running) -> None:
    """Not one byte of the body is wanted here."""
    with wire.Wire(detour.port) as connection:
        connection.send(wire.request("/cat", "POST", Expect="100-continue", Content_Length="1000"))
        assert connection.reply().status == 308


def test_a_body_that_does_not_come_is_not_waited_for(detour: servers.Running) -> None:
    """After `limits.body_grace` the redirect goes out without it."""
    with wire.Wire(detour.port) as connection:
        began = time.monotonic()
        connection.send(wire.request("/cat", "POST", Content_Length="1000") + b"a")
        assert connection.reply().status == 308
        assert time.monotonic() - began > 0.3
        assert connection.rest() == b""


def test_a_client_that_leaves_in_its_body_leaves_nothing(detour: servers.Running) -> None:
    """No answer is made for it later."""
    with wire.Wire(detour.port) as connection:
        connection.send(wire.request("/cat", "POST", Content_Length="1000") + b"a")
        servers.until(lambda: detour.server.listener.connections == 1)
        connection.vanish()
    servers.until(lambda: detour.server.listener.connections == 0)


def load(tmp_path: Path, **keys: object) -> config.Settings:
    """The settings with these keys."""
    return config.load(servers.environ(tmp_path, **keys), directory=tmp_path)


CONTRADICTIONS: list[tuple[dict[str, object], tuple[str, ...]]] = [
    (
        {"tls__certificate": "/a.pem"},
        (
            "tls.certificate is set in environment variable LIVERESIZE_TLS__CERTIFICATE, but",
            "tls.key is not: set both, or neither.",
        ),
    ),
    (
        {"tls__key": "/a.key"},
        (
            "tls.key is set in environment variable LIVERESIZE_TLS__KEY, but",
            "tls.certificate is not: set both, or neither.",
        ),
    ),
    (
        {"listen_port": 8443, "tls__port": 8443},
        (
            "tls.port and listen_port are both 8443: set tls.port to 0 to answer TLS on",
            "listen_port, or to another port to answer both.",
        ),
    ),
    (
        {"tls__redirect": "https://a.example.com"},
        (
            "tls.redirect is set in environment variable LIVERESIZE_TLS__REDIRECT, but tls.port",
            "is not: without a port for TLS there is no plain one to send clients from.",
        ),
    ),
]


@pytest.mark.parametrize(("keys", "lines"), CONTRADICTIONS)
def test_keys_that_cannot_go_together_are_refused(
    tmp_path: Path, keys: dict[str, object], lines: tuple[str, ...]
) -> None:
    """With a sentence that says what would do."""
    with pytest.raises(errors.SettingsError) as caught:
        load(tmp_path, **keys)
    assert caught.value.public == " ".join(lines)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Where vip would have its certificate; the folder is not there."""
    folder = tmp_path / "vip"
    found = Pair(folder / "server.pem", folder / "server.key", certificates.now())
    monkeypatch.setattr(entrances, "CERTIFICATE", str(found.certificate))
    monkeypatch.setattr(entrances, "KEY", str(found.key))
    return found


@pytest.mark.parametrize("redirect", ["", "https://a.example.com"])
def test_a_port_for_tls_wants_a_certificate(tmp_path: Path, places: Pair, redirect: str) -> None:
    """The sentence says where it could be."""
    chosen = load(tmp_path, tls__port=8443, tls__redirect=redirect)
    with pytest.raises(errors.SettingsError) as caught:
        servers.Running(tmp_path, tls__port=8443, tls__redirect=redirect)
    assert caught.value.public == (
        "tls.port is set, but there is no certificate: set tls.certificate and tls.key, or put "
        f"both files where vip has them, at {places.certificate} and {places.key}."
    )
    with pytest.raises(errors.SettingsError):
        tls.check(chosen)


def test_the_certificate_of_vip_is_found(tmp_path: Path, places: Pair) -> None:
    """Where both files are there and none is configured, the port speaks TLS."""
    assert tls.tls_settings(load(tmp_path)) is None
    certificates.make(places.key.parent)
    assert load(tmp_path).warnings == ()
    tls.check(load(tmp_path))
    with servers.Running(tmp_path) as running:
        assert running.url.startswith("https://")
        with servers.Client(running.url, certificate=str(places.certificate)) as web:
            assert web.get("/_live").status_code == 200


def test_a_configured_certificate_goes_before_that_of_vip(
    tmp_path: Path, places: Pair, pair: Pair
) -> None:
    """Even where both are there."""
    certificates.make(places.key.parent)
    chosen = tls.tls_settings(load(tmp_path, **pair.keys))
    assert chosen is not None
    assert (chosen.certificate, chosen.key) == (str(pair.certificate), str(pair.key))


@pytest.mark.parametrize("left", ["certificate", "key"])
def test_half_of_the_certificate_of_vip_is_a_warning(
    tmp_path: Path, places: Pair, pair: Pair, left: str
) -> None:
    """TLS stays off; not a word where a certificate is configured."""
    made = certificates.make(places.key.parent)
    there, missing = (
        (made.certificate, made.key) if left == "certificate" else (made.key, made.certificate)
    )
    missing.unlink()
    chosen = load(tmp_path)
    assert chosen.warnings == (
        f"{there} is there, but {missing} is not: TLS is not spoken without both.",
    )
    assert tls.tls_settings(chosen) is None
    assert load(tmp_path, **pair.keys).warnings == ()


def test_a_port_that_is_taken_is_named(
    tmp_path: Path, pair: Pair, spawn: Callable[..., servers.Process]
) -> None:
    """By its key, and the server does not start with the other port alone."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            AssertionError, match=rf":{port} of listen_address and tls\.port cannot"
        ):
            spawn(**pair.keys, tls__port=port)
