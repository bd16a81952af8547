"""The command line: what it prints, what it asks a server, and how it fails."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

import liveresize.app
from cli.conftest import Run
from cli.stub import Stub
from liveresize import config, errors
from liveresize.cli import client

ROOT = Path(__file__).parents[2]


def test_the_version_is_printed(run: Run) -> None:
    """`--version` says name and version."""
    assert run("--version").output == f"liveresize {liveresize.__version__}\n"


@pytest.mark.parametrize("command", ["", "serve", "check-config", "token", "upload"])
def test_help_teaches_with_examples(run: Run, command: str) -> None:
    """Every command that takes something shows how it is used."""
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Examples:\n" in result.output


def test_python_m_is_the_same_command() -> None:
    """`python -m liveresize` and the script share one entry."""
    ran = subprocess.run(
        [sys.executable, "-m", "liveresize", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"liveresize {liveresize.__version__}\n"


def test_check_config_prints_what_is_in_force(run: Run) -> None:
    """Values, masked where secret, and their sources."""
    result = run("check-config", PORT="8080", LIVERESIZE_SECRET="hidden")
    assert result.exit_code == 0
    assert "environment variable PORT" in result.output
    assert "hidden" not in result.output


def test_check_config_prints_json(run: Run) -> None:
    """`--json` is for scripts."""
    report = json.loads(run("check-config", "--json", PORT="8080").output)
    assert report["values"]["listen_port"]["value"] == 8080


def test_check_config_prints_what_differs_from_the_defaults(run: Run) -> None:
    """`--changed` leaves out all that nobody has set."""
    result = run("check-config", "--changed", PORT="8080")
    assert result.output == "listen_port  8080  environment variable PORT\n"


@pytest.mark.parametrize("command", ["check-config", "serve", "migrate"])
def test_a_bad_setting_is_one_sentence_and_exit_code_1(run: Run, command: str) -> None:
    """No traceback; stderr names the key, where it stands and what is allowed."""
    result = run(command, PORT="http")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        'liveresize: listen_port in environment variable PORT is "http", but must be a whole '
        "number from 0 to 65535.\n"
    )


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"LIVERESIZE_PRESETS": '{"card": {"fit": "square"}}'}, "In preset `card`"),
        ({"LIVERESIZE_FALLBACK": '{"a": "b.jpg"}'}, "'b.jpg' cannot be the id of an image"),
        ({"LIVERESIZE_FALLBACK": '{"_a": "b"}'}, "no id begins with '_a'"),
        ({"LIVERESIZE_FALLBACK": '{"a/": "b"}'}, "no id begins with 'a/'"),
        ({"LIVERESIZE_POSTGRESQL__URL": "postgresql://host:port/x"}, "postgresql.url"),
    ],
)
def test_check_config_refuses_what_serve_would(
    run: Run, environ: dict[str, str], named: str
) -> None:
    """Also what only shows when the parts are put together."""
    result = run("check-config", **environ)
    assert result.exit_code == 1
    assert named in result.stderr


def test_a_wrong_call_is_exit_code_2(run: Run) -> None:
    """Usage errors are click's."""
    assert run("no-such-command").exit_code == 2


def test_serve_hands_over_the_settings_and_the_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server decides how the process ends."""
    seen: list[int] = []

    def serve(given: config.Settings) -> int:
        seen.append(given.listen_port)
        return 7

    stand_in = types.ModuleType("liveresize.app.server")
    stand_in.run = serve  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "liveresize.app.server", stand_in)
    monkeypatch.setattr(liveresize.app, "server", stand_in, raising=False)
    assert run("serve", PORT="8080").exit_code == 7
    assert seen == [8080]


def test_migrate_runs_to_its_end_or_says_why_not(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The detail that clients never see is shown to the operator."""

    async def migrate(given: object) -> None:
        raise errors.IndexUnavailable("", "connection refused")

    stand_in = types.ModuleType("liveresize.app.container")
    stand_in.migrate = migrate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "liveresize.app.container", stand_in)
    monkeypatch.setattr(liveresize.app, "container", stand_in, raising=False)
    result = run("migrate")
    assert result.exit_code == 1
    assert result.stderr == "liveresize: The database does not answer. (connection refused)\n"


