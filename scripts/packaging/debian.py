"""The Debian package: the environment, units, users, folders, settings and documentation.

Made by dpkg-deb alone, for the Python of the Debian that it is made on.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from email.utils import formatdate
from pathlib import Path

from . import wheel
from .environment import install
from .requirements import ROOT, version

DEPLOY = ROOT / "deploy"

PYTHON = "/usr/bin/python3"
"""The Python of Debian, which the environment takes its interpreter from."""

HOME = "usr/lib/liveresize"
"""Where the environment lies; deploy/systemd says /opt/liveresize, where it is made by hand."""

MAINTAINER = "{} <{}>".format(
    os.environ.get("DEBFULLNAME", "liveresize contributors"),
    os.environ.get("DEBEMAIL", "liveresize@liveresize.invalid"),
)
"""Who answers for the package: whoever builds it, as Debian's tools are told it."""

UNITS = "usr/lib/systemd/system"

FILES = {
    "deploy/systemd/liveresize.sysusers": ("usr/lib/sysusers.d/liveresize.conf", 0o644),
    "deploy/debian/liveresize.tmpfiles": ("usr/lib/tmpfiles.d/liveresize.conf", 0o644),
    "deploy/systemd/environment.example": ("usr/share/liveresize/environment.example", 0o644),
    "deploy/systemd/liveresize": ("usr/bin/liveresize", 0o755),
    "deploy/logrotate/liveresize": ("etc/logrotate.d/liveresize", 0o644),
    "deploy/debian/lintian-overrides": ("usr/share/lintian/overrides/liveresize", 0o644),
    "docs/licences.md": ("usr/share/doc/liveresize/licences.md", 0o644),
}
"""Files of the project, and where they go with which mode."""

SCRIPTS = ("postinst", "prerm", "postrm")

CONFIGURATION = "etc/liveresize/production.json"

DEPENDS = (
    "libc6",
    "libgcc-s1",
    "libstdc++6",
    "zlib1g",
    "init-system-helpers (>= 1.54)",
    "systemd | systemd-standalone-sysusers",
    "systemd | systemd-standalone-tmpfiles",
)

CONTROL = """\
Package: liveresize
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}
Recommends: systemd, ca-certificates
Suggests: nginx, postgresql
Section: web
Priority: optional
Description: live image resizer that a team runs on its own machines
 An application asks for a one-time token; a phone or a browser uploads a
 picture with it; from then on anyone can ask for that picture in any size,
 shape and format, by the URL. The first request renders it, later ones are
 redirects to a cache or hits in memory.
 .
 The package brings a Python environment of its own in /usr/lib/liveresize.
"""


def make(release: str = "") -> Path:
    """Write dist/liveresize_VERSION_ARCHITECTURE.deb; `release` is another version for it."""
    name = release or version()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        tree.chmod(0o755)
        _environment(tree)
        _files(tree)
        _documents(tree, name)
        _control(tree, name)
        for path in tree.rglob("*"):
            os.utime(path, (int(wheel.epoch()),) * 2, follow_symlinks=False)
        architecture = _said("dpkg", "--print-architecture")
        made = wheel.DIST / f"liveresize_{name}_{architecture}.deb"
        wheel.DIST.mkdir(exist_ok=True)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": wheel.epoch()}
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z3", "--build", str(tree), str(made)]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return made


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _environment(tree: Path) -> None:
    """Install into the tree, and make it right for where it will lie."""
    home = tree / HOME
    home.parent.mkdir(parents=True)
    packages = install(home, PYTHON)
    for script in (home / "bin").iterdir():
        if not script.name.startswith("python") and script.name != "liveresize":
            script.unlink()
    interpreter = home / "bin" / "python3"
    interpreter.unlink()
    interpreter.symlink_to(os.path.relpath(PYTHON, f"/{HOME}/bin"))
    command = home / "bin" / "liveresize"
    lines = command.read_text().splitlines()
    command.write_text("\n".join([f"#!/{HOME}/bin/python3", *lines[1:]]) + "\n")
    settings = home / "pyvenv.cfg"
    settings.write_text(re.sub(r"^command = .*\n", "", settings.read_text(), flags=re.MULTILINE))
    for record in packages.glob("*.dist-info/direct_url.json"):
        record.unlink()  # names the folder that the wheel came from
    for path in home.rglob("*"):
        if not path.is_symlink():
            executable = path.is_dir() or path.parent == home / "bin"
            path.chmod(0o755 if executable else 0o644)


def _files(tree: Path) -> None:
    for source, (target, mode) in FILES.items():
        _write(tree / target, _placed((ROOT / source).read_text()), mode)
    for unit in sorted((DEPLOY / "systemd").glob("*.s*")):
        if unit.suffix in (".service", ".socket"):
            _write(tree / UNITS / unit.name, _placed(unit.read_text()))
    _write(tree / CONFIGURATION, "{}\n")


def _documents(tree: Path, name: str) -> None:
    folder = tree / "usr/share/doc/liveresize"
    licence = (ROOT / "LICENSE").read_text().split("\n\n", 2)[2]
    indented = "".join(f" {line or '.'}\n" for line in licence.splitlines())
    _write(folder / "copyright", (DEPLOY / "debian/copyright").read_text() + indented)
    _write(folder / "NEWS.gz", (ROOT / "CHANGELOG.md").read_text())
    date = formatdate(int(wheel.epoch()))
    _write(
        folder / "changelog.gz",
        f"liveresize ({name}) stable; urgency=medium\n\n  * See NEWS.gz.\n\n"
        f" -- {MAINTAINER}  {date}\n",
    )
    _write(
        tree / "usr/share/man/man1/liveresize.1.gz", (DEPLOY / "debian/liveresize.1").read_text()
    )


def _control(tree: Path, name: str) -> None:
    minor = int(_said(PYTHON, "-c", "import sys; print(sys.version_info.minor)"))
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    sums = "".join(
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n"  # noqa: S324
        for path in files
    )
    control = tree / "DEBIAN"
    _write(
        control / "control",
        CONTROL.format(
            version=name,
            architecture=_said("dpkg", "--print-architecture"),
            maintainer=MAINTAINER,
            depends=", ".join(
                (f"python3 (>= 3.{minor}~)", f"python3 (<< 3.{minor + 1}~)", *DEPENDS)
            ),
            size=sum(path.stat().st_size for path in files) // 1024,
        ),
    )
    _write(control / "md5sums", sums)
    _write(control / "conffiles", f"/{CONFIGURATION}\n/etc/logrotate.d/liveresize\n")
    for script in SCRIPTS:
        _write(control / script, (DEPLOY / "debian" / script).read_text(), 0o755)


def _placed(text: str) -> str:
    """Return a file of deploy/systemd with the paths of the package."""
    return text.replace("/opt/liveresize", f"/{HOME}").replace("/usr/local/sbin", "/usr/bin")


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file, packed where its name ends in `.gz`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)
    path.chmod(mode)


def unpacked(package: Path, folder: Path) -> None:
    """Unpack the files of a package."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)  # noqa: S607
