"""The command compare, against servers that answer alike, otherwise, or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from web import certificates, pictures, servers

from cli import stub
from cli.conftest import Run
from cli.stub import Reply, Stub
from liveresize.maintenance import patience
from liveresize.maintenance.compare import answers

LOG = (
    '10.0.0.7 - - [30/Nov/2026:10:00:00 +0000] "GET /img/cat_40_0.jpg HTTP/1.1" 200 9 "-" "-"\n'
    '10.0.0.7 - - [30/Nov/2026:10:00:00 +0000] "GET /img/cat_40_0.jpg HTTP/1.1" 200 9 "-" "-"\n'
    '10.0.0.7 - - [30/Nov/2026:10:00:00 +0000] "HEAD /img/dog_40_0.png HTTP/1.1" 200 9 "-" "-"\n'
    '10.0.0.7 - - [30/Nov/2026:10:00:00 +0000] "POST /img/token HTTP/1.1" 200 9 "-" "-"\n'
)


@pytest.fixture
def stubs() -> Iterator[tuple[Stub, Stub]]:
    """An old server and a new one."""
    with stub.running() as old, stub.running() as new:
        yield old, new


def image(data: bytes, kind: str = "jpeg") -> Reply:
    """An answer with a picture."""
    return 200, {"Content-Type": f"image/{kind}"}, data


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    """The report by target."""
    lines = (folder / "report.jsonl").read_text().splitlines()
    return {row["target"]: row for row in map(json.loads, lines)}


def test_servers_that_answer_alike(run: Run, stubs: tuple[Stub, Stub], tmp_path: Path) -> None:
    """Behind a prefix of the old one, over a redirect to another host, with a header for both."""
    old, new = stubs
    body = pictures.jpeg()
    old.replies = {
        "/img/cat_40_0.jpg": (303, {"Location": f"{new.url}/bucket/cat"}, b""),
        "/img/dog_40_0.png": image(pictures.png(), "png"),
    }
    new.replies = {
        "/bucket/cat": image(body),
        "/cat_40_0.jpg": image(body),
        "/dog_40_0.png": image(pictures.png(), "png"),
    }
    (tmp_path / "access.log").write_text(LOG)
    servers_ = ("--old", f"{old.url}/img", "--new", new.url)
    result = run("compare", "access.log", *servers_, "--header", "Accept: image/x")
    assert result.exit_code == 0, result.output
    weight = 2 * len(body) + len(pictures.png())
    assert result.stdout.splitlines() == [
        "2 requests compared, which are 3 lines of the log",
        "0 differ (0.0 % of the requests, 0.0 % of lines)",
        "SSIM: median 1.000, least 1.000",
        f"bytes of the pictures, weighted by lines: {weight} → {weight} (× 1.00)",
        "not sent: 1 POST",
        "written: comparison/report.jsonl, comparison/sheet.png",
    ]
    sent = {each.path: each.headers.get("Accept") for each in old.requests + new.requests}
    assert sent["/img/cat_40_0.jpg"] == sent["/cat_40_0.jpg"] == "image/x"
    assert sent["/bucket/cat"] != "image/x"
    facts = rows(tmp_path / "comparison")["/cat_40_0.jpg"]["old"]
    assert isinstance(facts, dict)
    assert (facts["redirect"], facts["status"], facts["width"]) == (303, 200, 64)
    with Image.open(tmp_path / "comparison" / "sheet.png") as sheet:
        assert sheet.width > 900


@pytest.mark.long
def test_servers_that_differ(run: Run, stubs: tuple[Stub, Stub], tmp_path: Path) -> None:
    """Each difference is printed and counted; the exit code says whether there are too many."""
    old, new = stubs
    old.replies = {
        "/a": image(pictures.jpeg()),
        "/b": image(pictures.jpeg()),
        "/c": image(pictures.jpeg()),
        "/d": (302, {"Location": "/d"}, b""),
        "/e": (302, {"Location": "ftp://nowhere.invalid/"}, b""),
    }
    new.replies = {
        "/a": image(pictures.png(), "png"),
        "/b": image(pictures.jpeg(80, 60)),
        "/c": image(pictures.noise(64, 48)),
    }
    (tmp_path / "log").write_text("/a\n/b\n/c\n/d\n/e\n/f\n")
    both = ("--old", old.url, "--new", new.url)
    result = run("compare", "log", *both, "--max-growth", "100")
    assert result.exit_code == 1
    assert "5 differ (83.3 % of the requests, 83.3 % of lines)" in result.stdout
    printed = {line.partition(" ")[0]: line for line in result.stdout.splitlines()}
    for target, kind in (("/a", "type"), ("/b", "size"), ("/c", "likeness"), ("/d", "status")):
        assert printed[f"{target}:"].startswith(f"{target}: {kind} ("), printed
    assert "599 without a type, 0 bytes → 404" in printed["/e:"]
    enough = run("compare", "log", *both, "--max-growth", "100", "--max-different", "84", "--json")
    assert enough.exit_code == 0
    document = json.loads(enough.stdout)
    assert document["kinds"] == {"status": 2, "type": 1, "size": 1, "likeness": 1, "bytes": 0}
    assert document["passed"] is True
    assert "/a: type" in enough.stderr
    few = ("--ignore", "status", "--ignore", "type", "--ignore", "likeness", "--ignore", "bytes")
    assert "1 differ" in run("compare", "log", *both, *few).stdout


@pytest.mark.long
def test_a_report_can_be_the_old_side(run: Run, stubs: tuple[Stub, Stub], tmp_path: Path) -> None:
    """When the old server is gone; what it was not asked for is said."""
    old, new = stubs
    new.replies = old.replies = {"/a": image(pictures.jpeg()), "/b": image(pictures.jpeg())}
    (tmp_path / "log").write_text("/a\n")
    assert run("compare", "log", "--old", old.url, "--new", new.url).exit_code == 0
    (tmp_path / "log").write_text("/a\n/b\n")
    new.replies = {"/a": image(pictures.jpeg(80, 60))}
    report = "comparison/report.jsonl"
    result = run("compare", "log", "--old", report, "--new", new.url, "--output", "again")
    assert result.exit_code == 1
    assert "1 of the log are not in the report of the old server" in result.stdout
    assert rows(tmp_path / "again")["/a"]["differences"] == ["size"]
    assert rows(tmp_path / "again")["/a"]["old"] == rows(tmp_path / "comparison")["/a"]["old"]


def test_a_report_stays_until_a_new_one_is_complete(
    run: Run, stubs: tuple[Stub, Stub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the new one takes its place, or where nothing could be compared."""
    monkeypatch.setattr(patience, "PAUSE", 0.0)
    old, new = stubs
    old.replies = new.replies = {"/a": image(pictures.jpeg()), "/b": image(pictures.jpeg())}
    (tmp_path / "log").write_text("/a\n")
    (tmp_path / "other").write_text("/b\n")
    report = tmp_path / "comparison" / "report.jsonl"
    assert run("compare", "log", "--old", old.url, "--new", new.url).exit_code == 0
    first = report.read_text()
    none = run("compare", "other", "--old", str(report), "--new", new.url)
    assert (none.exit_code, none.stderr) == (2, "liveresize: No request could be compared.\n")
    with certificates.reserved_port() as port:
        away = run("compare", "log", "--old", old.url, "--new", f"http://127.0.0.1:{port}")
    assert away.exit_code == 2
    assert report.read_text() == first
    assert run("compare", "log", "--old", str(report), "--new", new.url).exit_code == 0
    assert rows(tmp_path / "comparison")["/a"]["old"] == json.loads(first)["old"]
    assert sorted(path.name for path in report.parent.iterdir()) == ["report.jsonl", "sheet.png"]


