"""What a shell expects of commands: JSON, exit codes, colours, completion, many files."""

import ipaddress
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from web import pictures, servers
from web.servers import ROOT

from cli.conftest import Run
from liveresize import cli, config
from liveresize.app import server as app_server
from liveresize.app import sockets
from liveresize.cli import options
from liveresize.core import names, signing
from liveresize.settings import values

KEY = "the key that signs"


def test_many_files_and_folders_are_uploaded(run: Run, tmp_path: Path) -> None:
    """Ids are made of the names of files; one that fails does not stop the others."""
    photos = tmp_path / "photos" / "more"
    photos.mkdir(parents=True)
    (photos / "_Ünder 1.JPG").write_bytes(pictures.jpeg())
    (photos.parent / "b_400_300.png").write_bytes(pictures.png())
    (photos.parent / ".hidden.png").write_bytes(pictures.png())
    (photos / "b_400_300.PNG").write_bytes(pictures.png())
    (photos.parent / "notes.txt").write_text("hello")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "data").mkdir()
    with servers.Running(tmp_path / "data", secret="s3cret") as running:
        server = ("--url", running.url.removeprefix("http://"), "--secret", "s3cret")
        first = run("upload", "photos", "broken.jpg", *server)
        assert first.exit_code == 1
        assert first.stdout.splitlines() == [
            f"photos/b_400_300.png → b-400-300  {running.url}/b-400-300_400_0.jpg",
            f"photos/more/_Ünder 1.JPG → Ünder-1  {running.url}/%C3%9Cnder-1_400_0.jpg",
            f"photos/more/b_400_300.PNG → b-400-300-2  {running.url}/b-400-300-2_400_0.jpg",
            "3 uploaded, 1 failed, 2 skipped (hidden, or no picture by the extension)",
        ]
        assert first.stderr.startswith("broken.jpg → broken: ")
        again = run("upload", "photos", *server, "--overwrite", "--json")
        assert again.exit_code == 0
        documents = [json.loads(line) for line in again.stdout.splitlines()]
        found = [document["id"] for document in documents]
        assert found == ["b-400-300", "Ünder-1", "b-400-300-2"]
        assert documents[0]["file"] == "photos/b_400_300.png"
        assert documents[0]["original_width"] == 64
        taken = run("upload", "photos", "broken.jpg", *server, "--json")
        failures = [json.loads(line) for line in taken.stdout.splitlines()]
        codes = [(failure["id"], failure["code"]) for failure in failures]
        assert codes[1:] == [
            ("Ünder-1", "id_taken"),
            ("b-400-300-2", "id_taken"),
            ("broken", "unsupported_image"),
        ]
        assert all(failure["error"] for failure in failures)
        assert taken.exit_code == 1
        assert taken.stderr.splitlines()[-1] == (
            "0 uploaded, 1 failed, 3 with an id that is taken (--overwrite replaces an image), "
            "2 skipped (hidden, or no picture by the extension)"
        )
        one = run("upload", "photos/b_400_300.png", *server)
        assert one.stderr.startswith("liveresize: photos/b_400_300.png → b-400-300: ")
    many = run("upload", "photos", "--id", "cat", "--url", "x:1")
    assert (many.exit_code, "--id names one image" in many.stderr) == (2, True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("hello")
    empty = run("upload", "empty", "--url", "x:1")
    assert (empty.exit_code, "1 skipped" in empty.stderr) == (2, True)


def test_odd_file_names_harm_neither_terminal_nor_json(run: Run, tmp_path: Path) -> None:
    """Line breaks, escapes and bytes that are not UTF-8 are escaped; the ids have none of them."""
    odd = ["a\nb.png", "c\x1b[31m.png", os.fsdecode(b"d\xff.png")]
    for folder in ("odd", "data"):
        (tmp_path / folder).mkdir()
    for name in odd:
        (tmp_path / "odd" / name).write_bytes(pictures.png())
    with servers.Running(tmp_path / "data", secret="s3cret") as running:
        url = ("--url", running.url, "--secret", "s3cret")
        printed = run("upload", "odd", *url)
        again = run("upload", "odd", *url, "--json", "--overwrite")
    assert [line.partition(" → ")[2].partition(" ")[0] for line in printed.output.splitlines()] == [
        "a-b",
        "c-31m",
        "d",
        "",
    ]
    assert "\x1b" not in printed.output
    documents = [json.loads(line) for line in again.stdout_bytes.decode().splitlines()]
    assert [document["file"] for document in documents] == [f"odd/{name}" for name in odd]


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("cat.jpg", "cat"),
        ("my cat.jpg", "my cat"),
        ("_cat.jpg", "cat"),
        ("cat_8_6.jpg", "cat-8-6"),
        ("cat_8_6_2x.jpg", "cat-8-6-2x"),
        ("cat_8_6_1.5x.jpg", "cat-8-6-1.5x"),
        ("cat.png.jpg", "cat-png"),
        ("a.jpg.png.gif", "a.jpg-png"),
        ("Token.png", "picture-Token"),
        ("….png", "…"),
        ("_.png", "picture-1"),
        ("e\u0301.png", "é"),
        ("a/b.png", "a-b"),
        ("x" * 300 + ".png", "x" * 60),
        ("no extension", "no extension"),
    ],
)
def test_an_id_is_made_of_a_file_name(file_name: str, name: str) -> None:
    """The stem where that can be an id, and always one that a token is issued for."""
    assert names.id_of_file(file_name) == name
    assert names.check_id(name) == name


