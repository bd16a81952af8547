"""Uploads that can be resumed, by the protocol tus 1.0.0."""

import email.utils
import errno
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liveresize import errors
from liveresize.core import tokens
from liveresize.core.records import Given
from liveresize.uploads.resumable_upload import ResumableUpload

from . import pictures, servers, wire
from .conftest import Events
from .tus import PART, Tus, checksum, metadata

PICTURE = pictures.png(200, 150)
HALF = len(PICTURE) // 2
JUNK = b"%PDF-1.7 " + bytes(500)

LARGE = pictures.noise(1200, 900)
"""Of so many bytes that some are written before a part is whole."""


@pytest.fixture
def tus(server: servers.Running) -> Tus:
    """A client of the shared server."""
    return Tus(server.client)


def files(server: servers.Running, url: str) -> list[str]:
    """The suffixes of what lies in the folder of such uploads about the one at `url`."""
    key = tokens.digest(url.rpartition("/")[2])
    names = sorted(path.name for path in (server.data / "uploads").iterdir())
    return [name.removeprefix(key) for name in names if name.startswith(key)]


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of an error; what each must have is looked at as well."""
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
    return answer.status_code, answer.json()["code"]


def test_an_upload_in_parts_ends_as_any_other(server: servers.Running, tus: Tus, name: str) -> None:
    """Created, sent in three parts, asked about, stored; then its answer can be had again."""
    token = tus.web.token(name)
    named = metadata(filename="cat.png", token=token)
    created = tus.create(name, None, len(PICTURE), Upload_Metadata=named)
    assert created.status_code == 201
    url = created.headers["Location"]
    assert url.startswith(f"/_uploads/{name}/")
    assert created.headers["Upload-Offset"] == "0"
    ends = email.utils.parsedate_to_datetime(created.headers["Upload-Expires"]).timestamp()
    assert ends == pytest.approx(time.time() + 900, abs=60)

    for start, end in ((0, 100), (100, HALF)):
        answer = tus.patch(url, start, PICTURE[start:end])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(end))
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert "Upload-Expires" in answer.headers
    head = tus.ask("HEAD", url)
    assert head.headers["Upload-Offset"] == str(HALF)
    assert head.headers["Upload-Length"] == str(len(PICTURE))
    assert head.headers["Upload-Metadata"] == metadata(filename="cat.png")
    assert head.headers["Cache-Control"] == "no-store"
    assert tus.web.get(f"/{name}.png").status_code == 404
    assert files(server, url) == ["", ".json"]

    last = tus.patch(url, HALF, PICTURE[HALF:], X_Token=token)
    assert (last.status_code, last.headers["Upload-Offset"]) == (200, str(len(PICTURE)))
    receipt = last.json()
    assert (receipt["id"], receipt["bytes"]) == (name, len(PICTURE))
    assert tus.web.get(f"/{name}.png").content == PICTURE
    assert files(server, url) == [".json"]
    assert not any(each.endswith(".cleaned") for each in server.staged)

    # the answer was lost: each way of asking again says that it is stored
    assert tus.offset(url) == len(PICTURE)
    again = tus.patch(url, len(PICTURE), b"")
    assert (again.status_code, again.json()) == (200, receipt)
    assert tus.web.upload(name, PICTURE, token).json() == receipt
    repeated = tus.create(name, token, len(PICTURE), PICTURE)
    assert (repeated.status_code, repeated.json()) == (201, receipt)
    other = tus.create(name, token, len(JUNK), JUNK)
    assert refused(other) == (403, "token_refused")


def test_an_upload_can_be_sent_as_it_is_created(tus: Tus, name: str) -> None:
    """All of it or some; the id may have an extension, and a crop goes with the creation."""
    token = tus.web.token(name)
    created = tus.create(f"{name}.heic", token, len(PICTURE), PICTURE[:HALF])
    assert (created.status_code, created.headers["Upload-Offset"]) == (201, str(HALF))
    query = "?x=10&y=10&width=50&height=40"
    whole = tus.create(f"{name}{query}", token, len(PICTURE), PICTURE)
    assert whole.status_code == 201, whole.text
    assert whole.headers["Upload-Offset"] == str(len(PICTURE))
    assert (whole.json()["original_width"], whole.json()["original_height"]) == (50, 40)


def test_what_the_protocol_forbids_is_refused(server: servers.Running, tus: Tus, name: str) -> None:
    """Each in its words, and the upload can still be finished."""
    token = tus.web.token(name)
    missing: dict[str, Any] = {"Upload_Length": None}
    for status, code, headers in (
        (412, "tus_version_refused", {"Tus_Resumable": None}),
        (412, "tus_version_refused", {"Tus_Resumable": "0.2.2"}),
        (400, "bad_upload", missing),
        (400, "bad_upload", {"Upload_Length": "-1"}),
        (400, "bad_upload", {"Upload_Length": "0"}),
        (400, "bad_upload", missing | {"Upload_Defer_Length": "1"}),
        (400, "bad_upload", {"Upload_Concat": "partial"}),
        (400, "bad_upload", {"Upload_Metadata": "filename cat.png"}),
        (400, "bad_upload", {"Upload_Metadata": "a YQ==,a YQ=="}),
        (400, "bad_upload", {"Upload_Metadata": "a " + "YQ==" * 600}),
        (413, "upload_too_large", {"Upload_Length": str(server.components.uploads.max_bytes + 1)}),
        (403, "token_refused", {"X_Token": None}),
        (403, "token_refused", {"X_Token": "made-up"}),
    ):
        answer = tus.create(name, token, len(PICTURE), **headers)
        assert refused(answer) == (status, code), headers
        assert answer.headers["Tus-Version"] == "1.0.0"
    assert refused(tus.create("other", token, 9)) == (403, "token_refused")
    for status, code, body, headers in (
        (415, "unsupported_body", b"123456789", {"Content_Type": "image/png"}),
        (413, "upload_too_large", PICTURE + b"x", {}),
        (400, "bad_upload", PICTURE, {"Upload_Checksum": checksum(PICTURE, "md5")}),
    ):
        answer = tus.create(name, token, len(PICTURE), body, **headers)
        assert refused(answer) == (status, code), headers

    url = tus.begun(name, token, len(PICTURE))
    assert tus.patch(url, 0, PICTURE[:HALF]).status_code == 204
    for status, code, headers in (
        (412, "tus_version_refused", {"Tus_Resumable": "2.0.0"}),
        (415, "unsupported_body", {"Content_Type": "image/png"}),
        (400, "bad_upload", {"Upload_Offset": None}),
        (409, "offset_conflict", {"Upload_Offset": "0"}),
        (409, "offset_conflict", {"Upload_Offset": str(HALF + 1)}),
        (403, "token_refused", {"X_Token": "made-up"}),
        (400, "bad_upload", {"Upload_Checksum": "md5 YQ=="}),
        (400, "bad_upload", {"Upload_Checksum": "sha256 YQ=="}),
        (400, "bad_upload", {"Upload_Checksum": "sha256 !"}),
        (460, "checksum_mismatch", {"Upload_Checksum": checksum(b"something else")}),
    ):
        answer = tus.patch(url, HALF, PICTURE[HALF:], **headers)
        assert refused(answer) == (status, code), headers
    assert refused(tus.patch(url, HALF, PICTURE)) == (413, "upload_too_large")
    assert refused(tus.ask("POST", url)) == (400, "bad_upload")
    for wrong in (url[:-1], f"{url}0", url.replace(name, "other"), f"/_uploads/{name}/..."):
        assert refused(tus.patch(wrong, HALF, b"x")) == (404, "upload_missing")
        assert tus.ask("HEAD", wrong).status_code == 404
        assert refused(tus.ask("DELETE", wrong)) == (404, "upload_missing")
    assert tus.web.get(url).status_code == 405
    assert tus.offset(url) == HALF
    last = tus.patch(url, HALF, PICTURE[HALF:], Upload_Checksum=checksum(PICTURE[HALF:], "sha1"))
    assert last.status_code == 200


def test_a_method_can_be_sent_in_a_header(server: servers.Running, tus: Tus, name: str) -> None:
    """For what lies between and lets no PATCH or DELETE pass."""
    token = tus.web.token(name)
    url = tus.begun(name, token, len(PICTURE))
    headers = {"X_HTTP_Method_Override": "PATCH", "Content_Type": PART, "Upload_Offset": "0"}
    assert tus.ask("POST", url, PICTURE[:HALF], **headers).status_code == 204
    assert tus.offset(url) == HALF
    assert tus.ask("POST", url, X_HTTP_Method_Override="DELETE").status_code == 204
    assert files(server, url) == []


def test_an_upload_that_is_deleted_gives_its_token_back(
    server: servers.Running, tus: Tus, name: str
) -> None:
    """Nothing is left, and the token takes another upload; a stored picture stays."""
    token = tus.web.token(name)
    url = tus.begun(name, token, len(PICTURE))
    assert tus.patch(url, 0, PICTURE[:HALF]).status_code == 204
    assert tus.ask("DELETE", url).status_code == 204
    assert tus.ask("HEAD", url).status_code == 404
    assert files(server, url) == []
    whole = tus.create(name, token, len(PICTURE), PICTURE)
    assert whole.status_code == 201
    assert tus.ask("DELETE", whole.headers["Location"]).status_code == 204
    assert tus.web.get(f"/{name}.png").content == PICTURE


def test_a_new_creation_replaces_the_upload_of_its_token(
    server: servers.Running, tus: Tus, name: str
) -> None:
    """The old one is gone; an ordinary upload under way keeps its token."""
    token = tus.web.token(name)
    old = tus.begun(name, token, len(PICTURE))
    assert tus.patch(old, 0, PICTURE[:HALF]).status_code == 204
    assert tus.web.upload(name, PICTURE, token).status_code == 403
    new = tus.begun(name, token, len(PICTURE))
    assert refused(tus.patch(old, HALF, PICTURE[HALF:])) == (404, "upload_missing")
    assert files(server, old) == []
    assert tus.patch(new, 0, PICTURE).status_code == 200


@pytest.mark.parametrize(
    ("body", "fields", "status", "code"),
    [
        (JUNK, {}, 415, "unsupported_image"),
        (PICTURE[:-200], {}, 422, "unreadable_image"),
        (PICTURE, {"formats": ["jpeg"]}, 415, "unsupported_image"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_last_byte(
    server: servers.Running,
    tus: Tus,
    name: str,
    body: bytes,
    fields: dict[str, object],
    status: int,
    code: str,
) -> None:
    """In the words of any upload; nothing is left, the token is used, and the id is free."""
    token = tus.web.token(name, **fields)
    url = tus.begun(name, token, len(body))
    assert tus.patch(url, 0, body[:50]).status_code == 204
    assert refused(tus.patch(url, 50, body[50:])) == (status, code)
    assert tus.ask("HEAD", url).status_code == 404
    assert files(server, url) == []
    assert not any(each.endswith(".cleaned") for each in server.staged)
    assert refused(tus.create(name, token, 5)) == (403, "token_refused")
    assert tus.web.token(name)


def test_a_token_for_fewer_bytes_refuses_the_creation(tus: Tus, name: str) -> None:
    """And can still be used."""
    token = tus.web.token(name, max_bytes=len(PICTURE))
    assert refused(tus.create(name, token, len(PICTURE) + 1)) == (413, "upload_too_large")
    assert tus.create(name, token, len(PICTURE), PICTURE).status_code == 201


def broken_off(server: servers.Running, url: str, offset: int, data: bytes, **more: str) -> None:
    """Send part of a part, and leave once some of it is written."""
    key = tokens.digest(url.rpartition("/")[2])
    with wire.Wire(server.port) as connection:
        head = wire.request(
            url,
            "PATCH",
            Tus_Resumable="1.0.0",
            Upload_Offset=str(offset),
            Content_Type=PART,
            Content_Length=str(len(LARGE) - offset),
            **more,
        )
        connection.send(head + data)
        servers.until(lambda: (server.data / "uploads" / key).stat().st_size > offset)


def test_what_arrived_before_a_connection_broke_counts(
    server: servers.Running, tus: Tus, name: str
) -> None:
    """All of it; but of a part with a checksum nothing does."""
    url = tus.begun(name, tus.web.token(name), len(LARGE))
    broken_off(server, url, 0, LARGE[:300_000])
    assert servers.until(lambda: tus.offset(url)) == 300_000
    broken_off(server, url, 300_000, LARGE[300_000:600_000], Upload_Checksum=checksum(LARGE))
    assert tus.offset(url) == 300_000
    assert tus.patch(url, 300_000, LARGE[300_000:]).status_code == 200


def test_a_second_request_ends_the_first(server: servers.Running, tus: Tus, name: str) -> None:
    """The old connection may be dead without anybody knowing it."""
    url = tus.begun(name, tus.web.token(name), len(LARGE))
    with wire.Wire(server.port) as connection:
        head = wire.request(
            url,
            "PATCH",
            Tus_Resumable="1.0.0",
            Upload_Offset="0",
            Content_Type=PART,
            Content_Length=str(len(LARGE)),
        )
        connection.send(head + LARGE[:300_000])
        key = tokens.digest(url.rpartition("/")[2])
        servers.until(lambda: (server.data / "uploads" / key).stat().st_size)
        offset = servers.until(lambda: tus.offset(url))
        assert offset >= 256 << 10
        assert tus.patch(url, offset, LARGE[offset:]).status_code == 200
        connection.send(LARGE[300_000:])
        reply = connection.reply()
        assert (reply.status, b'"offset_conflict"' in reply.body) == (409, True)


def test_a_whole_upload_is_stored_once_however_many_ask(
    server: servers.Running, tus: Tus, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HEAD says that it is whole only when it is stored."""
    url = tus.begun(name, tus.web.token(name), len(PICTURE))
    gate, waiting = threading.Event(), threading.Event()
    store = ResumableUpload._store

    async def slow(self: ResumableUpload, state: Any) -> str:
        waiting.set()
        await servers.Running.waiting(gate)
        return await store(self, state)

    monkeypatch.setattr(ResumableUpload, "_store", slow)
    with ThreadPoolExecutor(3) as pool:
        sent = pool.submit(tus.patch, url, 0, PICTURE)
        waiting.wait(servers.PATIENCE)
        heads = [pool.submit(tus.offset, url) for _ in range(2)]
        assert not any(each.done() for each in heads)
        gate.set()
        assert sent.result().status_code == 200
        assert [each.result() for each in heads] == [len(PICTURE)] * 2
    assert sum(name in path.name for path in server.originals) == 1


