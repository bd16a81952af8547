"""The calls of the server's API: what is sent, and what is made of the answer.

Nothing is sent here, so that one description serves clients with and without an event loop.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Required, TypedDict
from urllib.parse import quote

import httpx

PAGE = 1000
"""Pictures that one request lists."""


class RefusedByServer(Exception):
    """The server refused a request: its own sentence.

    `status` is the HTTP status, `code` the name of the error, such as `id_taken`, and
    `request_id` what the log of the server knows the request by. `retry_after` is in seconds, 0 if
    the server named none.
    """

    def __init__(
        self, sentence: str, *, status: int, code: str, request_id: str, retry_after: float
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class ServerUnavailable(Exception):
    """The server could not be reached, or something else answered in its place."""


@dataclass(frozen=True, slots=True)
class Token:
    """Allows one upload, as `id` and until `expires_at` (ISO 8601)."""

    token: str = field(repr=False)
    id: str
    expires_at: str


class TokenFields(TypedDict, total=False):
    """What `token` and `tokens` take besides the ids: the fields of `POST /token`."""

    expires_in: int
    max_bytes: int
    formats: list[str]
    overwrite: bool
    focus: tuple[float, float]
    meta: Mapping[str, Any]
    held: bool
    keep_until: str
    claim_within: int


class Changes(TypedDict, total=False):
    """What `change` takes: the fields of `PATCH /{name}`."""

    focus: tuple[float, float] | None
    meta: Mapping[str, Any] | None
    held: bool
    keep_until: str | None
    claimed: bool


class Selection(TypedDict, total=False):
    """What `list` takes: the parameters of `GET /_pictures`."""

    prefix: str
    uploaded_since: str
    held: bool
    expiring: bool
    format: str
    bucket: str


class Crop(TypedDict, total=False):
    """A part of the upright picture, in pixels; `width` and `height` 0 are all the rest."""

    x: Required[int]
    y: Required[int]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Call:
    """One request, without its body if that is a picture. `document` reads its answer."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the server asks an application for: `secret` for tokens, `admin` for everything else."""

    secret: str = field(default="", repr=False)
    admin: str = field(default="", repr=False)

    def tokens(self, fields: Mapping[str, Any]) -> Call:
        """Return the call for one token, or for several."""
        body = {**fields, **({"secret": self.secret} if self.secret else {})}
        return Call("POST", "/token", headers=_JSON, content=_json(body))

    def change(self, name: str, version: str, changes: Changes) -> Call:
        """Return the call that changes a picture's record, if it still has that `version`."""
        body: dict[str, Any] = {**changes}
        if self.secret and not self.admin:
            body["secret"] = self.secret
        match = {"If-Match": f'"{version}"'} if version else {}
        return Call(
            "PATCH",
            path(name),
            headers={**_JSON, **match, **self._bearer()},
            content=_json(body),
        )

    def facts(self, name: str) -> Call:
        """Return the call for what is known of a picture."""
        return Call("GET", f"{path(name)}.json", headers=self._bearer())

    def delete(self, name: str) -> Call:
        """Return the call that deletes a picture; its answer is the receipt."""
        return Call("DELETE", path(name), {"receipt": "true"}, self._bearer())

    def page(self, after: str, selection: Selection) -> Call:
        """Return the call for one page of a list, from the picture after `after` on."""
        chosen = {each: _text(value) for each, value in selection.items()}
        query = {**chosen, "limit": str(PAGE), **({"after": after} if after else {})}
        return Call("GET", "/_pictures", query, self._bearer())

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.admin}"} if self.admin else {}


def upload(name: str, token: str, crop: Crop | None) -> Call:
    """Return the call that uploads a picture, without its bytes."""
    query = {each: _text(value) for each, value in (crop or {}).items()}
    headers = {"Content-Type": "image/unknown", "X-Token": token}  # the bytes tell the format
    return Call("POST", path(name), query, headers)


def path(name: str) -> str:
    """Return the path of a picture."""
    return f"/{quote(name, safe='')}"


def token_of(answer: Mapping[str, Any]) -> Token:
    """Return the token in a part of an answer."""
    return Token(answer["token"], answer["id"], answer["expires_at"])


def document(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, empty if it has no body.

    Raises RefusedByServer and ServerUnavailable.
    """
    if response.status_code == httpx.codes.NO_CONTENT:  # a deletion by 1.0.0
        return {}
    found = _object(response)
    if response.is_success and found is not None:
        return found
    if found is None or not isinstance(found.get("error"), str):
        where = f"{response.request.method} {response.request.url.copy_with(query=None)}"
        raise ServerUnavailable(f"{where} answered {response.status_code}, not as liveresize does.")
    raise RefusedByServer(
        found["error"],
        status=response.status_code,
        code=str(found.get("code", "")),
        request_id=response.headers.get("X-Request-Id", ""),
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def several(ids: Iterable[str]) -> dict[str, Any]:
    """Return the field of several ids."""
    return {"ids": list(ids)}


_JSON = {"Content-Type": "application/json"}


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
