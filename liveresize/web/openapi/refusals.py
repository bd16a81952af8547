"""Answers to what cannot be done: statuses, codes and headers as `web.failures` gives them."""

import http
import json
from collections.abc import Iterable, Iterator

from liveresize import errors
from liveresize.errors import LiveResizeError
from liveresize.web import failures
from liveresize.web.openapi import headers
from liveresize.web.openapi.parts import Answer, Header, Json, schema

Kinds = tuple[type[LiveResizeError], ...]

SIGNATURE: Kinds = (
    errors.SignatureRefused,
    errors.TooManyFailures,
)
"""Where addresses may have to be signed."""

BUSY: Kinds = (
    errors.QueueFull,
    errors.WaitTimeout,
    errors.WorkerDied,
    errors.ShuttingDown,
)
"""What may keep a worker from its work."""

STORES: Kinds = (
    errors.IndexUnavailable,
    errors.IndexFull,
    errors.ObjectStoreUnavailable,
)

UNREADABLE: Kinds = (
    errors.UnreadableImage,
    errors.ImageTooLarge,
    errors.MemoryExceeded,
    errors.WorkExceeded,
)

LEARNING: Kinds = (errors.OriginalMissing, errors.OriginalElsewhere, *UNREADABLE, *BUSY, *STORES)
"""Finding out about an original: one that another service has left is looked at first."""

RENDERING: Kinds = (
    *LEARNING,
    errors.RenderTimeout,
    errors.Quarantined,
    errors.RateLimited,
    errors.UnsentFull,
)
"""Making a picture, and sending it."""

BODY: Kinds = (errors.UploadTooSlow, errors.UploadTooLarge)
"""How a body itself may be refused."""


def answers(kinds: Iterable[type[LiveResizeError]], more: Iterable[Header]) -> Iterator[Answer]:
    """One answer for each status that errors of these kinds have, in order; `more` are headers
    of all of them."""
    by_status: dict[int, list[type[LiveResizeError]]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(failures.failure_of(kind()).status, []).append(kind)
    for status, together in sorted(by_status.items()):
        failure = failures.failure_of(together[0]())
        listed = [*headers.ERROR, *more]
        if failure.retry is not None:
            listed.append(headers.RETRY)
        if status == http.HTTPStatus.UNAUTHORIZED:
            listed.append(headers.AUTHENTICATE)
        told = "\n".join(f"- `{kind.code}`: {kind().public}" for kind in together)
        yield _answer(status, told, listed, [kind.code for kind in together])


def plain(status: int, *more: Header) -> Answer:
    """The answer where no error of ours is behind it."""
    said = _said(status)
    told = f"- `{said['code']}`: {said['error']}"
    return _answer(status, told, [*headers.ERROR, *more], [said["code"]])


def codes() -> list[str]:
    """Every code that an answer may have, in order."""
    found = {"internal"}
    found |= {_said(status)["code"] for status in http.HTTPStatus if status >= 400}
    kinds = [LiveResizeError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__ == errors.__name__ and kind is not errors.SettingsError:
            found.add(kind.code)
    return sorted(found)


def _said(status: int) -> dict[str, str]:
    body = failures.answer_status(status, "").body
    assert isinstance(body, bytes)
    said: dict[str, str] = json.loads(body)
    return said


def _answer(status: int, about: str, listed: list[Header], codes: list[str]) -> Answer:
    narrowed: Json = {"properties": {"code": {"enum": codes}}}
    return Answer(
        status=status,
        about=about,
        headers=tuple(listed),
        content={"application/json": {"allOf": [schema("Error"), narrowed]}},
    )