def test_token_asks_the_server_and_prints_the_token(run: Run, server: Stub) -> None:
    """The secret comes from the settings unless it is given."""
    server.reply_in_turn([(200, b'{"token": "t-1"}')] * 2)
    first = run("token", "cat", "--url", server.url, LIVERESIZE_SECRET="s3")
    run("token", "cat", "--url", server.url, "--secret", "x", "--expires-in", "60", "--overwrite")
    assert first.output == "t-1\n"
    first_request, second = server.requests
    assert first_request.path == "/token"
    assert json.loads(first_request.body) == {"id": "cat", "secret": "s3"}
    assert json.loads(second.body) == {
        "id": "cat",
        "secret": "x",
        "expires_in": 60,
        "overwrite": True,
    }


def test_the_server_is_by_default_this_machine_and_the_port_of_the_settings(
    run: Run, server: Stub
) -> None:
    """`liveresize token` finds the server that `liveresize serve` started here."""
    server.reply_in_turn([(200, b'{"token": "t-1"}')])
    assert run("token", "cat", PORT=str(server.server_port)).output == "t-1\n"


def test_upload_sends_the_bytes_and_prints_where_they_are(
    run: Run, server: Stub, tmp_path: Path
) -> None:
    """A token first, then the raw bytes with their type; then addresses to fetch."""
    (tmp_path / "my cat.WEBP").write_bytes(b"RIFF")
    server.reply_in_turn([(200, b'{"token": "t-1"}'), (200, b'{"status": "OK", "format": "jpeg"}')])
    result = run("upload", "my cat.WEBP", "--url", f"{server.url}/")
    assert result.exit_code == 0
    _, request = server.requests
    assert (request.path, request.body) == ("/my%20cat", b"RIFF")
    assert (request.headers["X-Token"], request.headers["Content-Type"]) == ("t-1", "image/webp")
    assert result.output.splitlines() == [
        '{"status": "OK", "format": "jpeg"}',
        f"{server.url}/my%20cat_400_0.jpg",
        f"{server.url}/my%20cat.jpg",
        f"{server.url}/my%20cat.json",
    ]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((403, b'{"error": "The id is taken."}'), "said 403: The id is taken."),
        ((502, b"<html>"), "said 502: Bad Gateway"),
        ((200, b"[]"), "answers, but not as liveresize does."),
        ((200, b"{}"), "answers, but not as liveresize does."),
        ((200, b"hello"), "answers, but not as liveresize does."),
    ],
)
def test_a_refusal_is_one_sentence(
    run: Run, server: Stub, answer: tuple[int, bytes], sentence: str
) -> None:
    """What the server said, in its own words where it gave some."""
    server.reply_in_turn([answer])
    result = run("token", "cat", "--url", server.url)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"liveresize: {server.url}")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[::1"])
def test_a_server_that_is_not_there_is_one_sentence(run: Run, url: str) -> None:
    """Refused connections and addresses that are none: what was tried, and what to do."""
    result = run("token", "cat", "--url", url)
    assert result.exit_code == 1
    assert f"No server can be reached at {'' if '://' in url else 'http://'}{url}" in result.stderr
    assert result.stderr.endswith("The URL is from --url: correct it, or start the server there.\n")


@pytest.mark.parametrize("command", ["token cat", "upload cat.jpg", "delete cat", "warm -"])
def test_without_a_url_it_is_said_where_the_port_is_from(
    run: Run, tmp_path: Path, command: str
) -> None:
    """And what starts a server there, or leads to another one."""
    (tmp_path / "cat.jpg").touch()
    options = {"delete": ["--secret", "x", "--yes"]}.get(command.split()[0], [])
    result = run(*command.split(), *options, answers="/cat_1_1.jpg\n", PORT="1")
    assert result.exit_code == 1
    assert "No server can be reached at http://localhost:1" in result.stderr
    assert "`liveresize serve`" in result.stderr
    assert "listen_port (environment variable PORT)" in result.stderr
    assert "--url" in result.stderr


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.jpg", "image/jpeg"), ("a.AVIF", "image/avif"), ("a.txt", "image/unknown")],
)
def test_the_type_is_that_of_the_extension(name: str, expected: str) -> None:
    """Every upload is of some image type; the server goes by the bytes."""
    assert client.content_type(Path(name)) == expected


def test_a_file_that_vanished_is_one_sentence(tmp_path: Path) -> None:
    """The path, and the system's reason."""
    with pytest.raises(errors.LiveResizeError, match="No such file"):
        client.upload(client.Server("http://127.0.0.1:1"), "cat", tmp_path / "gone", "t")
