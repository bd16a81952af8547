"""Stream an object from the store."""

from collections.abc import AsyncIterator
from typing import Any

from liveresize import errors
from liveresize.observe.metrics import stores
from liveresize.storage.connection import FOREIGN, unavailable

CHUNK = 64 * 1024


class Body:
    """ports.ObjectBody of an object in the store. It must be closed."""

    def __init__(self, stream: Any, size: int, bucket: str) -> None:
        self._stream = stream
        self._bucket = bucket
        self.size = size

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield all `size` bytes, up to 64 KiB at a time.

        Raises ObjectStoreUnavailable if the stream ends early or stalls.
        """
        remaining = self.size
        while remaining > 0:
            try:
                chunk: bytes = await self._stream.read(CHUNK)
            except FOREIGN as error:
                stores.s3_broke_off()
                raise unavailable("get_object", self._bucket, error) from error
            if not chunk:
                stores.s3_broke_off()
                raise errors.ObjectStoreUnavailable("", f"get_object in {self._bucket}: cut short")
            remaining -= len(chunk)
            yield chunk

    async def close(self) -> None:
        """Release the connection; it is closed if the stream was not read completely."""
        self._stream.close()
