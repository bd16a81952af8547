"""Hooks that are asked about uploads: clamd, and an application that looks at a small picture."""

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli import stub
from intake import clamds
from PIL import Image
from python_multipart.multipart import parse_form

from liveresize.core.events import Event, Kind
from liveresize.maintenance.doctor import findings
from liveresize.maintenance.doctor import intake as doctor

from . import pictures, servers
from .buckets import BEARER, Gallery
from .tus import PART, Tus

Send = Callable[[Gallery, str, bytes], httpx.Response]


def by_token(gallery: Gallery, name: str, data: bytes) -> httpx.Response:
    """An upload in one request."""
    return gallery.client.upload(name, data, gallery.client.token(name))


def in_parts(gallery: Gallery, name: str, data: bytes) -> httpx.Response:
    """An upload that could be resumed."""
    client = Tus(gallery.client)
    token = gallery.client.token(name)
    return client.patch(client.begun(name, token, len(data)), 0, data, Content_Type=PART)


def into_a_bucket(gallery: Gallery, name: str, data: bytes) -> httpx.Response:
    """An upload as of vip."""
    return gallery.send(data)


WAYS: tuple[tuple[Send, int], ...] = ((by_token, 200), (in_parts, 200), (into_a_bucket, 201))
"""Each way in, and its status of success."""


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clamds.Scripted]:
    """A scripted one."""
    with clamds.scripted(tmp_path_factory.mktemp("c") / "clamd") as one:
        yield one


@pytest.fixture(scope="module")
def judge() -> Iterator[stub.Stub]:
    """An application that is asked."""
    with stub.running() as one:
        yield one


