"""Whether /openapi.json and the code that reads addresses agree on every value."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from liveresize import errors
from liveresize.core import names, parameters
from liveresize.core.operation import UrlRules

from . import servers
from .contract.conforming import Document

RENDITION = "/{name}_{width}_{height}.{ext}"


@pytest.fixture
def document(server: servers.Running) -> Document:
    """What the server says of itself."""
    return Document(server.client.get("/openapi.json").json())


TEXTS = (
    *("true", "false", "auto", "0", "1", "-1", "-2", "90", "45", "100", "101", "0.3", "0.29"),
    *("10", "10.5", "0.3333333333333333", "h", "v", "hv", "vh", "crop", "clip", "fill"),
    *("canvas", "cover", "center", "north", "smart", "top", "0,0", "1,1", "0.25,0.75", "1.5,0"),
    *("0,-1", ",", "fff", "ffff", "ff0000", "ff0000aa", "f0f0f", "g00", "transparent", "card"),
    *("0,0,9,9", "0,0,1.0,1.0", "0,0.5,050,100.0%", "9%,09%,10%,0.0%", "1.0,0,1,1", "0,0,0,1"),
    *("99.9%,0,0.09%,90%", "0,0,101%,1", "0,0,.5,1", "0,0,1.5,1", "0,0,9,9,9", "255", "256"),
    *("p3", "srgb", "keep", "none"),
    *("2", "200", "201", "000,ffcc00", "fff,ff0000aa"),
    *("max", "blur", "9999", "10000", "10,20", "1,2,3,4", "1,2,3,4,5", "1,", "-1,2"),
)
"""Each means something to some parameter, or nearly does."""


def readings(text: str) -> Iterator[Any]:
    """What a text of the query may be to a schema."""
    yield text
    if text in ("true", "false") or re.fullmatch(r"-?[0-9.]+", text):
        yield json.loads(text)


@pytest.mark.parametrize("name", sorted({*parameters.KNOWN} - {"sig", "exp", "held"}))
def test_parameters_take_what_the_document_says(document: Document, name: str) -> None:
    """Whoever reads the query and whoever reads the document agree on every value."""
    rules = UrlRules(presets={"card": ()}, overlays=("card",))
    told = document.parameters("GET", RENDITION)["query", name]
    for text in TEXTS:
        try:
            parameters.read(f"{name}={quote(text)}", rules)
            taken = True
        except errors.BadParameter:
            taken = False
        shape = told["schema"]
        assert taken == any(not document.errors(shape, value) for value in readings(text)), text


def test_all_parameters_are_told(document: Document) -> None:
    """Those of pictures, `sig` as the way to be let in."""
    told = document.parameters("GET", RENDITION)
    assert {name for place, name in told if place == "query"} == {*parameters.KNOWN} - {"sig"}
    assert document.told["components"]["securitySchemes"]["signature"]["name"] == "sig"


@pytest.mark.parametrize(
    "name", ["cat", "a b", "ä", "x" * 255, "", "x" * 256, "a/b", "a\\b", "a\x85"]
)
def test_names_are_what_the_document_says(document: Document, name: str) -> None:
    """Bytes and dots apart, which no schema can tell; an underscore begins other addresses."""
    told = document.parameters("GET", "/{name}")["path", "name"]
    try:
        names.check_name(name)
    except errors.MalformedUrl:
        assert document.errors(told["schema"], name)
    else:
        assert document.errors(told["schema"], name) == []
    assert document.errors(told["schema"], f"_{name}")
