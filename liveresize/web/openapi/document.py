"""From the route table to the document."""

from collections.abc import Iterator, Sequence

from tornado.web import RequestHandler

from liveresize.web.openapi import refusals, schemas
from liveresize.web.openapi.parameters import PRESET
from liveresize.web.openapi.parts import Answer, Json, Operation, Parameter, ref
from liveresize.web.openapi.schemas import Limits

Row = tuple[tuple[str, ...], str, type[RequestHandler], tuple[Operation, ...]]
"""Of the route table: methods, the pattern of raw paths, what answers them, and what that
is in words."""

_ABOUT = """\
Live renditions of pictures that are uploaded with one-time tokens.

Every answer has `X-Request-Id`. Errors are JSON, `Error`, and never kept by caches; one of 500
is a bug, found in the log by its `request_id`. A path asked for with a method that it does not
take is 405 with `Allow`, what has no route is 404. Parameters of the query that are not listed
mean nothing, and of one that is given twice the first counts. Any request may be refused for
its head alone, and the connection ends with that: 400 `malformed_request` where it breaks the
rules of HTTP, 414 `url_too_long` and 431 `head_too_large` above `limits.header_bytes`. Where
TLS is served as well, the plain port answers everything but probes with 308.
"""

_TAGS = {
    "Pictures": "Renditions, originals and their facts.",
    "Uploads": "A token from an application, then a picture from anywhere.",
    "Administration": "For holders of one of `admin.secrets`.",
    "vip": "Buckets, as vip has them; 404 where `vip.buckets` is empty.",
    "Studio": "The page at `/_studio/`, where it is on.",
    "Operation": "Probes, and what robots and browsers ask for.",
}

_SECURITY = {
    "uploadToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Token",
        "description": "Of `POST /token`, good for one upload.",
    },
    "vipToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Vip-Token",
        "description": "The configured `vip.token`.",
    },
    "vipOrigin": {
        "type": "apiKey",
        "in": "header",
        "name": "Origin",
        "description": "Pages of `vip.allowed_origins` need no token, unless "
        "`vip.require_token` is on.",
    },
    "admin": {
        "type": "http",
        "scheme": "bearer",
        "description": "One of `admin.secrets`.",
    },
    "signature": {
        "type": "apiKey",
        "in": "query",
        "name": "sig",
        "description": "HMAC-SHA256 of the address, in Base64 for URLs; needed where "
        "`signing.required` is on, and opens what else is refused.",
    },
}

_GET_ONLY = frozenset({"Range", "If-Range", "Freshness-Token"})
"""Headers that mean nothing to HEAD."""


def build(rows: Sequence[Row], limits: Limits) -> Json:
    """The OpenAPI Object of those routes."""
    used = _Components()
    paths: dict[str, Json] = {}
    for methods, _, _, operations in rows:
        for operation in operations:
            item = paths.setdefault(operation.at, {})
            for method in methods:
                item[method.lower()] = _operation(operation, method, limits, used)
    tags = {each.tag for row in rows for each in row[3]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "liveresize",
            "version": limits.version,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": about} for name, about in _TAGS.items() if name in tags
        ],
        "paths": paths,
        "components": {
            "schemas": schemas.components(limits),
            "parameters": used.parameters,
            "headers": used.headers,
            "responses": used.responses,
            "securitySchemes": _SECURITY,
        },
    }


class _Components:
    """What operations share, as they come along."""

    def __init__(self) -> None:
        self.parameters: dict[str, Json] = {}
        self.headers: dict[str, Json] = {}
        self.responses: dict[str, Json] = {}

    def parameter(self, parameter: Parameter) -> Json:
        """A reference to it, or itself where another has taken its key."""
        key = f"{parameter.place}.{parameter.name}"
        told = self.parameters.setdefault(key, parameter.json())
        return ref("parameters", key) if told == parameter.json() else parameter.json()

    def answer(self, answer: Answer, links: Json, *, body: bool) -> Json:
        """The answer; a reference to it where it tells of no success, as many do alike."""
        for header in answer.headers:
            self.headers.setdefault(header.key, header.json())
        told = answer.json(body=body)
        if answer.status < 300:
            return {**told, "links": links} if links else told
        known = (key for key, other in self.responses.items() if other == told)
        key = next(known, f"{answer.status}.{len(self.responses)}")
        self.responses[key] = told
        return ref("responses", key)


def _operation(operation: Operation, method: str, limits: Limits, used: _Components) -> Json:
    bodiless = method == "HEAD"
    told: Json = {
        "operationId": operation.called + ("Head" if bodiless else ""),
        "tags": [operation.tag],
        "summary": operation.summary + (", its headers alone" if bodiless else ""),
    }
    if operation.about and not bodiless:
        told["description"] = operation.about
    told["parameters"] = [
        used.parameter(each)
        for each in operation.parameters
        if (each.name != PRESET or limits.presets) and not (bodiless and each.name in _GET_ONLY)
    ]
    if operation.body is not None:
        told["requestBody"] = operation.body.json()
    answers: dict[str, Json] = {}
    for answer in _answers(operation, head=bodiless):
        links = operation.links.get(answer.status, {})
        answers[str(answer.status)] = used.answer(answer, links, body=not bodiless)
    told["responses"] = dict(sorted(answers.items()))
    if operation.security:
        told["security"] = [{name: []} if name else {} for name in operation.security]
    return told


def _answers(operation: Operation, *, head: bool) -> Iterator[Answer]:
    """All that it may be answered with, those to HEAD where that is asked for."""
    refused = refusals.answers(operation.raises, operation.of_errors)
    for answer in (*operation.answers, *refused):
        if not head or operation.head is None or answer.status in operation.head:
            yield answer
