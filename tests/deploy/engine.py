"""A real search engine for the log: OpenSearch, one node in a process of its own.

It is put together from the libraries of OpenSearch, by opensearch/Engine.java.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from web import servers

_SOURCES = Path(__file__).parent / "opensearch"
_CLASS_PATH = servers.ROOT / "scratch" / "maven" / "opensearch"

_START = 180.0
"""Seconds; a busy machine takes twenty."""

needs_engine = pytest.mark.skipif(
    shutil.which("javac") is None or not _CLASS_PATH.is_file(),
    reason="install a JDK and Maven, run `scripts/test --all`: it fetches OpenSearch",
)

Json = dict[str, Any]


class Engine:
    """An empty engine that ends with the context, and keeps its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._output = (folder / "output").open("wb")
        self._process = subprocess.Popen(
            [
                *("java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                *("-cp", _CLASS_PATH.read_text(), str(_SOURCES / "Engine.java"), str(folder)),
            ],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        ports = folder / "logs" / "http.ports"

        def listening() -> list[str]:
            assert self._process.poll() is None, (folder / "output").read_text()
            return ports.read_text().split() if ports.is_file() else []

        try:
            address = servers.until(listening, _START)[-1]
        except BaseException:
            self._end()
            raise
        self._client = httpx.Client(base_url=f"http://{address}", timeout=_START)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | str | None = None) -> Json:
        """The answer, which is a success; a text as `body` is lines of JSON."""
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        content = None if body is None else body if isinstance(body, str) else json.dumps(body)
        answer = self._client.request(
            method, path, content=content, headers={"Content-Type": kind} if content else {}
        )
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def fill(self, stream: str, lines: Iterable[Json]) -> None:
        """Put lines into a data stream as Logstash does; the engine takes each of them."""
        body = "".join(f'{{"create":{{}}}}\n{json.dumps(line)}\n' for line in lines)
        answer = self.ask("POST", f"/{stream}/_bulk?refresh=true", body)
        refused = [item["create"] for item in answer["items"] if item["create"]["status"] != 201]
        assert refused == []

    def search(self, stream: str, **wanted: Any) -> Json:
        """What the engine answers to that body of a search."""
        return self.ask("POST", f"/{stream}/_search", wanted)

    def count(self, stream: str, query: Json) -> int:
        """How many lines a query finds."""
        found: int = self.ask("POST", f"/{stream}/_count", {"query": query})["count"]
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._output.close()
