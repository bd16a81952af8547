"""Presigned URLs, made without waiting, because every redirect needs one."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError

_log = structlog.get_logger("liveresize.s3")

_REFRESH_EVERY = 60.0
"""Seconds between checks of the credentials. Botocore refreshes those of a role from fifteen
minutes before their expiry, and fails from ten minutes before it."""

_REMEMBERED = 10_000
"""The number of cached URLs, of about 600 bytes each. Signing takes 55 µs, a cache hit below 1."""


class Signer:
    """Signs GETs, and refreshes the credentials.

    `credentials` returns the current ones, or None; it is called at the start and every minute.
    `monotonic` returns seconds that never go back.
    """

    def __init__(
        self,
        credentials: Callable[[], Awaitable[ReadOnlyCredentials | None]],
        region: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._get_credentials = credentials
        self._region = region
        self._monotonic = monotonic
        self._credentials: ReadOnlyCredentials | None = None
        self._signed: dict[tuple[str, int], tuple[float, str]] = {}
        self._keeper: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether there are credentials to sign with."""
        return self._credentials is not None

    async def start(self) -> None:
        """Get the credentials, and refresh them until `close`."""
        await self.refresh()
        self._keeper = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Stop refreshing the credentials."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def refresh(self) -> None:
        """Get the current credentials; none if they have expired."""
        try:
            current = await self._get_credentials()
        except (BotoCoreError, OSError, RuntimeError) as error:
            if self.ready:
                _log.error("s3_credentials_lost", error=type(error).__name__)
            current = None
        if current != self._credentials:
            self._credentials = current
            self._signed.clear()

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_EVERY)
            await self.refresh()

    def presigned(self, url: str, lifetime: int) -> str:
        """Return `url` with a signature for `lifetime` seconds; without one while not `ready`.

        `url` is escaped and has no query. A signature is reused for a quarter of its lifetime, so
        that three quarters are always left. It expires with the credentials of a role, if that is
        sooner.
        """
        now = self._monotonic()
        until, signed = self._signed.get((url, lifetime), (0.0, ""))
        if now < until:
            return signed
        if self._credentials is None:
            return url
        request = AWSRequest("GET", url)
        S3SigV4QueryAuth(self._credentials, "s3", self._region, expires=lifetime).add_auth(request)
        if len(self._signed) >= _REMEMBERED:
            self._signed.clear()
        self._signed[url, lifetime] = now + lifetime / 4, str(request.url)
        return str(request.url)
