"""The page of the studio, and what it asks for."""

from liveresize import errors
from liveresize.web.openapi import headers, parameters, refusals, uploads
from liveresize.web.openapi.parts import Answer, Header, Operation, Parameter, schema

TAG = "Studio"

_GUARDS = tuple(
    Header(name=name, about="What the page may do, and what others may do with it.", always=True)
    for name in (
        "Content-Security-Policy",
        "X-Frame-Options",
        "Referrer-Policy",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
    )
)

_SENT = (
    *headers.EVERY,
    headers.ETAG.required,
    headers.VARY.required,
    headers.NOSNIFF.required,
    *_GUARDS,
)

_FILE = Parameter(
    name="file",
    place="path",
    about="One of the files that the page is made of.",
    shape={"type": "string"},
    example="icon.svg",
)


def _page(
    at: str, called: str, summary: str, kinds: tuple[str, ...], *more: Parameter
) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary=summary,
        parameters=(*more, parameters.IF_NONE_MATCH, parameters.REQUEST_ID),
        answers=(
            Answer(
                status=200,
                about="As it is, or packed with gzip.",
                headers=_SENT,
                content={kind: schema("Text") for kind in kinds},
            ),
            Answer(status=304, about="`If-None-Match` names it.", headers=_SENT),
            *((refusals.plain(404),) if more else ()),
        ),
    )


PAGE = (
    _page("/_studio/", "studio", "The page", ("text/html",)),
    _page(
        "/_studio/{file}",
        "studioFile",
        "A file of the page",
        ("text/css", "text/javascript", "image/svg+xml", "text/html"),
        _FILE,
    ),
)

DOOR = (
    Operation(
        at="/_studio",
        called="studioDoor",
        tag=TAG,
        summary="The page, for those who forget the slash",
        parameters=(parameters.REQUEST_ID,),
        answers=(
            Answer(
                status=308,
                about="There.",
                headers=(*headers.EVERY, headers.LOCATION),
            ),
        ),
    ),
)

SESSION = (
    Operation(
        at="/_studio/session",
        called="studioSession",
        tag=TAG,
        summary="Whether the page may work, and the limits it works in",
        about="Where no `admin.secrets` are configured, `admin.networks` need none.",
        parameters=(parameters.REQUEST_ID,),
        answers=(
            Answer(
                status=200,
                about="It may.",
                headers=(*headers.EVERY, headers.NOSNIFF.required),
                content={"application/json": schema("StudioSession")},
            ),
        ),
        raises=(errors.NetworkRefused, errors.SecretRefused, errors.TooManyFailures),
        security=("admin", ""),
    ),
)

TOKEN = (uploads.for_administrators(uploads.TOKEN[0], at="/_studio/token", called="studioToken"),)
