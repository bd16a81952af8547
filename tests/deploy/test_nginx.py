"""What nginx makes of requests on their way to an instance, and of answers on their way back."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web import servers

from .nginx import OUTSIDE, Nginx, needs_nginx
from .recorder import Recorder, Seen

pytestmark = [pytest.mark.long, needs_nginx]

CAT = "/cat_8_6.jpg"

LARGEST = (50 << 20) + (128 << 10)
"""Bytes that a body may have: those of the largest picture, and of the form around it."""

BROWSERS = {
    "Chrome 131": (
        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        "image/avif,image/webp,*/*",
    ),
    "Chrome 60": ("image/webp,image/apng,image/*,*/*;q=0.8", "image/webp,*/*"),
    "Chrome, navigating": (
        "text/html,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        "text/html,image/avif,image/webp,*/*",
    ),
    "Firefox 133": (
        "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
        "image/avif,image/webp,*/*",
    ),
    "Firefox 90": ("image/webp,*/*", "image/webp,*/*"),
    "Firefox 60": ("*/*", "*/*"),
    "Safari 18": (
        "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/*;q=0.8,*/*;q=0.5",
        "image/avif,image/webp,*/*",
    ),
    "Safari 14": (
        "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",
        "image/webp,*/*",
    ),
    "Safari 12": (
        "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",
        "*/*",
    ),
    "Edge 18": ("image/png, image/svg+xml, image/*; q=0.8, */*; q=0.5", "*/*"),
    "Internet Explorer 11": ("image/png, image/svg+xml, image/*;q=0.8, */*;q=0.5", "*/*"),
    "Safari 12, navigating": ("text/html,application/xml;q=0.9,*/*;q=0.8", "text/html,*/*"),
    "HTML at a lower weight": ("text/html;q=0.5,*/*", "*/*"),
    "curl": ("*/*", "*/*"),
    "spaces and capitals": ("Image/AVIF ; q=1.0 , IMAGE/WEBP;Q=1", "image/avif,image/webp,*/*"),
    "WebP refused": ("image/avif,image/webp;q=0,*/*", "*/*"),
    "AVIF refused": ("image/avif;q=0.0,image/webp,*/*", "image/webp,*/*"),
    "WebP above AVIF": ("image/avif;q=0.9,image/webp", "image/webp,*/*"),
    "JPEG above WebP": ("image/jpeg,image/webp;q=0.5", "*/*"),
    "a longer name": ("image/webp2,ximage/avif", "*/*"),
    "nothing": ("", "*/*"),
}
"""Who → what it sends, and what instances get to see."""


class World:
    """nginx in front of one instance that keeps what it sees."""

    def __init__(self, nginx: Nginx, recorder: Recorder) -> None:
        self.nginx, self.recorder = nginx, recorder
        self.inside, self.outside = nginx.client(), nginx.client(address=OUTSIDE)

    @property
    def last(self) -> Seen:
        """The request that came through last."""
        return self.recorder.seen[-1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An nginx of the test's own."""
    with Recorder() as recorder, Nginx(tmp_path, [recorder.port]) as nginx:
        world = World(nginx, recorder)
        with world.inside, world.outside:
            yield world


def test_nginx_finds_no_fault_in_the_configuration(world: World) -> None:
    """`nginx -t` accepts it, with no warning but of 1.25 and later, which prefer `http2 on`;
    1.22 does not know that."""
    said = world.nginx.test()
    assert said.returncode == 0
    lines = (said.stderr + world.nginx.errors).splitlines()
    known = 'the "listen ... http2" directive is deprecated'
    assert [line for line in lines if "[warn]" in line and known not in line] == []


def test_accept_becomes_one_of_six(world: World) -> None:
    """What a browser accepts reaches an instance as one of six headers; q=0 is heeded."""
    reached = {}
    for browser, (sent, _) in BROWSERS.items():
        world.inside.get("/cat_8_6.auto", headers={"Accept": sent})
        reached[browser] = world.last.headers["Accept"]
    assert reached == {browser: expected for browser, (_, expected) in BROWSERS.items()}


def test_an_instance_learns_who_asks(world: World) -> None:
    """The client's own address, whatever it claims; its protocol, host and request id."""
    claimed = {"X-Forwarded-For": "10.9.8.7", "X-Request-Id": "mine-1", "Host": "images.test"}
    answer = world.outside.get(CAT, headers=claimed)
    assert world.last.headers["X-Forwarded-For"] == OUTSIDE
    assert world.last.headers["X-Forwarded-Proto"] == "https"
    assert world.last.headers["Host"] == "images.test"
    assert world.last.headers["X-Request-Id"] == "mine-1" == answer.headers["X-Request-Id"]
    answer = world.inside.get(CAT, headers={"X-Request-Id": "not a sane one"})
    assert world.last.headers["X-Request-Id"] == answer.headers["X-Request-Id"]
    assert len(answer.headers["X-Request-Id"]) == 32


def test_a_target_reaches_an_instance_as_it_was_sent(world: World) -> None:
    """Nothing is decoded, merged or reordered on the way."""
    target = "/%63at%20%2B+%C3%A4_8_6.jpg?fit=%63rop&fit=clip&x=%"
    with contextlib.closing(_tls(world.nginx)) as connection:
        request = f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert world.last.target == target


