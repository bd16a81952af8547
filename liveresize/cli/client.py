"""A small client of a running server, for the command line."""

import dataclasses
import json
import mimetypes
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado import httpclient

from liveresize import errors

CONNECT_TIMEOUT = 10.0
REQUEST_TIMEOUT = 300.0
"""Time-outs in seconds; the second one is long enough for an upload over a slow line."""

_BATCH = 500
"""Renditions that one request purges, in one transaction of the server."""

_PAGE = 1000
"""Pictures that one request lists."""

_ASK_FIRST = 1 << 20
"""Bytes above which the client waits for `100 Continue`: the server would break off a body that is
too large, and the error would be lost with the connection."""

_TYPES = {".avif": "image/avif", ".jfif": "image/jpeg", ".webp": "image/webp"}
"""Extensions that are missing in the table of some systems."""

_UNKNOWN_TYPE = "image/unknown"
"""The type for other extensions: the server only requires some image type."""


GIVEN = "The URL is from --url: correct it, or start the server there."
"""What to do about a server that cannot be reached at the URL of the option."""


class RefusedByServer(errors.LiveResizeError):
    """The server refused the request; its code of the error is the third argument."""

    @property
    def said(self) -> str:
        """Return the code that the server sent, such as `id_taken`; empty if it sent none."""
        return str(self.args[2]) if len(self.args) > 2 else ""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its URL, and the secret that it requires (empty: none).

    `advice` says where the URL is from, and what to do if no server of ours answers there.
    """

    url: str
    secret: str = field(default="", repr=False)
    advice: str = GIVEN

    def address(self, segment: str) -> str:
        """Return the URL of one path segment, escaped."""
        return f"{self.url.rstrip('/')}/{urllib.parse.quote(segment, safe='')}"


def token(
    server: Server, name: str, *, expires_in: int | None = None, overwrite: bool = False
) -> str:
    """Return a token for one upload as `name`, valid for `expires_in` seconds.

    Raises LiveResizeError with the error of the server, or of the connection.
    """
    fields: dict[str, object] = {"id": name}
    if server.secret:
        fields["secret"] = server.secret
    if expires_in is not None:
        fields["expires_in"] = expires_in
    if overwrite:
        fields["overwrite"] = True
    response = _post(
        server, "token", json.dumps(fields).encode(), {"Content-Type": "application/json"}
    )
    value = response.get("token")
    if not isinstance(value, str):
        raise _other_program(server)
    return value


def upload(server: Server, name: str, file: Path, granted: str) -> dict[str, Any]:
    """Upload `file` as `name` with the token `granted`; return the server's response.

    Raises LiveResizeError with the error of the server, of the connection, or of the file.
    """
    try:
        body = file.read_bytes()
    except OSError as exc:
        raise errors.LiveResizeError(f"{file} cannot be read: {exc.strerror}.") from exc
    return _post(server, name, body, {"Content-Type": content_type(file), "X-Token": granted})


def delete(server: Server, name: str) -> tuple[str, dict[str, Any]]:
    """Delete the picture `name`; return its id and the receipt. `server` has an admin secret.

    The server deletes `cat` for `cat.jpg` unless that is an id. One of 1.0.0 gives no receipt: it
    is empty then.

    Raises LiveResizeError with the error of the server, or of the connection.
    """
    response = _fetch(server, "DELETE", name, None, _bearer(server), "receipt=true")
    deleted = urllib.parse.unquote(response.headers.get("X-Deleted", "")) or name
    return deleted, _document(server, response) if response.body else {}


def erasure(server: Server, id_: str) -> dict[str, Any]:
    """Return the receipt of a deletion; `server` has an admin secret.

    Raises LiveResizeError with the error of the server, or of the connection.
    """
    receipts = dataclasses.replace(server, url=server.address("_erasures"))
    return _document(server, _fetch(receipts, "GET", id_, None, _bearer(server)))


def purge(
    server: Server,
    selection: Mapping[str, str | float],
    limit: int | None = None,
    on_progress: Callable[[int], object] = lambda more: None,
) -> int:
    """Purge the renditions of `selection`, at most `limit`; return how many.

    `selection` has one field of `POST /purge`; `server` has an admin secret. `on_progress` is
    called after each request with the number of renditions that it has purged.

    Raises LiveResizeError with the error of the server, or of the connection.
    """
    count = 0
    while limit is None or count < limit:
        batch = _BATCH if limit is None else min(_BATCH, limit - count)
        body = json.dumps({**selection, "limit": batch}).encode()
        headers = {"Content-Type": "application/json", **_bearer(server)}
        purged = _post(server, "purge", body, headers).get("purged")
        if not isinstance(purged, int):
            raise _other_program(server)
        count += purged
        on_progress(purged)
        # What is made anew meanwhile is not chased: it may be asked for as fast as it goes.
        if purged < batch:
            break
    return count


def listed(server: Server, selection: Mapping[str, str], limit: int | None) -> Iterator[Any]:
    """Yield the pictures that `selection` chooses, at most `limit`, page by page.

    `selection` has parameters of `GET /_pictures`; `server` has an admin secret.

    Raises LiveResizeError with the error of the server, or of the connection.
    """
    count = 0
    after: str | None = ""
    while True:
        most = _PAGE if limit is None else min(_PAGE, limit - count)
        query = urllib.parse.urlencode(
            {**selection, "limit": most, **({"after": after} if after else {})},
            quote_via=urllib.parse.quote,
        )
        page = _document(server, _fetch(server, "GET", "_pictures", None, _bearer(server), query))
        pictures, after = page.get("pictures"), page.get("next")
        if not isinstance(pictures, list) or not isinstance(after, str | None):
            raise _other_program(server)
        yield from pictures
        count += len(pictures)
        if after is None or count == limit:
            return


def _bearer(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.secret}"}


def content_type(file: Path) -> str:
    """Return the media type for the extension of `file`."""
    suffix = file.suffix.lower()
    kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "")
    return kind if kind.startswith("image/") else _UNKNOWN_TYPE


def addresses(server: Server, name: str, facts: Mapping[str, Any]) -> list[str]:
    """Return three URLs of the picture: 400 pixels wide, the original, and its properties."""
    suffix = {"jpeg": "jpg"}.get(str(facts.get("format")), str(facts.get("format", "jpg")))
    segments = (f"{name}_400_0.jpg", f"{name}.{suffix}", f"{name}.json")
    return [server.address(segment) for segment in segments]


def _post(server: Server, segment: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    return _document(server, _fetch(server, "POST", segment, body, headers))


def _document(server: Server, response: httpclient.HTTPResponse) -> dict[str, Any]:
    try:
        document = json.loads(response.body)
    except ValueError:
        raise _other_program(server) from None
    if not isinstance(document, dict):
        raise _other_program(server)
    return document


def _fetch(
    server: Server,
    method: str,
    segment: str,
    body: bytes | None,
    headers: dict[str, str],
    query: str = "",
) -> httpclient.HTTPResponse:
    """Send a request, and return the response. Raises LiveResizeError."""
    url = server.address(segment) + (f"?{query}" if query else "")
    client = httpclient.HTTPClient()
    try:
        return client.fetch(
            httpclient.HTTPRequest(
                url,
                method=method,
                body=body,
                headers=headers,
                connect_timeout=CONNECT_TIMEOUT,
                request_timeout=REQUEST_TIMEOUT,
                follow_redirects=False,
                expect_100_continue=len(body or b"") >= _ASK_FIRST,
            )
        )
    except httpclient.HTTPClientError as exc:
        if exc.response is None:
            raise _unreachable(server, exc.message) from exc
        raise _refusal(server, exc.code, exc.response.body, exc.message) from exc
    except (OSError, ValueError) as exc:
        raise _unreachable(server, getattr(exc, "strerror", None) or exc) from exc
    finally:
        client.close()


def _unreachable(server: Server, reason: object) -> errors.LiveResizeError:
    return errors.LiveResizeError(
        f"No server can be reached at {server.url}: {reason}. {server.advice}"
    )


def _other_program(server: Server) -> errors.LiveResizeError:
    return errors.LiveResizeError(
        f"{server.url} answers, but not as liveresize does. {server.advice}"
    )


def _refusal(server: Server, status: int, body: bytes, reason: str | None) -> RefusedByServer:
    """Return the error of the server, in its own words if it sent some."""
    code = ""
    try:
        document = json.loads(body)
        reason, code = document["error"], document.get("code", "")
    except (ValueError, LookupError, TypeError):
        pass
    return RefusedByServer(f"{server.url} said {status}: {reason}", "", code)
