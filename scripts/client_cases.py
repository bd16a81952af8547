"""Write what clients in other languages know of URLs.

    python -m scripts.client_cases

clients/cases.json has calls of the URL helpers, and what they return in every language.
clients/js/src/parameters.ts has the parameters, with their types and schemas.

Each parameter has its example in the cases, and the alternatives of its schema; so a new row of the
table of operations brings its own. Clients without a parser of the server's need not refuse all
that the server would: cases with an `error` say of which kind it is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from liveresize import errors, urls
from liveresize.compat.vip import requests as vip
from liveresize.core import parameters, signing
from liveresize.core.operations import OPERATIONS

FOLDER = Path(__file__).parents[1] / "clients"
PATH = FOLDER / "cases.json"

KEY = "0123456789abcdef"
BASE = "https://images.example.com"
NAMES = ("cat", "2024-06-01", "a b", "größe", "50%", "a+b&c=d", "tilde~(1)!*'", "x_y", "日本")
"""Ids: plain, with what URLs escape, and with what only some libraries do."""


def written() -> dict[Path, str]:
    """Return what each file should contain."""
    return {PATH: text(), FOLDER / "js" / "src" / "parameters.ts": typescript()}


def text() -> str:
    """Return every case as JSON."""
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
    for rect in ([10, 20, 30, 40], [0.25, 0, 0.5, 200], [1 / 3, 0.1 + 0.2, 0.0001, 1]):
        yield _url("cat", 400, 300, rect=rect)
    for options in (
        *({"rect": rect} for rect in ([10, 20, 30, 40], [0.25, 0, 0.5, 200], "50%,0.1,1.0,0.01%")),
        *({"rect": rect} for rect in ("0.33335,0.0,999999,1.0", [399, 299, 9, 9], "400,0,1,1")),
        {"rect": [0, 0, 0.5, 0.5], "rotate": 90, "fit": "crop", "enlarge": False},
        *({"trim": trim} for trim in (False, True, 0)),
        {"trim": True, "fit": "crop"},
        {"trim": True, "fit": "crop", "enlarge": False},
        {"trim": 7, "fit": "canvas", "enlarge": False},
    ):
        yield {
            "call": "size",
            "original": [400, 300],
            "width": 90,
            "height": 80,
            "options": options,
        }
    yield _of("picture", 400, 300, alt="", fit="crop", rect=[900, 0, 9, 9], trim=True)
    yield _of("picture", 400, 300, alt="", rect=[0.5, 0, 0.5, 0.5], original=[4000, 3000])
    yield _of("picture", 400, 300, alt="", trim=True, original=[4000, 3000])
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


def typescript() -> str:
    """Return the parameters as a module of TypeScript."""
    fields = "".join(
        f"  /** {_in_comment(operation.about)} */\n  {name}?: {_type(operation.schema)} | null;\n"
        for name, operation in OPERATIONS.items()
    )
    schemas = "".join(
        f"  {name}: {json.dumps(_checked(operation.schema), ensure_ascii=False)},\n"
        for name, operation in OPERATIONS.items()
    )
    return (
        "// Written by `python -m scripts.client_cases`.\n\n"
        f"/** The operations of a URL. */\nexport interface Operations {{\n{fields}}}\n\n"
        "/** A schema of values, with the few keywords that the table of operations uses. */\n"
        "export interface Schema {\n  enum?: readonly (string | number | boolean)[];\n"
        "  const?: string | number;\n  type?: string;\n  minimum?: number;\n"
        "  maximum?: number;\n  pattern?: string;\n  anyOf?: readonly Schema[];\n}\n\n"
        "/** The values of each operation, in the order of a URL. */\n"
        f"export const SCHEMAS: Record<keyof Operations, Schema> = {{\n{schemas}}};\n\n"
        "/** Every parameter that a signature covers, and those of vip's URLs beside them. */\n"
        f"export const SIGNED: readonly string[] = {json.dumps(list(parameters.KNOWN))};\n"
        f"export const SIGNED_OF_BUCKETS: readonly string[] = {json.dumps(list(vip.KNOWN))};\n"
    )


_KEYWORDS = ("enum", "const", "type", "minimum", "maximum", "pattern")


def _checked(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a schema that checks values."""
    if "anyOf" in schema:
        return {"anyOf": [_checked(each) for each in schema["anyOf"]]}
    return {name: schema[name] for name in _KEYWORDS if name in schema}


def _type(schema: Mapping[str, Any]) -> str:
    """Return the type of the values of a schema."""
    types: dict[str, None] = {}
    for each in schema.get("anyOf", [schema]):
        if "enum" in each or "const" in each:
            values = each.get("enum", [each.get("const")])
            types.update(dict.fromkeys(json.dumps(value) for value in values))
        elif each["type"] == "string":
            types["(string & {})"] = None
            if "," in each.get("pattern", "") and "A-F" not in each["pattern"]:
                types["readonly number[]"] = None
                if re.search(each["pattern"], "1"):
                    types["number"] = None
        else:
            types[_TYPES[each["type"]]] = None
    return " | ".join(types)


_TYPES = {"integer": "number", "number": "number", "boolean": "boolean"}


def _in_comment(about: str) -> str:
    return about.replace("*/", "* /")


if __name__ == "__main__":
    for path, content in written().items():
        path.write_text(content, encoding="utf-8")
