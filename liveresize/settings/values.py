"""Reading one value: from JSON or from the text of an environment variable to its type."""

import enum
import ipaddress
import json
import math
import re
import urllib.parse
from collections.abc import Callable


class Kind(enum.Enum):
    """What a value is made of; the value reads on after "must be"."""

    SWITCH = "true or false"
    WHOLE = "a whole number"
    NUMBER = "a number"
    TEXT = "text"
    TEXTS = "a list of texts that are not empty"
    PRESETS = "an object of named objects of query parameters"
    OBJECT = "an object"
    OBJECTS = "an object of named objects"
    NAMED_TEXTS = "an object of texts that are not empty"
    ENTRIES = "a list of objects"


class Form(enum.Enum):
    """What a text, or each text of a list, must look like; reads on after "must be"."""

    NETWORK = "a network such as 10.0.0.0/8"
    URL = "empty or a URL that starts with http:// or https://"
    HTTPS_URL = "empty or a URL that starts with https:// and ends with its host"
    HOST = "empty or a host such as images.example.com or images.example.com:8443"
    BUCKET = "`*` or the name of a bucket"
    DATABASE_URL = "empty or a URL that starts with postgresql://"
    SIZE = "a size such as 400x300 or 400x0"
    SIGNING_KEY = "a text of at least 16 bytes"
    SOCKET = "empty, the path of a socket, or host:port"
    OUTPUT = "stdout, the path of a file, or tcp://host:port"


_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_PATTERNS = {
    Form.HTTPS_URL: re.compile(f"(?:https://{_HOST})?"),
    Form.SOCKET: re.compile(r"(?:/.*|[^/\s:]+:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5})?"),
    Form.HOST: re.compile(f"(?:{_HOST})?"),
    # Names of today's buckets, and of those that were made under older rules.
    Form.BUCKET: re.compile(r"\*|[A-Za-z0-9][A-Za-z0-9._-]{2,254}"),
    Form.SIZE: re.compile(r"(?!0+x0+\Z)[0-9]{1,5}x[0-9]{1,5}"),
}

_LEAST_KEY = 16
"""Bytes of the shortest key of signatures: it must not be found by trying."""


def read(kind: Kind, value: object) -> object:
    """`value` as `kind`; raises ValueError where it is something else.

    Texts are taken for numbers, switches, lists and objects too: that is how the
    environment gives them, and the published service turned `"5"` into 5 as well.
    """
    try:
        return _READERS[kind](value)
    except (TypeError, LookupError, OverflowError, RecursionError) as exc:
        raise ValueError(kind.value) from exc


def has_form(text: str, form: Form) -> bool:
    """Whether `text` looks like `form`."""
    if form is Form.NETWORK:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            return False
        return True
    if form is Form.SIGNING_KEY:
        try:
            return len(text.encode()) >= _LEAST_KEY
        except UnicodeEncodeError:
            return False
    if form in _PATTERNS:
        return bool(_PATTERNS[form].fullmatch(text))
    try:
        parts = urllib.parse.urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if form is Form.OUTPUT:
        if not text.startswith("tcp:"):
            return bool(text)
        return bool(parts.hostname and port) and not parts.path
    if form is Form.DATABASE_URL:
        return not text or parts.scheme in ("postgresql", "postgres", "postgresql+asyncpg")
    return not text or (parts.scheme in ("http", "https") and bool(parts.hostname))


def _switch(value: object) -> bool:
    if isinstance(value, str):
        return {"true": True, "false": False}[value.strip().lower()]
    if isinstance(value, bool):
        return value
    raise TypeError


def _number(value: object) -> float:
    # A bool is an int to Python, and never a number to whoever writes a configuration.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            value = json.loads(value)
        else:
            value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise TypeError
    return tuple(value)


def _presets(value: object) -> dict[str, dict[str, str]]:
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, dict):
        raise TypeError
    return {name: _parameters(given) for name, given in value.items()}


def _object(value: object) -> dict[str, object]:
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, dict):
        raise TypeError
    return value


def _objects(value: object) -> dict[str, dict[str, object]]:
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise TypeError
    return value


def _named_texts(value: object) -> dict[str, str]:
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, dict) or not all(
        isinstance(each, str) and each for each in value.values()
    ):
        raise TypeError
    return value


def _entries(value: object) -> tuple[dict[str, object], ...]:
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise TypeError
    return tuple(value)


def _parameters(given: object) -> dict[str, str]:
    """Query parameters as texts; numbers and switches are spelled as in a URL."""
    if not isinstance(given, dict):
        raise TypeError
    if not all(isinstance(each, str | int | float) for each in given.values()):
        raise TypeError
    return {
        name: each if isinstance(each, str) else json.dumps(each) for name, each in given.items()
    }


_READERS: dict[Kind, Callable[[object], object]] = {
    Kind.SWITCH: _switch,
    Kind.WHOLE: _whole,
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.PRESETS: _presets,
    Kind.OBJECT: _object,
    Kind.OBJECTS: _objects,
    Kind.NAMED_TEXTS: _named_texts,
    Kind.ENTRIES: _entries,
}
