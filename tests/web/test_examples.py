"""The programs of docs/examples, each run as its reader would run it."""

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from . import pictures, servers

EXAMPLES = servers.ROOT / "docs" / "examples"

SAMPLE = servers.ROOT / "docs" / "sample.jpg"

PROGRAMS = {
    "upload.sh": ["sh"],
    "upload.py": [sys.executable, "-W", "error"],
    "upload.js": ["node"],
}
"""Each with what runs it."""


def run(program: str, folder: Path, name: str, url: str, secret: str) -> tuple[int, str]:
    """Its exit code and what it says, in `folder`; skipped where nothing here runs it."""
    command = PROGRAMS[program]
    for needed in (command[0], *(["curl"] if command == ["sh"] else [])):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed")
    ran = subprocess.run(
        [*command, str(EXAMPLES / program), str(SAMPLE), name],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "SERVER": url, "SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3 * servers.PATIENCE,
        check=False,
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_picture_is_uploaded_and_fetched(
    server: servers.Running, tmp_path: Path, name: str, program: str
) -> None:
    """From the token to a rendition in a file."""
    code, said = run(program, tmp_path, name, server.url, servers.SECRET)
    assert code == 0, said
    assert "065421e1a680a8aec9c4e3e7739a0f75" in said
    assert server.client.get(f"/{name}").content == SAMPLE.read_bytes()
    assert pictures.opened((tmp_path / f"{name}-400.jpg").read_bytes()).size == (400, 267)


@pytest.mark.parametrize("program", PROGRAMS)
def test_whoever_is_refused_learns_why(
    server: servers.Running, tmp_path: Path, name: str, program: str
) -> None:
    """The sentence of the answer, a failure, and no file."""
    code, said = run(program, tmp_path, name, server.url, "a guess")
    assert code != 0
    assert "The secret is missing or wrong." in said
    assert list(tmp_path.iterdir()) == []


def test_all_examples_are_run() -> None:
    """There is nothing else in the folder but what tests/clients runs, and nothing long."""
    programs = {path.name for path in EXAMPLES.iterdir() if path.stem != "liveresize"}
    assert programs == PROGRAMS.keys()
    assert all(len((EXAMPLES / each).read_text().splitlines()) < 70 for each in PROGRAMS)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_script_works_in_a_page(server: servers.Running, name: str) -> None:
    """Of another origin, with a token from the application: its functions do the rest."""
    token = server.client.token(name)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        try:
            tab = browser.new_page()
            tab.goto(server.url.replace("127.0.0.1", "localhost") + "/_live")
            tab.add_script_tag(path=EXAMPLES / "upload.js")
            told = tab.evaluate(
                """async ([server, id, token, data]) => {
                    const picture = await (await fetch(data)).blob();
                    const receipt = await upload(server, id, picture, token);
                    const shown = new Image();
                    shown.src = rendition(server, id, 32);
                    await shown.decode();
                    return [receipt.id, shown.naturalWidth, shown.naturalHeight];
                }""",
                [server.url, name, token, _as_url(pictures.png())],
            )
        finally:
            browser.close()
    assert told == [name, 32, 24]


def _as_url(data: bytes) -> str:
    """A PNG as a page can fetch it without asking anyone."""
    return "data:image/png;base64," + base64.b64encode(data).decode()
