"""The operator's commands: delete, purge and reconcile, against stand-ins and real servers."""

import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from web import pictures, servers

from cli.conftest import Run
from cli.stub import Stub
from liveresize import errors
from liveresize.cli import client, options, purge


def admin(server: Stub) -> tuple[str, ...]:
    """The options of a command for this server."""
    return "--url", server.url, "--secret", "s3cret"


def purges(server: Stub, *counts: int) -> None:
    """Answer the next requests with so many each."""
    server.reply_in_turn((200, json.dumps({"purged": count}).encode()) for count in counts)


def bodies(server: Stub) -> list[dict[str, Any]]:
    """What was posted."""
    return [json.loads(request.body) for request in server.requests]


@pytest.mark.parametrize("command", ["delete", "purge", "list", "reconcile"])
def test_help_teaches_with_examples(run: Run, command: str) -> None:
    """Every command shows how it is used, and the list of commands has it."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Examples:\n" in result.output
    assert f"\n  {command} " in run("--help").output


def test_delete_asks_the_server(run: Run, server: Stub) -> None:
    """As an admin, for the escaped name."""
    server.reply_in_turn([(204, b"")])
    result = run("delete", "my cat", "--yes", *admin(server))
    assert (result.exit_code, result.output) == (0, "my cat deleted\n")
    ((method, path, headers, _),) = server.requests
    assert (method, path, headers["Authorization"]) == (
        "DELETE",
        "/my%20cat?receipt=true",
        "Bearer s3cret",
    )


def test_a_refusal_is_one_sentence(run: Run, server: Stub) -> None:
    """In the server's own words, and without the secret."""
    for command in ("delete", "purge"):
        server.reply_in_turn([(401, b'{"error": "The secret is missing or wrong."}')])
        result = run(command, "cat", "--yes", *admin(server))
        assert result.exit_code == 1
        assert result.stderr.endswith("said 401: The secret is missing or wrong.\n")
        assert "s3cret" not in result.output + result.stderr


TOLD = "rendered_before 2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("arguments", "selection", "words"),
    [
        (["cat"], {"id": "cat"}, "id cat"),
        (["--prefix", "ca"], {"prefix": "ca"}, "prefix ca"),
        (["--engine-before", "2.1"], {"engine_before": "2.1"}, "engine_before 2.1"),
        (["--unused-for", "90d"], {"unused_for": 7_776_000.0}, "unused_for 90d"),
        (["--unused-for", "900000"], {"unused_for": 900_000.0}, "unused_for 10.4167d"),
        (["--rendered-before", "1700000000.5"], {"rendered_before": 1700000000.5}, TOLD),
        (["--rendered-before", "2023-11-14T22:13:20Z"], {"rendered_before": 1700000000.0}, TOLD),
        (["--rendered-before", "2023-11-14T23:13:20+01:00"], {"rendered_before": 17e8}, TOLD),
    ],
)
def test_a_purge_says_what_it_means(
    run: Run, server: Stub, arguments: list[str], selection: dict[str, Any], words: str
) -> None:
    """In the terms of POST /purge, which decides the rest."""
    purges(server, 3)
    result = run("purge", *arguments, "--yes", *admin(server))
    assert result.exit_code == 0
    assert result.output == f"3 purged ({words})\n"
    ((method, path, headers, _),) = server.requests
    assert (method, path, headers["Authorization"]) == ("POST", "/purge", "Bearer s3cret")
    assert bodies(server) == [{**selection, "limit": 500}]


@pytest.mark.parametrize(
    ("age", "seconds"), [("30d", 2_592_000), ("1.5h", 5400), ("45m", 2700), ("2w", 1_209_600)]
)
def test_a_moment_may_be_an_age(age: str, seconds: float) -> None:
    """Counted back from now."""
    moment = purge.Moment().convert(age, None, None)
    assert moment == pytest.approx(time.time() - seconds, abs=60)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "30",
        "30x",
        "1e9",
        "9" * 15,
        "9" * 400,
        "9999999d",
        "-5d",
        "2026-13-01",
        "٣d",
        "1.2.3",
    ],
)
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    """With what is allowed; a bare number is Unix seconds."""
    if text == "30":
        assert purge.Moment().convert(text, None, None) == 30.0
        return
    with pytest.raises(click.BadParameter, match="nor an age such as"):
        purge.Moment().convert(text, None, None)


