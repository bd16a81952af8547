"""The connection to an object store: client, limits and errors."""

import asyncio
import base64
import contextlib
import hashlib
import re
import ssl
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import add_expect_header

from liveresize import errors
from liveresize.observe.metrics import stores
from liveresize.observe.tracing import spans
from liveresize.settings.backends import Aws
from liveresize.storage.presign import Signer

_log = structlog.get_logger("liveresize.s3")

FOREIGN = (BotoCoreError, ClientError, aiohttp.ClientError, OSError, RuntimeError)
"""The errors of the driver. Time-outs are OSErrors; RuntimeError is raised if the credentials of a
role cannot be refreshed."""

_NO_CHECKSUMS = (400, 501)
"""Statuses of stores that refuse headers they do not know."""

_OTHER_REASONS = (
    "AuthorizationHeaderMalformed",
    "BadDigest",
    "EntityTooLarge",
    "ExpiredToken",
    "IllegalLocationConstraintException",
    "IncompleteBody",
    "InvalidBucketName",
    "InvalidToken",
    "KeyTooLongError",
    "RequestTimeout",
    "XAmzContentSHA256Mismatch",
)
"""Codes of these statuses that have nothing to do with a checksum that a store does not know."""

_LONGEST = 200
"""Characters of a store's message that are kept."""

_URL = re.compile(r"[a-z]+://[^\s\"']+")
_KEY = re.compile(r"[A-Za-z0-9/+=]{16,}")
"""What does not belong in a log; names of headers and regions have hyphens."""

_SLOWEST = 256 * 1024
"""Bytes a second below which a transfer counts as stalled."""


_md5: ContextVar[bool] = ContextVar("md5", default=False)
"""Whether the call of this context is to have an MD5."""


def _send_md5(params: dict[str, Any], **_: object) -> None:
    """Replace the CRC of botocore's choice before a request is signed."""
    if _md5.get():
        digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
        params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
        params["context"]["checksum"] = {}


def _pass_trace(request: Any, **_: object) -> None:
    """Send the current trace. Added after signing: a proxy in between may change it."""
    for name, value in spans.headers().items():
        request.headers[name] = value


def trusted_file(ca: str) -> str:
    """Return the file of CAs that `aws.ca` stands for. Raises SettingsError if it is unusable."""
    if not ca:
        return ""
    try:
        context = ssl.create_default_context(cafile=None if ca == "system" else ca)
        file = ca if ca != "system" else ssl.get_default_verify_paths().cafile
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise errors.SettingsError(
            f"aws.ca: {ca} has no CA that can be read ({reason})."
        ) from error
    if not file or not context.cert_store_stats()["x509"]:
        raise errors.SettingsError(f"aws.ca: there is no CA in {ca}.")
    return file


