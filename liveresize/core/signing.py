"""Signatures of URLs: a signed URL gives access to a picture to anyone who has it.

The signature is that of a normalised URL, so that it stays valid if a proxy escapes the URL in
another way: the path, `?`, and the known parameters, sorted by name, the first of each. Every
segment of the path and every value of a parameter is decoded and escaped again: letters, digits
and `-._~` stay, every other byte becomes `%` and two hex digits in capitals. `exp` is signed,
`sig` is the signature.

A signature over the parameters of 1.0.0 alone is valid as well: who signs does not know the others,
and they have no effect.
"""

import hashlib
import hmac
import re
import string
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.core import numbers, parameters

_OF_PICTURES = frozenset(parameters.KNOWN)
_OF_BUCKETS = _OF_PICTURES | frozenset(vip.KNOWN)

LEAST_KEY = 16
"""Bytes of the shortest key: it must not be found by trying."""

_LAST = 10**12 - 1
"""The latest end of a signature, in Unix seconds."""

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A raw target, normalised for signing: the `text` to sign, `sig` and `exp` as sent, or None,
    and `older`, the text without the parameters that 1.0.0 did not know. `held`: it asks for a
    hidden picture, too, which a valid signature allows."""

    text: str
    sig: str | None
    exp: str | None
    older: str
    held: bool = False

    @property
    def ends(self) -> int | None:
        """Unix seconds when the signature expires; None is never.

        Raises SignatureRefused if `exp` is not a number.
        """
        if self.exp is None:
            return None
        ends = numbers.whole(self.exp, _LAST)
        if ends is None:
            raise errors.SignatureRefused("The parameter `exp` must be Unix seconds.")
        return ends

    def opened_by(self, keys: Iterable[str]) -> bool:
        """Whether `sig` is valid for any of `keys`, compared in constant time."""
        keys = tuple(keys)
        return any([self._fits(self.text, keys), self._fits(self.older, keys)])

    def covers_all(self, keys: Iterable[str]) -> bool:
        """Whether `sig` is valid, and covers the parameters that 1.0.0 did not know."""
        return self._fits(self.text, keys)

    def _fits(self, text: str, keys: Iterable[str]) -> bool:
        sent = (self.sig or "").encode()
        right = [hmac.compare_digest(sent, signature(text, key).encode()) for key in keys]
        return any(right)


def read(target: str) -> Sealed:
    """Normalise a raw target for signing.

    `target` is `/path?query`, one character a byte. Raises MalformedUrl for a bad escape.
    """
    path, _, query = target.partition("?")
    params: dict[str, str] = {}
    for name, raw in _known_params(path, query):
        if name not in params:
            params[name] = parameters.percent_decode(raw)
    sig, exp = params.pop("sig", None), params.get("exp")
    spelled = "/".join(_spell(parameters.percent_decode(raw)) for raw in path.split("/"))
    pairs = [(name, f"{name}={_spell(params[name])}") for name in sorted(params)]
    older = [pair for name, pair in pairs if name in parameters.FIRST or name in vip.KNOWN]
    text = f"{spelled}?{'&'.join(pair for _, pair in pairs)}"
    held = params.get("held") == "true"
    return Sealed(text, sig, exp, f"{spelled}?{'&'.join(older)}", held=held)


def signature(text: str, key: str) -> str:
    """Return the HMAC-SHA256 of `text`, as base64url without padding."""
    mac = hmac.digest(key.encode(), text.encode(), hashlib.sha256)
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def check_key(key: str) -> str:
    """Return `key` if it is long enough. Raises BadParameter, since no server has a shorter one."""
    if len(key.encode()) < LEAST_KEY:
        raise errors.BadParameter(f"A key of signatures has at least {LEAST_KEY} bytes.")
    return key


def sign(target: str, key: str, exp: int | None = None) -> str:
    """Sign `target`, `/path?query`.

    `exp` in Unix seconds replaces an existing one; an existing signature is dropped, all else
    stays. Raises MalformedUrl for a bad escape.
    """
    path, _, query = quote(target, safe=string.punctuation).partition("?")
    dropped = ("sig",) if exp is None else ("sig", "exp")
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in dropped]
    if exp is not None:
        pairs.append(f"exp={exp}")
    unsigned = f"{path}?{'&'.join(pairs)}"
    return f"{unsigned}{'&' if pairs else ''}sig={signature(read(unsigned).text, key)}"


def sign_url(url: str, key: str, exp: int | None = None) -> str:
    """Sign a complete URL, or one that begins with its path, as `sign`; a fragment is dropped.

    Raises MalformedUrl if there is no path.
    """
    return _origin(url) + sign(target_of(url), key, exp)


def target_of(url: str) -> str:
    """Return path and query of a URL as `sign_url` takes it. Raises MalformedUrl without a path."""
    target = url[len(_origin(url)) :].partition("#")[0]
    if not target.startswith("/"):
        raise errors.MalformedUrl("A URL to sign is http://host/path, or /path alone.")
    return target


def _origin(url: str) -> str:
    match = _ORIGIN.match(url)
    return match[0] if match else ""


def _known_params(path: str, query: str) -> Iterator[tuple[str, str]]:
    """Yield (name, raw value) of the parameters that the URL at `path` can have."""
    known = _OF_BUCKETS if "/" in path[1:] else _OF_PICTURES
    for pair in query.split("&"):
        name, _, raw = pair.partition("=")
        if name in known:
            yield name, raw


def _spell(text: str) -> str:
    """Escape a segment or a value in the normalised form."""
    return quote(text, safe="")
