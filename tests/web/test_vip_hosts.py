"""How the address of an upload begins: who says so, and who is not believed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import certificates, pictures, wire
from .buckets import TOKEN, Gallery


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server that trusts no proxy."""
    with Gallery(tmp_path_factory.mktemp("gallery")) as running:
        yield running


HOSTS = [
    ("images.example.test", "images.example.test"),
    ("images.example.test:8443", "images.example.test:8443"),
    ("[::1]:1234", "[::1]:1234"),
    ("127.0.0.1", "127.0.0.1"),
]


@pytest.mark.parametrize(("said", "host"), HOSTS)
def test_the_address_begins_with_the_host_that_was_asked(
    gallery: Gallery, said: str, host: str
) -> None:
    """Unless `vip.hostname` says another one."""
    for hostname, expected in (("", host), ("cdn.test:81", "cdn.test:81")):
        with gallery.entered(hostname=hostname):
            reply = hosted(gallery, said)
        assert reply.status == 201
        assert json.loads(reply.body)["url"].startswith(f"http://{expected}/pics/")


@pytest.mark.parametrize(
    "said",
    [
        "evil.test/path",
        "user:secret@evil.test",
        "evil test",
        "evil.test:port",
        '"><script>',
        "evil.test?x",
        "evil.test#x",
        "a" * 300,
        "\xe9vil.test",
        "[::1",
        "",
    ],
)
def test_a_host_that_is_none_ends_up_in_no_address(gallery: Gallery, said: str) -> None:
    """It is refused by the parser, or `localhost` stands for it."""
    reply = hosted(gallery, said)
    if reply.status != 400:
        assert reply.status == 201
        assert json.loads(reply.body)["url"].startswith("http://localhost/pics/")


def hosted(gallery: Gallery, said: str, **headers: str) -> wire.Reply:
    """The answer to an upload with that `Host`."""
    request = wire.request(
        "/upload/pics", "POST", pictures.png(), X_Vip_Token=TOKEN, **headers
    ).replace(b"Host: test\r\n", b"Host: " + said.encode("latin-1") + b"\r\n")
    with wire.Wire(gallery.port) as connection:
        connection.send(request)
        try:
            return connection.reply()
        except KeyError:  # Tornado's bare 400 has no length
            return wire.Reply(400, {})


FORWARDED: list[tuple[dict[str, str], str]] = [
    ({"X_Forwarded_Proto": "https"}, "https://here.test"),
    ({"X_Forwarded_Proto": "HTTPS, http"}, "https://here.test"),
    ({"X_Forwarded_Host": "cdn.test"}, "http://cdn.test"),
    ({"X_Forwarded_Host": "cdn.test:8443, evil.test"}, "http://cdn.test:8443"),
    ({"X_Forwarded_Proto": "https", "X_Forwarded_Host": "cdn.test"}, "https://cdn.test"),
    ({"X_Forwarded_Proto": "javascript"}, "http://here.test"),
    ({"X_Forwarded_Host": "user@evil.test"}, "http://localhost"),
    ({"X_Forwarded_Host": "evil.test/x"}, "http://localhost"),
    ({"X_Forwarded_Host": ""}, "http://localhost"),
]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server that trusts the proxy on this machine."""
    folder = tmp_path_factory.mktemp("behind")
    with Gallery(folder, trusted_proxies=["127.0.0.1"]) as running:
        yield running


@pytest.mark.parametrize(("headers", "begins"), FORWARDED)
def test_a_trusted_proxy_may_say_what_was_asked(
    gallery: Gallery, behind: Gallery, headers: dict[str, str], begins: str
) -> None:
    """What others say of it is not read at all; `vip.hostname` goes before both."""
    for running, expected in ((behind, begins), (gallery, "http://here.test")):
        reply = hosted(running, "here.test", **headers)
        assert reply.status == 201
        assert json.loads(reply.body)["url"].startswith(f"{expected}/pics/")
    with behind.entered(hostname="images.test"):
        url = json.loads(hosted(behind, "here.test", **headers).body)["url"]
    assert url.partition("://")[2].startswith("images.test/pics/")


def test_the_scheme_is_that_of_the_connection(tmp_path: Path) -> None:
    """An upload over TLS has an address that begins with https."""
    with Gallery(tmp_path, **certificates.make(tmp_path).keys) as running:
        answer = running.send(pictures.png())
    assert answer.json()["url"].startswith(f"{running.url}/pics/")
    assert running.url.startswith("https://")