LISTED = {
    "id": "cät",
    "state": "held",
    "width": 640,
    "height": 480,
    "format": "png",
    "bytes": 12345,
    "uploaded_at": "2026-11-22T07:00:00.000Z",
    "version": "0123abcd",
}


def test_a_list_follows_its_cursors(run: Run, server: Stub) -> None:
    """Until there is none, or as many as are wanted; an empty page is no end."""
    pages: list[tuple[list[object], str | None]] = [
        ([LISTED], "cät & 1"),
        ([], "d"),
        ([LISTED], None),
    ]
    told = [
        (200, json.dumps({"pictures": found, "next": after}).encode()) for found, after in pages
    ]
    server.reply_in_turn(told)
    chosen = ("--prefix", "c ä", "--not-held", "--expiring", "--format", "png")
    chosen += ("--uploaded-since", "0")
    result = run("list", *chosen, "--json", *admin(server))
    assert (result.exit_code, [json.loads(line) for line in result.output.splitlines()]) == (
        0,
        [LISTED, LISTED],
    )
    query = (
        "/_pictures?prefix=c%20%C3%A4&uploaded_since=1970-01-01T00%3A00%3A00%2B00%3A00"
        "&held=false&expiring=true&format=png&limit=1000"
    )
    assert server.paths == [
        query,
        f"{query}&after=c%C3%A4t%20%26%201",
        f"{query}&after=d",
    ]
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    server.reply_in_turn(told)
    server.requests.clear()
    result = run("list", "--limit", "1", *admin(server))
    assert result.output.splitlines()[1].split() == [
        "held", "640x480", "png", "12,345", "2026-11-22T07:00:00.000Z", "0123abcd", "cät"
    ]  # fmt: skip
    assert server.paths == ["/_pictures?limit=1"]


def test_a_list_that_is_none_is_an_error(run: Run, server: Stub) -> None:
    """Of a server that is another program."""
    server.reply_in_turn([(200, b'{"pictures": 1}')])
    result = run("list", *admin(server))
    assert (result.exit_code, "not as liveresize does" in result.output) == (1, True)


def test_a_purge_goes_on_until_nothing_is_left(run: Run, server: Stub) -> None:
    """A batch that is not full is the last one: what is made anew is not chased."""
    purges(server, 500, 500, 7)
    assert run("purge", "cat", "--yes", *admin(server)).output == "1007 purged (id cat)\n"
    assert len(server.requests) == 3


def test_a_purge_ends_at_its_limit(run: Run, server: Stub) -> None:
    """To the piece."""
    purges(server, 500, 120)
    assert (
        run("purge", "cat", "--yes", "--limit", "620", *admin(server)).output
        == "620 purged (id cat)\n"
    )
    assert [body["limit"] for body in bodies(server)] == [500, 120]


@pytest.mark.parametrize("arguments", [[], ["cat", "--prefix", "c"], ["--limit", "3"]])
def test_a_purge_of_nothing_clear_is_a_wrong_call(run: Run, arguments: list[str]) -> None:
    """Exactly one selector; nothing is purged by mistake."""
    result = run("purge", *arguments, "--secret", "x")
    assert result.exit_code == 2
    assert "exactly one of" in result.stderr


def test_an_answer_that_is_none_is_said_to_be(server: Stub) -> None:
    """Something else may listen there."""
    server.reply_in_turn([(200, b'{"purged": "many"}')])
    asked = client.Server(server.url, "x")
    with pytest.raises(errors.LiveResizeError, match="not as liveresize does"):
        client.purge(asked, {"id": "cat"})