def test_what_the_server_fails_at_can_be_asked_for_again(
    server: servers.Running, tus: Tus, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are here: the next request has them stored, and none is sent again."""
    url = tus.begun(name, tus.web.token(name), len(PICTURE))
    tokens_of = type(server.components.index.tokens)
    complete = tokens_of.complete

    async def away(*args: Any, **kwargs: Any) -> None:
        raise errors.IndexUnavailable("", "taken away by a test")

    async def unheard(*args: Any, **kwargs: Any) -> None:
        await complete(*args, **kwargs)
        raise errors.IndexUnavailable("", "taken away by a test")

    monkeypatch.setattr(tokens_of, "complete", away)
    answer = tus.patch(url, 0, PICTURE)
    assert refused(answer) == (503, "index_unavailable")
    assert "Retry-After" in answer.headers
    assert tus.ask("HEAD", url).status_code == 503
    monkeypatch.setattr(tokens_of, "complete", unheard)
    assert tus.offset(url) == len(PICTURE)
    assert tus.web.get(f"/{name}.png").content == PICTURE


def test_a_full_disk_keeps_what_had_room(
    server: servers.Running, tus: Tus, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part is 507; once there is room the upload goes on."""
    url = tus.begun(name, tus.web.token(name), len(PICTURE))
    assert tus.patch(url, 0, PICTURE[:100]).status_code == 204
    write = os.pwrite

    def full(descriptor: int, data: memoryview, offset: int) -> int:
        if offset >= 150:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: 150 - offset], offset)

    monkeypatch.setattr(os, "pwrite", full)
    answer = tus.patch(url, 100, PICTURE[100:])
    assert refused(answer) == (507, "disk_full")
    assert tus.offset(url) == 150
    monkeypatch.setattr(os, "pwrite", write)
    assert tus.patch(url, 150, PICTURE[150:]).status_code == 200


