"""The client package for Python: the server's own URLs, and its API against a server."""

import asyncio
import io
import json
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from web import servers

import scripts.client_cases
from liveresize import urls

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "clients" / "python"
PICTURE = ROOT / "docs" / "sample.jpg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, packed as they are for a wheel."""
    folder = tmp_path_factory.mktemp("client") / "python"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("_shared", "__pycache__"))
    runpy.run_path(str(SOURCE / "pack.py"))["write"](folder / "liveresize_client")
    return folder


@pytest.fixture(scope="module")
def package(folder: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(folder))
    import liveresize_client

    yield liveresize_client
    sys.path.remove(str(folder))
    for name in [each for each in sys.modules if each.startswith("liveresize_client")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    keys: dict[str, Any] = {"secret": servers.SECRET, "admin__secrets": [servers.ADMIN]}
    with servers.Running(tmp_path_factory.mktemp("server"), **keys) as running:
        yield running


def test_the_cases_are_those_of_the_helpers() -> None:
    """Written by `python -m scripts.client_cases` after each change of the parameters."""
    for path, content in scripts.client_cases.written().items():
        assert path.read_text(encoding="utf-8") == content, path


def test_the_packed_helpers_write_the_same(package: ModuleType) -> None:
    """Every case, its errors included."""
    names = {"bad_parameter": package.BadParameter, "malformed_url": package.MalformedUrl}
    assert package.url is not urls.url
    for case in json.loads(scripts.client_cases.PATH.read_text(encoding="utf-8"))["cases"]:
        if case["call"] == "sign":
            continue  # no function of the package; `url` signs
        if "error" in case:
            with pytest.raises(names[case["error"]]):
                scripts.client_cases.run(case, package)
        else:
            assert scripts.client_cases.run(case, package) == case["result"], case


def test_it_needs_nothing_of_the_server(folder: Path) -> None:
    """With httpx alone; neither the server nor what the server needs is imported."""
    program = (
        "import sys, liveresize_client\n"
        "heavy = {'liveresize', 'PIL', 'tornado', 'sqlalchemy', 'structlog', 'botocore'}\n"
        "print(sorted(heavy & sys.modules.keys()), liveresize_client.url('cat', 400, 300))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[] /cat_400_300.auto\n"


def test_a_picture_from_its_token_to_its_end(package: ModuleType, server: servers.Running) -> None:
    """A file by its path, an open one and bytes; changes, facts, the list, and the deletion."""
    with package.Client(server.url, secret=servers.SECRET, admin=servers.ADMIN) as client:
        token = client.token("sync-1", focus=(0.25, 0.5), meta={"by": "me"})
        assert "token=" not in repr(token)
        receipt = client.upload("sync-1", PICTURE, token=token.token)
        assert receipt["bytes"] > 0
        assert receipt["id"] == "sync-1"
        with PICTURE.open("rb") as file:
            assert client.upload("sync-2", file)["sha256"] == receipt["sha256"]
        cropped = client.upload(
            "sync-3", PICTURE.read_bytes(), crop={"x": 10, "y": 20, "width": 30}
        )
        assert cropped["original_width"] == 30
        facts = client.facts("sync-1")
        assert (facts["focus"], facts["meta"]) == ([0.25, 0.5], {"by": "me"})
        changed = client.change("sync-1", version=facts["version"], held=True)
        assert changed["state"] == "held"
        assert [each["id"] for each in client.list(prefix="sync-", held=False)] == [
            "sync-2",
            "sync-3",
        ]
        assert client.delete("sync-1")["id"] == "sync-1"
        with pytest.raises(package.RefusedByServer) as refused:
            client.facts("sync-1")
        assert (refused.value.status, refused.value.code) == (404, "original_missing")
        assert refused.value.request_id


def test_many_pages_are_followed(
    package: ModuleType, server: servers.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until there is no next one; the list of nothing is empty."""
    calls = sys.modules["liveresize_client.calls"]
    monkeypatch.setattr(calls, "PAGE", 2)
    with package.Client(server.url, secret=servers.SECRET, admin=servers.ADMIN) as client:
        names = [f"page-{number}" for number in range(5)]
        for token in client.tokens(names):
            client.upload(token.id, PICTURE, token=token.token)
        assert [each["id"] for each in client.list(prefix="page-")] == names
        assert list(client.list(prefix="none-")) == []


def test_the_same_with_an_event_loop(package: ModuleType, server: servers.Running) -> None:
    async def main() -> None:
        async with package.AsyncClient(
            server.url, secret=servers.SECRET, admin=servers.ADMIN
        ) as client:
            token = await client.token("async-1")
            receipt = await client.upload("async-1", PICTURE, token=token.token)
            with PICTURE.open("rb") as file:
                assert (await client.upload("async-2", file))["sha256"] == receipt["sha256"]
            await client.upload("async-3", PICTURE.read_bytes())
            assert [token.id for token in await client.tokens(["async-4"])] == ["async-4"]
            assert (await client.change("async-1", held=True))["state"] == "held"
            assert (await client.facts("async-1"))["held"]
            listed = [each["id"] async for each in client.list(prefix="async-")]
            assert listed == ["async-1", "async-2", "async-3"]
            assert (await client.delete("async-1"))["id"] == "async-1"
            with pytest.raises(package.RefusedByServer):
                await client.facts("async-1")

    asyncio.run(main())


def test_what_fails_says_so(package: ModuleType, server: servers.Running) -> None:
    """A refusal by its sentence and code; what is no server of ours by its address."""
    with package.Client(server.url, secret="wrong") as client:
        with pytest.raises(package.RefusedByServer) as refused:
            client.token("cat")
        assert refused.value.status == 401
        with pytest.raises(package.RefusedByServer) as refused:
            client.upload("cat", b"no picture", token="0" * 32)
        assert refused.value.status in (403, 404)
    with package.Client("http://127.0.0.1:9") as client, pytest.raises(package.ServerUnavailable):
        client.facts("cat")
    for answer in (httpx.Response(502, text="<h1>Bad gateway</h1>"), httpx.Response(200, json=[])):
        transport = httpx.MockTransport(lambda request, answer=answer: answer)
        other = package.Client("http://proxy", http=httpx.Client(transport=transport))
        with pytest.raises(package.ServerUnavailable, match="not as liveresize does"):
            other.facts("cat")
    gone = httpx.MockTransport(lambda request: httpx.Response(204))
    assert package.Client("http://old", http=httpx.Client(transport=gone)).delete("cat") == {}


@pytest.mark.long
def test_the_wheel_has_all_of_it(folder: Path, tmp_path: Path) -> None:
    """Built from the packed sources, as from a source distribution; types included."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", tmp_path, folder),
        ],
        capture_output=True,
        check=True,
    )
    (built,) = tmp_path.glob("liveresize_client-*.whl")
    with zipfile.ZipFile(io.BytesIO(built.read_bytes())) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    packed = {
        path.relative_to(folder).as_posix()
        for path in (folder / "liveresize_client").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    assert held == packed
    assert "liveresize_client/_shared/urls/address.py" in held