def test_what_is_internal_is_refused_outside(world: World) -> None:
    """Tokens, purges, deletes, metrics, readiness and the studio; pictures are for all."""
    internal = [
        ("POST", "/token"),
        ("POST", "/%74oken"),
        ("POST", "/x/../token"),
        ("POST", "/purge"),
        ("DELETE", "/cat"),
        ("PATCH", "/cat"),
        ("DELETE", "/token"),
        ("DELETE", "/_renditions/../cat"),
        ("GET", "/_metrics"),
        ("GET", "/_ready"),
        ("GET", "/%5Fready"),
        ("GET", "/_studio/"),
        ("GET", "/_studio/index.html"),
    ]
    public = [
        ("GET", CAT),
        ("HEAD", CAT),
        ("POST", "/cat"),
        ("OPTIONS", "/cat"),
        ("GET", "/tokens"),
        ("GET", "/_renditions/cat/g/v.jpg"),
        ("GET", "/_health"),
        ("GET", "/_live"),
    ]
    statuses = {
        (at, method, path): client.request(method, path).status_code
        for at, client in (("inside", world.inside), ("outside", world.outside))
        for method, path in internal + public
    }
    expected = {("inside", *each): 200 for each in internal + public}
    expected |= {("outside", *each): 403 for each in internal}
    expected |= {("outside", *each): 200 for each in public}
    assert statuses == expected


def test_errors_of_nginx_look_like_those_of_instances(world: World) -> None:
    """JSON with a code and the request's id, never to be stored."""
    refused = world.outside.post("/token", headers={"X-Request-Id": "mine-2"})
    assert refused.json().keys() == {"error", "code", "request_id"}
    assert refused.json()["request_id"] == "mine-2" == refused.headers["X-Request-Id"]
    assert refused.headers["Cache-Control"] == "no-store"
    world.nginx.reload([1])  # nobody listens there
    gone = world.inside.get(CAT)
    assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")
    assert gone.headers["Retry-After"] == "1"


def test_http_1_is_sent_to_https(world: World) -> None:
    """With a redirect that keeps method and query."""
    answer = httpx.get(world.nginx.plain_url + "/cat_8_6.jpg?fit=crop", trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://127.0.0.1/cat_8_6.jpg?fit=crop"


def test_a_challenge_for_a_certificate_is_answered_without_tls(world: World) -> None:
    """From the folder that certbot writes to, so that nginx goes on during a renewal."""
    folder = world.nginx.folder / "challenges" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("proof")
    plain = f"{world.nginx.plain_url}/.well-known/acme-challenge"
    answer = httpx.get(f"{plain}/token", trust_env=False)
    assert (answer.status_code, answer.text) == (200, "proof")
    assert httpx.get(f"{plain}/another", trust_env=False).status_code == 404


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_http_2_is_agreed_on(world: World) -> None:
    """By ALPN, as curl and browsers do it."""
    curl = ["curl", "-sS", "--http2", "--noproxy", "*", "-o", "/dev/null"]
    curl += ["--cacert", str(world.nginx.certificate), "-w", "%{http_version} %{http_code}"]
    said = subprocess.run(
        [*curl, world.nginx.url + CAT], capture_output=True, text=True, check=True
    )
    assert said.stdout == "2 200"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_1_2_or_1_3(world: World, version: ssl.TLSVersion) -> None:
    """Both are spoken, with forward secrecy."""
    with contextlib.closing(_tls(world.nginx, version)) as connection:
        cipher = connection.cipher()
        assert cipher is not None
        assert cipher[0].startswith(("ECDHE-", "TLS_"))


def test_older_tls_is_refused(world: World) -> None:
    """A client that speaks TLS 1.1 at most is told so."""
    context = ssl.create_default_context(cafile=world.nginx.certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")  # else the client does not even try
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", world.nginx.port), servers.PATIENCE) as bare,
        pytest.raises(ssl.SSLError, match="alert protocol version"),
    ):
        context.wrap_socket(bare, server_hostname="127.0.0.1")


def test_an_upload_streams(world: World) -> None:
    """An instance sees the first bytes of 30 MB long before the last are sent."""
    size, part = 30 << 20, 1 << 20
    with contextlib.closing(_tls(world.nginx)) as connection:
        head = f"POST /cat HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode() + bytes(part))
        servers.until(lambda: world.recorder.seen and world.last.arrived == part)
        for _ in range(part, size, part):
            connection.sendall(bytes(part))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert world.last.arrived == size


def test_what_is_too_large_is_refused_at_once(world: World) -> None:
    """By its Content-Length, before an instance hears of it; the largest picture in a form is
    let in."""
    with contextlib.closing(_tls(world.nginx)) as connection:
        head = f"POST /cat HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGEST + 1}\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 413")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "body_too_large"
    assert world.recorder.seen == []
    assert world.inside.post("/cat", content=bytes(LARGEST)).status_code == 200


def _tls(nginx: Nginx, version: ssl.TLSVersion | None = None) -> ssl.SSLSocket:
    """A bare connection."""
    context = ssl.create_default_context(cafile=nginx.certificate)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    bare = socket.create_connection(("127.0.0.1", nginx.port), servers.PATIENCE)
    return context.wrap_socket(bare, server_hostname="127.0.0.1")
