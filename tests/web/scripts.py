"""The scripts of the studio in Node, with just enough of a page for those that need none."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liveresize.core.operation import UrlRules
from liveresize.core.operations import OPERATIONS
from liveresize.http.studio import assets, knobs

from .test_studio import FOLDER

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")

SESSION: dict[str, Any] = {
    "enlarge": True,
    "max_width": 2000,
    "max_height": 2000,
    "presets": {},
    "order": [*OPERATIONS, "preset"],
}

TOLD = knobs.described(UrlRules(overlays=("logo",)))

MODULES = (
    "address",
    "code",
    "formats",
    "grid",
    "many",
    "markup",
    "rect",
    "srcset",
    "ssim",
    "stage",
    "thumbhash",
    "upload",
)

PAGE = """
globalThis.document = {
  baseURI: "http://host/_studio/", documentElement: {}, getElementById: () => null,
};
globalThis.IntersectionObserver = class {};
globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};
const { modules, told, asked } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const folder = process.argv[1];
Promise.all(modules.map((name) => import(`file://${folder}/${name}.mjs`))).then((found) => {
  const calls = Object.assign({}, ...found);
  calls.learn(told);
  const answer = ([call, ...given]) => {
    const value = call === "DEFAULTS" ? calls.DEFAULTS : calls[call](...given);
    return value instanceof ImageData ? { ...value, data: [...value.data] } : value;
  };
  process.stdout.write(JSON.stringify(asked.map(answer)));
});
"""

Call = Callable[[list[tuple[Any, ...]]], list[Any]]


def caller(folder: Path) -> Call:
    """Return what calls functions of the scripts, of which `folder` gets a copy.

    `call([(name, *arguments), …])` gives what they return.
    """
    for name in assets.load(locked=False):
        if name.endswith(".js"):
            # Node tells modules by the ends of their names.
            text = re.sub(r'(from "\./\w+)\.js"', r'\1.mjs"', (FOLDER / name).read_text())
            (folder / name).with_suffix(".mjs").write_text(text)

    def call(calls: list[tuple[Any, ...]]) -> list[Any]:
        ran = subprocess.run(
            ["node", "-e", PAGE, str(folder)],
            input=json.dumps({"modules": MODULES, "told": TOLD, "asked": calls}),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        told: list[Any] = json.loads(ran.stdout)
        return told

    return call