def test_a_part_that_is_too_slow_ends_and_counts(
    launch: Callable[..., servers.Running],
) -> None:
    """408, as of any upload; what had arrived stays."""
    server = launch(limits__body_grace=0, limits__body_rate=1 << 30)
    tus = Tus(server.client)
    url = tus.begun("cat", tus.web.token("cat"), len(LARGE))
    with wire.Wire(server.port) as connection:
        head = wire.request(
            url,
            "PATCH",
            Tus_Resumable="1.0.0",
            Upload_Offset="0",
            Content_Type=PART,
            Content_Length=str(len(LARGE)),
        )
        connection.send(head + LARGE[:1000])
        reply = connection.reply()
    assert (reply.status, b'"upload_too_slow"' in reply.body) == (408, True)
    assert tus.offset(url) == 1000


def test_preflights_and_the_question_what_is_spoken(tus: Tus, name: str) -> None:
    """A browser may send what tus needs, and read what it answers, on these paths alone."""
    for path, methods in (
        (f"/_uploads/{name}", "POST"),
        (f"/_uploads/{name}/0123", "HEAD, PATCH, POST, DELETE"),
    ):
        asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PATCH"}
        answer = tus.web.options(path, headers=asked)
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Methods"] == methods
        assert "Upload-Offset" in answer.headers["Access-Control-Allow-Headers"]
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Max-Size"] == str(50 << 20)
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,sha512"
        extensions = "creation,creation-with-upload,termination,checksum,expiration"
        assert answer.headers["Tus-Extension"] == extensions
    assert "PATCH" not in tus.web.options(f"/{name}").headers["Access-Control-Allow-Methods"]


