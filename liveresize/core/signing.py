"""Signatures of addresses: who has a key may open a picture to whoever gets the address.

What is signed is one spelling of the address, so that a proxy which spells it another way
breaks nothing: the path, `?`, and the parameters that are known, sorted by name, the first
of each. Of the path every segment, and of a parameter its value, is decoded and escaped
again: letters, digits and `-._~` stand for themselves, every other byte is `%` and two hex
digits in capitals. `exp` is signed, `sig` is the signature.
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

_LAST = 10**12 - 1
"""The latest end of a signature, in Unix seconds."""

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A raw target as signing sees it: the `text` that is signed, `sig` and `exp` as they
    were given, None where they were not."""

    text: str
    sig: str | None
    exp: str | None

    @property
    def ends(self) -> int | None:
        """Unix seconds from which it opens nothing any more; None is never.

        Raises SignatureRefused for what is no number.
        """
        if self.exp is None:
            return None
        ends = numbers.whole(self.exp, _LAST)
        if ends is None:
            raise errors.SignatureRefused("The parameter `exp` must be Unix seconds.")
        return ends

    def opened_by(self, keys: Iterable[str]) -> bool:
        """Whether `sig` is right by any of `keys`; how long that takes tells nothing."""
        sent = (self.sig or "").encode()
        right = [hmac.compare_digest(sent, signature(self.text, key).encode()) for key in keys]
        return any(right)


def read(target: str) -> Sealed:
    """What of a raw target is signed, and by what.

    `target` is `/path?query`, one character a byte. Raises MalformedUrl for a bad escape.
    """
    path, _, query = target.partition("?")
    params: dict[str, str] = {}
    for name, raw in _known_params(path, query):
        if name not in params:
            params[name] = parameters.percent_decode(raw)
    sig, exp = params.pop("sig", None), params.get("exp")
    spelled = "/".join(_spell(parameters.percent_decode(raw)) for raw in path.split("/"))
    pairs = "&".join(f"{name}={_spell(params[name])}" for name in sorted(params))
    return Sealed(f"{spelled}?{pairs}", sig, exp)


def signature(text: str, key: str) -> str:
    """HMAC-SHA256 of `text`, as base64url without padding."""
    mac = hmac.digest(key.encode(), text.encode(), hashlib.sha256)
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def sign(target: str, key: str, exp: int | None = None) -> str:
    """`target`, `/path?query`, signed.

    `exp` in Unix seconds takes the place of one that it has; a signature that it has is
    dropped, all else stays. Raises MalformedUrl for a bad escape.
    """
    path, _, query = quote(target, safe=string.punctuation).partition("?")
    dropped = ("sig",) if exp is None else ("sig", "exp")
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in dropped]
    if exp is not None:
        pairs.append(f"exp={exp}")
    unsigned = f"{path}?{'&'.join(pairs)}"
    return f"{unsigned}{'&' if pairs else ''}sig={signature(read(unsigned).text, key)}"


def sign_url(url: str, key: str, exp: int | None = None) -> str:
    """As `sign`, of a whole URL or of one that begins with its path; a fragment is dropped.

    Raises MalformedUrl for what has no path.
    """
    match = _ORIGIN.match(url)
    origin = match[0] if match else ""
    target = url[len(origin) :].partition("#")[0]
    if not target.startswith("/"):
        raise errors.MalformedUrl("A URL to sign is http://host/path, or /path alone.")
    return origin + sign(target, key, exp)


def _known_params(path: str, query: str) -> Iterator[tuple[str, str]]:
    """(name, raw value) of the parameters that mean something to the address `path`."""
    known = _OF_BUCKETS if "/" in path[1:] else _OF_PICTURES
    for pair in query.split("&"):
        name, _, raw = pair.partition("=")
        if name in known:
            yield name, raw


def _spell(text: str) -> str:
    """The one spelling of a segment or a value."""
    return quote(text, safe="")
