"""ports.WebhookClient against a real receiver: what is delivered, and what is said if not."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from web import certificates, servers

from liveresize import errors
from liveresize.notifications.client import HttpWebhookClient

from .receivers import Manner, Receiver, serving

BODY = '{"id": "cät"}'.encode()
HEADERS = {"Content-Type": "application/json", "User-Agent": "liveresize/7", "X-Liveresize-A": "b"}

SHORT = 1.0
"""Seconds that a delivery may take which is meant to take too long."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that confirms whatever it hears."""
    with Receiver() as one:
        yield one


@contextlib.asynccontextmanager
async def sender(url: str, patience: float = servers.PATIENCE) -> AsyncIterator[HttpWebhookClient]:
    """A courier to that address."""
    made = HttpWebhookClient(url, timeout=patience)
    try:
        yield made
    finally:
        await made.close()


def refusal(url: str, patience: float = servers.PATIENCE) -> str:
    """Why a delivery came to nothing; its text holds nothing of the address but the host."""

    async def scenario() -> str:
        async with sender(url, patience) as one:
            with pytest.raises(errors.WebhookUnavailable) as caught:
                await one.deliver(BODY, HEADERS)
            return caught.value.detail

    detail = asyncio.run(scenario())
    assert "hidden" not in detail
    return detail


def test_a_message_arrives_as_it_was_sent(receiver: Receiver) -> None:
    """Body and headers to the byte, path and query too; the user as basic authentication."""

    async def scenario() -> None:
        async with sender(receiver.url) as one:
            for _ in range(3):
                await one.deliver(BODY, HEADERS)

    asyncio.run(scenario())
    assert [each.body for each in receiver.heard] == [BODY] * 3
    heard = receiver.heard[0]
    assert heard.path == "/hooks/hidden-path?k=hidden-key"
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= heard.headers.items()
    user = base64.b64encode(b"robot:hidden-password").decode()
    assert heard.headers["authorization"] == f"Basic {user}"
    assert heard.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "cookie" not in heard.headers


def test_the_status_is_enough(receiver: Receiver) -> None:
    """A confirmation whose body has no end is one: nobody reads that."""
    receiver.manner = Manner.LONG

    async def scenario() -> None:
        async with sender(receiver.url) as one:
            await one.deliver(BODY, HEADERS)

    asyncio.run(scenario())
    assert len(receiver.heard) == 1


@pytest.mark.parametrize(
    ("manner", "detail"),
    [
        (Manner.FAIL, "status 500"),
        (Manner.REFUSE, "status 410"),
        (Manner.REDIRECT, "status 307"),
        (Manner.CLOSE, "ServerDisconnectedError"),
        (Manner.CUT, "ServerDisconnectedError"),
        (Manner.BABBLE, "ClientResponseError"),
    ],
)
def test_what_is_no_confirmation(receiver: Receiver, manner: Manner, detail: str) -> None:
    """Is heard once: neither is a redirect followed, nor does the driver try again by itself."""
    receiver.manner = manner
    assert refusal(receiver.url) == detail
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("manner", [Manner.HANG, Manner.TRICKLE])
def test_an_answer_that_does_not_come(receiver: Receiver, manner: Manner) -> None:
    """Is waited for as long as one attempt may take, however lively the connection is."""
    receiver.manner = manner
    assert refusal(receiver.url, SHORT) == "no answer in time"


def test_nobody_listens() -> None:
    """The port is named, nothing else of the address."""
    with certificates.reserved_port() as port:
        detail = refusal(Receiver(port).url)
    assert detail.startswith("ClientConnectorError: Cannot connect to host 127.0.0.1")


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 64}.example.com"])
def test_a_host_that_there_is_not(host: str) -> None:
    """Or that there cannot be."""
    assert refusal(f"https://robot:hidden-password@{host}/hidden-path", 5.0)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """Nothing is said to its holder."""
    with Receiver(context=serving(certificates.make(tmp_path))) as receiver:
        detail = refusal(receiver.url)
        servers.until(lambda: receiver.strangers == 1)
    assert "CERTIFICATE_VERIFY_FAILED" in detail
    assert receiver.heard == []


def test_plain_http_where_tls_is_spoken(receiver: Receiver) -> None:
    """A receiver that has lost its certificate does not get the message in the open."""
    assert refusal(receiver.url.replace("http:", "https:")).startswith("ClientConnectorSSLError")
    assert receiver.heard == []


def test_one_that_is_stopped_lets_go_at_once(receiver: Receiver) -> None:
    """A message that hangs does not outlive its task."""
    receiver.manner = Manner.HANG

    async def scenario() -> None:
        async with sender(receiver.url) as one:
            delivery = asyncio.create_task(one.deliver(BODY, HEADERS))
            await asyncio.to_thread(receiver.hears, 1)
            delivery.cancel()
            with pytest.raises(asyncio.CancelledError):
                await delivery

    asyncio.run(scenario())
