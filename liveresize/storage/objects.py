"""Objects in S3 or a compatible store, in any number of buckets.

Every method raises ObjectStoreUnavailable for any failure, in limited time; its detail has the
operation, the bucket and the error code of the store. A missing key is not a failure.
"""

import asyncio
import base64
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from liveresize import errors
from liveresize.settings.backends import Aws
from liveresize.storage.advice import advice
from liveresize.storage.connection import Connection, status, unavailable
from liveresize.storage.object_body import Body

__all__ = ["Body", "Facts", "Objects"]

_BATCH = 1000
"""The largest number of keys of one DeleteObjects."""

_CHECKSUM = "ChecksumSHA256"

_NO_BATCHES = (400, 405, 411, 501)
"""Statuses of stores that do not support DeleteObjects, or require an MD5 for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The `size` of an object in bytes, and its user metadata."""

    size: int
    metadata: Mapping[str, str]


class Objects:
    """A client of one store. Started, it serves until `close`; for the keywords see
    Connection."""

    def __init__(
        self,
        aws: Aws,
        *,
        connect_budget: float = 2.0,
        read_budget: float = 5.0,
        attempts: int = 3,
    ) -> None:
        self._connection = Connection(
            aws, connect_budget=connect_budget, read_budget=read_budget, attempts=attempts
        )
        self._aws = aws
        self._one_by_one: set[str] = set()

    async def start(self) -> None:
        """Create the client, without a request to the store. Raises SettingsError."""
        await self._connection.start()

    async def close(self) -> None:
        """Close every connection."""
        await self._connection.close()

    def address(self, bucket: str) -> str:
        """Return the URL of `bucket`, without a slash at its end."""
        return self._connection.address(bucket)

    @property
    def checksums_refused(self) -> bool:
        """Whether the store turned out to refuse checksums."""
        return self._aws.checksums == "auto" and not self._connection.checksums

    def advice(self, error: errors.ObjectStoreUnavailable) -> str:
        """Return what to do about an error of this store; empty if that is unknown."""
        return advice(error, in_path=self._aws.in_path)

    @property
    def can_sign(self) -> bool:
        """Whether there are credentials for `presigned`."""
        signer = self._connection.signer
        return signer is not None and signer.ready

    def presigned(self, bucket: str, key: str, lifetime: int) -> str:
        """Return a URL that allows anyone to get the object for `lifetime` seconds.

        The URL is not signed while `can_sign` is False. See Signer for its real lifetime.
        """
        url = f"{self.address(bucket)}/{quote(key, safe='/~')}"
        signer = self._connection.signer
        return signer.presigned(url, lifetime) if signer else url

    async def put_file(
        self,
        bucket: str,
        key: str,
        path: Path,
        *,
        size: int,
        sha256: str,
        mime: str,
        cache_control: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Store the file, of `size` bytes with that SHA-256 in hex, as a stream.

        Raises OSError if the file cannot be read or has another size.
        """
        headers = _headers(size, sha256, mime, cache_control, metadata or {})
        file = await asyncio.to_thread(_open_whole, path, size)
        try:
            await self._put(bucket, key, file, headers)
        finally:
            await asyncio.to_thread(file.close)

    async def put_bytes(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        mime: str,
        cache_control: str = "",
        budget: float | None = None,
    ) -> None:
        """Store a few bytes, hashed on the event loop. `budget` is the time-out in seconds."""
        headers = _headers(len(data), hashlib.sha256(data).hexdigest(), mime, cache_control, {})
        await self._put(bucket, key, data, headers, budget)

    async def _put(
        self,
        bucket: str,
        key: str,
        body: bytes | BinaryIO,
        headers: dict[str, Any],
        budget: float | None = None,
    ) -> None:
        plain = {name: value for name, value in headers.items() if name != _CHECKSUM}

        async def send(checksums: bool) -> dict[str, Any] | None:
            if not isinstance(body, bytes):
                body.seek(0)
            return await self._connection.call(
                "put_object",
                bucket,
                size=headers["ContentLength"],
                budget=budget,
                Key=key,
                Body=body,
                **(headers if checksums else plain),
            )

        if await self._send(send) is None:
            raise errors.ObjectStoreUnavailable("", f"put_object in {bucket}: not found (404)")

    async def _send(
        self, send: Callable[[bool], Awaitable[dict[str, Any] | None]]
    ) -> dict[str, Any] | None:
        """Return the response to a request, sent again without checksums if they were refused."""
        checksums = self._connection.checksums
        try:
            return await send(checksums)
        except errors.ObjectStoreUnavailable as error:
            if not checksums or not self._connection.may_refuse_checksums(error):
                raise
            refusal = error
        try:
            response = await send(False)
        except errors.ObjectStoreUnavailable:
            raise refusal from refusal.__cause__
        self._connection.forgo_checksums()
        return response

    async def open(
        self,
        bucket: str,
        key: str,
        first: int = 0,
        last: int | None = None,
        *,
        budget: float | None = None,
    ) -> Body | None:
        """Open bytes `first` to `last` of an object, or to its end; None if they do not exist.

        `budget` is the time-out for the first byte, in seconds.
        """
        part: dict[str, Any] = {}
        if first or last is not None:
            part = {"Range": f"bytes={first}-{'' if last is None else last}"}
        response = await self._connection.call("get_object", bucket, budget=budget, Key=key, **part)
        if response is None:
            return None
        stream, size = response["Body"], response.get("ContentLength")
        if size is None or (part and "ContentRange" not in response):
            stream.close()
            raise errors.ObjectStoreUnavailable("", f"get_object in {bucket}: no length or range")
        return Body(stream, size, bucket)

    async def read(self, bucket: str, key: str, *, budget: float | None = None) -> bytes | None:
        """Return all bytes of a small object; None if it does not exist. `budget` as for `open`."""
        body = await self.open(bucket, key, budget=budget)
        if body is None:
            return None
        try:
            async with asyncio.timeout(self._connection.patience(body.size)):
                return b"".join([chunk async for chunk in body.chunks()])
        except TimeoutError as error:
            raise unavailable("get_object", bucket, error) from error
        finally:
            await body.close()

    async def head(self, bucket: str, key: str) -> Facts | None:
        """Return size and metadata of an object; None if it does not exist."""
        response = await self._connection.call("head_object", bucket, Key=key)
        if response is None:
            return None
        return Facts(
            size=response.get("ContentLength", 0),
            metadata=response.get("Metadata", {}),
        )

    async def remove(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects; a missing one is not an error."""
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            if bucket in self._one_by_one or not await self._remove_batch(bucket, batch):
                await self._remove_each(bucket, batch)

    async def _remove_batch(self, bucket: str, keys: Sequence[str]) -> bool:
        """Remove objects with one request; return False if the store does not support it."""
        request = {"Objects": [{"Key": key} for key in keys], "Quiet": True}

        async def send(checksums: bool) -> dict[str, Any] | None:
            return await self._connection.call(
                "delete_objects", bucket, md5=not checksums, Delete=request
            )

        try:
            response = await self._send(send)
        except errors.ObjectStoreUnavailable as error:
            if status(error.__cause__) not in _NO_BATCHES:
                raise
            response = None
        if response is None:
            self._one_by_one.add(bucket)
            return False
        failures = [
            each["Code"] for each in response.get("Errors", ()) if each["Code"] != "NoSuchKey"
        ]
        if failures:
            raise errors.ObjectStoreUnavailable("", f"delete_objects in {bucket}: {failures[0]}")
        return True

    async def _remove_each(self, bucket: str, keys: Sequence[str]) -> None:
        calls = (self._connection.call("delete_object", bucket, Key=key) for key in keys)
        results = await asyncio.gather(*calls, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def list_prefix(self, bucket: str, prefix: str) -> AsyncIterator[tuple[str, int]]:
        """Yield (key, bytes) of every object with a key that begins with `prefix`."""
        async for key, size, _ in self.list_dated(bucket, prefix):
            yield key, size

    async def list_dated(self, bucket: str, prefix: str) -> AsyncIterator[tuple[str, int, float]]:
        """Yield (key, bytes, time) as `list_prefix`, with the time of storing in Unix seconds."""
        further: dict[str, Any] = {}
        while True:
            page = await self._connection.call("list_objects_v2", bucket, Prefix=prefix, **further)
            for each in page.get("Contents", ()) if page else ():
                yield each["Key"], each["Size"], each["LastModified"].timestamp()
            if not page or not page.get("NextContinuationToken"):
                return
            further = {"ContinuationToken": page["NextContinuationToken"]}


def _headers(
    size: int, sha256: str, mime: str, cache_control: str, metadata: Mapping[str, str]
) -> dict[str, Any]:
    """Return the headers of a put, with the names of botocore."""
    headers: dict[str, Any] = {
        "ContentLength": size,
        "ContentType": mime,
        _CHECKSUM: base64.b64encode(bytes.fromhex(sha256)).decode(),
        "Metadata": dict(metadata),
    }
    if cache_control:
        headers["CacheControl"] = cache_control
    return headers


def _open_whole(path: Path, size: int) -> BinaryIO:
    """Open a file that must have `size` bytes. Raises OSError."""
    file = path.open("rb")
    actual = os.fstat(file.fileno()).st_size
    if actual != size:
        file.close()
        raise OSError(errno.EIO, f"{actual} bytes where {size} should be", str(path))
    return file
