"""Every recorded answer of the published services is answered alike, or documented as different."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web import servers
from web.servers import ROOT

from compat import recorded_answers
from compat.originals import ORIGINALS
from compat.recorded_answers import Difference
from liveresize.maintenance.compare.differences import Row

MOVED: dict[str, Any] = {"compat__lenient": True, "originals__upright": True}
"""What `import iaas` writes, for an installation with `webp.allow_opt_in`."""

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


def mislabelled(row: Row) -> bool:
    """Whether the old bytes are of another format than their media type says."""
    return row.old.is_picture and MEDIA_TYPES[row.old.format] != row.old.type


def unknown_extension(row: Row) -> bool:
    """Whether an extension that the service did not know was taken for a JPEG."""
    return row.old.type == "image/jpeg"


IAAS = (
    Difference("U10", r"^/land_10_10\.jpg/$", "status"),
    Difference("U14", r"", "bytes type", mislabelled),
    Difference("U14", r"\.(gif|avif)$", "type bytes", unknown_extension),
    Difference("U15", r"^/large\.(jpg|png)$", "size bytes"),
    Difference("U15", r"^/land$", "status"),
    Difference("U17", r"\?fit=(cover|canvas)$", "size", lambda row: row.old.width >= 2000),
    Difference("U18", r"_(0_100|100_0)\.", "size"),
    Difference(
        "U18", r"_(0_0|abc_100|100_abc|100_100_100|-5_10|\+5_10|1\.5_10|%20_10)\.", "status"
    ),
    Difference("U27", r"_(0|21|a|-1|)x\.jpg$", "status"),
    Difference("U28", r"\?preset=x$", "status"),
    Difference("U32", r"^/(favicon\.ico|token)$", "status"),
    Difference("U32", r"\.(xyz|bmp|tiff|svg|heic)$", "status"),
    Difference("U32", r"\?fit=crop&fit=clip$", "status"),
    Difference("U32", r"^/land%5f10%5f10\.jpg$", "status"),
    Difference("U35", r"^/$", "status"),
)
"""The differences of GET, by the numbers of docs/coming-from-live-image-resize.md."""

OPTED_IN = (
    Difference("U8", r"^/film_", "bytes size"),
    Difference("U18", r"_70_0\.", "size"),
)

UPLOADS = {
    "U1": r'"id": (1\.5|true|null|""|\[)|^\{"kind": "token", "path": "/token", "body": \{\}',
    "U3": r"x=(1200|5000|-10|1e2|abc)|width=-5|width=0\.9",
    "U5": r'"ext": "tar\.gz"',
    "U10": r'"path": "/TOKEN"',
    "U29": r'"twice"|"field": "file"',
    "U30": r'"id": "(_x|token|robots|favicon)"',
    "U34": r'"query".*"file": "turned"',
}
"""The differences of tokens and uploads, by number: which lines they are about."""


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server with the originals of the recording, and the settings of one that moved in."""
    with servers.Running(tmp_path_factory.mktemp("moved"), **MOVED) as running:
        for name, data in ORIGINALS.items():
            running.client.put_in(name, data)
        yield running


@pytest.mark.long
def test_live_image_resize(moved: servers.Running, tmp_path: Path) -> None:
    """Its answers to GET."""
    recorded = [line for line in recorded_answers.lines("iaas.jsonl") if "headers" not in line]
    rows = recorded_answers.compared(moved.url, recorded, {}, tmp_path / "plain")
    assert recorded_answers.unexplained(rows, IAAS) == []
    opted = [line for line in recorded_answers.lines("iaas.jsonl") if "headers" in line]
    rows = recorded_answers.compared(moved.url, opted, opted[0]["headers"], tmp_path / "webp")
    assert recorded_answers.unexplained(rows, OPTED_IN) == []


