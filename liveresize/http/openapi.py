"""`/openapi.json`: openapi.yaml, completed with values of the settings and the code."""

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from liveresize import __version__, errors
from liveresize.core import formats, names, urls
from liveresize.core.formats import EXTENSIONS
from liveresize.core.operation import Operation, UrlRules
from liveresize.core.operations import OPERATIONS
from liveresize.core.originals import GENERATION
from liveresize.delivery.warmup import Fate
from liveresize.errors import LiveResizeError
from liveresize.http import conditions, cors, failures, fallback_responses
from liveresize.http.conditions import Validators
from liveresize.http.context import AppContext
from liveresize.http.handlers import admin, lists, records, tokens
from liveresize.http.handlers.base import Handler
from liveresize.http.responses import Response
from liveresize.observe.metrics.requests import CACHES, NO_CACHE
from liveresize.settings.pictures import ALIASES

Json = dict[str, Any]

_AGE = 3600
"""Seconds to cache the document: an upgrade or new settings may change it."""

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")

_GET_ONLY = {"header.Range", "header.If-Range", "header.Freshness-Token"}
"""Parameters without a meaning for HEAD."""

_ERROR_HEADERS = ("X-Request-Id", "Cache-Control", "X-Content-Type-Options")
_PAGE_HEADERS = ("Vary", "Content-Security-Policy", "Referrer-Policy")
_STATUS_HEADERS = {401: "WWW-Authenticate", 416: "Content-Range"}

_ERRORS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LiveResizeError)
}
del _ERRORS[errors.SettingsError.code]  # the server does not start, so no client gets it

