"""What packages are made of: licences, pinned requirements, files of the Debian package."""

import re
import tomllib

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
