"""The webhook of a server that runs: who is told what, and what becomes of bad receivers."""

import contextlib
import hashlib
import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from web import buckets, certificates, pictures, servers

from liveresize import config, errors
from liveresize.app import lifecycle, webhook
from liveresize.core.events import Kind
from liveresize.notifications import messages

from .receivers import Manner, Receiver, is_genuine, serving

SECRET = "hidden-secret-of-many-bytes"
OLD = "hidden-secret-of-last-year"

RECOVERY = 60.0
"""Seconds in which everything must have been told: pauses are a few by then."""


def keys(receiver: Receiver, **more: object) -> dict[str, object]:
    """The settings of a server that tells this receiver."""
    return {
        "webhook__url": receiver.url,
        "webhook__secrets": [SECRET],
        "secret": servers.SECRET,
        "admin__secrets": [servers.ADMIN],
        **more,
    }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that confirms whatever it hears."""
    with Receiver() as one:
        yield one


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """What the server in this process logs; never a secret."""
    with structlog.testing.capture_logs() as lines:
        yield lines
    assert "hidden" not in str(lines)
    assert "hidden" not in str([each.getMessage() for each in caplog.get_records("call")])
    assert [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []


@pytest.fixture
def launch(tmp_path: Path, logged: list[Any]) -> Iterator[Callable[..., servers.Running]]:
    """Starts servers in this process, all on the data of one folder."""
    with contextlib.ExitStack() as stack:
        yield lambda **given: stack.enter_context(servers.Running(tmp_path, **given))


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., servers.Process]]:
    """Starts servers as processes, all on the data of one folder; never a secret is logged."""
    with contextlib.ExitStack() as stack:
        yield lambda *prefix, **given: stack.enter_context(
            servers.Process(tmp_path, *prefix, **given)
        )
    assert "hidden" not in (tmp_path / "log").read_text()


def idle(running: servers.Running) -> None:
    """Return when nothing is yet to be told of."""
    servers.until(lambda: not waiting(running))


def waiting(running: servers.Running) -> int:
    """How many uploads are yet to be told of."""
    uploads = messages.kinds([messages.UPLOAD])
    return running.call(running.components.index.deliveries.count("webhook:", uploads))


def test_an_upload_is_told_of(receiver: Receiver, launch: Callable[..., servers.Running]) -> None:
    """Once, genuine by the manual's own check, and saying what `.json` says."""
    running = launch(**keys(receiver))
    data = pictures.png()
    receipt = running.client.put_in("cät", data)
    (heard,) = receiver.hears(1)
    assert heard.genuine(SECRET)
    facts = running.client.get("/cät.json").json()
    assert facts["sha256"] == receipt["sha256"] == hashlib.sha256(data).hexdigest()
    told = ("id", "width", "height", "format", "bytes", "sha256", "uploaded_at")
    assert heard.said == {
        "event": "upload.complete",
        "delivery": heard.headers["x-liveresize-delivery"],
        **{name: facts[name] for name in told},
    }
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["user-agent"].startswith("liveresize/")
    idle(running)
    assert len(receiver.heard) == 1


def test_the_manual_s_check_refuses_what_is_not_genuine(
    receiver: Receiver, launch: Callable[..., servers.Running]
) -> None:
    """Another body, another secret, an old message, a header that is none; while a secret is
    changed, either of the two will do."""
    launch(**keys(receiver, webhook__secrets=[SECRET, OLD])).client.put_in("cat", pictures.png())
    (heard,) = receiver.hears(1)
    mark = heard.headers["x-liveresize-signature"]
    assert mark.count("v1=") == 2
    assert is_genuine(mark, heard.body, SECRET)
    assert is_genuine(mark, heard.body, OLD)
    assert not is_genuine(mark, heard.body + b" ", SECRET)
    assert not is_genuine(mark, heard.body, SECRET + " ")
    assert not is_genuine(mark, heard.body, SECRET, tolerance=-1)
    said_at, _, rest = mark.partition(",")
    later = f"t={int(said_at.removeprefix('t=')) + 1},{rest}"
    assert not is_genuine(later, heard.body, SECRET)
    for forged in ("", "t=", "v1=", "t=x,v1=y", "t=²,v1=y", said_at, rest, f"{said_at},v1=é"):
        assert not is_genuine(forged, heard.body, SECRET)


def test_what_is_uploaded_into_a_bucket_is_told_of(
    receiver: Receiver, tmp_path: Path, logged: list[Any]
) -> None:
    """With the bucket, and the id that the upload was answered with."""
    with buckets.Gallery(tmp_path, **keys(receiver)) as gallery:
        address = gallery.put(pictures.jpeg(80, 60))
        (heard,) = receiver.hears(1)
    assert f"/{heard.said['bucket']}/{heard.said['id']}" == address
    assert (heard.said["width"], heard.said["height"]) == (80, 60)


