"""What packages are made of: licences, pinned requirements, files of the Debian package."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from scripts.packaging import debian, licences, requirements

ROOT = requirements.ROOT


def test_the_page_of_licences_is_complete() -> None:
    """`scripts/packages licences` writes it, and finds no GPL."""
    assert licences.PAGE.read_text() == licences.page()


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "GPL-2.0-or-later", "AGPL-3.0", "MIT AND GPL-3.0"]
)
def test_the_gpl_stops_it(licence: str) -> None:
    """The LGPL does not."""
    with pytest.raises(SystemExit, match="GPL"):
        licences._checked("codec", licence)
    assert licences._checked("codec", "LGPL-3.0-or-later") == "LGPL-3.0-or-later"


def pins() -> dict[str, str]:
    """Name → version of every requirement that is pinned."""
    text = requirements.FILE.read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_everything_is_pinned_within_its_bounds() -> None:
    """`scripts/packages requirements` writes the pins anew; each has the hashes of its files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = pins()
    for line in project["dependencies"]:
        asked = Requirement(line)
        version = pinned[re.sub(r"[-_.]+", "-", asked.name).lower()]
        assert asked.specifier.contains(Version(version)), line
    blocks = re.split(r"\n(?=[a-z])", requirements.FILE.read_text())
    for block in blocks[1:]:
        assert "--hash=sha256:" in block, block


def test_what_the_debian_package_installs_is_there() -> None:
    """Its files exist; no unit names a folder that the package has not."""
    for source in debian.FILES:
        assert (ROOT / source).is_file(), source
    units = list((ROOT / "deploy/systemd").glob("*.s[eo]*"))
    assert len(units) >= 5
    for unit in units:
        text = debian._placed(unit.read_text())
        assert "/opt/" not in text
        assert "/usr/local" not in text
    for script in debian.SCRIPTS:
        assert (ROOT / "deploy/debian" / script).read_text().startswith("#!/bin/sh\n")


STOPPED = ("systemctl", "systemd-sysusers", "systemd-tmpfiles", "chgrp", "install")
"""Commands of the maintainer scripts that would change this machine."""


@pytest.mark.parametrize(
    ("script", "action", "begins"),
    [
        ("postinst", "configure", "systemd-sysusers"),
        ("postinst", "abort-remove", "systemd-sysusers"),
        ("postinst", "abort-upgrade", ""),
        ("prerm", "upgrade", ""),
    ],
)
def test_scripts_of_the_debian_package(
    tmp_path: Path, script: str, action: str, begins: str
) -> None:
    """A removal that was given up starts the service again; a folder that is gone stops nothing."""
    said = tmp_path / "said"
    for name in (*STOPPED, "deb-systemd-helper", "deb-systemd-invoke"):
        stub = tmp_path / name
        stub.write_text(f'#!/bin/sh\necho {name} "$@" >>{said}\n')
        stub.chmod(0o755)
    text = (ROOT / "deploy/debian" / script).read_text()
    moved = text.replace("/usr/lib/liveresize", str(tmp_path / "gone"))
    subprocess.run(
        ["/bin/sh", "-c", moved, script, action],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=True,
    )
    calls = said.read_text() if said.exists() else ""
    assert calls.startswith(begins)
    assert bool(calls) == bool(begins)
