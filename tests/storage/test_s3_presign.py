"""Presigned URLs, judged by a server that checks signatures."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import structlog
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError

from liveresize.storage.objects import Objects
from liveresize.storage.presign import Signer

from .s3worlds import AMAZON, BUDGET, World, signed, until
from .test_s3_objects import AWKWARD

ONE = ReadOnlyCredentials("AKIAONE", "secret-one", None)
ROLE = ReadOnlyCredentials("AKIATWO", "secret-two", "session-token")
REFUSED = (400, 403)
URL = "https://pictures.s3.eu-west-1.amazonaws.com/cat/1.jpg"


class Life:
    """Credentials and a clock that a test moves."""

    def __init__(self) -> None:
        self.credentials: ReadOnlyCredentials | None = ONE
        self.error: Exception | None = None
        self.now = 1000.0

    async def ask(self) -> ReadOnlyCredentials | None:
        if self.error:
            raise self.error
        return self.credentials

    def signer(self) -> Signer:
        return Signer(self.ask, "eu-west-1", monotonic=lambda: self.now)


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=BUDGET)


async def refusal(url: str) -> httpx.Response:
    """What a URL gives that lives for a second, when that is over."""
    end = time.monotonic() + 60
    while True:
        answer = await asyncio.to_thread(get, url)
        if answer.status_code != 200:
            return answer
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


@signed
def test_a_presigned_url_gives_the_bytes(world: World) -> None:
    """Without credentials of its own a client gets every key, however it is spelled."""
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            for key in AWKWARD:
                await objects.put_bytes(place.bucket, key, key.encode(), mime="image/jpeg")
                url = objects.presigned(place.bucket, key, 300)
                answer = await asyncio.to_thread(get, url)
                assert (answer.status_code, answer.content) == (200, key.encode())

        place.run(scenario)


@signed
def test_a_presigned_url_is_for_one_key_and_one_time(world: World) -> None:
    """Unsigned, forged, for another key, prolonged or too late, it is refused."""
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            for key in ("cat", "dog"):
                await objects.put_bytes(place.bucket, key, b"data", mime="image/jpeg")
            url = objects.presigned(place.bucket, "cat", 300)
            forged = url[:-1] + ("0" if url[-1] != "0" else "1")
            for wrong in (
                url.partition("?")[0],
                forged,
                url.replace("/cat?", "/dog?"),
                url.replace("Expires=300", "Expires=3000"),
            ):
                assert (await asyncio.to_thread(get, wrong)).status_code in REFUSED
            short = objects.presigned(place.bucket, "cat", 1)
            assert (await refusal(short)).status_code in REFUSED
            assert (await asyncio.to_thread(get, url)).status_code == 200

        place.run(scenario)


def test_a_signature_is_given_out_for_a_quarter_of_its_life() -> None:
    """Hits of one picture cost one signature a while, and three quarters of it are left."""

    async def main() -> None:
        life = Life()
        signer = life.signer()
        await signer.refresh()
        first = signer.presigned(URL, 400)
        assert signer.presigned(URL, 400) is first
        assert signer.presigned(URL, 200) != first
        life.now += 99
        assert signer.presigned(URL, 400) is first
        life.now += 2
        again = signer.presigned(URL, 400)
        assert again is not first

    asyncio.run(main())


def test_new_credentials_sign_from_then_on() -> None:
    """A role's next credentials, with their token, replace all that the last ones signed."""

    async def main() -> None:
        life = Life()
        signer = life.signer()
        await signer.refresh()
        assert "AKIAONE" in signer.presigned(URL, 400)
        life.credentials = ROLE
        await signer.refresh()
        query = parse_qs(urlsplit(signer.presigned(URL, 400)).query)
        assert query["X-Amz-Credential"][0].startswith("AKIATWO/")
        assert query["X-Amz-Security-Token"] == ["session-token"]
        assert "secret-two" not in str(query)

    asyncio.run(main())


@pytest.mark.parametrize(
    "error",
    [
        CredentialRetrievalError(provider="role", error_msg="secret"),
        RuntimeError("Credentials were refreshed, but are still expired."),
        TimeoutError(),
    ],
)
def test_lost_credentials_sign_nothing(error: Exception) -> None:
    """What cannot be exchanged is not used any more, until it can be again."""

    async def main() -> None:
        life = Life()
        signer = life.signer()
        await signer.refresh()
        assert signer.presigned(URL, 400) != URL
        life.error = error
        for _ in range(2):
            await signer.refresh()
            assert not signer.ready
            assert signer.presigned(URL, 400) == URL
        life.error = None
        await signer.refresh()
        assert signer.ready
        assert signer.presigned(URL, 400) != URL

    with structlog.testing.capture_logs() as logs:
        asyncio.run(main())
    assert [each["event"] for each in logs] == ["s3_credentials_lost"]
    assert logs[0]["error"] == type(error).__name__


def test_credentials_are_kept_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started, a signer takes up new ones by itself, and stops doing so when closed."""
    monkeypatch.setattr("liveresize.storage.presign._REFRESH_EVERY", 0.01)

    async def main() -> None:
        life = Life()
        signer = life.signer()
        await signer.start()
        life.credentials = ROLE
        await until(lambda: "AKIATWO" in signer.presigned(URL, 400))
        await signer.close()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_signing_is_cheap() -> None:
    """A new signature costs far less than a request, a known one next to nothing."""

    async def main() -> None:
        objects = Objects(AMAZON)
        await objects.start()
        begun = time.perf_counter()
        for number in range(1000):
            objects.presigned("pictures", f"cat/{number}", 300)
        signing = time.perf_counter() - begun
        begun = time.perf_counter()
        for number in range(1000):
            objects.presigned("pictures", f"cat/{number}", 300)
        finding = time.perf_counter() - begun
        await objects.close()
        assert finding < signing < 5.0

    asyncio.run(main())


def test_signatures_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk over every picture does not fill the memory."""
    monkeypatch.setattr("liveresize.storage.presign._REMEMBERED", 10)

    async def main() -> None:
        life = Life()
        signer = life.signer()
        await signer.refresh()
        signed_urls = {signer.presigned(f"{URL}{number}", 400) for number in range(100)}
        assert len(signed_urls) == 100
        assert len(signer._signed) <= 10

    asyncio.run(main())
