"""Probes, what robots and browsers ask every site for, and this document itself."""

from liveresize import errors
from liveresize.web.openapi import headers, parameters, refusals
from liveresize.web.openapi.parts import Answer, Operation, schema

TAG = "Operation"

_TEXT = {"text/plain": schema("Text")}


def _probe(at: str, called: str, summary: str, said: str, *more: Answer) -> Operation:
    ok = Answer(
        status=200, about="It is.", headers=headers.EVERY, content=_TEXT, samples={"is": said}
    )
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary=summary,
        parameters=(parameters.REQUEST_ID,),
        answers=(ok, *more),
    )


HEALTH = (
    _probe(
        "/_health",
        "health",
        "Whether the database answers",
        "OK",
        Answer(
            status=500,
            about="It is not.",
            headers=headers.EVERY,
            content=_TEXT,
            samples={"is not": "No database connection"},
        ),
    ),
)

LIVE = (_probe("/_live", "live", "Whether the server lives", "OK"),)

PING = (_probe("/ping", "ping", "The same, as vip has it", "pong"),)


def _readiness(status: int, about: str, said: str) -> Answer:
    return Answer(
        status=status,
        about=about,
        headers=(*headers.EVERY, headers.NOSNIFF.required),
        content={"application/json": schema("Ready")},
        samples={said: {"status": said}},
    )


READY = (
    Operation(
        at="/_ready",
        called="ready",
        tag=TAG,
        summary="Whether a balancer should send requests here",
        parameters=(parameters.REQUEST_ID,),
        answers=(
            _readiness(200, "It should; `degraded` while a part suffers.", "ready"),
            _readiness(
                503, "Not while it starts, nor once it has been told to stop.", "unavailable"
            ),
        ),
    ),
)

METRICS = (
    Operation(
        at="/_metrics",
        called="metrics",
        tag=TAG,
        summary="Everything that is counted and measured, for Prometheus",
        parameters=(parameters.REQUEST_ID,),
        answers=(
            Answer(
                status=200,
                about="In the format that `Accept` asks for.",
                headers=(*headers.EVERY, headers.VARY.required),
                content={
                    "text/plain": schema("Text"),
                    "application/openmetrics-text": schema("Text"),
                },
            ),
        ),
        raises=(errors.NetworkRefused,),
    ),
)

ROBOTS = (
    Operation(
        at="/robots.txt",
        called="robots",
        tag=TAG,
        summary="What robots may index: all or nothing, as `allow_indexing` says",
        parameters=(parameters.REQUEST_ID,),
        answers=(
            Answer(
                status=200,
                about="For robots.",
                headers=headers.EVERY,
                content=_TEXT,
                samples={"nothing": "User-agent: *\nDisallow: /\n"},
            ),
        ),
    ),
)

FAVICON = (
    Operation(
        at="/favicon.ico",
        called="favicon",
        tag=TAG,
        summary="There is none",
        parameters=(parameters.REQUEST_ID,),
        answers=(refusals.plain(404, headers.ORIGIN.required),),
    ),
)

_DOCUMENT = (
    *headers.EVERY,
    headers.ETAG.required,
    headers.ORIGIN.required,
    headers.NOSNIFF.required,
)

OPENAPI = (
    Operation(
        at="/openapi.json",
        called="openapi",
        tag=TAG,
        summary="This document",
        parameters=(parameters.IF_NONE_MATCH, parameters.REQUEST_ID),
        answers=(
            Answer(
                status=200,
                about="OpenAPI 3.1.",
                headers=_DOCUMENT,
                content={"application/json": {"type": "object", "required": ["openapi"]}},
            ),
            Answer(status=304, about="`If-None-Match` names it.", headers=_DOCUMENT),
        ),
    ),
)
