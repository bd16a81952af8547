"""The command `liveresize` of an installation: for root, and for the user of the service."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner
from web import servers

from liveresize.cli import main

WRAPPER = servers.ROOT / "deploy" / "systemd" / "liveresize"

USER = "nobody"
"""Stands for the user of the service."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="be root, and install setpriv"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An installation: the wrapper, and a program that says how it was called."""
    made = Path(tempfile.mkdtemp(prefix="liveresize-wrapper-"))
    made.chmod(0o755)
    program = made / "program"
    program.write_text(
        "#!/bin/sh\nid -un; pwd; echo $HOME $USER $LOGNAME\n"
        'echo "$NODE_ENV $SECRET $LIVERESIZE_FOLDER $*"\n'
    )
    program.chmod(0o755)
    (made / "environment").write_text("SECRET='of two words'\n")
    text = WRAPPER.read_text().replace("/opt/liveresize/bin/liveresize", str(program))
    group = subprocess.run(["id", "-gn", USER], capture_output=True, text=True, check=True)
    text = text.replace("--regid liveresize", f"--regid {group.stdout.strip()}")
    text = text.replace("--reuid liveresize", f"--reuid {USER}").replace(
        "!= liveresize", f"!= {USER}"
    )
    (made / "wrapper").write_text(text)
    (made / "wrapper").chmod(0o755)
    yield made
    shutil.rmtree(made)


@needs_root
@pytest.mark.parametrize("user", ["root", USER])
def test_root_and_the_user_of_the_service_may_use_it(folder: Path, user: str) -> None:
    """With settings and account of the service, as systemd has them, in the caller's folder."""
    called = subprocess.run(
        [folder / "wrapper", "upload", "a b.jpg"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "NODE_CONFIG_DIR": str(folder)},
        user=user,
        capture_output=True,
        text=True,
        check=False,
    )
    arguments = "production of two words /var/lib/liveresize upload a b.jpg"
    assert (called.returncode, called.stderr) == (0, "")
    account = "/var/lib/liveresize liveresize liveresize"
    assert called.stdout.splitlines() == [USER, str(folder), account, arguments]


def test_files_are_relative_to_the_caller_and_settings_to_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data is in its folder, what is imported in that of the caller."""
    service, caller = tmp_path / "service", tmp_path / "caller"
    for each in (service, caller / "old"):
        each.mkdir(parents=True)
    (caller / "old.sqlite").touch()
    monkeypatch.chdir(caller)
    monkeypatch.setenv("LIVERESIZE_FOLDER", str(service))
    given = ["import", "iaas", "--sqlite", "old.sqlite", "--originals", "old", "--yes"]
    plan = CliRunner().invoke(main, given, env={"LIVERESIZE_DATA_DIR": "data"})
    assert f"reads:  {caller}/old.sqlite" in plan.output
    assert f"writes: {service}/data/liveresize.sqlite" in plan.output


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    """As a setting would be."""
    missing = tmp_path / "missing"
    called = CliRunner().invoke(main, ["check-config"], env={"LIVERESIZE_FOLDER": str(missing)})
    assert called.exit_code != 0
    assert str(missing) in called.output


def test_its_variables_are_no_unknown_settings(tmp_path: Path) -> None:
    """What the installed command sets for itself is not warned of."""
    exported = re.findall(r"\bLIVERESIZE_\w+", WRAPPER.read_text())
    called = CliRunner().invoke(
        main, ["check-config", "--changed"], env=dict.fromkeys(exported, str(tmp_path))
    )
    assert exported
    assert (called.exit_code, called.stderr) == (0, "")


def test_a_file_out_of_reach_is_not_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's own files are closed to the user of the service, who is named."""

    def stat(path: str) -> NoReturn:
        raise PermissionError(path)

    monkeypatch.setattr("liveresize.cli.options.os.stat", stat)
    called = CliRunner().invoke(main, ["upload", str(tmp_path / "cat.jpg")])
    assert called.exit_code == 2
    assert "is out of reach for the user " in called.output
