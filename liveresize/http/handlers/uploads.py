"""POST of an image with a one-time token."""

import contextlib
import unicodedata
from collections.abc import Iterator
from typing import Any

from liveresize import errors
from liveresize.core import byte_limit, names, numbers, parameters
from liveresize.core.names import ImageId
from liveresize.http import cors, responses
from liveresize.http.handlers.base import Handler
from liveresize.http.handlers.bodies import BodyHandler
from liveresize.http.handlers.multipart import ImageField
from liveresize.uploads.pipeline import Crop
from liveresize.uploads.token_uploads import Upload

_ENVELOPE = 128 << 10
"""Bytes of a form in addition to its image."""

_SIDES = ("x", "y", "width", "height")
"""The parameters of a crop."""

_LONGEST_SIDE = 10**9 - 1
"""The largest number of pixels in a crop; a larger one is taken as this."""


class UploadHandler(BodyHandler):
    """`POST /{name}` and `/{name}.{ext}`, a form with the field `image` or the raw image."""

    route = "upload"

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Set the initial state."""
        super().initialize(*args, **kwargs)
        self.max_body = self.site.uploads.max_bytes + _ENVELOPE
        self._upload: Upload | None = None
        self._form: ImageField | None = None
        self._crop: Crop | None = None
        self._unread = False

    async def start(self) -> None:
        """Claim the token, then check the rest of the head.

        The token comes first, because every failed attempt must release its id.
        """
        path, _, query = self.target.partition("?")
        ids = candidates(parameters.percent_decode(path[1:]))
        self.application_name = self.site.applications.label(ids[0].key)
        token = self.request.headers.get("X-Token", "").strip().lower()
        if not token:
            raise errors.TokenRefused("The header X-Token is missing.")
        self._upload = await self.site.uploads.begin(token, ids, self.client_key)
        with self._giving_back():
            self._crop = read_crop(query)
            self._form = _form(self.request.headers.get("Content-Type", ""))
        if self._form is None:
            self._upload.expect(self._declared)

    async def take(self, chunk: bytes) -> None:
        """Write the bytes of the image to the upload."""
        assert self._upload is not None
        with self._giving_back():
            image = chunk if self._form is None else self._form.feed(chunk)
        if image:
            await self._upload.write(image)

    async def end(self) -> None:
        """Store the image and respond with its properties."""
        assert self._upload is not None
        if self._form is not None:
            with self._giving_back():
                self._form.finish()
        upload, self._upload = self._upload, None
        body = (await upload.finish(self._crop)).encode()
        await self.respond(
            responses.Response(
                status=200,
                headers=[
                    ("Content-Type", "application/json; charset=utf-8"),
                    ("Cache-Control", responses.NO_STORE),
                    *cors.READABLE,  # a token is all that a page needs
                ],
                body=body,
                length=len(body),
            )
        )

    async def discard(self) -> None:
        """Abort the upload and release its id."""
        upload, self._upload = self._upload, None
        if upload is not None:
            await upload.abort(unread=self._unread)

    @contextlib.contextmanager
    def _giving_back(self) -> Iterator[None]:
        """Give the token back if the request is wrong: no picture was read."""
        try:
            yield
        except errors.RequestError:
            self._unread = True
            raise

    def too_large(self) -> errors.LiveResizeError:
        """Return the error for an image that is too large."""
        most = self.site.uploads.max_bytes
        return byte_limit.exceeded("The body", most, byte_limit.UPLOADS, self._declared)


class PreflightHandler(Handler):
    """`OPTIONS /{name}`: a page of any origin may upload with a token."""

    route = "upload"

    async def options(self) -> None:
        """Respond to the preflight request."""
        allowed = cors.preflight(
            self.request.headers, ("GET", "HEAD", "POST"), "X-Token, Content-Type"
        )
        allowed.append(("Vary", "Access-Control-Request-Headers"))
        await self.respond(responses.Response(status=204, headers=allowed, length=None))


_BYTES = ("application/octet-stream", "binary/octet-stream")
"""Types of bytes of any kind; the second is that of S3 and its clients."""


def _form(content_type: str) -> ImageField | None:
    """Return the parser of a form; None if the body itself is the image. Raises BadUpload."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return ImageField(content_type)
    if not kind or kind in _BYTES or kind.startswith("image/"):
        return None
    raise errors.BadUpload(
        "Send the image in the field `image` of a multipart form, "
        "or as the body with an image/* Content-Type or none."
    )


def candidates(segment: str) -> list[ImageId]:
    """Return the ids that the segment may name: all of it, then without any extension.

    Ids of tokens are NFC; file names of some systems are not.
    """
    stem, _, _ = names.check_name(segment).rpartition(".")
    spelled = (segment, stem, *(unicodedata.normalize("NFC", each) for each in (segment, stem)))
    return [ImageId(name) for name in dict.fromkeys(spelled) if name]


def read_crop(query: str) -> Crop | None:
    """Parse `x`, `y`, `width` and `height` of the query, in pixels; None if all of them are 0.

    As in Live Image Resize, fractions are cut off, what is missing or empty is 0, and a width or
    height of 0 is all that is left. Raises BadCrop for what is not a number, and for a negative
    width or height.
    """
    sent: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in _SIDES:
            sent.setdefault(name, parameters.percent_decode(value))
    x, y, width, height = (_pixels(name, sent.get(name, "")) for name in _SIDES)
    if width < 0 or height < 0:
        raise errors.BadCrop("The width and height of a crop must not be negative.")
    return (x, y, width, height) if x or y or width or height else None


def _pixels(name: str, text: str) -> int:
    """Parse one side of a crop. Raises BadCrop."""
    pixels = numbers.truncated(text or "0", _LONGEST_SIDE)
    if pixels is None:
        raise errors.BadCrop(f"The parameter `{name}` of a crop must be a number of pixels.")
    return pixels
