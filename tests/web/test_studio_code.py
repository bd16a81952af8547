"""The code that the studio hands out: it makes the same picture in every language."""

import html.parser
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest

from clients import builds
from liveresize import urls

from . import scripts

pytestmark = scripts.needs_node

BASE = "https://images.example.com"

FACTS = {"width": 1440, "height": 960, "has_alpha": False, "frames": 1}

QUERY = [
    *[["fit", "crop"], ["gravity", "0.1,0.9"], ["rect", "0.1,0.1,0.5,0.5"], ["quality", "70"]],
    *[["blur", "2.5"], ["tint", "264653,e9c46a"], ["grey", "true"], ["rotate", "90"]],
    *[["bg", "264653"], ["radius", "20"], ["pad", "10"], ["animate", "false"], ["preset", "card"]],
]

SIDES = {"original": (1440, 960)}

SHOTS: dict[str, tuple[dict[str, Any], list[list[str]], tuple[int, int], dict[str, Any]]] = {
    "plain": ({"format": "auto"}, [], (600, 400), SIDES),
    "crop": ({"format": "auto"}, QUERY[:2], (700, 400), {}),
    "everything": ({"format": "auto", "radius": "20"}, QUERY, (720, 420), {}),
    "one format": ({"format": "webp"}, QUERY[:1], (700, 400), {}),
    "JPEG XL": ({"format": "jxl"}, [], (600, 400), SIDES),
    "one side": ({"format": "auto", "h": 0}, [], (700, 467), SIDES),
    "too large for 2x": (
        {"format": "avif", "w": 1100},
        [],
        (600, 400),
        {**SIDES, "densities": [1]},
    ),
    "transparent": ({"format": "auto", "clear": True}, [["bg", "transparent"]], (600, 400), SIDES),
}
"""Knobs, the query, the size that came, and what the helper for pictures takes besides."""

IDS = ["cat srcset=", 'it\'s "50%" & <b>, {{ö}} %} (1)!*']


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> scripts.Call:
    """Calls functions of the scripts."""
    return scripts.caller(tmp_path_factory.mktemp("scripts"))


def shot(case: str, name: str) -> dict[str, Any]:
    """What the stage shows."""
    turned, query, size, _ = SHOTS[case]
    knobs = {"w": 700, "h": 400, "n": 1, "clear": False, "enlarge": True, "radius": "", **turned}
    shown = {"width": size[0], "height": size[1], "type": "image/avif"}
    told = {"id": name, "facts": FACTS, "knobs": knobs, "why": {}, "session": scripts.SESSION}
    return {**told, "query": query, "shown": shown, "url": f"{BASE}/it's"}


def expected(case: str, name: str) -> list[tuple[str, dict[str, str | None]]]:
    """The elements that the helper of the server makes."""
    turned, query, size, more = SHOTS[case]
    clear = turned.get("clear") or turned.get("radius")
    last = "png" if clear else "jpg"
    made = urls.picture(
        name,
        turned.get("w", 700),
        turned.get("h", 400),
        formats=("avif", "webp", last) if turned["format"] == "auto" else (turned["format"],),
        **dict(query),  # type: ignore[arg-type]
        **{"alt": "", "base": BASE, **more},
        attributes={"width": str(size[0]), "height": str(size[1])},
    )
    return tags(made)


def tags(markup: str) -> list[tuple[str, dict[str, str | None]]]:
    """The elements but for `<picture>`, with the spaces of a srcset as one."""
    found: list[tuple[str, dict[str, str | None]]] = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag != "picture":
                found.append((tag, {key: " ".join((value or "").split()) for key, value in attrs}))

    Parser().feed(markup)
    return found


CASES = [(case, name) for case in SHOTS for name in IDS]


def test_html_and_templates_make_the_picture_of_the_helper(
    node: scripts.Call, tmp_path: Path
) -> None:
    """Whatever the knobs and the id; in Django one format stands for all, which is chosen late."""
    told = node([("snippets", f"{BASE}/", shot(*each)) for each in CASES])
    environment = jinja2.Environment(autoescape=True)

    def picture(*given: Any, **options: Any) -> str:
        return urls.picture(*given, base=BASE, **options)

    environment.filters["picture"] = picture
    for case, made in zip(CASES, told, strict=True):
        wanted = expected(*case)
        assert tags(made["HTML"]) == wanted, case
        assert tags(environment.from_string(made["Jinja2"]).render()) == wanted, case
    pages = [made["Django"] for made in told]
    for case, made in zip(CASES, rendered_by_django(pages, tmp_path), strict=True):
        wanted_image = expected(*case)[-1][1]
        turned, query, *_ = SHOTS[case[0]]
        boxed = turned.get("w", 700), turned.get("h", 400)
        address = urls.url(
            case[1],
            *boxed,
            format=turned["format"],
            base=BASE,
            **dict(query),  # type: ignore[arg-type]
        )
        ((tag, image),) = tags(made)
        assert (tag, image.pop("src")) == ("img", address), case
        assert str(image.pop("srcset")).startswith(f"{address} 1x"), case
        kept = {key: value for key, value in wanted_image.items() if not key.startswith("src")}
        assert image == kept, case


