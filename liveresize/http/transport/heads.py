"""Check the head of a request before responding to it (RFC 9112, RFC 9113).

Tornado checks the syntax of a head when it reads it, but some rules only in a RequestHandler,
which the fast path and redirects do not use. All of those are here, with more that Tornado does
not have.
"""

import functools
import re

from tornado.httputil import HTTPHeaders, RequestStartLine

from liveresize import errors
from liveresize.core import numbers

_AUTHORITY = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
"""A host with a port (RFC 3986), without a comma, which may separate two hosts."""

_CHECKED = frozenset({"Transfer-Encoding", "Content-Length", "Expect", "Connection"})
"""Headers that are checked beside `Host`; most requests have at most one of them."""

_ABSOLUTE = re.compile(r"https?://([^/?#]*)([^#]*)", re.IGNORECASE)


def read(line: RequestStartLine, headers: HTTPHeaders) -> RequestStartLine:
    """Check a head; return its start line, with the target as a path.

    `headers` are normalised where HTTP allows several forms and Tornado reads only one. Raises
    MalformedRequest and MalformedUrl.
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
    if "Content-Length" in headers and headers["Content-Length"] != "0":
        return True
    return "Transfer-Encoding" in headers


def _origin_form(line: RequestStartLine, headers: HTTPHeaders) -> RequestStartLine:
    """Return the start line with a path as its target, or `*` of an OPTIONS.

    The host of an absolute URL replaces `Host` (RFC 9112 §3.2.2). Raises MalformedUrl.
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
    """Raise MalformedRequest unless there is one valid host; it may be empty (RFC 9112 §3.2).

    Only HTTP/1.0 may have none.
    """
    if not hosts and line.version != "HTTP/1.0":
        raise errors.MalformedRequest("The header Host is missing.")
    if len(hosts) > 1:
        raise errors.MalformedRequest("There is more than one header Host.")
    if hosts and not _is_authority(hosts[0]):
        raise errors.MalformedRequest("The header Host is not a host with an optional port.")


@functools.lru_cache(maxsize=256)
def _is_authority(host: str) -> bool:
    """Whether `host` is valid; cached, because nearly every request has the same."""
    return _AUTHORITY.fullmatch(host) is not None


def _check_framing(line: RequestStartLine, headers: HTTPHeaders) -> None:
    """Raise MalformedRequest if the length of the body is ambiguous."""
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
    """Normalise `Expect`: Tornado only knows `100-continue` in lower case, without other members.

    It is removed where nothing waits for a 100: HTTP/1.0 has none, and without a body there is
    nothing to continue with. Any other expectation is ignored, as nginx does, although RFC 9110
    §10.1.1 also allows 417: its client is served as well without it.
    """
    members = (member.strip() for member in headers["Expect"].lower().split(","))
    may_have_body = has_body(headers) or line.version == "HTTP/2.0"
    if line.version != "HTTP/1.0" and may_have_body and "100-continue" in members:
        headers["Expect"] = "100-continue"
    else:
        del headers["Expect"]


def _read_options(headers: HTTPHeaders) -> None:
    """Normalise `Connection`: Tornado does not find `close` among other options."""
    options = headers["Connection"].lower().split(",")
    if "close" in (option.strip() for option in options):
        headers["Connection"] = "close"