_STATUSES = {code: status for status, code in failures.STATUS_CODES.items()}
"""Codes without an error class → status."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The bytes of the document, and their SHA-256 in hex."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, site: AppContext) -> "Contract":
        """Build the document of `site`. Takes some 50 ms: not for the event loop."""
        data = json.dumps(document(site), ensure_ascii=False, separators=(",", ":")).encode()
        return cls(data, hashlib.sha256(data).hexdigest())


class OpenApiHandler(Handler):
    """`/openapi.json`."""

    route = "status"

    async def get(self) -> None:
        """Respond with the document, or 304. The first request builds it, in a thread."""
        settings = self.application.settings
        if "contract" not in settings:  # several first requests may each make it, all alike
            settings["contract"] = await asyncio.to_thread(Contract.of, self.site)
        contract: Contract = settings["contract"]
        headers = [
            ("Cache-Control", f"public, max-age={_AGE}"),
            ("ETag", f'"{contract.etag}"'),
            *cors.READABLE,
            ("X-Content-Type-Options", "nosniff"),
        ]
        if conditions.unchanged(self.conditionals, Validators(contract.etag)):
            await self.respond(Response(status=304, headers=headers, length=None))
            return
        headers.append(("Content-Type", "application/json"))
        await self.respond(
            Response(status=200, headers=headers, body=contract.data, length=len(contract.data))
        )

    head = get


def document(site: AppContext) -> Json:
    """Return the OpenAPI Object of `site`."""
    spec: Json = _filled(_load(), _values(site))
    del spec["x-shared"]
    spec["components"]["parameters"] |= {
        f"query.{each.name}": _parameter(each, site.rules) for each in _operations(site.rules)
    }
    responses = spec["components"]["responses"]
    for item in spec["paths"].values():
        for method, operation in item.items():
            _expand_errors(operation, pages=method == "get")
            if fallback := operation.pop("x-fallback", None):
                _add_fallback(operation["responses"], fallback, spec["components"]["headers"])
        if "get" in item:
            item["head"] = _head(item["get"])
        elif "head" in item:
            item["head"]["responses"] = _bodiless(item["head"]["responses"])
        for operation in item.values():
            operation.pop("x-head", None)
            _share_responses(operation, responses)
    return spec


def _operations(rules: UrlRules) -> list[Operation]:
    """Return the operations that have a value with these rules."""
    return [each for each in OPERATIONS.values() if not each.configured or each.configured(rules)]


def _parameter(operation: Operation, rules: UrlRules) -> Json:
    """Return the Parameter Object of an operation."""
    parameter: Json = {
        "name": operation.name,
        "in": "query",
        "description": operation.about,
        "schema": operation.schema,
    }
    if operation.configured:
        return {**parameter, "schema": {"type": "string", "enum": operation.configured(rules)}}
    return parameter if operation.example is None else {**parameter, "example": operation.example}


def _load() -> Json:
    import yaml  # here, because only the first request for the document needs it

    text = resources.files(__package__).joinpath("openapi.yaml").read_text("utf-8")
    # The loader in C takes a tenth of the time; some builds of PyYAML lack it.
    spec: Json = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return spec


def _values(site: AppContext) -> Json:
    """Return the values of placeholders and of `x-when` in openapi.yaml."""
    extensions = formats.extensions(jxl=site.rules.jxl)
    return {
        "version": __version__,
        "studio": bool(site.studio),
        "presets": list(site.rules.presets),
        "fallback": site.fallbacks.on,
        "max_width": site.constraints.max_width,
        "max_height": site.constraints.max_height,
        "max_upload_bytes": site.uploads.max_bytes,
        "input_formats": sorted(
            {*site.formats, *(word for word, name in ALIASES.items() if name in site.formats)}
        ),
        "rendition_types": {EXTENSIONS[each].mime: {} for each in extensions},
        "extensions": extensions,
        "operations": [
            {"$ref": f"#/components/parameters/query.{each.name}"}
            for each in _operations(site.rules)
        ],
        "max_density": urls.MAX_DENSITY,
        "name_bytes": names.MAX_BYTES,
        "not_in_names": names.FORBIDDEN.pattern[1:-1],
        "reserved_ids": sorted(names.RESERVED),
        "generation": GENERATION.pattern,
        "engine_version": admin.VERSION.pattern,
        "purge_most": admin.MOST,
        "least_unused": admin.least_unused(site),
        "list_most": lists.MOST,
        "list_usual": lists.USUAL,
        "tokens_most": tokens.MOST,
        "token_seconds": tokens.LONGEST_LIFE,
        "claim_seconds": records.LONGEST_CLAIM,
        "token_bytes": tokens.LARGEST,
        "caches": [each for each in CACHES if each != NO_CACHE],
        "fates": list(Fate),
        "error_codes": sorted({"internal", "http_error", *_STATUSES, *_ERRORS}),
        "causes": [*errors.TokenRefused.CAUSES, *errors.Refused.CAUSES],
    }


def _filled(part: Any, values: Json) -> Any:
    """Return a copy of `part` with placeholders replaced, `x-when` applied and lists flattened."""
    if isinstance(part, str):
        placeholder = _PLACEHOLDER.fullmatch(part)
        return (
            values[placeholder[1]]
            if placeholder
            else _PLACEHOLDER.sub(lambda m: str(values[m[1]]), part)
        )
    if isinstance(part, list):
        filled = [_filled(each, values) for each in part if _applies(each, values)]
        return [one for each in filled for one in (each if isinstance(each, list) else [each])]
    if isinstance(part, dict):
        return {
            key: _filled(each, values)
            for key, each in part.items()
            if key != "x-when" and _applies(each, values)
        }
    return part


def _applies(part: Any, values: Json) -> bool:
    return not isinstance(part, dict) or "x-when" not in part or bool(values[part["x-when"]])


def _expand_errors(operation: Json, *, pages: bool) -> None:
    """Replace `x-errors` with a response for each status that these errors have.

    With `pages` the errors are HTML for browsers.
    """
    codes = dict.fromkeys(operation.pop("x-errors", []))
    more = operation.pop("x-error-headers", {})
    by_status: dict[int, list[_Error]] = {}
    for error in map(_error, codes):
        by_status.setdefault(error.status, []).append(error)
    for status, listed in by_status.items():
        operation["responses"][str(status)] = _response(status, listed, more, pages=pages)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _add_fallback(responses: Json, fallback: Json, headers: Json) -> None:
    """Add to the response with 404 what it has of the one with 200 if it shows another image.

    `headers` are those that all responses refer to.
    """
    whole, missing = responses["200"], responses["404"]
    for name, header in whole["headers"].items():
        if name not in missing["headers"] and name not in fallback_responses.LEFT_OUT:
            described = headers[header["$ref"].rpartition("/")[2]]
            missing["headers"][name] = {**described, "required": False}
    missing["headers"]["X-Fallback"] = {"$ref": "#/components/headers/X-Fallback"}
    missing["content"] |= whole["content"]
    missing["description"] += f"\n\n{fallback['description']}"


@dataclass(frozen=True, slots=True)
class _Error:
    """The response to one error code."""

    code: str
    status: int
    text: str
    retry: bool = False


def _error(code: str) -> _Error:
    if code in _ERRORS:
        error = _ERRORS[code]()
        failure = failures.failure_of(error)
        return _Error(code, failure.status, error.public, failure.retry is not None)
    status = _STATUSES[code]
    return _Error(code, status, failures.STATUS_TEXTS[status])


def _response(status: int, listed: list[_Error], more: Json, *, pages: bool) -> Json:
    """Return the Response Object of errors with one status; `more` are headers of all of them."""
    names = [*_ERROR_HEADERS]
    if listed[0].retry:
        names.append("Retry-After")
    if status in _STATUS_HEADERS:
        names.append(_STATUS_HEADERS[status])
    headers = {name: {"$ref": f"#/components/headers/{name}.always"} for name in names}
    codes = {"properties": {"code": {"enum": [error.code for error in listed]}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, codes]}
    content: Json = {"application/json": {"schema": schema}}
    if pages:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in _PAGE_HEADERS}
        content["text/html"] = {"schema": {"$ref": "#/components/schemas/Text"}}
    return {
        "description": "\n".join(f"- `{error.code}`: {error.text}" for error in listed),
        "headers": {**headers, **more},
        "content": content,
    }


def _head(get: Json) -> Json:
    """Return the HEAD of a GET: without bodies, and with the statuses of `x-head`."""
    statuses = set(map(str, get.get("x-head", []))) or get["responses"].keys()
    head = {
        **get,
        "operationId": f"{get['operationId']}Head",
        "summary": f"{get['summary']}, its headers alone",
        "parameters": [each for each in get["parameters"] if not _only_of_get(each)],
        "responses": {
            status: response
            for status, response in _bodiless(get["responses"]).items()
            if status in statuses
        },
    }
    head.pop("description", None)
    return head


def _bodiless(responses: Json) -> Json:
    """Return responses without their bodies."""
    return {
        status: {key: each for key, each in response.items() if key != "content"}
        for status, response in responses.items()
    }


def _only_of_get(parameter: Json) -> bool:
    return parameter.get("$ref", "").removeprefix("#/components/parameters/") in _GET_ONLY


def _share_responses(operation: Json, responses: Json) -> None:
    """Move all responses but 2xx to `responses`, equal ones once."""
    for status, response in operation["responses"].items():
        if status < "300" or "$ref" in response:
            continue
        equal = (key for key, other in responses.items() if other == response)
        key = next(equal, f"{status}.{len(responses)}")
        responses[key] = response
        operation["responses"][status] = {"$ref": f"#/components/responses/{key}"}