def test_each_version_of_a_picture_is_told_of(
    receiver: Receiver, launch: Callable[..., servers.Running]
) -> None:
    """Not so deletions, repeated uploads, refused ones and renditions."""
    running = launch(**keys(receiver))
    old, new = pictures.png(shade=1), pictures.png(shade=2)
    running.client.put_in("cat", old)
    receiver.hears(1)
    token = running.client.token("cat", overwrite=True)
    for _ in range(2):
        assert running.client.upload("cat", new, token).status_code == 200
    assert running.client.upload("cat", old, token).status_code == 403
    refused = running.client.upload("dog", b"no picture", running.client.token("dog"))
    assert refused.status_code == 415
    assert running.client.get("/cat_10_0.jpg").status_code == 200
    receiver.hears(2)
    idle(running)
    admin = {"Authorization": f"Bearer {servers.ADMIN}"}
    assert running.client.delete("/cat", headers=admin).status_code == 204
    running.client.put_in("last", old)
    heard = receiver.hears(3)
    assert [each.said["id"] for each in heard] == ["cat", "cat", "last"]
    assert [each.said["sha256"] for each in heard] == [
        hashlib.sha256(data).hexdigest() for data in (old, new, old)
    ]
    assert len({each.said["delivery"] for each in heard}) == 3


def test_without_a_webhook_there_is_none(launch: Callable[..., servers.Running]) -> None:
    """Neither in /_ready nor in the queue."""
    running = launch()
    running.client.put_in("cat", pictures.png())
    assert "webhook" not in running.client.get("/_ready").json()["parts"]
    assert (
        running.call(running.components.index.deliveries.replay("webhook:", Kind, 0.0, 0, 9)) == []
    )