def last(result: Result) -> dict[str, Any]:
    """The document that was printed; the server of the test logs to the same stdout."""
    document: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return document


def test_results_are_json(run: Run, tmp_path: Path) -> None:
    """One document, and nothing else on stdout."""
    with servers.Running(tmp_path, admin__secrets=["an admin's secret"]) as running:
        url = ("--url", running.url)
        admin = (*url, "--secret", "an admin's secret", "--yes")
        token = last(run("token", "cat", *url, "--json"))
        assert token["id"] == "cat"
        running.client.upload("cat", pictures.png(), token["token"]).raise_for_status()
        warm = run("warm", "-", "--variant", "8_6.png", *url, "--json", answers="cat\n")
        counts = {"rendered": 1, "present": 0, "failed": 0, "bad_lines": 0}
        assert last(warm) == counts
        running.published()
        assert last(run("purge", "cat", *admin, "--json")) == {"purged": 1, "id": "cat"}
        receipt = last(run("delete", "cat", *admin, "--json"))
        assert (receipt["deleted"], receipt["id"], receipt["complete"]) == ("cat", "cat", False)
        again = last(run("erasure", receipt["erasure"], *admin[:4], "--json"))
        assert again["erasure"] == receipt["erasure"]
    signed = last(run("sign", "/cat.jpg", "--key", KEY, "--json"))
    assert signing.read(signed["url"]).opened_by([KEY])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/cat_8_6.xyz", "extension"),
        ("https://here.test/cat_8_6.jpg?fit=contains", "fit"),
        ("/cat_8_6.jpg?quality=best", "quality"),
        ("/cat_0_0.jpg", ""),
        ("cat.jpg", "A URL to sign"),
    ],
)
def test_what_can_only_fail_is_not_signed(run: Run, url: str, reason: str) -> None:
    """The server would refuse it, whatever its signature."""
    result = run("sign", url, "--key", KEY)
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr


@pytest.mark.parametrize("url", ["/cat_8_6.jpg?preset=mine&fit=crop", "/pics/cat?s=250", "/cat"])
def test_what_the_server_decides_is_signed(run: Run, url: str) -> None:
    """Presets, buckets and ids are known to it alone."""
    assert run("sign", url, "--key", KEY).exit_code == 0