def status(error: BaseException | None) -> int:
    """Return the HTTP status of the store's error; 0 if it did not answer."""
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code(error: BaseException) -> str:
    """Return the error code of the store, or the name of the exception."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or str(status(error))
    return type(error).__name__


def message(error: BaseException) -> str:
    """Return what the store, or the driver, says about the error; empty if it says nothing.

    A store may quote the request; what may be a key, a signature or a URL is left out.
    """
    if isinstance(error, ClientError):
        text = str(error.response.get("Error", {}).get("Message", ""))
    elif isinstance(error, BotoCoreError):
        text = str(error)
    else:
        return ""
    words = _URL.sub("…", " ".join(text.split()))
    return _KEY.sub("…", words)[:_LONGEST].rstrip(". ")


def unavailable(operation: str, bucket: str, error: BaseException) -> errors.ObjectStoreUnavailable:
    """Return our own error for a failure."""
    number = status(error)
    reason = f"{code(error)} ({number})" if number else code(error)
    if said := message(error):
        reason += f": {said}"
    return errors.ObjectStoreUnavailable("", f"{operation} in {bucket}: {reason}")


class Connection:
    """A client of one store, for any number of buckets.

    Without `aws.access_key`, credentials come from the usual places of AWS; without
    `aws.region`, so does that. `attempts` is the number of tries of each request,
    `connect_budget` and `read_budget` are seconds for a connection and for a sign of life
    on it.
    """

    def __init__(
        self, aws: Aws, *, connect_budget: float, read_budget: float, attempts: int
    ) -> None:
        self._aws = aws
        self._connect_budget = connect_budget
        self._read_budget = read_budget
        self._attempts = attempts
        self._slots = asyncio.Semaphore(aws.concurrency)
        self._closing = contextlib.AsyncExitStack()
        self._client: Any = None
        self._region = aws.region
        self.checksums = aws.checksums != "never"
        """Whether to send checksums of S3."""
        self.signer: Signer | None = None

    async def start(self) -> None:
        """Create the client, which reads files and may request the credentials of a role.

        Raises SettingsError for keys that no client can be made of.
        """
        session, aws = get_session(), self._aws
        if bool(aws.access_key) != bool(aws.secret_key):
            raise errors.SettingsError("aws.access_key and aws.secret_key belong together.")
        if aws.access_key:
            session.set_credentials(aws.access_key, aws.secret_key)
        try:
            self._region = self._region or session.get_config_variable("region") or "us-east-1"
            self.signer = Signer(lambda: _credentials(session), self._region)
            await self.signer.start()
            self._closing.push_async_callback(self.signer.close)
            self._client = await self._closing.enter_async_context(
                session.create_client(
                    "s3",
                    region_name=self._region,
                    endpoint_url=aws.endpoint_url or None,
                    verify=trusted_file(aws.ca) or None,
                    config=self._config(),
                )
            )
            # aiohttp waits for a `100 Continue` without end, whatever `read_budget` says; and
            # what is put here is small enough to be sent without asking first.
            self._client.meta.events.unregister("before-call.s3", add_expect_header)
            self._client.meta.events.register("before-call.s3.DeleteObjects", _send_md5)
            self._client.meta.events.register("before-send.s3", _pass_trace)
        except (BotoCoreError, ValueError) as error:
            await self.close()
            raise errors.SettingsError(
                "The keys of `aws` do not lead to an object store.", type(error).__name__
            ) from error

    def may_refuse_checksums(self, error: errors.ObjectStoreUnavailable) -> bool:
        """Whether the store may have refused a request for its checksum only."""
        cause = error.__cause__
        return (
            self._aws.checksums == "auto"
            and cause is not None
            and status(cause) in _NO_CHECKSUMS
            and code(cause) not in _OTHER_REASONS
        )

    def forgo_checksums(self) -> None:
        """Send no checksums from now on; the store refuses them."""
        if self.checksums:
            self.checksums = False
            _log.warning("checksums_refused", hint="set aws.checksums to never")

    def _config(self) -> AioConfig:
        """How botocore is to work.

        Its `standard` retries are jittered and drawn from a quota, so that an outage is not
        answered with three times the requests. Payloads are not signed: that would hash
        megabytes on the loop, where callers know the SHA-256 already and send that. The pool
        has no limit of its own: requests are counted here, and a body that is being passed
        on to a slow client must not keep others out.
        """
        return AioConfig(
            signature_version="s3v4",
            s3={
                "addressing_style": "path" if self._aws.in_path else "auto",
                "payload_signing_enabled": False,
            },
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            connect_timeout=self._connect_budget,
            read_timeout=self._read_budget,
            max_pool_connections=0,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._closing.aclose()

    async def call(
        self,
        operation: str,
        bucket: str,
        *,
        size: int = 0,
        budget: float | None = None,
        md5: bool = False,
        **parameters: Any,
    ) -> dict[str, Any] | None:
        """Make a call, and return the response of the store; None if key or range do not exist.

        With `md5`, DeleteObjects has the checksum that every store knows. The time-out allows for
        all tries and for a transfer of `size` bytes; `budget` in seconds replaces it. Raises
        ObjectStoreUnavailable.
        """
        patience = self.patience(size, budget)
        _md5.set(md5)
        # Waiting for a slot is not the store's fault, and those in front are bounded.
        async with self._slots:
            name = operation.title().replace("_", "")
            about = {
                "rpc.system": "aws-api",
                "rpc.service": "S3",
                "rpc.method": name,
                "aws.s3.bucket": bucket,
            }
            with stores.s3(operation), spans.measured(f"S3/{name}", spans.Kind.CLIENT, about):
                return await self._call(operation, bucket, patience, parameters)

    async def _call(
        self, operation: str, bucket: str, patience: float, parameters: dict[str, Any]
    ) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(patience):
                call = getattr(self._client, operation)
                response: dict[str, Any] = await call(Bucket=bucket, **parameters)
                return response
        except ClientError as error:
            if status(error) in (404, 416) and code(error) != "NoSuchBucket":
                return None
            raise unavailable(operation, bucket, error) from error
        except FOREIGN as error:
            raise unavailable(operation, bucket, error) from error

    def patience(self, size: int = 0, budget: float | None = None) -> float:
        """Return the time-out in seconds of a call that transfers `size` bytes, or `budget`."""
        if budget is not None:
            return budget
        # Botocore's pauses between tries are up to 1, 2, 4, … seconds.
        pauses = 2.0 ** (self._attempts - 1) - 1
        tries = self._attempts * (self._connect_budget + self._read_budget)
        return pauses + tries + size / _SLOWEST

    def address(self, bucket: str) -> str:
        """Where the store answers for `bucket`, without a slash at its end."""
        endpoint, in_path = self._aws.endpoint_url.rstrip("/"), self._aws.in_path
        if not endpoint:
            domain = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
            endpoint = f"https://s3.{self._region}.{domain}"
            # A certificate's wildcard stands for one label only.
            in_path = in_path or "." in bucket
        if in_path:
            return f"{endpoint}/{quote(bucket)}"
        scheme, _, host = endpoint.partition("://")
        return f"{scheme}://{bucket}.{host}"


async def _credentials(session: AioSession) -> ReadOnlyCredentials | None:
    """Return the current credentials, refreshed if they are about to expire."""
    credentials = await session.get_credentials()
    return await credentials.get_frozen_credentials() if credentials else None
