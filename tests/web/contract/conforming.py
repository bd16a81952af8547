"""Whether an answer is what the document says: its status, headers, media type and body."""

from typing import Any

import httpx
from jsonschema import Draft202012Validator

from web import servers

HTTP = {"connection", "content-length", "content-type", "content-encoding", "date"}
"""Headers that HTTP brings along by itself."""

Json = dict[str, Any]


class Document:
    """An OpenAPI document, for looking things up in it."""

    def __init__(self, told: Json) -> None:
        self.told = told

    def operations(self) -> dict[tuple[str, str], Json]:
        """Method and template → operation."""
        return {
            (method.upper(), path): operation
            for path, item in self.told["paths"].items()
            for method, operation in item.items()
        }

    def resolved(self, part: Json) -> Json:
        """What a reference leads to; else the part itself."""
        if "$ref" not in part:
            return part
        found: Any = self.told
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self.resolved(found)

    def errors(self, shape: Json, value: object) -> list[str]:
        """What of `value` is not as the schema says."""
        whole = {**shape, "components": self.told["components"]}
        return [error.message for error in Draft202012Validator(whole).iter_errors(value)]

    def parameters(self, method: str, template: str) -> dict[tuple[str, str], Json]:
        """Place and name → parameter."""
        listed = self.operations()[method, template]["parameters"]
        each = map(self.resolved, listed)
        return {(parameter["in"], parameter["name"]): parameter for parameter in each}

    def check(self, template: str, answer: httpx.Response) -> httpx.Response:
        """Fail unless the document says that `template` may be answered so."""
        method = answer.request.method
        operation = self.operations()[method, template]
        told = operation["responses"].get(str(answer.status_code))
        assert told is not None, f"{method} {template} {answer.status_code}: {answer.text}"
        told = self.resolved(told)
        self._check_headers(told, answer)
        if not answer.content:
            return answer
        assert "content" in told, f"{method} {template} {answer.status_code} has a body"
        kind = answer.headers["Content-Type"].partition(";")[0]
        wild = kind.partition("/")[0] + "/*"
        media = told["content"].get(kind, told["content"].get(wild))
        assert media is not None, f"{kind} is none of {list(told['content'])}"
        if "schema" in media:
            body = answer.json() if kind == "application/json" else answer.text
            assert self.errors(media["schema"], body) == []
        return answer

    def _check_headers(self, told: Json, answer: httpx.Response) -> None:
        listed = {name.lower(): self.resolved(each) for name, each in told["headers"].items()}
        for name, header in listed.items():
            value: Any = answer.headers.get(name)
            if value is None:
                assert not header.get("required"), f"{name} is missing"
                continue
            if header["schema"].get("type") == "integer":
                value = int(value)
            assert self.errors(header["schema"], value) == [], name
        unknown = set(answer.headers) - listed.keys() - HTTP
        assert not unknown, f"{answer.request.url} {answer.status_code}: {unknown} are not told"


class Visitor:
    """Asks a server, and holds each answer against its document."""

    def __init__(self, running: servers.Running) -> None:
        self.client = running.client
        self.document = Document(self.client.get("/openapi.json").json())

    def ask(
        self, status: int, method: str, template: str, target: str = "", **more: Any
    ) -> httpx.Response:
        """The answer, which has that status and is as it is told; `target` may be the template."""
        answer = self.client.request(method, target or template, **more)
        assert answer.status_code == status, answer.text
        return self.document.check(template, answer)

    def get(self, status: int, template: str, target: str = "", **headers: str) -> httpx.Response:
        """The answer to a GET; `_` in names of headers stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(status, "GET", template, target, headers=named)