def test_quotas_and_ends(launch: Callable[..., servers.Running], events: Events) -> None:
    """So many of one client, so many of all, so many bytes; what has ended makes room."""
    server = launch(
        token__lifetime=60,
        uploads__unfinished=3,
        uploads__client_unfinished=2,
        uploads__unfinished_bytes=1000,
        trusted_proxies=["127.0.0.1/32"],
    )
    tus = Tus(server.client)

    def create(name: str, length: int, client: str, **fields: object) -> Any:
        token = tus.web.token(name, **fields)
        return tus.create(name, token, length, X_Forwarded_For=client)

    assert refused(create("a", 1001, "192.0.2.1")) == (413, "upload_too_large")
    first = create("b", 100, "192.0.2.1").headers["Location"]
    assert create("c", 100, "192.0.2.1", expires_in=1).status_code == 201
    answer = create("d", 100, "192.0.2.1")
    assert refused(answer) == (429, "too_many_uploads")
    assert "2 unfinished uploads" in answer.json()["error"]
    assert refused(create("e", 801, "192.0.2.2")) == (507, "uploads_full")
    assert create("f", 100, "192.0.2.2").status_code == 201
    answer = create("g", 100, "192.0.2.2")
    assert refused(answer) == (507, "uploads_full")
    assert "3 unfinished uploads" in answer.json()["error"]
    text = server.client.get("/_metrics").text
    assert "liveresize_unfinished_uploads 3.0" in text
    assert "liveresize_unfinished_uploads_bytes 300.0" in text
    assert tus.patch(first, 0, b"x" * 10).status_code == 204

    def tidied() -> bool:
        server.call(server.components.resumable.tidy())
        return server.components.resumable.unfinished == 2

    servers.until(tidied)  # the token of `c` lasts for one second
    (removed,) = [each for each in events if each["event"] == "unfinished_uploads_removed"]
    assert (removed["count"], removed["bytes"]) == (1, 0)
    assert len(list((server.data / "uploads").iterdir())) == 4
    assert create("c", 100, "192.0.2.3").status_code == 201


