"""The JavaScript client in Node: the URLs of all helpers, and the components around them."""

import html.parser
import json
import shutil
from pathlib import Path

import pytest

import scripts.client_cases

from . import builds

HERE = Path(__file__).parent

pytestmark = [pytest.mark.long, builds.needs_npm]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client, beside the packages that its components are for."""
    folder = tmp_path_factory.mktemp("js")
    builds.build(folder / "dist")
    (folder / "node_modules").symlink_to(builds.MODULES)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder / "dist"


def tags(markup: str) -> list[tuple[str, dict[str, str | None]]]:
    """The elements of a page: their names, and their attributes in any order and case."""
    found: list[tuple[str, dict[str, str | None]]] = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Parser().feed(markup)
    return found


def test_every_case_is_as_in_python(build: Path) -> None:
    """URLs, srcsets, pictures, sizes and signatures; errors by their kind."""
    wrong = json.loads(builds.node(HERE / "cases.mjs", build, scripts.client_cases.PATH))
    assert wrong == []


def test_components_make_the_same_picture(build: Path) -> None:
    """React and Vue, as on a server; unpic and Nuxt get URLs."""
    shutil.copy(HERE / "adapters.mjs", build.parent)
    made = json.loads(builds.node("adapters.mjs", build, folder=build.parent))
    expected = tags(made["html"])
    assert expected[-1][1]["class"] == "hero"
    assert [name for name, _ in expected] == ["picture", "source", "source", "img"]
    assert tags(made["react"]) == expected
    assert tags(made["vue"]) == expected
    base = "https://images.example.com"
    assert made["unpic"] == {
        "made": {
            "src": "a b",
            "operations": {
                "fit": "crop",
                "gravity": "0.3,0.6",
                "width": 800,
                "height": 600,
                "format": "webp",
            },
            "options": {"base": base},
        },
        "again": f"{base}/a%20b_800_600.webp?fit=crop&gravity=0.3%2C0.6",
        "smaller": f"{base}/cat_200_100.auto?fit=cover",
        "filled": f"{base}/cat_200_100.auto?fit=crop",
        "none": None,
    }
    assert made["nuxt"] == {
        "two": {"url": f"{base}/cat_400_0.auto?fit=crop"},
        "one": {"url": "/cat_40_30.auto?fit=canvas&bg=f0f0f0"},
        "plain": {"url": "/cat.auto"},
    }
