"""Write clients/cases.json: calls of the URL helpers, and what they return in every language.

    python -m scripts.client_cases

Each parameter has its example, and the alternatives of its schema; so a new row of the table of
operations brings its own cases. Clients without a parser of the server's need not refuse
what the server would: cases with an `error` say of which kind it is.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from liveresize import errors, urls
from liveresize.core import signing
from liveresize.core.operations import OPERATIONS

PATH = Path(__file__).parents[1] / "clients" / "cases.json"

KEY = "0123456789abcdef"
BASE = "https://images.example.com"
NAMES = ("cat", "2024-06-01", "a b", "größe", "50%", "a+b&c=d", "tilde~(1)!*'", "x_y", "日本")
"""Ids: plain, with what URLs escape, and with what only some libraries do."""


def text() -> str:
    """Return what the file should contain."""
    lines = ",\n  ".join(json.dumps(case, ensure_ascii=False) for case in cases())
    return f'{{"base": "{BASE}", "key": "{KEY}", "cases": [\n  {lines}\n]}}\n'


def cases() -> Iterator[dict[str, Any]]:
    """Yield every case with its result."""
    for call in _calls():
        try:
            yield {**call, "result": run(call)}
        except errors.BadParameter:
            yield {**call, "error": "bad_parameter"}
        except errors.MalformedUrl:
            yield {**call, "error": "malformed_url"}


def run(call: Mapping[str, Any], helpers: Any = urls) -> Any:
    """Return what the function of a case returns, of the module `helpers`."""
    if call["call"] == "sign":
        return signing.sign(call["target"], KEY, call.get("exp"))
    options = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in call.get("options", {}).items()
    }
    box = call.get("width", 0), call.get("height", 0)
    if call["call"] == "size":
        return list(helpers.size(tuple(call["original"]), *box, **options))
    return getattr(helpers, call["call"])(call["name"], *box, **options)


def _calls() -> Iterator[dict[str, Any]]:
    for name in NAMES:
        yield _url(name, 400, 300)
        yield _url(name)
    for width, height in ((400, 0), (0, 300), (1, 1), (999999999, 1), (-1, 5), (1000000000, 0)):
        yield _url("cat", width, height)
    for output in ("jpg", "JPEG", "png", "webp", "avif", "gif", "auto", "json", "", "exe"):
        yield _url("cat", format=output)
        yield _url("cat", 400, 300, format=output)
    for density in (1, 2, 20, 21):
        yield _url("cat", 400, 300, density=density)
    yield _url("cat", density=2)
    for name, operation in OPERATIONS.items():
        for value in _values(operation.schema, operation.example):
            yield _url("cat", 400, 300, **{name: value})
    yield _url("cat", 400, 300, gravity=[0.3, 0.6], fit="crop")
    yield _url("cat", 400, 300, gravity=[1 / 3, 0.1 + 0.2], fit="crop")
    yield _url("cat", 400, 300, fit="stretch")
    yield _url("cat", 400, 300, preset="card", version="1a2b3c4d", proxy=True, allow_webp=False)
    yield _url("cat", 400, 300, bg="", blur=None)
    yield _url("cat", 400, 300, base=BASE)
    yield _url("cat", 400, 300, base=f"{BASE}/images/")
    yield _url("größe", 400, 300, base=BASE, fit="crop", gravity=[0.3, 0.6], key=KEY)
    yield _url("cat", 400, 300, key=KEY, exp=1900000000)
    yield _url("cat", 400, 300, key=KEY, held=True, exp=1900000000)
    yield _url("cat", 400, 300, key="short")
    yield _url("cat", 400, 300, exp=1900000000)
    yield _of("srcset", 400, 300, fit="crop", format="jpg")
    yield _of("srcset", 400, 300, densities=[1, 2])
    yield _of("srcset", widths=[320, 640, 1280])
    yield _of("srcset", 16, 9, widths=[320, 641, 1281], fit="crop", gravity=[0.3, 0.6])
    yield _of("srcset", 0, 9, widths=[320])
    yield _of("srcset", widths=[320, 640], pad=[1, 20, 3, 4], fit="crop")
    yield _of("picture", 400, 300, alt='A "cat" & a <dog>\'s', fit="crop")
    yield _of("picture", 16, 9, alt="", widths=[320, 640], sizes="(min-width: 40em) 50vw, 100vw")
    yield _of("picture", 400, 300, alt="", fit="crop", pad=[5, 7], radius="max")
    yield _of("picture", 400, 0, alt="Cat", original=[4000, 3000], formats=["jpg"], densities=[1])
    for fit in ("clip", "crop", "cover", "canvas", "fill"):
        for box in ((400, 300), (333, 0), (0, 77), (400, 400)):
            yield {
                "call": "size",
                "original": [4001, 2999],
                "width": box[0],
                "height": box[1],
                "options": {"fit": fit},
            }
    for pad in (10, [1, 2, 3], "5,7"):
        yield {
            "call": "size",
            "original": [400, 300],
            "width": 40,
            "height": 0,
            "options": {"pad": pad},
        }
    for target in (
        "/cat_400_300.jpg",
        "/cat_400_300.jpg?quality=80&fit=crop&utm=1",
        "/a%20b_400_0.auto?gravity=0.3,0.6",
        "/a%2Fb.jpg?bg=%66ff",
        "/cat.json?sig=old&exp=1",
    ):
        yield {"call": "sign", "target": target}
        yield {"call": "sign", "target": target, "exp": 1900000000}


def _url(name: str, width: int = 0, height: int = 0, **options: Any) -> dict[str, Any]:
    return {"call": "url", "name": name, "width": width, "height": height, "options": options}


def _of(call: str, width: int = 0, height: int = 0, **options: Any) -> dict[str, Any]:
    return {"call": call, "name": "cat", "width": width, "height": height, "options": options}


def _values(schema: Mapping[str, Any], example: object) -> Iterator[object]:
    """Yield values that a schema allows, and one that it does not."""
    if example is not None:
        yield example
    for each in schema.get("anyOf", [schema]):
        yield from each.get("enum", ())
        if "const" in each:
            yield each["const"]
        if each.get("type") == "boolean":
            yield from (True, False)
        if "minimum" in each:
            yield each["minimum"]
        if "maximum" in each:
            yield each["maximum"]
            yield each["maximum"] + 1
    yield "no such value"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
