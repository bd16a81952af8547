"""Presigned URLs, made without waiting: they stand in the path of every hit."""

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
"""Seconds between looks at the credentials. Those of a role are exchanged by botocore from
fifteen minutes before their end, and given up on ten minutes before it."""

_REMEMBERED = 10_000
"""Signed URLs kept, of about 600 bytes each. Signing one costs 55 µs, finding it under 1."""


class Signer:
    """Signs GETs with credentials that it keeps fresh.

    `credentials` returns those in force, or None; it is asked at the start and every minute.
    `monotonic` gives seconds that never go back.
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
        """Resolve the credentials, and keep them fresh until `close`."""
        await self.refresh()
        self._keeper = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Stop keeping the credentials fresh."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def refresh(self) -> None:
        """Take the credentials in force; none where they have run out."""
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
        """`url`, to be fetched within `lifetime` seconds; unsigned while not `ready`.

        `url` is quoted and has no query. The same signature is given out again for a
        quarter of its life, so that three quarters are always left. It ends sooner where
        the credentials of a role do.
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
