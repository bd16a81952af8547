"""What an upload is answered with, the first time and when it is repeated."""

import json

from liveresize import errors
from liveresize.core.originals import Original, version_of
from liveresize.core.tokens import Spent
from liveresize.uploads.bodies import Body


def text(original: Original, *, held: bool = False) -> str:
    """The JSON that tells a client what was stored, and whether it is held."""
    return json.dumps(
        {
            "status": "OK",
            "id": original.image.name,
            "original_width": original.width,
            "original_height": original.height,
            "format": original.format,
            "bytes": original.bytes,
            "sha256": original.sha256,
            "version": version_of(original.generation),
            "dominant_color": original.dominant_color,
            "thumbhash": original.thumbhash,
            **({"held": True} if held else {}),
        },
        ensure_ascii=False,
    )


class RepeatedUpload:
    """An upload whose token is spent: answered as before if its bytes are as before."""

    def __init__(self, spent: Spent, max_bytes: int) -> None:
        self._spent = spent
        self._body = Body(max_bytes)

    def expect(self, size: int) -> None:
        """Raise UploadTooLarge if the image will be too long."""
        self._body.expect(size)

    async def write(self, chunk: bytes) -> None:
        """Take part of the image, to compare. Raises UploadTooLarge."""
        await self._body.write(chunk)

    async def finish(self, crop: object) -> str:
        """The receipt of the first time. Raises TokenRefused for other bytes."""
        if await self._body.close() != self._spent.received_sha256:
            raise errors.TokenRefused("", "", "used")
        return self._spent.receipt

    async def abort(self, *, unread: bool = False) -> None:
        """Nothing was kept, nothing is left."""