def test_ready_tells_operators_how_much_waits(
    receiver: Receiver,
    launch: Callable[..., servers.Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And strangers nothing; a receiver that is away makes no server unfit."""
    receiver.manner = Manner.FAIL
    monkeypatch.setattr(lifecycle, "_ANNOUNCE_EVERY", 0.1)
    running = launch(**keys(receiver))
    for name in ("cat", "dog"):
        running.client.put_in(name, pictures.png())

    def said() -> Any:
        return running.client.get("/_ready").json()

    servers.until(lambda: said()["parts"]["webhook"]["backlog"] == 2)
    assert said()["parts"]["webhook"] == {"ok": True, "backlog": 2, "failing": True}
    assert (said()["status"], said()["degraded"]) == ("ready", [])
    receiver.manner = Manner.CONFIRM
    receiver.confirms(2, RECOVERY)
    servers.until(
        lambda: said()["parts"]["webhook"] == {"ok": True, "backlog": 0, "failing": False}
    )
    stranger = launch(**keys(receiver, admin__networks=["10.0.0.0/8"]))
    assert stranger.client.get("/_ready").json() == {"status": "ready"}


@pytest.mark.parametrize("given", [[], ["fifteen  bytes!"]], ids=["none", "short"])
def test_a_webhook_without_a_proper_secret_stops_the_start(
    given: list[str], tmp_path: Path
) -> None:
    """Whoever receives it could not tell us from anybody else."""
    wanted = servers.environ(
        tmp_path, webhook__url="https://user:hidden@host/hidden", webhook__secrets=given
    )
    with pytest.raises(errors.SettingsError, match=r"webhook\.secrets") as caught:
        config.load(wanted, tmp_path)
    assert "hidden" not in str(caught.value)
    assert "fifteen" not in str(caught.value)


def test_secrets_without_a_webhook_are_a_warning(tmp_path: Path) -> None:
    """Half a configuration is rarely meant."""
    wanted = servers.environ(tmp_path, webhook__secrets=[SECRET])
    (warning,) = config.load(wanted, tmp_path).warnings
    assert "webhook.url is empty" in warning


UPLOADS = 6


def told_in_the_end(process: servers.Process, receiver: Receiver, uploads: int) -> None:
    """Return when every upload was confirmed, each under one delivery of its own."""
    confirmed = receiver.confirms(uploads, RECOVERY)
    assert sorted(said["id"] for said in confirmed) == [f"cat{n}" for n in range(uploads)]
    deliveries = {each.said["id"]: set[str]() for each in receiver.heard}
    for each in receiver.heard:
        deliveries[each.said["id"]].add(each.said["delivery"])
        assert each.genuine(SECRET)
    assert all(len(each) == 1 for each in deliveries.values())
    # What was under way when it changed its mind may have failed once more.
    failing = servers.until(lambda: said_both(process))
    assert all(line["level"].lower() in ("warn", "warning") for line in failing)
    assert len(failing) <= 3
    assert not process.lines("webhook_given_up")


def said_both(process: servers.Process) -> list[dict[str, Any]]:
    """The lines about outages, once each has ended."""
    failing = process.lines("webhook_failing")
    return failing if len(process.lines("webhook_recovered")) == len(failing) else []


@pytest.mark.long
@pytest.mark.parametrize(
    "manner", [m for m in Manner if m not in (Manner.CONFIRM, Manner.LONG)], ids=lambda m: m.name
)
def test_a_receiver_that_behaves_badly_is_told_in_the_end(
    receiver: Receiver, spawn: Callable[..., servers.Process], manner: Manner
) -> None:
    """The uploads themselves do not wait for it; one line says what is wrong with it."""
    receiver.manner = manner
    process = spawn(**keys(receiver, webhook__timeout=1.0))
    for number in range(UPLOADS):
        process.client.put_in(f"cat{number}", pictures.png(shade=number))
    receiver.hears(UPLOADS)
    servers.until(lambda: process.lines("webhook_failing"))
    receiver.manner = Manner.CONFIRM
    told_in_the_end(process, receiver, UPLOADS)


@pytest.mark.long
def test_a_receiver_that_is_down_is_told_in_the_end(
    spawn: Callable[..., servers.Process],
) -> None:
    """Its port was closed when the uploads came."""
    with certificates.reserved_port() as port:
        receiver = Receiver(port)
        process = spawn(**keys(receiver))
        for number in range(UPLOADS):
            process.client.put_in(f"cat{number}", pictures.png(shade=number))
        servers.until(lambda: process.lines("webhook_failing"))
        with receiver:
            told_in_the_end(process, receiver, UPLOADS)


@pytest.mark.long
def test_a_receiver_whose_certificate_is_wrong_is_told_in_the_end(
    spawn: Callable[..., servers.Process], tmp_path: Path
) -> None:
    """Once it has one of the authority that the system trusts; the wrong one hears nothing."""
    good, wrong = (certificates.make(tmp_path / name) for name in ("good", "wrong"))
    with Receiver(context=serving(wrong)) as receiver:
        process = spawn("env", f"SSL_CERT_FILE={good.certificate}", **keys(receiver))
        for number in range(UPLOADS):
            process.client.put_in(f"cat{number}", pictures.png(shade=number))
        servers.until(lambda: receiver.strangers >= UPLOADS)
        assert receiver.heard == []
        receiver.context = serving(good)
        told_in_the_end(process, receiver, UPLOADS)


@pytest.mark.long
def test_an_upload_is_given_up_in_the_end(
    receiver: Receiver, spawn: Callable[..., servers.Process]
) -> None:
    """With one error line that names it; what comes later is told."""
    receiver.manner = Manner.REFUSE
    process = spawn(**keys(receiver, webhook__give_up=1))
    process.client.put_in("cat", pictures.png())
    (line,) = servers.until(lambda: process.lines("webhook_given_up"))
    assert (line["image_id"], line["level"].lower()) == ("cat", "error")
    assert line["delivery"] == receiver.heard[0].said["delivery"]
    assert line["error"] == "status 410"
    receiver.manner = Manner.CONFIRM
    process.client.put_in("dog", pictures.png())
    assert receiver.confirms(1, RECOVERY)[0]["id"] == "dog"


@pytest.mark.long
def test_a_server_that_stops_finishes_what_is_under_way(
    receiver: Receiver, spawn: Callable[..., servers.Process]
) -> None:
    """Within the time that draining has; what hangs is told by the next server."""
    receiver.manner = Manner.HANG
    process = spawn(**keys(receiver, drain__delay=0, drain__flush=1, webhook__timeout=2))
    for number in range(UPLOADS):
        process.client.put_in(f"cat{number}", pictures.png(shade=number))
    receiver.hears(1)
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(RECOVERY) == 0
    receiver.manner = Manner.CONFIRM
    spawn(**keys(receiver, webhook__timeout=2))
    confirmed = receiver.confirms(UPLOADS, RECOVERY)
    assert sorted(said["id"] for said in confirmed) == [f"cat{n}" for n in range(UPLOADS)]


def test_each_endpoint_is_told_of_what_it_asked_for_and_again(
    receiver: Receiver, launch: Callable[..., servers.Running]
) -> None:
    """Signed with its own secret; a replay sends the same messages with the same ids."""
    with Receiver() as search:
        endpoint = {
            "url": search.url,
            "secrets": [OLD],
            "events": ["picture.uploaded", "picture.deleted"],
        }
        running = launch(**keys(receiver, webhook__endpoints={"search": endpoint}))
        running.client.put_in("cat", pictures.png())
        bearer = {"Authorization": f"Bearer {servers.ADMIN}"}
        assert running.client.delete("/cat", headers=bearer).status_code == 204
        first = search.hears(2)
        assert {each.said["event"] for each in first} == {"picture.uploaded", "picture.deleted"}
        assert all(each.genuine(OLD) for each in first)
        settings = running.components.settings
        assert running.call(webhook.replay(settings, "search", 0.0)) == 2
        again = search.hears(4)[2:]
        assert {each.said["delivery"] for each in again} == {
            each.said["delivery"] for each in first
        }
        assert running.call(webhook.replay(settings, "search", 9e9)) == 0
        with pytest.raises(errors.SettingsError, match="no `nobody`"):
            running.call(webhook.replay(settings, "nobody", 0.0))
    assert {each.said["event"] for each in receiver.heard} <= {"upload.complete"}