def test_tokens_and_uploads_of_live_image_resize(moved: servers.Running) -> None:
    """Its answers to POST: the status, and the size of what was stored."""
    texts = (recorded_answers.FOLDER / "iaas-uploads.jsonl").read_text().splitlines()
    numbers: set[str] = set()
    for index, line in enumerate(recorded_answers.lines("iaas-uploads.jsonl")):
        expected = (line["status"], line.get("width"), line.get("height"))
        if line["kind"] == "token":
            answer = moved.client.post(line["path"], json=_fresh(line["body"], index))
            found = (answer.status_code, None, None)
        else:
            found = _uploaded(moved.client, line, f"upload-{index}")
        if found != expected:
            explaining = {name for name, about in UPLOADS.items() if re.search(about, texts[index])}
            assert explaining, f"{texts[index]}: {found}"
            numbers |= explaining
    assert numbers == set(UPLOADS)


def _fresh(body: dict[str, Any], index: int) -> dict[str, Any]:
    """The body of a request for a token, with an id of its own where it does not matter which."""
    return {"id": f"fresh-{index}"} if body.get("id") == "fresh" else body


def _uploaded(client: servers.Client, line: dict[str, Any], name: str) -> tuple[Any, ...]:
    """The status and the size that an upload was answered with."""
    data = ORIGINALS[line["file"]]
    field = line.get("field", "image")
    parts = [(field, ("x.jpg", data, "image/jpeg"))]
    if line.get("twice"):
        parts.insert(0, (field, ("y.jpg", ORIGINALS["tiny"], "image/jpeg")))
    extension = f".{line['ext']}" if line["ext"] else ""
    answer = client.post(
        f"/{name}{extension}?{line.get('query', '')}",
        headers={"X-Token": client.token(name)},
        files=parts,
    )
    if answer.status_code != 200:
        return answer.status_code, None, None
    receipt = answer.json()
    return answer.status_code, receipt["original_width"], receipt["original_height"]


VIP = (
    Difference("V1", r"\?.*s=", "type bytes", lambda row: row.new.type != row.old.type),
    Difference("V2", r"\?c=true$", "size type bytes"),
    Difference("V8", r"^/ping/$", "status"),
    Difference("V11", r"\?s=(1|-5)$", "status bytes"),
    Difference("V11", r"\?s=\+250$", "type size"),
    Difference("V14", r"-750x1000($|\?)", "bytes"),
    Difference("V15", r"-750x1000\?s=(720|99999)$", "size"),
    Difference("V17", r"^/$", "status"),
    Difference("V16", r"^/(vip-bucket/nothing|nobucket/|vip-bucket/[^/]*\.jpg$)", "status"),
)


@pytest.mark.long
def test_vip(tmp_path: Path) -> None:
    """Its answers to GET, by the ids that this server gave the same pictures."""
    keys: dict[str, Any] = {"vip__buckets": ["vip-bucket"], "vip__s3": False, "vip__token": "tok"}
    (tmp_path / "vip").mkdir()
    with servers.Running(tmp_path / "vip", **keys) as running:
        ids = {name: _put_into_bucket(running.client, data) for name, data in ORIGINALS.items()}
        recorded = [
            {**line, "target": _renamed(line["target"], ids)}
            for line in recorded_answers.lines("vip.jsonl")
        ]
        rows = recorded_answers.compared(running.url, recorded, {}, tmp_path / "out")
    assert recorded_answers.unexplained(rows, VIP) == []


def _put_into_bucket(client: servers.Client, data: bytes) -> str:
    answer = client.post(
        "/upload/vip-bucket",
        content=data,
        headers={"X-Vip-Token": "tok", "Content-Type": "image/jpeg"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"]).rpartition("/")[2]


def _renamed(target: str, ids: dict[str, str]) -> str:
    path, question, query = target.partition("?")
    for name, identifier in ids.items():
        path = re.sub(rf"/{name}(?=[./]|$)", f"/{identifier}", path)
    return f"{path}{question}{query}"


def test_every_number_is_documented() -> None:
    """The pages have a row for each difference that is seen here."""
    pages = {"U": "coming-from-live-image-resize.md", "V": "coming-from-vip.md"}
    seen = {each.number for each in (*IAAS, *OPTED_IN, *VIP)} | set(UPLOADS)
    for number in sorted(seen):
        text = (ROOT / "docs" / pages[number[0]]).read_text()
        assert f"| {number} |" in text, number
