"""The files of the certificate: read, refused with a sentence, read again on SIGHUP."""

import asyncio
import os
import re
import signal
import socket
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.http.transport.tls import Certificate, make_context
from liveresize.settings.entrances import Tls

from . import certificates, pictures, secure, servers
from .certificates import DAY, Pair
from .conftest import Events


def names(events: Events) -> list[str]:
    return [each["event"] for each in events]


def refusal(pair: Pair) -> str:
    """The sentence that the files are refused with."""
    with pytest.raises(errors.SettingsError) as caught:
        make_context(pair.tls)
    return caught.value.public


def no_certificate(pair: Pair) -> None:
    pair.certificate.unlink()


def no_key(pair: Pair) -> None:
    pair.key.unlink()


def certificate_is_a_folder(pair: Pair) -> None:
    pair.certificate.unlink()
    pair.certificate.mkdir()


def der(pair: Pair) -> None:
    pair.certificate.write_bytes(ssl.PEM_cert_to_DER_cert(pair.certificate.read_text()))


def empty_key(pair: Pair) -> None:
    pair.key.write_bytes(b"")


def files_swapped(pair: Pair) -> None:
    certificate, key = pair.certificate.read_bytes(), pair.key.read_bytes()
    pair.certificate.write_bytes(key)
    pair.key.write_bytes(certificate)


def damaged_certificate(pair: Pair) -> None:
    pair.certificate.write_text(re.sub("\n[^-]{20}", "\n", pair.certificate.read_text(), count=1))


def damaged_chain(pair: Pair) -> None:
    whole = pair.certificate.read_text()
    pair.certificate.write_text(whole + re.sub("\n[^-]{20}", "\n", whole, count=1))


def damaged_key(pair: Pair) -> None:
    pair.key.write_text(re.sub("\n[^-]{20}", "\n", pair.key.read_text(), count=1))


def key_of_another(pair: Pair) -> None:
    other = certificates.make(pair.key.parent / "other")
    other.key.rename(pair.key)


def key_of_another_kind(pair: Pair) -> None:
    other = certificates.make(pair.key.parent / "other", rsa_key=True)
    other.key.rename(pair.key)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (no_certificate, "The certificate {c} cannot be read: No such file or directory."),
        (no_key, "The key {k} cannot be read: No such file or directory."),
        (certificate_is_a_folder, "The certificate {c} cannot be read: Is a directory."),
        (der, "The certificate {c} holds no certificate in PEM form."),
        (empty_key, "The key {k} holds no private key in PEM form."),
        (files_swapped, "The certificate {c} holds no certificate in PEM form."),
        (damaged_certificate, "The certificate {c} is damaged."),
        (damaged_chain, "The certificate {c} is damaged."),
        (damaged_key, "The key {k} is damaged."),
        (key_of_another, "The key {k} does not belong to the certificate {c}."),
        (key_of_another_kind, "The key {k} does not belong to the certificate {c}."),
    ],
)
def test_what_is_wrong_with_the_files_is_said_in_a_sentence(
    tmp_path: Path, spoil: Callable[[Pair], None], sentence: str
) -> None:
    """It names the file."""
    pair = certificates.make(tmp_path)
    spoil(pair)
    assert refusal(pair) == sentence.format(c=pair.certificate, k=pair.key)


@pytest.mark.parametrize("rsa_key", [False, True])
def test_an_encrypted_key_asks_nobody(tmp_path: Path, *, rsa_key: bool) -> None:
    """A sentence, instead of a question on a terminal that nobody sits at."""
    pair = certificates.make(tmp_path, rsa_key=rsa_key, password="secret")
    assert refusal(pair) == (
        f"The key {pair.key} is encrypted: a server that starts by itself needs it plain."
    )


@pytest.mark.parametrize("days", [1, 90, 9_000, 30_000], ids=str)
def test_the_end_of_a_certificate_is_known(tmp_path: Path, days: int) -> None:
    """Before 2050 and after, when certificates spell years otherwise."""
    pair = certificates.make(tmp_path, ends_in=days * DAY)
    assert Certificate(pair.tls).not_after == pair.not_after


def test_a_file_may_hold_a_chain_a_key_and_remarks(tmp_path: Path) -> None:
    """As tools write them: the first certificate counts, what is between is passed over."""
    pair = certificates.make(tmp_path)
    other = certificates.make(tmp_path / "other", ends_in=DAY)
    parts = ("Bag Attributes: Zürich", pair.key, pair.certificate, "issuer=CN", other.certificate)
    text = "\n".join(each if isinstance(each, str) else each.read_text() for each in parts)
    one = tmp_path / "all.pem"
    one.write_text(text)
    found = Certificate(Tls(certificate=str(one), key=str(one)))
    assert found.not_after == pair.not_after


