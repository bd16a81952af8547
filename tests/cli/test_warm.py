"""The command warm: a list of renditions that a running server is asked for."""

from pathlib import Path
from typing import Any

import pytest
from web import certificates, pictures, servers

from cli.conftest import Run
from cli.stub import Reply, Stub
from liveresize.maintenance import patience, warm


def test_help_teaches_with_examples(run: Run) -> None:
    """It shows how it is used, and the list of commands has it."""
    assert "Examples:\n" in run("warm", "--help").output
    assert "\n  warm " in run("--help").output


@pytest.fixture
def url(server: Stub) -> tuple[str, ...]:
    """The option for a server that renders whatever it is asked for."""
    server.reply = lambda path: (200, {"X-Cache": "MISS"}, b"x")
    return "--url", server.url


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


def test_warm_asks_for_all_of_it(
    run: Run, server: Stub, url: tuple[str, ...], tmp_path: Path
) -> None:
    """Every id in every variant, every path as it stands."""
    (tmp_path / "list").write_text("cat\n# dogs\n/dog_1_1.jpg\n\n")
    options = ("--variant", "8_6.webp", "--variant", "?s=5", *url)
    result = run("warm", "list", *options)
    assert result.output == "3 warm: 3 made, 0 there already; 0 failed, 0 bad lines\n"
    assert result.exit_code == 0
    assert sorted(server.paths) == ["/cat?s=5", "/cat_8_6.webp", "/dog_1_1.jpg"]
    assert run("warm", "list", "--variant", "huge", *url).exit_code == 2
    assert run("warm", "nowhere", *url).exit_code == 2


def test_warm_counts_and_shows_what_failed(run: Run, server: Stub, url: tuple[str, ...]) -> None:
    """Bad lines by their number, refusals in the server's words; the rest is done."""
    replies: dict[str, Reply] = {
        "/gone_1_1.jpg": (404, {}, b'{"error": "There is no picture of that name."}'),
        "/huge_9_9.jpg": (307, {"Location": "/huge_8_8.jpg"}, b""),
        "/odd_1_1.jpg": (500, {}, b"oh"),
        "/there_1_1.jpg": (303, {"X-Cache": "HIT", "Location": "http://nowhere.invalid/"}, b""),
    }
    server.reply = lambda path: replies.get(path, (200, {"X-Cache": "MISS"}, b"x"))
    lines = "\n".join([*replies, "/new_1_1.jpg", "cat", "/bad\x07"])
    result = run("warm", "-", *url, answers=lines.encode() + b"\n/\xff\n")
    assert result.exit_code == 1
    assert result.stdout == "2 warm: 1 made, 1 there already; 3 failed, 3 bad lines\n"
    assert "/gone_1_1.jpg: 404: There is no picture of that name.\n" in result.stderr
    assert "/huge_9_9.jpg: 307: it is too large; /huge_8_8.jpg is not.\n" in result.stderr
    assert "/odd_1_1.jpg: 500: Internal Server Error\n" in result.stderr
    assert all(f"line {number}: " in result.stderr for number in (6, 7, 8))


def test_warm_comes_back_when_the_server_is_busy(
    run: Run, server: Stub, url: tuple[str, ...]
) -> None:
    """As that asks for; what stays refused is a failure."""
    busy = [(503, {"Retry-After": "0"}, b""), (429, {"Retry-After": "0"}, b"")]
    server.reply = lambda path: busy.pop() if busy else (200, {"X-Cache": "COALESCED"}, b"x")
    assert run("warm", "-", *url, answers="/cat_1_1.jpg\n").exit_code == 0
    assert len(server.paths) == 3
    server.reply = lambda path: (503, {"Retry-After": "0"}, b'{"error": "Not now."}')
    result = run("warm", "-", *url, answers="/cat_1_1.jpg\n")
    assert result.exit_code == 1
    assert result.stderr == "/cat_1_1.jpg: 503: Not now.\n"


def test_warm_ends_where_nobody_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one sentence, however long the list is."""
    monkeypatch.setattr(patience, "PAUSE", 0.0)
    with certificates.reserved_port() as port:
        url = ("--url", f"http://127.0.0.1:{port}")
        result = run("warm", "-", *url, answers="/cat_1_1.jpg\n" * 100)
    assert result.exit_code == 1
    assert result.stderr.count("No server can be reached") == 1


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
