"""The command `liveresize sign`."""

import json
import time
from pathlib import Path

import pytest
from click.testing import Result
from web import pictures, servers

from cli.conftest import Run
from liveresize.core import signing

KEY, OLD = "the key that signs", "the key that signed before"


def signed(result: Result) -> signing.Sealed:
    """What the command has printed, as the server reads it."""
    assert result.exit_code == 0, result.output
    (line,) = result.output.splitlines()
    return signing.read(line[line.index("/", 8) :])


def test_a_url_is_signed_with_the_first_key_of_the_settings(run: Run) -> None:
    """Printed as it may be used at once, with all that it had."""
    result = run(
        "sign",
        "https://here.test/cat_8_6.jpg?fit=crop&v=1",
        LIVERESIZE_SIGNING__KEYS=f'["{KEY}", "{OLD}"]',
    )
    assert result.output.startswith("https://here.test/cat_8_6.jpg?fit=crop&v=1&sig=")
    assert signed(result).opened_by([KEY])
    assert signed(result).ends is None


def test_a_key_may_be_given(run: Run) -> None:
    """Then no settings are read, broken ones neither."""
    result = run("sign", "http://here.test/cat.jpg", "--key", OLD, PORT="none")
    assert signed(result).opened_by([OLD])


@pytest.mark.parametrize(
    ("option", "value", "end"), [("--expires", "60", None), ("--exp", "123", 123)]
)
def test_a_signature_may_end(run: Run, option: str, value: str, end: int | None) -> None:
    """In so many seconds, or at a moment; one that it had is replaced."""
    before = int(time.time())
    result = run("sign", "http://here.test/cat.jpg?exp=5", option, value, "--key", KEY)
    expected = range(before + 60, int(time.time()) + 61) if end is None else [end]
    assert signed(result).ends in expected
    assert signed(result).opened_by([KEY])


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["http://here.test/cat.jpg"], 1, "signing.keys is empty"),
        (["cat.jpg", "--key", KEY], 1, "http://host/path"),
        (["/cat.jpg", "--key", KEY, "--exp", "5", "--expires", "5"], 2, "one of --expires"),
        (["/cat.jpg", "--key", KEY, "--expires", "0"], 2, "--expires"),
        (["/cat.jpg", "--key", KEY, "--exp", "soon"], 2, "--exp"),
        ([], 2, "URL"),
    ],
)
def test_what_cannot_be_signed_is_said_in_a_sentence(
    run: Run, arguments: list[str], status: int, said: str
) -> None:
    """On stderr, without a trace, and with nothing on stdout."""
    result = run("sign", *arguments)
    assert result.exit_code == status
    assert said in result.stderr
    assert result.stdout == ""


def test_a_key_that_is_too_short_is_not_shown(run: Run) -> None:
    """Nor is it taken: the server would not start with it."""
    result = run("sign", "/cat.jpg", LIVERESIZE_SIGNING__KEYS="hunter2")
    assert result.exit_code == 1
    assert "at least 16 bytes" in result.stderr
    assert "hunter2" not in result.output


def test_what_the_command_prints_opens_a_picture(run: Run, tmp_path: Path) -> None:
    """From the command line into a server that asks for signatures."""
    with servers.Running(tmp_path, signing__keys=[OLD, KEY], signing__required=True) as server:
        server.client.put_in("a cat", pictures.jpeg())
        url = f"{server.url}/a cat_20_0.jpg?proxy=true"
        assert server.client.get(url).status_code == 403
        printed = run("sign", url, "--expires", "600", "--key", KEY).output.strip()
        answer = server.client.get(printed)
        assert answer.status_code == 200
        assert pictures.opened(answer.content).size == (20, 15)


def test_the_keys_of_an_application_sign_its_own_urls(run: Run) -> None:
    """And those of the server all others."""
    applications = json.dumps(
        {"shop": {"secret": "s" * 16, "prefix": "shop-", "signing_keys": [OLD]}}
    )
    given = {
        "LIVERESIZE_APPLICATIONS": applications,
        "LIVERESIZE_SIGNING__KEYS": json.dumps([KEY]),
    }
    for path, key in (("shop-1_8_6.jpg", OLD), ("cat_8_6.jpg", KEY), ("shop-_8_6.jpg", OLD)):
        result = run("sign", f"https://here.test/{path}", **given)
        assert signed(result).opened_by([key]), path
