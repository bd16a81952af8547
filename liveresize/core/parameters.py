"""Parse the query of a picture's URL into checked values."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from liveresize import errors
from liveresize.core import suggestions
from liveresize.core.operation import Operation, UrlRules
from liveresize.core.operations import OPERATIONS
from liveresize.core.originals import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The values of one query.

    `values` are those of operations, as returned by their `read`. `sent` has the known
    parameters as they were sent (decoded, the first of each), so that a redirect can repeat
    them. `ignored` has the names of those whose values were invalid.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    allow_webp: bool = False
    proxy: bool = False
    sent: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()


_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def percent_decode(raw: str) -> str:
    """Decode once, as strict UTF-8; `+` stays a plus. Raises MalformedUrl.

    `raw` is text from the HTTP layer: one character a byte.
    """
    if "%" not in raw and raw.isascii():
        return raw
    if _BAD_ESCAPE.search(raw):
        raise errors.MalformedUrl(
            "A percent sign in the URL is not followed by two hex digits: write `%25` for one."
        )
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        raise errors.MalformedUrl("The URL is not valid UTF-8 once decoded.") from None


def _read(name: str, text: str, rules: UrlRules) -> Any:
    """Parse the value of a known parameter. Raises BadParameter."""
    operation = OPERATIONS.get(name)
    if operation is not None:
        try:
            return operation.read(text, rules)
        except ValueError:
            raise _bad(name, *_hints(operation, text, rules)) from None
    if name in _SIGNING or name == "version":
        return text
    if text not in ("true", "false"):
        raise _bad(name, "one of `true`, `false`", suggestions.value(name, text))
    return text == "true"


def _hints(operation: Operation, text: str, rules: UrlRules) -> tuple[str, str]:
    """Return what a value must be, and which value the client may have meant; empty for none."""
    if operation.configured is None:
        near = suggestions.value(operation.name, text, _words(operation.schema))
        return operation.allowed, near
    words = operation.configured(rules)
    listed = _listed(words)
    allowed = f"{operation.allowed}: {listed}" if listed else f"{operation.allowed}: none is"
    return allowed, suggestions.value(operation.name, text, words)


def _words(schema: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the words of a schema, in any of its alternatives."""
    return tuple(word for each in schema.get("anyOf", [schema]) for word in each.get("enum", ()))


def _bad(name: str, allowed: str, near: str = "") -> errors.BadParameter:
    meant = f" Did you mean `{near}`?" if near else ""
    return errors.BadParameter(f"The parameter `{name}` must be {allowed}.{meant}")


_SIGNING = ("sig", "exp", "held")
"""Parameters that `core.signing` reads; here they are only repeated."""

FIRST = frozenset(
    (
        *("fit", "gravity", "quality", "blur", "sharpen", "rotate", "flip", "bg", "enlarge"),
        *("animate", "allow_webp", "proxy", "sig", "exp", "preset"),
    )
)
"""The parameters that 1.0.0 knew. A signature that covers no others is valid, too."""

_ANY_CASE = frozenset({"fit"})
"""Parameters whose values may be in capitals."""

_NEVER_IGNORED = frozenset({*_SIGNING, "preset"})
"""Parameters that no value is ignored of: they say what a client is allowed."""

_LISTED = 20
"""Presets or overlays that an error names."""

KNOWN = (*OPERATIONS, "allow_webp", "proxy", "version", *_SIGNING, "preset")
"""Every parameter that a picture's URL may carry; all others are ignored."""


def read(query: str, rules: UrlRules) -> Parameters:
    """Read a raw query string.

    Unknown parameters and empty values are ignored, and with lenient rules invalid values as
    well. Of a repeated parameter the first counts, whatever its value. The parameters of a
    preset take the place of `preset`. Raises BadParameter, which names the first parameter
    with a bad value, and MalformedUrl for a bad escape in a known one.
    """
    if not query:
        return _NOTHING
    values: dict[str, Any] = {}
    sent: dict[str, str] = {}
    ignored: list[str] = []
    for name, text in _first_of_each(query):
        if not text:
            continue
        try:
            if name == "preset":
                if text not in rules.presets:
                    raise _bad(name, _presets(rules), suggestions.value(name, text, rules.presets))
                for inner, value in rules.presets[text]:
                    values.setdefault(inner, _read(inner, value, rules))
            else:
                values.setdefault(name, _read(name, text, rules))
        except errors.BadParameter:
            if not rules.lenient or name in _NEVER_IGNORED:
                raise
            ignored.append(name)
        else:
            sent[name] = text
    return Parameters(
        values={name: value for name, value in values.items() if name in OPERATIONS},
        allow_webp=values.get("allow_webp", False),
        proxy=values.get("proxy", False),
        sent=tuple(sent.items()),
        ignored=tuple(ignored),
    )


def version(query: str) -> str:
    """Return the version in a raw query; empty if there is none, or what can be none."""
    for name, _, raw in (pair.partition("=") for pair in query.split("&")):
        if name == "version":
            return raw if VERSION.fullmatch(raw) else ""
    return ""


def with_version(query: str, current: str) -> str:
    """Return a raw query that asks for the version `current`."""
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] != "version"]
    return "&".join([*pairs, f"version={current}"])


def without_later(query: str) -> str:
    """Return a raw query without the parameters that 1.0.0 did not know."""
    later = set(KNOWN) - FIRST
    return "&".join(pair for pair in query.split("&") if pair.partition("=")[0] not in later)


def unknown(query: str, known: Iterable[str] = KNOWN) -> tuple[str, ...]:
    """Return the raw names in a query that are not among `known`."""
    names = (pair.partition("=")[0] for pair in query.split("&"))
    return tuple(name for name in names if name and name not in known)


def _presets(rules: UrlRules) -> str:
    """Return what a preset must be: one of the configured ones."""
    listed = _listed(rules.presets)
    return f"one of the configured presets: {listed}" if listed else "a configured preset: none is"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(words)[:_LISTED])


def _first_of_each(query: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the decoded value of each known parameter."""
    seen: set[str] = set()
    for pair in query.split("&"):
        name, _, raw = pair.partition("=")
        if name in KNOWN and name not in seen:
            seen.add(name)
            text = percent_decode(raw)
            yield name, text.lower() if name in _ANY_CASE else text


def check_presets(presets: Mapping[str, Mapping[str, str]], rules: UrlRules) -> None:
    """Raise BadParameter, which names the preset, if a preset has an invalid parameter."""
    for preset, parameters in presets.items():
        for name, value in parameters.items():
            if name not in KNOWN or name in (*_SIGNING, "preset"):
                raise errors.BadParameter(f"The preset `{preset}` has no parameter `{name}`.")
            try:
                _read(name, value, rules)
            except errors.BadParameter as error:
                raise errors.BadParameter(f"In preset `{preset}`: {error.public}") from None


_NOTHING = Parameters()