@pytest.mark.parametrize("command", ["delete", "purge"])
@pytest.mark.parametrize("terminal", [True, False])
def test_the_answer_is_read_from_a_terminal_or_a_pipe(
    run: Run, server: Stub, monkeypatch: pytest.MonkeyPatch, command: str, terminal: bool
) -> None:
    """Unless --yes is given. Without an answer, a script is told what to give."""
    monkeypatch.setattr(options, "at_terminal", lambda: terminal)
    assert run(command, "cat", *admin(server), answers="n\n").exit_code == 1
    silent = run(command, "cat", *admin(server), answers="")
    assert silent.exit_code == (1 if terminal else 2)
    assert ("--yes" in silent.stderr) is not terminal
    assert server.requests == []
    server.reply_in_turn([(204, b"") if command == "delete" else (200, b'{"purged": 1}')] * 2)
    assert run(command, "cat", *admin(server), answers="y\n").exit_code == 0
    assert run(command, "cat", *admin(server), "--yes").exit_code == 0
    assert len(server.requests) == 2


def test_the_secret_is_the_first_of_the_settings(run: Run, server: Stub) -> None:
    """And the address is this machine; without a secret nobody is asked."""
    port = str(server.server_port)
    purges(server, 0)
    run("purge", "cat", "--yes", PORT=port, LIVERESIZE_ADMIN__SECRETS='["first one", "second"]')
    assert server.requests[0].headers["Authorization"] == "Bearer first one"
    result = run("purge", "cat", "--yes", PORT=port)
    assert result.exit_code == 1
    assert "admin.secrets" in result.stderr


def test_a_real_server_does_as_it_is_told(run: Run, tmp_path: Path) -> None:
    """Renditions are purged and made again; the picture is deleted and gone."""
    with servers.Running(tmp_path, admin__secrets=[servers.ADMIN]) as running:
        as_admin = ("--url", running.url, "--secret", servers.ADMIN)
        running.client.put_in("cat", pictures.jpeg())
        for width in (20, 30):
            running.client.get(f"/cat_{width}_0.jpg")
        running.published()
        assert run("purge", "--prefix", "c", "--yes", *as_admin).output == "2 purged (prefix c)\n"
        assert run("purge", "cat", "--yes", *as_admin).output == "0 purged (id cat)\n"
        assert running.client.get("/cat_20_0.jpg").headers["X-Cache"] == "MISS"
        running.published()
        recent = run("purge", "--rendered-before", "0s", "--yes", *as_admin).output
        assert recent.startswith("1 purged (rendered_before ")
        old = run("purge", "--engine-before", "0.0.1", "--yes", *as_admin).output
        assert old == "0 purged (engine_before 0.0.1)\n"
        running.client.get("/cat_20_0.jpg")
        running.published()
        assert run("purge", "cat.JPG", "--yes", *as_admin).output == "1 purged (id cat)\n"
        deleted = run("delete", "cat.JPG", "--yes", *as_admin).output
        assert "cat deleted" in deleted.splitlines()
        (receipt,) = re.findall("^receipt ([0-9a-f]{28}): not complete yet$", deleted, re.MULTILINE)
        shown = run("erasure", receipt, *as_admin)
        assert shown.output.startswith(f"cat deleted\nreceipt {receipt}: ")
        assert running.client.get("/cat").status_code == 404
        again = run("delete", "cat", "--yes", *as_admin)
        assert again.exit_code == 1
        assert "said 404: There is no picture of that name." in again.stderr


@pytest.fixture
def house(tmp_path: Path, run: Run) -> Callable[..., Result]:
    """Reconciles an installation in which one picture is lost and another one is well."""
    with servers.Running(tmp_path) as running:
        for name in ("cat", "dog"):
            running.client.put_in(name, pictures.jpeg())
        (lost,) = [path for path in running.originals if path.name.startswith("cat~")]
        lost.unlink()
    environ = servers.environ(tmp_path)
    return lambda *arguments, **more: run("reconcile", *arguments, **{**environ, **more})


