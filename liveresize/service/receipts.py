"""What an upload is answered with, the first time and when it is repeated."""

import json
from dataclasses import dataclass

from liveresize import errors
from liveresize.domain.originals import Original
from liveresize.domain.tokens import Spent
from liveresize.service.bodies import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an upload is answered with; `text` is its JSON."""

    text: str
    repeated: bool = False


def text(original: Original) -> str:
    """The JSON that tells a client what was stored."""
    return json.dumps(
        {
            "status": "OK",
            "id": original.image.name,
            "original_width": original.width,
            "original_height": original.height,
            "format": original.format,
            "bytes": original.bytes,
            "sha256": original.sha256,
        },
        ensure_ascii=False,
    )


class RepeatedUpload:
    """An upload whose token is spent: answered as before if its bytes are as before."""

    def __init__(self, spent: Spent, max_bytes: int) -> None:
        self._spent = spent
        self._body = Body(max_bytes)

    @property
    def max_bytes(self) -> int:
        """The most that `write` takes in all."""
        return self._body.max_bytes

    async def write(self, chunk: bytes) -> None:
        """Take part of the image, to compare. Raises UploadTooLarge."""
        await self._body.write(chunk)

    async def finish(self, crop: object) -> Receipt:
        """The receipt of the first time. Raises TokenRefused for other bytes."""
        if await self._body.close() != self._spent.received_sha256:
            raise errors.TokenRefused
        return Receipt(text=self._spent.receipt, repeated=True)

    async def abort(self) -> None:
        """Nothing was kept, nothing is left."""
