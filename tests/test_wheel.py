"""The wheel, as somebody gets it who has nothing else of the project."""

import email.message
import email.parser
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from web import servers

import liveresize

ROOT = Path(__file__).parents[1]

GIVEN = os.environ.get("LIVERESIZE_WHEEL", "")
"""A wheel to try with all that it depends on fetched for it; scripts/wheel has built one."""

PATIENCE = 600.0
"""Seconds for an installation, from a distant index on a busy machine too."""

SETUPTOOLS = 77
"""The first that reads `license = "MIT"`."""

pytestmark = pytest.mark.long


def run(*command: str | Path, folder: Path, **environ: str) -> str:
    """What a command prints, in `folder` and with no more of an environment than it needs."""
    ran = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def new_enough() -> bool:
    """Whether this environment can build the wheel itself, so that nothing must be fetched."""
    if importlib.util.find_spec("setuptools") is None:
        return False
    version = run(sys.executable, "-c", "import setuptools as s; print(s.__version__)", folder=ROOT)
    return int(version.split(".")[0]) >= SETUPTOOLS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel: the one that is given, or one built of a copy, for building leaves traces."""
    if GIVEN:
        return Path(GIVEN)
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(
        ROOT / "liveresize", source / "liveresize", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("tests", "scripts", "docs"):
        (source / name).mkdir()
        (source / name / "__init__.py").touch()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "build/lib/liveresize").mkdir(parents=True)
    (source / "build/lib/liveresize/of_another_release.py").touch()
    isolation = ["--no-build-isolation"] if new_enough() else []
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", *isolation, "--wheel-dir", "dist", ".", folder=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel in it.

    What it depends on is fetched for a wheel that is given, else it is lent by this environment.
    """
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=bool(GIVEN), symlinks=True)
    python = place / "bin" / "python"
    if GIVEN:
        run(python, "-m", "pip", "install", "--disable-pip-version-check", wheel, folder=place)
        return place / "bin"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, folder=place)
    paths = {"base": str(place), "platbase": str(place)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    # A line of a .pth is a path and no more: the .pth files that lie there are not followed.
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin"


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode())


def test_it_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    """Every file of liveresize/ is in it, data included; no test, script, page or earlier build."""
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "liveresize").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = contents(wheel)
    assert files - held == set()
    assert "liveresize/py.typed" in held
    assert any(
        name.startswith("liveresize/storage/index/migrations/versions/r0001") for name in held
    )
    others = held - files
    about = f"liveresize-{liveresize.__version__}.dist-info"
    assert {name.split("/")[0] for name in others} == {about}


def test_it_says_what_it_is(wheel: Path) -> None:
    """Name, version, licence, Python, command, and the README as its description."""
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == ("liveresize", liveresize.__version__)
    assert (said["License-Expression"], said["Requires-Python"]) == ("MIT", ">=3.11")
    assert said["License-File"] == "LICENSE"
    assert said["Description-Content-Type"] == "text/markdown"
    text = said.get_payload()
    assert isinstance(text, str)
    assert text.strip() == (ROOT / "README.md").read_text().strip()
    assert not [each for each in said.get_all("Requires-Dist", []) if " @ " in each]
    assert wheel.name.endswith("-py3-none-any.whl")


def test_it_is_what_the_environment_runs(installed: Path, tmp_path: Path) -> None:
    """The package comes out of the wheel, not out of the folder that the tests are in."""
    place = run(
        installed / "python", "-c", "import liveresize as l; print(l.__file__)", folder=tmp_path
    )
    assert Path(place.strip()).is_relative_to(installed.parent)
    said = run(installed / "liveresize", "--version", folder=tmp_path)
    assert said == f"liveresize {liveresize.__version__}\n"


def test_its_commands_need_nothing_but_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """Help, settings and the database work where there is no configuration at all."""
    assert "serve" in run(installed / "liveresize", "--help", folder=tmp_path)
    shown = json.loads(run(installed / "liveresize", "check-config", "--json", folder=tmp_path))
    assert shown
    run(installed / "liveresize", "migrate", folder=tmp_path)
    assert (tmp_path / "data" / "liveresize.sqlite").exists()
    helper = "from liveresize import urls; print(urls.url('cat', 400))"
    written = run(installed / "python", "-c", helper, folder=tmp_path)
    assert written == "/cat_400_0.auto\n"


@pytest.fixture
def server(installed: Path, tmp_path: Path) -> Iterator[servers.Client]:
    """A client of `liveresize serve`, which was started in an empty folder."""
    log = tmp_path / "log"
    environ = servers.environ(tmp_path, log__output=str(log), studio=True)
    process = subprocess.Popen(
        [installed / "liveresize", "serve"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )

    def address() -> str:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0].decode())
        lines = log.read_text().split("\n")[:-1] if log.exists() else []
        started = [line for line in map(json.loads, lines) if line["event"] == "server_started"]
        return str(started[0]["urls"][0]) if started else ""

    try:
        with servers.Client(servers.until(address, 60)) as client:
            yield client
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_it_serves(server: servers.Client) -> None:
    """An upload, a rendition of each format, the facts, the studio and the contract."""
    server.put_in("cat", (ROOT / "docs" / "sample.jpg").read_bytes())
    for extension in ("jpg", "png", "webp", "avif", "gif", "auto"):
        answer = server.get(f"/cat_64_0.{extension}?fit=crop")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("image/")
    assert server.get("/cat.json").json()["thumbhash"]
    assert server.get("/_health").text == "OK"
    assert server.get("/_studio/").status_code == 200
    assert server.get("/_studio/studio.js").status_code == 200
    assert server.get("/openapi.json").json()["info"]["version"] == liveresize.__version__