def rendered_by_django(pages: list[str], folder: Path) -> list[str]:
    """Pages in a process of their own, for Django is set up only once."""
    pytest.importorskip("django")
    (folder / "images.py").write_text(
        "from django import template\n"
        "from liveresize import urls\n"
        "register = template.Library()\n"
        "@register.simple_tag\n"
        "def image_url(name, width=0, height=0, **options):\n"
        f"    return urls.url(name, width, height, base={BASE!r}, **options)\n"
    )
    script = (
        "import django.conf, django.template, json, sys\n"
        "django.conf.settings.configure()\n"
        "engine = django.template.Engine(libraries={'images': 'images'})\n"
        f"context = django.template.Context({{'name': {IDS[1]!r}}})\n"
        "pages = map(engine.from_string, json.load(sys.stdin))\n"
        "print(json.dumps([page.render(context) for page in pages]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        input=json.dumps(pages),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    rendered: list[str] = json.loads(ran.stdout)
    return rendered


def test_the_line_for_curl_survives_a_shell(node: scripts.Call) -> None:
    """No letter of an id ends the quotes or names a file elsewhere."""
    path = node([("address", "it's; rm -rf $HOME", {"w": 8, "h": 6, "n": 1}, "auto", [])])[0]
    url = f"http://h/{path}"
    given = {**shot("plain", "../it's; rm"), "url": url}
    (made,) = node([("snippets", f"{BASE}/", given)])
    ran = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {made['curl']}"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [
        *["curl", "-L", "-H", "Accept: image/avif", "-o", "..-it-s-rm.avif", url],
    ]


@pytest.mark.long
@builds.needs_npm
def test_components_compile_and_make_the_picture(node: scripts.Call, tmp_path: Path) -> None:
    """React is checked by TypeScript, Vue compiled by its own compiler; both are rendered."""
    told = node([("snippets", f"{BASE}/", shot(*each)) for each in CASES])
    client = tmp_path / "node_modules" / "@liveresize" / "client"
    client.mkdir(parents=True)
    builds.build(client / "dist")
    (client / "package.json").write_text((builds.SOURCE / "package.json").read_text())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for path in builds.MODULES.iterdir():
        if not path.name.startswith("."):
            (tmp_path / "node_modules" / path.name).symlink_to(path)
    for number, made in enumerate(told):
        code = made["React"].replace("<", "export default <", 1)
        (tmp_path / f"react{number}.tsx").write_text(code)
        (tmp_path / f"vue{number}.vue").write_text(made["Vue"])
    builds.node(
        builds.MODULES / "typescript" / "bin" / "tsc",
        *["--jsx", "react-jsx", "--module", "nodenext", "--target", "es2022", "--strict"],
        *["--skipLibCheck", *(f"react{number}.tsx" for number in range(len(told)))],
        folder=tmp_path,
    )
    (tmp_path / "render.mjs").write_text(RENDER)
    rendered = json.loads(builds.node("render.mjs", len(told), folder=tmp_path))
    for case, pair in zip(CASES, rendered, strict=True):
        assert [tags(made) for made in pair] == [expected(*case)] * 2, case


RENDER = """
import { readFileSync, writeFileSync } from "node:fs";
import { renderToStaticMarkup } from "react-dom/server";
import { createSSRApp } from "vue";
import { compileScript, compileTemplate, parse } from "vue/compiler-sfc";
import { renderToString } from "vue/server-renderer";

const made = [];
for (let number = 0; number < Number(process.argv[2]); number++) {
  const react = (await import(`./react${number}.js`)).default;
  const { descriptor, errors } = parse(readFileSync(`vue${number}.vue`, "utf8"));
  if (errors.length) throw errors[0];
  const { content: source } = descriptor.template;
  const content = descriptor.scriptSetup
    ? compileScript(descriptor, { id: "x", inlineTemplate: true }).content
    : `${compileTemplate({ source, filename: "x", id: "x" }).code}; export default { render };`;
  writeFileSync(`vue${number}.js`, content);
  const vue = (await import(`./vue${number}.js`)).default;
  const shown = await renderToString(createSSRApp(vue));
  made.push([renderToStaticMarkup(react), shown]);
}
console.log(JSON.stringify(made));
"""
