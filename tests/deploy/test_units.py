"""The unit files: systemd understands them, and they give little away."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from web import servers

UNITS = servers.ROOT / "deploy" / "systemd"

ANALYZE = shutil.which("systemd-analyze")


def settings_of(unit: Path) -> list[str]:
    """The lines of a unit file that set something, in order."""
    lines = unit.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_template_is_the_service() -> None:
    """But for its name, its socket and its folders: what protects one protects all."""
    expected = []
    for line in settings_of(UNITS / "liveresize.service"):
        line = line.replace("liveresize.socket", "liveresize@%i.socket")
        if line.startswith("Description="):
            line += ", at port %i"
        if line.startswith(("StateDirectory=", "WorkingDirectory=")):
            line += "/%i"
        expected.append(line)
        if line.startswith("EnvironmentFile="):
            expected.append(f"{line}-%i")
    assert settings_of(UNITS / "liveresize@.service") == expected


def test_systemd_waits_for_as_long_as_a_stop_may_take() -> None:
    """`TimeoutStopSec` covers the drain as it is configured unless told otherwise."""
    drain = json.loads((servers.ROOT / "default.json.example").read_text())["drain"]
    most = drain["delay"] + 2 * (drain["finish"] + drain["flush"]) + 5
    assert f"TimeoutStopSec={most}" in settings_of(UNITS / "liveresize.service")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`systemd-analyze …`."""
    assert ANALYZE is not None
    return subprocess.run(
        [ANALYZE, "--no-pager", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """Every line of them, and what they expose is little."""
    for unit in UNITS.glob("liveresize*.s*"):
        if unit.suffix in (".service", ".socket"):
            text = unit.read_text().replace("/opt/liveresize/bin/liveresize", sys.executable)
            (tmp_path / unit.name.replace("@", "@1338")).write_text(text)
    copies = sorted(map(str, tmp_path.iterdir()))
    assert len(copies) == 5
    verified = analyze("verify", "--man=no", *copies)
    assert (verified.returncode, verified.stderr + verified.stdout) == (0, "")
    for copy in copies:
        if copy.endswith(".service"):
            review = analyze("security", "--offline=true", "--threshold=15", copy)
            assert review.returncode == 0, review.stdout
