"""What schemathesis cannot know of itself: tokens, pictures, and rules that no schema can tell.

It loads this by its path; what it has to know comes from the environment.
"""

import itertools
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import requests
import schemathesis
from hypothesis import strategies
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.generation import GenerationMode
from schemathesis.openapi.checks import MissingHeaderNotRejected, RejectedPositiveData

_SECRET = os.environ["CONTRACT_SECRET"]
_PICTURE = Path(os.environ["CONTRACT_PICTURE"]).read_bytes()

_pictures = strategies.sampled_from([_PICTURE, _PICTURE, _PICTURE[:99], b"", b"no picture"])

schemathesis.openapi.media_type("image/*", _pictures)
schemathesis.openapi.media_type("application/octet-stream", _pictures)
schemathesis.openapi.media_type("application/offset+octet-stream", _pictures)


@schemathesis.deserializer(
    "text/html", "text/css", "text/javascript", "application/openmetrics-text"
)
def as_text(context: Any, response: Any) -> str:
    """These have the schema of text."""
    return str(response.text)


_LATER = "a token for each upload"

_HEADERS = {
    "admin": ("Authorization", f"Bearer {os.environ['CONTRACT_ADMIN']}"),
    "vipToken": ("X-Vip-Token", os.environ["CONTRACT_VIP_TOKEN"]),
    "vipOrigin": ("Origin", os.environ["CONTRACT_ORIGIN"]),
    "uploadToken": ("X-Token", _LATER),
}
"""By security scheme."""


def _raw(case: Any) -> dict[str, Any]:
    """The operation as the document has it."""
    raw: dict[str, Any] = case.operation.definition.raw
    return raw


def _ask(case: Any, path: str, **more: Any) -> Any:
    base = case.operation.schema.get_base_url().rstrip("/")
    return requests.post(base + path, timeout=30, **more)


def _token(case: Any, name: str) -> str:
    wanted = {"id": name, "secret": _SECRET}
    answer = _ask(case, "/token", json=wanted)
    return str(answer.json().get("token", "none for this name"))


@schemathesis.auth(refresh_interval=None)
class Credentials:
    """What an operation asks for; an upload gets its token once it has its name."""

    def get(self, case: Any, context: Any) -> dict[str, str]:
        schemes = {name for each in _raw(case).get("security", []) for name in each}
        if _raw(case)["operationId"].startswith("get"):
            schemes.discard("admin")  # of the public, who is redirected
        found = {name: value for name, value in _HEADERS.items() if name in schemes}
        return dict(found.values())

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        case.headers.update(data)


_names = itertools.count()
_renditions = itertools.count()

_EXAMPLES = ("sample", "animated", "01a200247b74f11b3a1f5d1b5dc5", "400x0-qa82-jpeg.jpg")
"""Parts of keys, in the document and in schemathesis.toml."""