def test_a_short_key_is_refused(run: Run) -> None:
    """As the settings refuse it."""
    result = run("sign", "/cat.jpg", "--key", "x" * (signing.LEAST_KEY - 1))
    assert result.exit_code == 1
    assert "at least 16 bytes" in result.stderr
    assert values.has_form("x" * signing.LEAST_KEY, values.Form.SIGNING_KEY)
    assert not values.has_form("x" * (signing.LEAST_KEY - 1), values.Form.SIGNING_KEY)


OPTIONS = ("--port", "8080", "--host", "0.0.0.0", "--studio", "--data")


def test_serve_takes_options(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the settings of files and of the environment."""
    served: list[config.Settings] = []

    def serve(settings: config.Settings) -> int:
        served.append(settings)
        return 0

    monkeypatch.setattr(app_server, "run", serve)
    assert run("serve", *OPTIONS, str(tmp_path), PORT="1").exit_code == 0
    (settings,) = served
    assert (settings.listen_port, settings.listen_address) == (8080, "0.0.0.0")
    assert (settings.data_dir, settings.studio) == (str(tmp_path), True)
    assert run("serve", "--port", "99999").exit_code == 2


def test_check_config_and_doctor_take_the_options_of_serve(run: Run, tmp_path: Path) -> None:
    """So that they look at what `serve` with these options would do, and say where it stands."""
    report = run("check-config", "--changed", "--json", *OPTIONS, str(tmp_path), PORT="1")
    said = json.loads(report.output)["values"]
    assert {key: (said[key]["value"], said[key]["source"]) for key in said} == {
        "listen_port": (8080, "option --port"),
        "listen_address": ("0.0.0.0", "option --host"),
        "studio": (True, "option --studio"),
        "data_dir": (str(tmp_path), "option --data"),
    }
    assert (
        run("check-config", "--changed", "--no-studio").output == "Every setting has its default.\n"
    )
    for command in ("serve", "check-config", "doctor"):
        assert "--studio / --no-studio" in run(command, "--help").output


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not where NO_COLOR is set."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert options.coloured("ok", "green") != "ok"
    monkeypatch.setenv("NO_COLOR", "1")
    assert options.coloured("ok", "green") == "ok"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str) -> None:
    """As docs/operations.md says how to turn it on."""
    environ: dict[str, Any] = {**os.environ, "_LIVERESIZE_COMPLETE": f"{shell}_source"}
    command = [
        sys.executable,
        "-c",
        "from liveresize.cli import main; main(prog_name='liveresize')",
    ]
    done = subprocess.run(
        command,
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_LIVERESIZE_COMPLETE" in done.stdout, done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_on_all_addresses_names_one_for_other_machines(host: str) -> None:
    """As a phone in the same network can open it; none where there is no network."""
    first, *others = sockets.urls("http", host, 8080)
    assert first == f"http://{f'[{host}]' if ':' in host else host}:8080"
    for url in others:
        split = urllib.parse.urlsplit(url)
        assert split.port == 8080
        assert not ipaddress.ip_address(str(split.hostname)).is_unspecified
    assert sockets.urls("https", "127.0.0.1", 1) == ["https://127.0.0.1:1"]
    assert sockets.urls("https", "::1", 1) == ["https://[::1]:1"]


def _commands(group: click.Group, *words: str) -> Iterator[tuple[str, ...]]:
    """Every command, as the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *words, name)
        else:
            yield *words, name


def test_every_command_has_json_and_examples(run: Run) -> None:
    """But `serve`, which has no result, and what takes nothing to show; `expiry` shows its own."""
    helps = {words: run(*words, "--help").output for words in _commands(cli.main)}
    assert {words for words, text in helps.items() if "--json" not in text} == {("serve",)}
    plain = {words for words, text in helps.items() if "Examples:\n" not in text}
    assert plain == {("migrate",), *(("expiry", each) for each in ("status", "pause", "resume"))}
    assert "Examples:\n" in run("expiry", "--help").output
