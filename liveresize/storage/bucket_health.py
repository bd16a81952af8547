"""The health of a bucket: whether it can be written, read, and redirected to."""

import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import structlog

from liveresize import errors
from liveresize.storage.breaker import Breaker

_log = structlog.get_logger("liveresize.s3")

_OK = 200

_REFUSED = (400, 401, 403)

_HINT = "clients may not read the bucket: make it public, or set delivery to presign or proxy"


def trusting(ca: str) -> ssl.SSLContext | bool:
    """Return what verifies certificates by the CAs of this machine, and by those of a file."""
    if not ca:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(ca)
    return context


class BucketHealth:
    """Two circuit breakers: one for our own access to the store, one for that of clients.

    The first one counts `guarded` calls and, while open, calls of `put`, which stores a tiny
    object; the second one counts GETs of the URL that `address` returns, as clients would get
    it. Only `probe` closes them. `budget` is seconds for one GET, `ca` a file of CAs beside
    those of this machine; `advice` returns what to do about an error of the store.

    A 404 of that URL is not a failure: not every bucket can be read at its root. It is a failure
    if there was an object before.
    """

    def __init__(
        self,
        address: Callable[[], str],
        put: Callable[[], Awaitable[None]],
        budget: float,
        *,
        ca: str = "",
        advice: Callable[[errors.ObjectStoreUnavailable], str] = lambda _: "",
    ) -> None:
        self._ca = ca
        self._address = address
        self._advice = advice
        self._put = put
        self._budget = budget
        unavailable = errors.ObjectStoreUnavailable
        self._inside = Breaker(unavailable, threshold=3, rest=0.0)
        self._outside = Breaker(unavailable, threshold=2, rest=0.0)
        self._was_healthy = True
        self._was_found = False
        self._doubted = False
        self.gone = False
        """Whether the last GET found nothing where there was an object before."""
        self._session: aiohttp.ClientSession | None = None

    @property
    def healthy(self) -> bool:
        """Whether clients may be redirected there now."""
        return self._inside.healthy and self._outside.healthy

    @property
    def answering(self) -> bool:
        """Whether the store accepts our own requests."""
        return self._inside.healthy

    async def start(self) -> None:
        """Get ready to probe."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._budget),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,  # what is behind a proxy for the client of the store is so here
            connector=aiohttp.TCPConnector(ssl=trusting(self._ca)),
        )

    async def close(self) -> None:
        """Close the connection to the public address."""
        if self._session:
            await self._session.close()

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Make one call to the store. Raises ObjectStoreUnavailable at once while open."""
        if not self._inside.healthy:
            raise errors.ObjectStoreUnavailable("", "the breaker is open")
        with self._watched(self._inside):
            yield

    async def probe(self) -> None:
        """Check the public URL, and the store itself while its breaker is open.

        Never raises; the result is in `healthy`, and changes are logged once.
        """
        with contextlib.suppress(errors.ObjectStoreUnavailable), self._watched(self._outside):
            await self._visit()
        if not self._inside.healthy:
            with contextlib.suppress(errors.ObjectStoreUnavailable), self._watched(self._inside):
                await self._put()

    async def _visit(self) -> None:
        """Get the public URL. Raises ObjectStoreUnavailable if the response is a failure."""
        assert self._session is not None
        try:
            async with self._session.get(self._address(), allow_redirects=False) as response:
                status = response.status
                if status == _OK:
                    await response.read()
        except (aiohttp.ClientError, OSError) as error:
            reason = f"public address: {type(error).__name__}"
            raise errors.ObjectStoreUnavailable("", reason) from error
        self._was_found = self._was_found or status == _OK
        if not self._was_found and status in _REFUSED and not self._doubted:
            self._doubted = True
            _log.warning("public_address_refuses", status=status, hint=_HINT)
        self.gone = self._was_found and 400 <= status < 500
        if self.gone or status >= 500:
            raise errors.ObjectStoreUnavailable("", f"public address: {status}")

    @contextlib.contextmanager
    def _watched(self, breaker: Breaker) -> Iterator[None]:
        """Make one call under that breaker; log a change of `healthy`."""
        try:
            with breaker.guarded():
                yield
        except errors.ObjectStoreUnavailable as error:
            if self._was_healthy and not self.healthy:
                self._was_healthy = False
                hint = self._advice(error) if breaker is self._inside else ""
                _log.error(
                    "object_store_unavailable",
                    error=error.detail,
                    **({"hint": hint} if hint else {}),
                )
            raise
        if self.healthy and not self._was_healthy:
            self._was_healthy = True
            _log.info("object_store_available")