_EXAMPLE = "6f1ed002ab5595859014ebf0951522d9-1440x960"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Lead to pictures that are there, and give what only an application knows."""
    path, called = case.path_parameters, _raw(case)["operationId"].removesuffix("Head")
    if called in ("createToken", "studioToken") and isinstance(case.body, dict):
        case.body.setdefault("secret", _SECRET)
        if case.body.get("id") == "sample":
            case.body["id"] = f"wanted-{next(_names)}"
    elif called.startswith("upload") and (case.headers or {}).get("X-Token") == _LATER:
        if len(path["name"]) < 200:  # else it is meant to be too long
            path["name"] += f"-{next(_names)}"
        case.headers["X-Token"] = _token(case, path["name"])
    elif called.startswith("getObject"):
        bucket = called == "getObjectOfBucket"
        for name, value in json.loads(os.environ["CONTRACT_KEYS"])[bucket].items():
            if path[name] in _EXAMPLES:
                path[name] = value
    elif path and path.get("id") == _EXAMPLE:
        path["id"] = os.environ["CONTRACT_ID"]
    elif called == "getRendition" and _is_valid(case) and next(_renditions) == 0:
        # Too large, which with so many parameters few are that get so far.
        path |= {"name": "sample", "width": 5000}
        case.query.clear()
    if called == "delete" and path["name"] == "sample":
        path["name"] = f"doomed-{next(_names)}"
        headers = {"X-Token": _token(case, path["name"]), "Content-Type": "image/png"}
        _ask(case, f"/{path['name']}", data=_PICTURE, headers=headers)
    elif called == "deleteOfBucket" and path["bucket"] == "pics":
        answer = _ask(case, "/upload/pics", data=_PICTURE, headers=dict([_HEADERS["vipToken"]]))
        path["id"] = answer.json()["url"].rpartition("/")[2]


def _is_valid(case: Any) -> bool:
    """Whether the request is one that the document allows."""
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


def _sides(case: Any) -> bool:
    """Not both may be 0, which is a rule about two parameters at once."""
    path = case.path_parameters or {}
    return str(path.get("width")) == str(path.get("height")) == "0"


_NEVER = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")


def _name(case: Any) -> bool:
    """Names are counted in bytes, and schemas count characters; and what comes of a link or
    of an earlier answer is tried although no schema allows it."""
    path = case.path_parameters or {}
    segments = [*map(str, path.values()), f"{path.get('name')}.{path.get('ext')}"]
    return any(len(each.encode()) > 255 or _NEVER.search(unquote(each)) for each in segments)


def _exponent(case: Any) -> bool:
    """Numbers are written in decimals, 0.0000001 and not 1e-07."""
    return any("e-" in repr(value) for value in (case.query or {}).values())


def _fits(case: Any) -> bool:
    """A part begins inside its picture, and a pad leaves room for it: no schema knows the sizes."""
    return bool({"rect", "pad"} & set(case.query or {}))


def _crop(case: Any) -> bool:
    """A crop has a part of its picture."""
    return bool({"x", "y", "width", "height"} & set(case.query or {}))


def _image(case: Any) -> bool:
    """No schema tells what is a picture."""
    body = case.body
    return (body.get("image") if isinstance(body, dict) else body) != _PICTURE


def _id(case: Any) -> bool:
    """Ids are in NFC, and read as nothing else; patterns of that would help nobody."""
    return isinstance(case.body, dict)


def _warmup(case: Any) -> bool:
    """An entry of nothing but spaces is none."""
    return not str((case.headers or {}).get("X-Vip-Warmup", "")).strip(" ,\t")


def _version(case: Any) -> bool:
    """Nobody knows which version the picture has by now."""
    return "If-Match" in (case.headers or {})


def _record(case: Any) -> bool:
    """A picture is kept until a time that is yet to come, and `meta` is counted in bytes; unknown
    fields alone change nothing."""
    body = case.body
    known = {"focus", "meta", "held", "keep_until", "claimed"}
    return isinstance(body, dict) and (
        bool({"meta", "keep_until"} & set(body)) or not known & set(body)
    )


def _since(case: Any) -> bool:
    """Not every date of the grammar is a time: years before 1970, leap seconds."""
    return "uploaded_since" in (case.query or {})


def _in_parts(case: Any) -> bool:
    """Offset, length, body and checksum depend on each other, and on the parts before."""
    return True


_ACCEPTED = (AcceptedNegativeData, MissingHeaderNotRejected)

_UPLOADED = (_image, _crop, _name)

_BEYOND_SCHEMAS: dict[str, dict[int, tuple[Callable[[Any], bool], ...]]] = {
    "getRendition": {400: (_sides, _name, _exponent, _fits)},
    "getRenditionHead": {400: (_sides, _name, _exponent, _fits)},
    "getDenseRendition": {400: (_sides, _name, _exponent, _fits)},
    "getDenseRenditionHead": {400: (_sides, _name, _exponent, _fits)},
    "getConverted": {400: (_name, _exponent, _fits)},
    "getConvertedHead": {400: (_name, _exponent, _fits)},
    "getOriginal": {400: (_name, _exponent, _fits)},
    "getOriginalHead": {400: (_name, _exponent, _fits)},
    "getFacts": {400: (_name,)},
    "getFactsHead": {400: (_name,)},
    "getOfBucket": {400: (_name,)},
    "getOfBucketHead": {400: (_name,)},
    "list": {400: (_since,)},
    "listHead": {400: (_since,)},
    "delete": {400: (_name,)},
    "deleteOfBucket": {400: (_name,)},
    "change": {400: (_name, _record), 412: (_version,)},
    "changeOfBucket": {400: (_name, _record), 412: (_version,)},
    "createToken": {400: (_id,)},
    "studioToken": {400: (_id,)},
    "upload": {400: _UPLOADED, 415: _UPLOADED, 422: _UPLOADED},
    "uploadNamed": {400: _UPLOADED, 415: _UPLOADED, 422: _UPLOADED},
    "uploadInParts": dict.fromkeys((400, 413, 415, 422, 460), (_in_parts,)),
    "sendPart": {400: (_in_parts,)},
    "sendPartByPost": {400: (_in_parts,)},
    "partsHead": {400: (_name,)},
    "deleteParts": {400: (_name,)},
    "uploadToBucket": {400: (_image,), 415: (_image,), 422: (_image,)},
    "warmUp": {400: (_warmup, _name)},
}
"""Operation and status → what explains it, where a schema has nothing against the request."""


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether it is one: a request may be as its schema says and still be refused."""
    if case.operation.path.startswith("/{name}") and case.formatted_path.startswith("/_"):
        return False  # what begins with an underscore is an address of none of these
    if isinstance(failure, _ACCEPTED) and response.status_code in (412, 413):
        return False  # these are refusals, too
    if isinstance(failure, AcceptedNegativeData):
        return "" not in (case.query or {}).values()  # an empty value is as good as none
    if not isinstance(failure, RejectedPositiveData):
        return True
    if response.status_code == 416:
        return False  # how long a picture is no schema tells
    excuses = _BEYOND_SCHEMAS.get(_raw(case)["operationId"], {})
    return not any(explains(case) for explains in excuses.get(response.status_code, ()))
