"""The status of each error; the only place where errors are mapped to statuses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tornado import httputil
from tornado.web import HTTPError

from liveresize import errors
from liveresize.http import cors, pages, responses
from liveresize.http.responses import Response


@dataclass(frozen=True, slots=True)
class Failure:
    """The response to one kind of error; `retry` is the value of `Retry-After`, in seconds."""

    status: int
    retry: int | None = None


TABLE: dict[type[errors.LiveResizeError], Failure] = {
    errors.RequestError: Failure(400),
    errors.UploadTooSlow: Failure(408),
    errors.OffsetConflict: Failure(409),
    errors.TusVersionRefused: Failure(412),
    errors.UnsupportedBody: Failure(415),
    errors.ChecksumMismatch: Failure(460),
    errors.UploadMissing: Failure(404),
    errors.UploadEnded: Failure(410),
    errors.UrlTooLong: Failure(414),
    errors.HeadTooLarge: Failure(431),
    errors.Forbidden: Failure(403),
    errors.SecretRefused: Failure(401),
    errors.OriginalMissing: Failure(404),
    errors.VersionMismatch: Failure(412),
    errors.OlderInstance: Failure(409),
    errors.OriginalElsewhere: Failure(503, retry=1),
    errors.OverlayUnavailable: Failure(503, retry=60),
    errors.ImageError: Failure(422),
    errors.UploadTooLarge: Failure(413),
    errors.UnsupportedImage: Failure(415),
    errors.Quarantined: Failure(422),
    errors.Overload: Failure(503, retry=1),
    errors.RateLimited: Failure(429, retry=1),
    errors.TooManyFailures: Failure(429, retry=60),
    errors.TooManyUploads: Failure(429, retry=60),
    errors.UploadsFull: Failure(507, retry=60),
    errors.RenderTimeout: Failure(504),
    errors.DiskFull: Failure(507, retry=60),
    errors.StoreError: Failure(503, retry=1),
    errors.WorkerDied: Failure(503, retry=1),
    errors.LiveResizeError: Failure(500),
}
"""Error → response; the nearest class in the order of inheritance counts."""

UNEXPECTED = Failure(500)

STATUS_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    416: "range_not_satisfiable",
}
STATUS_TEXTS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    416: "The range begins after the end of the picture.",
}


def failure_of(error: BaseException) -> Failure:
    """Return the response to `error`."""
    for kind in type(error).__mro__:
        if kind in TABLE:
            return TABLE[kind]
    return UNEXPECTED


def code_of(error: BaseException) -> str:
    """Return the stable snake_case name of an error; `internal` if it is not one of ours."""
    if isinstance(error, HTTPError):
        return STATUS_CODES.get(error.status_code, "http_error")
    return error.code if isinstance(error, errors.LiveResizeError) else "internal"


def answer(error: BaseException, request_id: str, *, page: bool = False) -> Response:
    """Return the response to a request that failed with `error`: JSON, or a page for people."""
    failure = failure_of(error)
    text = "Something went wrong here; the log knows more under this request_id."
    if isinstance(error, errors.LiveResizeError):
        text = error.public
    headers = []
    more = error.fields if isinstance(error, errors.LiveResizeError) else {}
    retry = more.get("retry_after", failure.retry)
    if retry is not None:
        headers.append(("Retry-After", str(retry)))
    if failure.status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    document = {"error": text, "code": code_of(error), **more, "request_id": request_id}
    return _response(failure.status, document, headers, page=page)


def answer_status(status: int, request_id: str, *, page: bool = False) -> Response:
    """Return the response for a status without an error of ours: an unknown route or method."""
    text = STATUS_TEXTS.get(status, "The request cannot be answered.")
    code = STATUS_CODES.get(status, "http_error")
    document = {"error": text, "code": code, "request_id": request_id}
    return _response(status, document, [], page=page)


def explained(
    response: Response, request_id: str, method: str | None, headers: httputil.HTTPHeaders
) -> Response:
    """Return the response; if it refuses a range, with the reason.

    `method` and `headers` are those of the request.
    """
    if response.status != 416:
        return response
    page = pages.wanted(method, headers)
    explanation = answer_status(response.status, request_id, page=page)
    return replace(
        explanation, headers=[*explanation.headers, *response.headers], about=response.about
    )


def _response(
    status: int, document: Mapping[str, object], headers: responses.Headers, *, page: bool
) -> Response:
    headers = [("Cache-Control", responses.NO_STORE), *cors.READABLE, *headers]
    if page:
        return pages.error(status, document, headers)
    return responses.document(document, headers, status)
