"""The command warm: a list of renditions that a running server is asked for."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from web import certificates, pictures, servers

from liveresize import cli
from liveresize.maintenance import patience, warm

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    empty = dict.fromkeys(("PORT", "NODE_ENV", "NODE_CONFIG_DIR", "LIVERESIZE_CORPUS"), "")

    def runner(*arguments: str, answers: str | bytes = "") -> Result:
        return CliRunner().invoke(cli.main, arguments, env=empty, input=answers)

    return runner


def test_help_teaches_with_examples(run: Run) -> None:
    """It shows how it is used, and the list of commands has it."""
    assert "Examples:\n" in run("warm", "--help").output
    assert "\n  warm " in run("--help").output


class Handler(BaseHTTPRequestHandler):
    """Answers as its server was told to, by path."""

    server: "Stub"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, headers, body = self.server.answers(self.path)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        pass


Reply = tuple[int, dict[str, str], bytes]


class Stub(ThreadingHTTPServer):
    """Stands in for a running server."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.answers: Callable[[str], Reply] = lambda path: (200, {"X-Cache": "MISS"}, b"x")
        self.url = ("--url", f"http://127.0.0.1:{self.server_port}")


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("line", "variants", "expected"),
    [
        ("/cat_8_6.webp?fit=crop\n", [], ["/cat_8_6.webp?fit=crop"]),
        ("/my cat%20_8_6.webp", [], ["/my%20cat%20_8_6.webp"]),
        ("/bücket/x?s=250&c=true", [], ["/b%C3%BCcket/x?s=250&c=true"]),
        ("cat", ["8_6.webp", "9_0_2x.jpg?fit=crop"], ["/cat_8_6.webp", "/cat_9_0_2x.jpg?fit=crop"]),
        ("a/b c?", ["?s=250", ".webp"], ["/a/b%20c%3F?s=250", "/a/b%20c%3F.webp"]),
        ("", ["8_6.webp"], []),
        ("  # cats", [], []),
    ],
)
def test_a_line_is_a_path_or_an_id(line: str, variants: list[str], expected: list[str]) -> None:
    """A path stands for itself, an id for all its variants, a comment for nothing."""
    assert warm.paths(line, variants) == expected


@pytest.mark.parametrize("line", ["cat", "/a\x1b[2J", "/a\u2028b", "/" + "x" * 9000, "/\udc80"])
def test_a_line_may_be_bad(line: str) -> None:
    """No path and no variant, or what nobody could have meant."""
    with pytest.raises(warm.BadLine):
        warm.paths(line, [])


def test_warm_asks_for_all_of_it(run: Run, stub: Stub, tmp_path: Path) -> None:
    """Every id in every variant, every path as it stands."""
    (tmp_path / "list").write_text("cat\n# dogs\n/dog_1_1.jpg\n\n")
    options = ("--variant", "8_6.webp", "--variant", "?s=5", *stub.url)
    result = run("warm", "list", *options)
    assert result.output == "3 warm: 3 made, 0 there already; 0 failed, 0 bad lines\n"
    assert result.exit_code == 0
    assert sorted(stub.asked) == ["/cat?s=5", "/cat_8_6.webp", "/dog_1_1.jpg"]
    assert run("warm", "list", "--variant", "huge", *stub.url).exit_code == 2
    assert run("warm", "nowhere", *stub.url).exit_code == 2


def test_warm_counts_and_shows_what_failed(run: Run, stub: Stub) -> None:
    """Bad lines by their number, refusals in the server's words; the rest is done."""
    replies: dict[str, Reply] = {
        "/gone_1_1.jpg": (404, {}, b'{"error": "There is no picture of that name."}'),
        "/huge_9_9.jpg": (307, {"Location": "/huge_8_8.jpg"}, b""),
        "/odd_1_1.jpg": (500, {}, b"oh"),
        "/there_1_1.jpg": (303, {"X-Cache": "HIT", "Location": "http://nowhere.invalid/"}, b""),
    }
    stub.answers = lambda path: replies.get(path, (200, {"X-Cache": "MISS"}, b"x"))
    lines = "\n".join([*replies, "/new_1_1.jpg", "cat", "/bad\x07"])
    result = run("warm", "-", *stub.url, answers=lines.encode() + b"\n/\xff\n")
    assert result.exit_code == 1
    assert result.stdout == "2 warm: 1 made, 1 there already; 3 failed, 3 bad lines\n"
    assert "/gone_1_1.jpg: 404: There is no picture of that name.\n" in result.stderr
    assert "/huge_9_9.jpg: 307: it is too large; /huge_8_8.jpg is not.\n" in result.stderr
    assert "/odd_1_1.jpg: 500: Internal Server Error\n" in result.stderr
    assert all(f"line {number}: " in result.stderr for number in (6, 7, 8))


def test_warm_comes_back_when_the_server_is_busy(run: Run, stub: Stub) -> None:
    """As that asks for; what stays refused is a failure."""
    busy = [(503, {"Retry-After": "0"}, b""), (429, {"Retry-After": "0"}, b"")]
    stub.answers = lambda path: busy.pop() if busy else (200, {"X-Cache": "COALESCED"}, b"x")
    assert run("warm", "-", *stub.url, answers="/cat_1_1.jpg\n").exit_code == 0
    assert len(stub.asked) == 3
    stub.answers = lambda path: (503, {"Retry-After": "0"}, b'{"error": "Not now."}')
    result = run("warm", "-", *stub.url, answers="/cat_1_1.jpg\n")
    assert result.exit_code == 1
    assert result.stderr == "/cat_1_1.jpg: 503: Not now.\n"


def test_warm_ends_where_nobody_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one sentence, however long the list is."""
    monkeypatch.setattr(patience, "PAUSE", 0.0)
    with certificates.reserved_port() as port:
        url = ("--url", f"http://127.0.0.1:{port}")
        result = run("warm", "-", *url, answers="/cat_1_1.jpg\n" * 100)
    assert result.exit_code == 1
    assert result.stderr.count("cannot be asked") == 1


def test_warm_warms_a_real_server(run: Run, tmp_path: Path) -> None:
    """The second run finds everything there."""
    with servers.Running(tmp_path) as running:
        for name in ("cat", "dog"):
            running.client.put_in(name, pictures.jpeg())
        arguments: tuple[Any, ...] = ("warm", "-", "--url", running.url)
        variants = ("--variant", "20_0.jpg", "--variant", "30_30.webp?fit=crop")
        first = run(*arguments, *variants, answers="cat\ndog\n")
        assert first.output == "4 warm: 4 made, 0 there already; 0 failed, 0 bad lines\n"
        running.published()
        again = run(*arguments, *variants, answers="cat\ndog\n")
        assert again.output == "4 warm: 0 made, 4 there already; 0 failed, 0 bad lines\n"
        assert running.renders == 4
