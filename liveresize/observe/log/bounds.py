"""How long a line may be, and what its texts may hold, whatever a request brought along."""

import json
from collections.abc import Mapping
from typing import Any

METHOD, PATH = 32, 2_048
"""Characters of a method and of a path that are kept. Elasticsearch takes no keyword of
more than 32,766 bytes, which is 2,048 characters however they are written, and room."""

LINE = 64 << 10
"""Bytes of a line. Half of what the strictest of the usual collectors is set to take."""

_LEAST = 16
"""Characters that are left of a text in the worst case."""

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def cut(text: str, most: int) -> str:
    """`text`, or its beginning and an ellipsis: `most` characters in all."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def is_plain(line: str) -> bool:
    """Whether a line of JSON is short enough, and holds no escape of a surrogate or of NUL."""
    return len(line) < LINE and "\\ud" not in line and "\\u0000" not in line


def fitted(fields: Mapping[str, Any]) -> str:
    """JSON of `fields`, which can all be JSON, in fewer than LINE bytes.

    The longest texts are cut until it is. NUL and lone surrogates, which end or break the
    strings of other languages, are spelled out.
    """
    most = LINE // 2
    while True:
        line = _encode({name: _plain(value, most) for name, value in fields.items()})
        if len(line) < LINE or most <= _LEAST:
            return line
        most //= 2


def _plain(value: object, most: int) -> object:
    """`value` with every text in it cut to `most` characters; what holds much, as text."""
    if isinstance(value, str):
        told = cut(value, most).encode(errors="backslashreplace").decode()
        return told.replace("\0", "\\x00")
    if isinstance(value, dict):
        return {str(name): _plain(each, most) for name, each in value.items()}
    if isinstance(value, list | tuple):
        whole = [_plain(each, most) for each in value]
        return whole if len(whole) <= most else _plain(repr(value), most)
    return value
