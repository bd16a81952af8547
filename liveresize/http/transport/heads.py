"""The head of a request, checked before anything is answered to it (RFC 9112, RFC 9113).

Tornado checks the bytes of a head when it reads them, but some of its rules only when a
RequestHandler begins, which a hit and a redirect never meet. They are all here, with those
that Tornado does not know.
"""

import functools
import re

from tornado.httputil import HTTPHeaders, RequestStartLine

from liveresize import errors
from liveresize.core import numbers

_AUTHORITY = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
"""A host with its port, by RFC 3986. A comma could be two hosts that a proxy has joined."""

_CHECKED = frozenset({"Transfer-Encoding", "Content-Length", "Expect", "Connection"})
"""Headers that are looked at, beside `Host`; most requests have one of them at most."""

_ABSOLUTE = re.compile(r"https?://([^/?#]*)([^#]*)", re.IGNORECASE)


def read(line: RequestStartLine, headers: HTTPHeaders) -> RequestStartLine:
    """Check a head; returns its start line, the target without scheme and host.

    `headers` are rewritten where HTTP allows several spellings and Tornado reads one.
    Raises MalformedRequest and MalformedUrl for what a server must refuse.
    """
    if not line.path.startswith("/"):
        line = _origin_form(line, headers)
    hosts = headers.get_list("Host")
    if len(hosts) != 1 or not _is_authority(hosts[0]):
        _check_hosts(line, hosts)
    for name in _CHECKED.intersection(headers):
        if name == "Expect":
            _read_expectation(line, headers)
        elif name == "Connection":
            _read_options(headers)
        else:
            _check_framing(line, headers)
    return line


def has_body(headers: HTTPHeaders) -> bool:
    """Whether a head that was read announces a body."""
    return headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers


def _origin_form(line: RequestStartLine, headers: HTTPHeaders) -> RequestStartLine:
    """The start line, its target a path, or `*` of an OPTIONS.

    The host of a whole URL counts instead of `Host` (RFC 9112 §3.2.2).
    """
    if line.path == "*" and line.method == "OPTIONS":
        return line
    match = _ABSOLUTE.fullmatch(line.path)
    if match is None or not match[1]:
        raise errors.MalformedUrl("The target of the request is neither a path nor a URL.")
    if len(headers.get_list("Host")) == 1 or line.version == "HTTP/1.0":
        headers["Host"] = match[1]
    return line._replace(path=match[2] if match[2].startswith("/") else f"/{match[2]}")


def _check_hosts(line: RequestStartLine, hosts: list[str]) -> None:
    """Exactly one host; only HTTP/1.0 may name none. An empty one is allowed (RFC 9112 §3.2)."""
    if not hosts and line.version != "HTTP/1.0":
        raise errors.MalformedRequest("The header Host is missing.")
    if len(hosts) > 1:
        raise errors.MalformedRequest("There is more than one header Host.")
    if hosts and not _is_authority(hosts[0]):
        raise errors.MalformedRequest("The header Host is not a host with an optional port.")


@functools.lru_cache(maxsize=256)
def _is_authority(host: str) -> bool:
    """Whether `host` can be one; remembered, for nearly every request names the same."""
    return _AUTHORITY.fullmatch(host) is not None


def _check_framing(line: RequestStartLine, headers: HTTPHeaders) -> None:
    """Make sure that nobody can take the length of the body for another."""
    if "Transfer-Encoding" in headers:
        if "Content-Length" in headers or line.version == "HTTP/1.0":
            raise errors.MalformedRequest(
                "Transfer-Encoding goes neither with Content-Length nor with HTTP/1.0."
            )
        if headers["Transfer-Encoding"].lower() != "chunked":
            raise errors.MalformedRequest("The only Transfer-Encoding that is read is chunked.")
        return
    lengths = {each.strip(" \t") for each in headers["Content-Length"].split(",")}
    length = numbers.whole(lengths.pop()) if len(lengths) == 1 else None
    if length is None:
        raise errors.MalformedRequest("The header Content-Length is not one whole number.")
    headers["Content-Length"] = str(length)


def _read_expectation(line: RequestStartLine, headers: HTTPHeaders) -> None:
    """HTTP/1.0 knows no 100, and Tornado sends one for small letters alone."""
    if line.version == "HTTP/1.0":
        del headers["Expect"]
    else:
        headers["Expect"] = headers["Expect"].lower()


def _read_options(headers: HTTPHeaders) -> None:
    """Tornado looks for `close` alone, not among other options."""
    options = headers["Connection"].lower().split(",")
    if "close" in (option.strip() for option in options):
        headers["Connection"] = "close"