@pytest.fixture(scope="module")
def gallery(
    tmp_path_factory: pytest.TempPathFactory, clamd: clamds.Scripted, judge: stub.Stub
) -> Iterator[Gallery]:
    """A server that asks both."""
    with Gallery(
        tmp_path_factory.mktemp("gallery"),
        admin__secrets=[servers.ADMIN],
        intake__clamd=clamd.address,
        intake__http=f"{judge.url}/look?key=s3cret",
        intake__timeout=2,
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def usual(gallery: Gallery, clamd: clamds.Scripted, judge: stub.Stub) -> Iterator[None]:
    """Both say yes; and whatever becomes of an upload, no part of a body stays behind."""
    clamd.behaviour, clamd.limit = "scan", 1 << 20
    clamd.received.clear()
    judge.reply = lambda path: (204, {}, b"")
    judge.requests.clear()
    yield
    servers.until(lambda: gallery.staged == [])


def told(gallery: Gallery) -> list[Event]:
    """The events so far."""
    return gallery.call(gallery.components.index.events.since(0, 1000))


def infected() -> bytes:
    """A JPEG that is fine, but for what is in its comment."""
    data = pictures.jpeg()
    comment = b"\xff\xfe" + (len(clamds.EICAR) + 2).to_bytes(2, "big") + clamds.EICAR
    return data[:2] + comment + data[2:]


@pytest.mark.parametrize(("send", "status"), WAYS)
def test_clamd_sees_each_body_as_it_was_uploaded(
    gallery: Gallery, clamd: clamds.Scripted, name: str, send: Send, status: int
) -> None:
    """What it finds is refused, and nothing of it stays; the id is free."""
    clean = pictures.jpeg(700, 400)
    before = len(told(gallery))
    for data, appended in ((infected(), b""), (pictures.png(), clamds.EICAR)):
        answer = send(gallery, name, data + appended)
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "refused"
        assert answer.json()["cause"] == "rejected"
        assert "EICAR" not in answer.text
        assert clamd.received[-1] == data + appended
    refusals = told(gallery)[before:]
    assert [event.kind for event in refusals] == [Kind.REFUSED] * 2
    assert refusals[0].document["reason"] == "Win.Test.EICAR_HDB-1"
    assert refusals[0].document["format"] == "jpeg"
    assert gallery.client.get(f"/{name}").status_code == 404
    assert send(gallery, name, clean).status_code == status
    assert clamd.received[-1] == clean


def test_an_application_gets_a_small_picture_and_the_facts(
    gallery: Gallery, judge: stub.Stub, name: str
) -> None:
    """JPEG, or WebP with transparency, of 512 pixels at most; and never enlarged."""
    clear = pictures.encoded(Image.new("RGBA", (40, 30), (1, 2, 3, 4)), "PNG")
    for end, data, form, size in (
        ("-1", pictures.jpeg(1000, 500), "JPEG", (512, 256)),
        ("-2", clear, "WEBP", (40, 30)),
    ):
        assert by_token(gallery, name + end, data).status_code == 200
        request = judge.requests[-1]
        assert (request.method, request.path) == ("POST", "/look?key=s3cret")
        parts = fields(request)
        with Image.open(io.BytesIO(parts["image"])) as picture:
            assert (picture.format, picture.size) == (form, size)
        facts = json.loads(parts["facts"])
        assert facts["id"] == name + end
        stored = gallery.client.get(f"/{name}{end}.json").json()
        for fact in ("version", "width", "height", "format", "bytes", "sha256", "thumbhash"):
            assert facts[fact] == stored[fact]


def test_both_are_told_what_the_token_says(gallery: Gallery, judge: stub.Stub, name: str) -> None:
    """The application that is asked, and those that are told of a refusal."""
    web = gallery.client
    token = web.token(name, meta={"owner": 7}, focus=[0.25, 0.5], held=True)
    judge.reply = lambda path: (451, {}, b"")
    assert web.upload(name, pictures.jpeg(), token).status_code == 422
    event = told(gallery)[-1].document
    for facts in (json.loads(fields(judge.requests[-1])["facts"]), event):
        assert (facts["meta"], facts["focus"]) == ({"owner": 7}, [0.25, 0.5])
    assert event["state"] == "held"


def fields(request: stub.Request) -> dict[str, bytes]:
    """The fields and files of a form."""
    found: dict[str, bytes] = {}

    def keep(part: Any) -> None:
        name = part.field_name.decode()
        if hasattr(part, "file_object"):
            part.file_object.seek(0)
            found[name] = part.file_object.read()
        else:
            found[name] = part.value

    headers = {key: value.encode() for key, value in request.headers.items()}
    parse_form(headers, io.BytesIO(request.body), keep, keep)
    return found


@pytest.mark.parametrize(("send", "status"), WAYS)
def test_an_application_decides(
    gallery: Gallery, judge: stub.Stub, name: str, send: Send, status: int
) -> None:
    """2xx takes; 4xx refuses; all else is no decision."""
    for replied, expected, cause in (
        (400, 422, "rejected"),
        (451, 422, "rejected"),
        (500, 422, "unchecked"),
        (302, 422, "unchecked"),
        (201, status, None),
    ):
        judge.reply = lambda path, replied=replied: (replied, {"Location": "/"}, b"")  # type: ignore[misc]
        answer = send(gallery, name, pictures.jpeg())
        assert answer.status_code == expected, replied
        if cause:
            assert answer.json()["cause"] == cause


def found(running: servers.Running) -> list[findings.Finding]:
    """What doctor says of the hooks."""
    return running.call(doctor.look(running.settings.intake))


def test_doctor_sees_whether_they_answer(gallery: Gallery, tmp_path: Path) -> None:
    """Without an upload; whatever the application says to a question without a picture."""
    assert [each.level for each in found(gallery)] == ["ok", "ok"]


def failures(clamd: clamds.Scripted, judge: stub.Stub) -> Iterator[str]:
    """Each way in which a hook may fail, arranged one after the other."""
    clamd.limit = 100
    yield "too large"
    clamd.limit = 1 << 20
    for behaviour in ("garbage", "hangs up", "silent"):
        clamd.behaviour = behaviour
        yield behaviour
    clamd.behaviour = "scan"
    judge.reply = lambda path: (503, {}, b"")
    yield "an application that is down"


def test_what_could_not_be_checked_is_refused_held_or_taken(
    gallery: Gallery, clamd: clamds.Scripted, judge: stub.Stub, name: str
) -> None:
    """As `intake.on_failure` says; clamd's own limit is a failure, too."""
    checks, web, number = gallery.components.checks, gallery.client, 0
    for action in ("refuse", "hold", "take"):
        with servers.replaced(checks, "_on_failure", action):
            for failure in failures(clamd, judge):
                number += 1
                one = f"{name}-{number}"
                answer = by_token(gallery, one, pictures.jpeg())
                seen = web.get(f"/{one}_20_0.jpg").status_code
                if action == "refuse":
                    assert (answer.status_code, seen) == (422, 404), failure
                    assert answer.json()["cause"] == "unchecked"
                    continue
                assert (answer.status_code, seen) == (200, 404 if action == "hold" else 200)
                assert answer.json().get("held", False) is (action == "hold"), failure
                facts = web.get(f"/{one}.json", headers=BEARER).json()
                assert facts["held"] is (action == "hold")
    with servers.replaced(checks, "_on_failure", "hold"):
        clamd.behaviour = "garbage"
        path = gallery.put(pictures.jpeg(90, 60))
        assert gallery.get(path).status_code == 404
        assert gallery.get(path, **BEARER).status_code == 200


def test_hooks_that_are_not_there(tmp_path: Path, name: str) -> None:
    """Connections that are refused, to a socket and to an address, are failures."""
    with stub.running() as gone:
        url = gone.url
    with servers.Running(
        tmp_path, intake__clamd=str(tmp_path / "none"), intake__on_failure="hold",
        intake__http=url,
    ) as running:  # fmt: skip
        receipt = running.client.put_in(name, pictures.jpeg())
        assert receipt["held"] is True
        metrics = running.client.get("/_metrics").text
        broken = [each for each in found(running) if each.level == "problem"]
    assert [each.what.split(" ")[0] for each in broken] == ["clamd", "The"]
    for hook in ("clamd", "http"):
        count = re.search(
            rf'liveresize_intake_checks_total\{{hook="{hook}",outcome="failed"\}} (\S+)', metrics
        )
        assert count
        assert float(count[1]) >= 1


@pytest.mark.long
@pytest.mark.skipif(not os.path.exists(clamds.PROGRAM), reason="clamd is not installed")
def test_clamav_itself_keeps_uploads_out(tmp_path: Path) -> None:
    """By the same signature as above, in a comment and behind the picture."""
    with (
        clamds.real(tmp_path / "clamav") as address,
        Gallery(tmp_path, intake__clamd=address, admin__secrets=[servers.ADMIN]) as gallery,
    ):
        for send, status in WAYS:
            for data in (infected(), pictures.png() + clamds.EICAR):
                answer = send(gallery, "cat", data)
                assert (answer.status_code, answer.json()["cause"]) == (422, "rejected")
            assert send(gallery, "cat", pictures.jpeg()).status_code == status
            gallery.client.delete("/cat", headers=BEARER)