def test_an_upload_ends_with_its_age(launch: Callable[..., servers.Running]) -> None:
    """However many bytes arrive: it is 410, then unknown."""
    tus = Tus(launch(token__lifetime=1, uploads__max_age=1).client)
    url = tus.begun("cat", tus.web.token("cat"), 100)
    offset, status = 0, 204

    def ended() -> int:
        nonlocal offset, status
        status = tus.patch(url, offset, b"x").status_code
        offset += 1
        return status != 204

    servers.until(ended)
    assert status == 410
    assert tus.ask("HEAD", url).status_code == 404
    assert tus.web.token("cat")


def test_an_upload_goes_on_after_a_restart(tmp_path: Any) -> None:
    """With the bytes it had, its quota, its crop and what its token says of the picture; what has
    no note is removed."""
    secrets = {"secret": servers.SECRET, "admin__secrets": [servers.ADMIN]}
    with servers.Running(tmp_path, **secrets) as server:
        tus = Tus(server.client)
        token = tus.web.token("cat", held=True, meta={"owner": 7}, focus=[0.5, 0.25])
        url = tus.begun("cat?width=20&height=10", token, len(PICTURE))
        assert tus.patch(url, 0, PICTURE[:HALF]).status_code == 204
        stored = tus.create("dog", tus.web.token("dog"), len(PICTURE), PICTURE)
    folder = tmp_path / "data" / "uploads"
    (folder / ("0" * 64)).write_bytes(b"of a crash")
    (folder / "half.part").write_bytes(b"of a crash")
    with servers.Running(tmp_path, **secrets) as server:
        tus = Tus(server.client)
        assert sorted(path.suffix for path in folder.iterdir()) == ["", ".json", ".json"]
        assert server.components.resumable.unfinished_bytes == len(PICTURE)
        assert tus.offset(stored.headers["Location"]) == len(PICTURE)
        assert tus.offset(url) == HALF
        notes = server.call(server.components.resumable.files.load())
        given = Given(focus=(500, 250), meta='{"owner":7}', held=True)
        assert given in [note.claim.grant.given for note, _ in notes]
        answer = tus.patch(url, HALF, PICTURE[HALF:])
        assert (answer.json()["original_width"], answer.json()["held"]) == (20, True)
        assert tus.web.get("/cat").status_code == 404
        assert server.components.resumable.unfinished == 0
