"""What an operation is described with: frozen values, each of which knows its JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from liveresize.errors import LiveResizeError

Json = dict[str, Any]


def ref(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name: str) -> Json:
    """A reference to a schema of `schemas`."""
    return ref("schemas", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header of answers. `always` tells that no answer which lists it goes without."""

    name: str
    about: str
    shape: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    example: object = None
    always: bool = False

    @property
    def required(self) -> "Header":
        """The same, where it is in every such answer."""
        return replace(self, always=True)

    @property
    def key(self) -> str:
        """What it is called among the components."""
        return f"{self.name}.always" if self.always else self.name

    def json(self) -> Json:
        """The Header Object."""
        told: Json = {"description": self.about, "schema": dict(self.shape)}
        if self.example is not None:
            told["example"] = self.example
        return {"required": True, **told} if self.always else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a client says in the `path`, where it must, in the `query` or a `header`."""

    name: str
    place: str
    about: str
    shape: Mapping[str, Any]
    example: object = None
    needed: bool = False

    def json(self) -> Json:
        """The Parameter Object."""
        told: Json = {"name": self.name, "in": self.place, "description": self.about}
        if self.needed or self.place == "path":
            told["required"] = True
        told["schema"] = dict(self.shape)
        if self.example is not None:
            told["example"] = self.example
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One status. `content` maps media types to schemas, an empty one is of plain bytes;
    `samples` maps names to bodies as they really came."""

    status: int
    about: str
    headers: tuple[Header, ...] = ()
    content: Mapping[str, Json] = field(default_factory=dict)
    samples: Mapping[str, object] = field(default_factory=dict)

    def json(self, *, body: bool = True) -> Json:
        """The Response Object; without `body`, as for HEAD, which may not know the type of
        what has yet to be made."""
        told: Json = {"description": self.about}
        if self.headers:
            told["headers"] = {each.name: ref("headers", each.key) for each in self.headers}
        if self.content and body:
            told["content"] = {
                kind: _media(shape, self.samples) for kind, shape in self.content.items()
            }
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a client sends; `content` and `samples` as in an Answer. `parts` maps fields of a
    form to their media types."""

    about: str
    content: Mapping[str, Json]
    samples: Mapping[str, object] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Json:
        """The Request Body Object."""
        content = {kind: _media(shape, self.samples) for kind, shape in self.content.items()}
        if self.parts:
            encoding = {name: {"contentType": kind} for name, kind in self.parts.items()}
            content["multipart/form-data"]["encoding"] = encoding
        return {"description": self.about, "required": True, "content": content}


def _media(shape: Json, samples: Mapping[str, object]) -> Json:
    told: Json = {"schema": shape} if shape else {}
    if samples:
        told["examples"] = {name: {"value": value} for name, value in samples.items()}
    return told


Security = tuple[str, ...]
"""Names of security schemes, any one of which is enough; an empty name is none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one address does with one method.

    `at` is the template of its path, `called` its operationId. Of a route that takes GET
    and HEAD, `head` are the statuses that HEAD has as well; None leaves it all of GET.
    `raises` are errors, from which statuses, codes and `Retry-After` follow; `of_errors` are
    the headers that these have beyond those of all.
    """

    at: str
    called: str
    tag: str
    summary: str
    about: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: tuple[Answer, ...] = ()
    raises: tuple[type[LiveResizeError], ...] = ()
    security: Security = ()
    head: frozenset[int] | None = None
    of_errors: tuple[Header, ...] = ()
    links: Mapping[int, Json] = field(default_factory=dict)