@pytest.mark.parametrize(
    ("ends_in", "said"),
    [
        (-DAY, ["certificate_expired"]),
        (13 * DAY, ["certificate_ends_soon"]),
        (15 * DAY, []),
    ],
)
def test_the_end_of_a_certificate_is_warned_of(
    tmp_path: Path, events: Events, ends_in: timedelta, said: list[str]
) -> None:
    """Once it is over, or within two weeks; at the start, and whenever it is read again."""
    pair = certificates.make(tmp_path, ends_in=ends_in)
    certificate = Certificate(pair.tls)
    assert names(events) == said
    assert asyncio.run(certificate.reload())
    assert names(events) == [*said, "certificate_reloaded", *said]
    for each in events:
        assert each["not_after"] == pair.not_after.isoformat()


def test_a_new_certificate_takes_the_place_of_the_old_one(tmp_path: Path, events: Events) -> None:
    """One that cannot be used does not."""
    pair = certificates.make(tmp_path)
    certificate = Certificate(pair.tls)
    first = certificate.context
    renewed = certificates.make(tmp_path, ends_in=200 * DAY)
    assert asyncio.run(certificate.reload())
    second = certificate.context
    assert second is not first
    assert certificate.not_after == renewed.not_after
    key_of_another(renewed)
    assert not asyncio.run(certificate.reload())
    assert certificate.context is second
    assert certificate.not_after == renewed.not_after
    assert names(events) == ["certificate_reloaded", "certificate_not_reloaded"]
    assert events.pop()["reason"] == (
        f"The key {pair.key} does not belong to the certificate {pair.certificate}."
    )


def test_the_loop_does_not_wait_for_the_files(tmp_path: Path, events: Events) -> None:
    """A pipe that nobody writes to stands for a disk that does not answer."""
    pair = certificates.make(tmp_path)
    certificate = Certificate(pair.tls)
    whole = pair.certificate.read_bytes()
    pair.certificate.unlink()
    os.mkfifo(pair.certificate)

    def writer() -> int:
        """The other end of the pipe, once the server reads; 0 before that."""
        try:
            return os.open(pair.certificate, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return 0

    async def scenario() -> bool:
        reload = asyncio.create_task(certificate.reload())
        pipe = await asyncio.to_thread(servers.until, writer)
        assert not reload.done()
        pair.certificate.unlink()
        pair.certificate.write_bytes(whole)
        os.write(pipe, whole)
        os.close(pipe)
        return await reload

    assert asyncio.run(scenario())
    assert names(events) == ["certificate_reloaded"]


def test_sighup_takes_up_the_new_certificate(
    tmp_path: Path, spawn: Callable[..., servers.Process]
) -> None:
    """Connections of the old one go on; one that is bad keeps the one in force; the log
    is opened again as ever."""
    pair = certificates.make(tmp_path / "tls")
    old = certificates.trusting(pair.certificate)
    process = spawn(**pair.keys, drain__delay=0)
    process.client.put_in("cat", pictures.png())
    assert process.lines("server_started")[0]["urls"] == [f"https://127.0.0.1:{process.port}"]
    with secure.SecureWire(process.port, old) as connection:
        before = connection.serial
        renewed = certificates.make(tmp_path / "tls", ends_in=200 * DAY)
        new = certificates.trusting(renewed.certificate)
        process.process.send_signal(signal.SIGHUP)
        (line,) = servers.until(lambda: process.lines("certificate_reloaded"))
        assert line["not_after"] == renewed.not_after.isoformat()
        assert connection.ask("/cat_20_0.png").status == 200
        with secure.SecureWire(process.port, new) as fresh:
            assert fresh.serial != before
            assert fresh.ask("/cat.png").status == 200
        renewed.key.write_text("nonsense")
        process.process.send_signal(signal.SIGHUP)
        (line,) = servers.until(lambda: process.lines("certificate_not_reloaded"))
        assert line["reason"] == f"The key {pair.key} holds no private key in PEM form."
        assert line["level"] == "error"
        with secure.SecureWire(process.port, new) as fresh:
            assert fresh.ask("/_live").status == 200
        assert connection.ask("/_live").status == 200
    process.process.terminate()
    assert process.process.wait(servers.PATIENCE) == 0


def test_a_server_without_its_key_says_so_and_stays_away(tmp_path: Path) -> None:
    """Before anything is bound or started."""
    pair = certificates.make(tmp_path / "tls")
    key_of_another(pair)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        keys = {**pair.keys, "listen_port": taken.getsockname()[1]}
        with pytest.raises(errors.SettingsError, match="does not belong"):
            servers.Running(tmp_path, **keys)
