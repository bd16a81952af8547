"""Lines of the log through a real rsyslog, which takes their JSON apart and writes it out."""

import socket
from pathlib import Path
from typing import Any

import pytest
import structlog
from web import pictures, servers

from liveresize.observe import log
from liveresize.observe.log import channel
from liveresize.settings.server import Log

from .elk import lines_of
from .rsyslog import Rsyslog, needs_rsyslog
from .test_hostile_lines import HOSTILE

pytestmark = needs_rsyslog


@pytest.mark.parametrize("form", ["logstash", "ecs"])
def test_every_field_arrives_as_it_was(form: str, tmp_path: Path) -> None:
    """Names with dots, numbers, lists, text of any kind: what a file would have had."""
    expected = _written(tmp_path / "file", form, str(tmp_path / "file"))
    with Rsyslog(tmp_path) as rsyslog:
        _written(tmp_path / "none", form, rsyslog.url)
        servers.until(lambda: len(rsyslog.lines()) == len(expected))
        assert [_timeless(line) for line in rsyslog.lines()] == expected
        assert rsyslog.odd == b""


def _written(path: Path, form: str, output: str) -> list[dict[str, Any]]:
    """Log a number of things there; the lines of the file at `path`, if there is one."""
    handle = log.configure(Log(output=output, format=form))
    for text in ("plain", "Zoë 猫 😀", *HOSTILE):
        log.access(
            method="GET", path=f"/{text}", status=200, client="2001:db8::1", duration_ms=1.25,
            size=1 << 40, request_id="r", cache="HIT", image_id=text, notes=["a", text[:9]],
        )  # fmt: skip
        structlog.get_logger("liveresize.x").warning("odd", error=text, idle=True, count=None)
    handle.close()
    if not path.exists():
        return []
    return [_timeless(line) for line in lines_of(path)]


def _timeless(line: dict[str, Any]) -> dict[str, Any]:
    assert line.pop("@timestamp")
    return line


@pytest.mark.long
def test_a_server_is_followed_from_its_start_to_its_end(tmp_path: Path) -> None:
    """The same session that a file would have."""
    with Rsyslog(tmp_path) as rsyslog:
        prefix = ("env", f"LIVERESIZE_LOG__OUTPUT={rsyslog.url}")
        with Followed(rsyslog, tmp_path / "server", *prefix, drain__delay=0) as process:
            process.client.put_in("cat", pictures.jpeg())
            process.client.get("/cat_20_0.jpg", headers={"X-Request-Id": "first"})
            assert process.line_of("first")["image_id"] == "cat"
            process.process.terminate()
            process.process.wait(servers.PATIENCE)
        servers.until(lambda: [line["event"] for line in rsyslog.lines()][-1] == "server_stopped")


class Followed(servers.Process):
    """A server whose log is what rsyslog wrote."""

    def __init__(self, rsyslog: Rsyslog, folder: Path, *prefix: str, **keys: object) -> None:
        self._rsyslog = rsyslog
        super().__init__(folder, *prefix, **keys)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What rsyslog understood."""
        return [line for line in self._rsyslog.lines() if not event or line["event"] == event]


def test_rsyslog_may_be_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said meanwhile arrives once it is back."""
    monkeypatch.setattr(channel, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(channel, "LONGEST_PAUSE", 0.2)
    with Rsyslog(tmp_path) as rsyslog:
        handle = log.configure(Log(output=rsyslog.url, format="logstash"))
        try:
            logger = structlog.get_logger("x")
            logger.info("before")
            servers.until(rsyslog.lines)
            rsyslog.__exit__()
            logger.info("meanwhile")
            with Rsyslog(tmp_path, rsyslog.port) as again:
                servers.until(lambda: len(again.lines()) == 2)
                events = [line["event"] for line in again.lines()]
                assert events == ["before", "meanwhile"]
        finally:
            handle.close()


def test_what_is_no_json_is_kept_apart(tmp_path: Path) -> None:
    """Where an operator can see it."""
    with Rsyslog(tmp_path) as rsyslog:
        with socket.create_connection(("127.0.0.1", rsyslog.port)) as connection:
            connection.sendall(b'{"half": \n{"whole": 1}\n')
        servers.until(lambda: rsyslog.lines() and rsyslog.odd)
        assert rsyslog.lines() == [{"whole": 1}]
        assert rsyslog.odd == b'{"half": \n'
