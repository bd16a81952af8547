"""Hostile names and headers: whatever they hold, one request is one line of the log."""

import contextlib
import logging
import random
import re
import string
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from web import servers, wire

from liveresize.observe import log
from liveresize.observe.log import bounds
from liveresize.settings.server import Log
from scripts.elk_files.fields import FORMATS

from .elk import check, lines_of

formats = pytest.mark.parametrize("form", FORMATS)

HOSTILE = [
    "\r\n{}\r\n",
    "a\u2028b\u2029c\u0085d",
    "\0",
    "\ud800\udfff\udc80",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "\u202egpj.exe\u2066",
    '","event":"forged","x":"',
    "x" * 100_000,
    "😀" * 30_000,
    "\x01" * 100_000,
]


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    """What is logged inside is not for pytest, whose processes cannot tell each other of lone
    surrogates."""
    root = logging.getLogger()
    watching = [each for each in root.handlers if type(each).__module__.startswith("_pytest")]
    for each in watching:
        root.removeHandler(each)
    try:
        yield
    finally:
        for each in watching:
            root.addHandler(each)


@formats
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_can_forge_or_break_a_line(form: str, text: str, tmp_path: Path) -> None:
    """In any field of it: a line it stays, valid and bounded, and no other."""
    path = tmp_path / "log"
    handle = log.configure(Log(output=str(path), format=form))
    try:
        log.access(
            method=text, path=text, status=200, client="unknown", duration_ms=1.0, size=1,
            request_id="r-1", cache=text, image_id=text, variant=text, error=text,
            error_detail=text, notes=[text] * 50,
        )  # fmt: skip
        structlog.get_logger("x").warning("odd", error=text, detail=text)
        with unseen():
            logging.getLogger("lib").warning("%s", text)
    finally:
        handle.close()
    access, *_ = found = list(lines_of(path))
    assert len(found) == 3
    assert len(access["url.path"]) <= bounds.PATH
    assert len(access["http.request.method" if form == "ecs" else "http.method"]) <= bounds.METHOD
    assert "client.ip" not in access
    assert not re.search("[\ud800-\udfff\0]", "".join(map(str, access.values())))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_drives_a_terminal(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The format for people has one line for each as well, and only what prints."""
    handle = log.configure(Log(format="console"))
    log.access(
        method="GET", path=text, status=200, client=text, duration_ms=1.0, size=1, request_id="r",
        image_id=text,
    )  # fmt: skip
    handle.close()
    out = capfd.readouterr().out
    assert out.endswith("\n")
    assert out[:-1].isprintable()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server whose clients mean no good."""
    keys: dict[str, object] = {
        "trusted_proxies": ["127.0.0.0/8"],
        "vip__buckets": ["*"],
        "vip__allow_anonymous": True,
        "limits__header_bytes": 1 << 18,
    }
    with servers.Process(tmp_path_factory.mktemp("hostile"), **keys) as one:
        yield one


def spelled(text: str) -> list[str]:
    """That text on the wire: as UTF-8 that Latin-1 carries, and percent-encoded."""
    raw = text.encode("utf-8", "surrogatepass")
    bare = raw.decode("latin-1").translate({ord(each): None for each in " \r\n"})
    return [bare, "".join(f"%{byte:02X}" for byte in raw[:20_000])]


TARGETS = ["/{}", "/{}_20_0.jpg", "/bucket/{}?s=250", "/{}/x?s=250", "/_renditions/{}"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_request_has_one_line_whatever_it_is_made_of(process: servers.Process, text: str) -> None:
    """Target, id, bucket, and the headers that a line takes something from."""
    before, name = len(process.lines()), uuid.uuid4().hex
    asked = 0
    for spelling in spelled(text):
        for target in TARGETS:
            asked += _ask(process, target.format(spelling))
        for header in ("X-Request-Id", "Host", "X-Forwarded-For", "X-Forwarded-Host", "Range"):
            asked += _ask(process, "/robots.txt", f"{header}: {spelling}")
    process.client.get("/robots.txt", headers={"X-Request-Id": name})
    process.line_of(name)
    new = process.lines()[before:]
    access = [line for line in new if line["event"] == "access"]
    assert len(access) == asked + 1
    expected = {"access", "library_record", "connections_full", "proxy_not_listed"}
    assert {line["event"] for line in new} <= expected
    check(process.log, "logstash")


def _ask(process: servers.Process, target: str, header: str = "X-Nothing: x") -> bool:
    """Send that; whether it was taken for a request, which Tornado's bare 400 denies."""
    with wire.Wire(process.port) as connection:
        head = f"GET {target} HTTP/1.1\r\n{'' if 'Host:' in header else 'Host: x'}"
        text = f"{head.rstrip()}\r\n{header}\r\nConnection: close\r\n\r\n"
        connection.send(text.encode("latin-1", "replace"))
        return b"x-request-id" in connection.rest().lower()


def test_ids_of_anything_are_logged_as_what_they_are(process: servers.Process) -> None:
    """Uploads under ids made of random characters: each has its line, and none another's."""
    luck = random.Random(7)
    alphabet = string.printable + "\u2028\x85é猫\u202e"
    for number in range(20):
        name = "".join(luck.choices(alphabet, k=12))
        answer = process.client.post(
            "/token", json={"id": name}, headers={"X-Request-Id": f"odd-{number}"}
        )
        assert answer.status_code in (200, 400)
        assert process.line_of(f"odd-{number}")["url.path"] == "/token"
    check(process.log, "logstash")
