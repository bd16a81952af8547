"""`/openapi.json`: that it is OpenAPI 3.1, that it is whole, and that it is true."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from liveresize import __version__, errors
from liveresize.app import application

from . import buckets, servers
from .contract.conforming import Document

READING = {200, 206, 302, 303, 304, 307, 400, 403, 404, 416, 422, 429, 503, 504}
LOOKING = READING - {206, 303, 416}
KEPT = {200, 206, 304, 404, 416, 422, 429, 503, 504}
UPLOADING = {200, 400, 403, 408, 413, 415, 422, 503, 507}
STORING = {403, 410, 413, 415, 422, 503, 507, 400, 404, 412}
IN_PARTS = STORING | {408, 409, 460}
DELETING = {200, 204, 400, 401, 403, 404, 422, 429, 503}
WARMING = {202, 400, 401, 404, 408, 413, 422, 429, 503}
TOKENS = {200, 400, 401, 403, 408, 409, 413, 429, 503, 507}
CHANGING = {200, 400, 401, 403, 404, 408, 409, 412, 413, 422, 429, 503}


def read(*statuses: int) -> dict[str, set[int]]:
    """What HEAD is answered with just as GET."""
    return {"GET": set(statuses), "HEAD": set(statuses)}


STATUSES = {
    "/{name}_{width}_{height}.{ext}": {"GET": READING, "HEAD": LOOKING},
    "/{name}_{width}_{height}_{density}x.{ext}": {"GET": READING, "HEAD": LOOKING},
    "/{name}.{ext}": {"GET": READING, "HEAD": LOOKING, "POST": UPLOADING, "OPTIONS": {204}},
    "/{name}": {
        "GET": READING,
        "HEAD": LOOKING,
        "POST": UPLOADING,
        "DELETE": DELETING,
        "PATCH": CHANGING,
        "OPTIONS": {204},
    },
    "/{name}.json": read(200, 400, 403, 404, 422, 429, 503),
    "/_renditions/{name}/{generation}/{file}": {"GET": KEPT, "HEAD": KEPT - {206, 416, 429}},
    "/_renditions/{bucket}/{name}/{generation}/{file}": {
        "GET": KEPT,
        "HEAD": KEPT - {206, 416, 429},
    },
    "/_uploads/{name}": {"POST": IN_PARTS | {201, 429}, "OPTIONS": {204}},
    "/_uploads/{name}/{upload}": {
        "HEAD": STORING | {200},
        "PATCH": IN_PARTS | {200, 204},
        "POST": IN_PARTS | {200, 204},
        "DELETE": {204, 400, 403, 404, 412},
        "OPTIONS": {204},
    },
    "/token": {"POST": TOKENS},
    "/_pictures": read(200, 400, 401, 403, 404, 429, 503),
    "/_erasures/{erasure}": read(200, 401, 403, 404, 429, 503),
    "/purge": {"POST": {200, 400, 401, 403, 408, 413, 429, 503}},
    "/upload/{bucket}": {
        "POST": {201, 400, 401, 404, 408, 413, 415, 422, 429, 503, 507},
        "OPTIONS": {200, 401, 404},
    },
    "/{bucket}/{id}": {
        "GET": READING - {303, 307},
        "HEAD": LOOKING - {307},
        "DELETE": DELETING,
        "PATCH": CHANGING,
    },
    "/{bucket}/{id}/warmup": {"POST": WARMING, "OPTIONS": {200, 401, 404}},
    "/": read(200),
    "/_health": read(200, 500),
    "/_live": read(200),
    "/_ready": read(200, 503),
    "/_metrics": read(200, 403),
    "/ping": read(200),
    "/robots.txt": read(200),
    "/favicon.ico": read(204),
    "/openapi.json": read(200, 304),
    "/_studio": read(308),
    "/_studio/": read(200, 304),
    "/_studio/{file}": read(200, 304, 404),
    "/_studio/session": read(200, 401, 403, 429),
    "/_studio/token": {"POST": TOKENS},
}
"""The contract: every address, every method, every status that it may be answered with. 405
is of every address, 500 of a bug."""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[buckets.Gallery]:
    """A server with everything on."""
    with buckets.Gallery(
        tmp_path_factory.mktemp("gallery"),
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        freshness=servers.FRESHNESS,
        presets={"card": {"fit": "crop"}},
        studio=True,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def document(gallery: buckets.Gallery) -> Document:
    """What that server says of itself."""
    return Document(gallery.client.get("/openapi.json").json())


def examples(document: Document) -> Iterator[tuple[str, str, str]]:
    """Method, template and raw path of every operation, its own examples in the path."""
    for method, template in document.operations():
        path = template
        for (place, name), parameter in document.parameters(method, template).items():
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(str(parameter["example"]), safe=""))
        yield method, template, path


def test_it_is_openapi_3_1(document: Document) -> None:
    """As the schema of OpenAPI itself sees it."""
    assert document.told["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document.told).iter_errors()) == []


def test_everyone_may_keep_it_for_a_while(gallery: buckets.Gallery) -> None:
    """JSON with an ETag, for pages of any origin."""
    first = gallery.get("/openapi.json")
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    again = gallery.get("/openapi.json", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    head = gallery.client.head("/openapi.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(first.content))


def test_every_route_has_its_path_and_every_path_its_route(document: Document) -> None:
    """The examples of the operations lead to all routes, by all of their methods."""
    routes = [
        (method, pattern, handler)
        for methods, pattern, handler in application.ROUTES
        for method in methods
    ]
    found = set()
    for method, _, path in examples(document):
        fitting = [row for row in routes if row[0] == method and re.fullmatch(row[1], path)]
        assert fitting, f"{method} {path} has no route"
        found.add(fitting[0])
    assert set(routes) - found == set(), "no path of openapi.yaml leads there"


def test_every_component_is_used_and_nothing_of_the_file_alone_is_served(
    gallery: buckets.Gallery, document: Document
) -> None:
    """No name that nobody refers to, no placeholder, no extension of ours."""
    text = gallery.client.get("/openapi.json").text
    for kind in ("schemas", "parameters", "headers", "responses"):
        used = re.findall(rf'"#/components/{kind}/([^"]+)"', text)
        assert set(document.told["components"][kind]) == set(used)
    assert "${" not in text
    assert not re.findall(r'"x-[a-z-]+":', text)


def test_every_status_of_the_contract_is_told_and_no_other(document: Document) -> None:
    """For each address and each method."""
    told: dict[str, dict[str, set[int]]] = {}
    for (method, template), operation in document.operations().items():
        told.setdefault(template, {})[method] = set(map(int, operation["responses"]))
    assert told == STATUSES


def test_every_code_of_an_error_is_told(document: Document) -> None:
    """All but that of a configuration which no server starts with."""
    ours = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.LiveResizeError)
    }
    told = set(document.told["components"]["schemas"]["Error"]["properties"]["code"]["enum"])
    assert told >= (ours - {"settings_error"}) | {"internal", "method_not_allowed", "not_found"}
    assert told.isdisjoint({"settings_error", "web_error"})


def test_every_example_is_as_its_schema_says(document: Document) -> None:
    """Of parameters, headers, and bodies in both directions."""
    seen = 0
    for key, operation in document.operations().items():
        for parameter in document.parameters(*key).values():
            if "example" in parameter:
                assert document.errors(parameter["schema"], parameter["example"]) == [], parameter
        answers = map(document.resolved, operation["responses"].values())
        for told in [operation.get("requestBody", {}), *answers]:
            for header in told.get("headers", {}).values():
                whole = document.resolved(header)
                assert document.errors(whole["schema"], whole.get("example", "")) == [] or (
                    "example" not in whole
                )
            for media in told.get("content", {}).values():
                for example in media.get("examples", {}).values():
                    seen += 1
                    assert document.errors(media["schema"], example["value"]) == []
    assert seen > 15


def test_it_says_what_is_configured_and_nothing_else_changes(
    gallery: buckets.Gallery, launch: Any
) -> None:
    """Limits, formats, presets, and the studio while it is on."""
    rich = gallery.client.get("/openapi.json").json()
    assert rich["info"]["version"] == __version__
    assert rich["components"]["schemas"]["Preset"] == {"enum": ["card"]}
    plain = launch(constraints__max_width=1234).client.get("/openapi.json").json()
    assert "1234" in plain["components"]["schemas"]["Width"]["description"]
    assert "Preset" not in plain["components"]["schemas"]
    assert "query.preset" in rich["components"]["parameters"]
    assert "query.preset" not in plain["components"]["parameters"]
    assert not [path for path in plain["paths"] if path.startswith("/_studio")]
    rich["paths"] = {
        path: item for path, item in rich["paths"].items() if not path.startswith("/_studio")
    }
    assert rich["paths"].keys() == plain["paths"].keys()


def test_no_secret_is_in_it(gallery: buckets.Gallery) -> None:
    """It says that there are some."""
    text = gallery.client.get("/openapi.json").text
    for secret in (servers.SECRET, servers.ADMIN, servers.FRESHNESS, buckets.TOKEN):
        assert secret not in text
