"""The code for apps in the guide about uploads: compiled, and run where that is possible."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from web import servers

from clients import builds
from docs import guides

pytestmark = pytest.mark.long

HERE = Path(__file__).parent / "phones"
UPLOADING = "docs/uploading.md"
SAMPLE = guides.ROOT / "docs" / "sample.jpg"
SMALL = guides.ROOT / "docs" / "studio-narrow.png"

JARS = guides.ROOT / "scratch" / "maven" / "phones"
"""The class path that Maven has written: of the compiler, and of what the page imports."""

NATIVE = guides.ROOT / "scratch" / "npm" / "react-native@0.88.1"


def jars() -> list[Path]:
    """What Kotlin needs; empty if any of it is missing."""
    paths = [Path(each) for each in JARS.read_text().split(os.pathsep)] if JARS.exists() else []
    return paths if all(path.exists() for path in paths) else []


needs_kotlin = pytest.mark.skipif(
    not jars() or shutil.which("java") is None,
    reason="scripts/test --all fetches the Kotlin compiler, with Maven",
)
needs_native = pytest.mark.skipif(
    not NATIVE.exists(), reason="scripts/test --all fetches React Native's types, with npm"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server without a secret."""
    with servers.Running(tmp_path_factory.mktemp("phones")) as running:
        yield running


def ran(*command: object, folder: Path) -> str:
    """What a program prints."""
    ran = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def block(language: str) -> str:
    """The only code of the page in that language."""
    (code,) = guides.blocks(UPLOADING, language)
    return code


def judged(server: servers.Running, id_: str, text: str) -> None:
    """The first upload is stored; the second one is told why it was refused."""
    told = json.loads(text)
    assert (told["receipt"]["id"], told["receipt"]["original_width"]) == (id_, 1440)
    assert server.client.get(f"/{quote(id_)}_40_0.jpg").status_code == 200
    assert (told["status"], told["code"]) == (403, "token_refused")
    assert "token" in told["error"]


@needs_kotlin
def test_kotlin_uploads(server: servers.Running, tmp_path: Path) -> None:
    """Compiled without a warning."""
    (tmp_path / "Upload.kt").write_text(block("kotlin"))
    shutil.copy(HERE / "Main.kt", tmp_path)
    path = os.pathsep.join(map(str, jars()))
    java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    compiler = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
    options = ["-Werror", "-no-stdlib", "-no-reflect", "-classpath", path, "-d", "out"]
    ran(*java, "-cp", path, compiler, *options, "Upload.kt", "Main.kt", folder=tmp_path)
    id_ = "кот & more"
    given = [server.url, id_, server.client.token(id_), SAMPLE, SMALL]
    classes = os.pathsep.join(["out", path])
    judged(server, id_, ran(*java, "-cp", classes, "MainKt", *given, folder=tmp_path))


@builds.needs_npm
@needs_native
def test_react_native_uploads(server: servers.Running, tmp_path: Path) -> None:
    """With React Native's types for `fetch` and `FormData`, and none of a browser or Node."""
    (tmp_path / "upload.ts").write_text(block("ts"))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "main.mjs", tmp_path)
    compiler = builds.MODULES / "typescript" / "bin" / "tsc"
    options = ["--strict", "--target", "ES2022", "--lib", "ES2022"]
    kinds = NATIVE / "src" / "types" / "globals.d.ts"
    ran("node", compiler, *options, "--skipLibCheck", "upload.ts", kinds, folder=tmp_path)
    id_ = "犬 & more"
    given = [server.url, id_, server.client.token(id_), SAMPLE.as_uri(), SMALL.as_uri()]
    judged(server, id_, ran("node", "main.mjs", *given, folder=tmp_path))


@pytest.mark.parametrize("language", ["swift", "dart"])
def test_the_syntax_of_what_cannot_be_compiled(language: str) -> None:
    """No part of it is an error, or missing, for the grammar of the language."""
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip(f"tree_sitter_{language}").language
    parser = tree_sitter.Parser(tree_sitter.Language(grammar()))

    def sound(code: str) -> bool:
        return not parser.parse(code.encode()).root_node.has_error

    code = block(language)
    assert sound(code)
    assert not sound(code.replace("}", "", 1))