def test_reconcile_tells_repairs_and_is_content(house: Callable[..., Result]) -> None:
    """Exit code 1 while findings are left, 0 once none is."""
    told = house()
    assert told.exit_code == 1
    assert "compared: 1 originals here, 2 originals recorded, 0 objects, 0 links" in told.output
    assert "lost: 1 found, 0 repaired (pictures that are recorded, but neither" in told.output
    assert "\n  cat (" in told.output
    repaired = house("--repair")
    assert repaired.exit_code == 0
    assert "lost: 1 found, 1 repaired" in repaired.output
    clean = house()
    assert (clean.exit_code, clean.output.splitlines()[1:]) == (0, ["nothing found"])


def test_reconcile_speaks_json(house: Callable[..., Result]) -> None:
    """On stdout alone, with the names that --verbose tells on stderr."""
    told = house("--json", "--verbose")
    summary = json.loads(told.stdout)
    assert told.exit_code == 1
    assert summary["complete"]
    assert summary["left"] == 1
    assert summary["findings"]["lost"]["found"] == 1
    assert summary["compared"]["originals recorded"] == 2
    assert told.stderr.startswith("lost: cat (")


def test_reconcile_names_everything_if_asked(house: Callable[..., Result]) -> None:
    """As it is found; the report does not repeat it."""
    told = house("--verbose")
    assert told.output.startswith("lost: cat (")
    assert told.output.count("cat (") == 1


def test_reconcile_that_cannot_finish_is_exit_code_2(
    house: Callable[..., Result], tmp_path: Path
) -> None:
    """With the reason, after what it has found so far."""
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"this is no database, however long one looks at it" * 100)
    told = house("--json", LIVERESIZE_DATABASE__PATH=str(broken))
    assert told.exit_code == 2
    assert not json.loads(told.stdout)["complete"]
    assert told.stderr.startswith("liveresize: The database does not answer.")
    assert house(PORT="http").exit_code == 2


def test_ways_of_repairing_need_a_repair(house: Callable[..., Result]) -> None:
    """Nothing is done by a word that was forgotten."""
    for way in ("--adopt", "--remove"):
        told = house(way)
        assert told.exit_code == 2
        assert "--repair" in told.stderr


def test_reconcile_adopts_with_real_workers(house: Callable[..., Result], tmp_path: Path) -> None:
    """A file whose row is gone comes back with the facts that it had."""
    with sqlite3.connect(tmp_path / "data" / "liveresize.sqlite") as database:
        question = "SELECT * FROM originals WHERE name = 'dog'"
        before = database.execute(question).fetchall()
        database.execute("DELETE FROM originals WHERE name = 'dog'")
    database.close()
    assert house("--repair", "--adopt").exit_code == 0  # younger than an hour, and left alone
    assert house("--repair", "--adopt", "--grace", "0").exit_code == 0
    with sqlite3.connect(tmp_path / "data" / "liveresize.sqlite") as database:
        after = database.execute(question).fetchall()
    database.close()
    assert [row[:13] for row in after] == [row[:13] for row in before]
    assert abs(after[0][13] - before[0][13]) < 60.0


def test_an_application_is_named_instead_of_its_secret(run: Run, server: Stub) -> None:
    """Its secret is that of the settings here."""
    given = {
        "LIVERESIZE_APPLICATIONS": json.dumps(
            {"shop": {"secret": "the secret of the shop", "prefix": "shop-"}}
        )
    }
    here = ("--url", server.url, "--application", "shop")
    server.reply_in_turn([(200, b'{"token": "t"}'), (200, b'{"purged": 0}')])
    assert run("token", "shop-1", *here, **given).exit_code == 0
    assert run("purge", "--prefix", "shop-", "--yes", *here, **given).exit_code == 0
    token, purged = server.requests
    assert json.loads(token.body)["secret"] == "the secret of the shop"
    assert purged.headers["Authorization"] == "Bearer the secret of the shop"
    for more, words in (
        (("--application", "shop", "--secret", "x"), "one of --secret and --application"),
        (("--application", "news"), "applications has no `news`."),
    ):
        refused = run("token", "shop-1", "--url", server.url, *more, **given)
        assert refused.exit_code != 0
        assert words in refused.output