@pytest.mark.long
def test_the_first_of_two_answers_is_not_compared(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cold `.auto` is asked for until it has its format."""
    monkeypatch.setattr(answers, "_PENDING", 0.05)
    monkeypatch.setattr(answers, "_LOOKS", 20 * 60)  # a minute, on a busy machine
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    keys: dict[str, Any] = {"auto__slow_pixels": 1}
    old_keys: dict[str, Any] = {"auto__two_speed": False}
    with (
        servers.Running(tmp_path / "one", **old_keys) as old,
        servers.Running(tmp_path / "two", **keys) as new,
    ):
        for running in (old, new):
            running.client.put_in("cat", pictures.jpeg())
        both = ("--old", old.url, "--new", new.url, "--header", "Accept: image/avif,*/*")
        result = run("compare", "-", *both, answers="/cat_40_0.auto\n")
    assert result.exit_code == 0, result.output
    assert rows(tmp_path / "comparison")["/cat_40_0.auto"]["new"]["type"] == "image/avif"


def test_what_cannot_be_compared(
    run: Run, stubs: tuple[Stub, Stub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request, no server, no folder, no URL: 2, with one sentence."""
    monkeypatch.setattr(patience, "PAUSE", 0.0)
    old, _ = stubs
    (tmp_path / "log").write_text("/a\n" * 9)
    (tmp_path / "none").write_text("hello\n")
    (tmp_path / "file").write_text("")
    none = run("compare", "none", "--old", old.url, "--new", old.url)
    assert (none.exit_code, none.stderr) == (
        2, "liveresize: No request to compare was found (1 without a request)\n"
    )  # fmt: skip
    with certificates.reserved_port() as port:
        silent = run("compare", "log", "--old", old.url, "--new", f"http://127.0.0.1:{port}")
    assert silent.exit_code == 2
    assert silent.stderr.count("No server can be reached") == 1
    taken = run("compare", "log", "--old", old.url, "--new", old.url, "--output", "file/x")
    assert taken.exit_code == 2
    assert "cannot be written" in taken.stderr
    for wrong in ("ftp://x", "nowhere", "http://"):
        assert run("compare", "log", "--old", wrong, "--new", old.url).exit_code == 2
    header = run("compare", "log", "--old", old.url, "--new", old.url, "--header", "x")
    assert header.exit_code == 2
    report = run("compare", "log", "--old", "log", "--new", old.url)
    assert (report.exit_code, "is not the report" in report.stderr) == (2, True)


@pytest.mark.long
def test_two_real_servers(run: Run, tmp_path: Path) -> None:
    """A busy one is waited for; what one of them does not have is a difference."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with servers.Running(tmp_path / "one") as old, servers.Running(tmp_path / "two") as new:
        for name in ("cat", "dog"):
            old.client.put_in(name, pictures.jpeg())
        new.client.put_in("cat", pictures.jpeg())
        lines = "\n".join(
            f"/{name}_{width}_0.{kind}"
            for name in ("cat", "dog")
            for width in (20, 30)
            for kind in ("jpg", "webp")
        )
        result = run("compare", "-", "--old", old.url, "--new", new.url, answers=lines)
    assert result.exit_code == 1
    assert "4 differ (50.0 %" in result.stdout
    assert "SSIM: median 1.000, least 1.000" in result.stdout
