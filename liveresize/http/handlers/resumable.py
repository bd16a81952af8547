"""Uploads that can be resumed, by the protocol tus 1.0.0 (https://tus.io/protocols/resumable-upload).

Core, and the extensions of EXTENSIONS. Errors are those of every upload, as JSON.
"""

import base64
import binascii
import functools
import hashlib
import json
from typing import Any
from urllib.parse import quote

from liveresize import errors
from liveresize.core import byte_limit, names, numbers, parameters
from liveresize.http import conditions, cors, responses
from liveresize.http.handlers.base import Handler
from liveresize.http.handlers.bodies import BodyHandler
from liveresize.http.handlers.uploads import candidates, read_crop
from liveresize.uploads.resumable import Creation
from liveresize.uploads.resumable_upload import ALGORITHMS, Checksum, Part, ResumableUpload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"

_PART = "application/offset+octet-stream"

_LONGEST_METADATA = 2048
"""Bytes of Upload-Metadata: it is kept, and sent back by HEAD."""

_ID_BYTES = 64
"""No id is longer."""


class _Tus(Handler):
    """What all requests of the protocol have in common."""

    route = "resumable_upload"

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Set the initial state."""
        super().initialize(*args, **kwargs)
        self.error_headers = [
            ("Tus-Resumable", VERSION),
            ("Tus-Version", VERSION),
            cors.EXPOSED_BY_TUS,
        ]

    @functools.cached_property
    def name(self) -> str:
        """What the URL calls the picture."""
        name = names.check_name(parameters.percent_decode(self._segments[0]))
        self.application_name = self.site.applications.label(name)
        return name

    @property
    def _segments(self) -> list[str]:
        path = self.target.partition("?")[0]
        return path.removeprefix("/_uploads/").split("/")

    def check_version(self) -> None:
        """Raise TusVersionRefused for another version of the protocol."""
        if self.request.headers.get("Tus-Resumable", "").strip() != VERSION:
            raise errors.TusVersionRefused

    def find(self) -> ResumableUpload:
        """Return the upload of the URL.

        Raises UploadMissing, and TokenRefused if another token than its own is sent.
        """
        id_ = self._segments[1][:_ID_BYTES]
        return self.site.resumable.find(self.name, id_, self.token)

    @property
    def token(self) -> str:
        """The token in the header X-Token."""
        return self.request.headers.get("X-Token", "").strip().lower()

    @property
    def has_part(self) -> bool:
        """Whether the body is said to be a part of an upload."""
        kind = self.request.headers.get("Content-Type", "").partition(";")[0]
        return kind.strip().lower() == _PART

    def whole(self, header: str) -> int:
        """Return a header that is a whole number. Raises BadUpload."""
        value = numbers.whole(self.request.headers.get(header, "").strip())
        if value is None:
            raise errors.BadUpload(f"The header {header} must be a whole number of bytes.")
        return value

    async def reply(
        self,
        status: int,
        upload: ResumableUpload | None = None,
        *more: tuple[str, str],
        body: str = "",
    ) -> None:
        """Send a response with the headers of the protocol, and those that describe `upload`."""
        headers = [
            ("Tus-Resumable", VERSION),
            ("Cache-Control", responses.NO_STORE),
            cors.ANY_ORIGIN,
            cors.EXPOSED_BY_TUS,
            *more,
        ]
        if upload is not None:
            headers.append(("Upload-Offset", str(upload.offset)))
            if not upload.stored:
                headers.append(("Upload-Expires", conditions.http_date(int(upload.ends_at))))
        if body:
            headers.append(("Content-Type", "application/json; charset=utf-8"))
        data = body.encode()
        await self.respond(
            responses.Response(
                status=status,
                headers=headers,
                body=data,
                length=None if status == 204 else len(data),
            )
        )


class _PartHandler(_Tus, BodyHandler):
    """A request whose body is a part of an upload."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Set the initial state."""
        super().initialize(*args, **kwargs)
        self._part: Part | None = None

    async def take(self, chunk: bytes) -> None:
        """Write to the upload."""
        assert self._part is not None
        await self._part.write(chunk)

    async def finish_part(self) -> str | None:
        """Return the receipt if the upload is whole now."""
        part, self._part = self._part, None
        return await part.finish() if part is not None else None

    async def discard(self) -> None:
        """Keep what has arrived: the upload goes on from there."""
        part, self._part = self._part, None
        if part is not None:
            await part.keep()

    def too_large(self) -> errors.LiveResizeError:
        """Return the error for more bytes than the upload has left."""
        return byte_limit.exceeded("The part", self.max_body, "Upload-Length", self._declared)


class ResumableCreationHandler(_PartHandler):
    """`POST /_uploads/{name}`: begin an upload, with or without its first part."""

    async def start(self) -> None:
        """Claim the token, and begin the upload."""
        self.check_version()
        headers = self.request.headers
        if "Upload-Defer-Length" in headers:
            raise errors.BadUpload("Upload-Defer-Length is not supported: send Upload-Length.")
        if "Upload-Concat" in headers:
            raise errors.BadUpload("Upload-Concat is not supported: send one upload.")
        metadata = _metadata(headers.get("Upload-Metadata", ""))
        token = self.token or _token(metadata)
        if not token:
            raise errors.TokenRefused("The header X-Token, or the metadata `token`, is missing.")
        creation = Creation(
            name=self.name,
            length=self.whole("Upload-Length"),
            client=self.client_key,
            metadata=",".join(pair for key, pair in metadata.items() if key != "token"),
            crop=read_crop(self.target.partition("?")[2]),
        )
        checksum = _checksum(headers.get("Upload-Checksum"))
        self.max_body = creation.length if self.has_part else 0
        if self._declared > self.max_body:
            raise self.too_large() if self.has_part else errors.UnsupportedBody
        self._id, self._upload = await self.site.resumable.create(
            token, candidates(self.name), creation
        )
        if self.has_part:
            self._part = await self._upload.begin(0, checksum)

    async def end(self) -> None:
        """Respond with the URL of the upload."""
        image = self._upload.note.claim.grant.image
        receipt = await self.finish_part() or json.dumps({"status": "CREATED", "id": image.name})
        location = f"/_uploads/{quote(self.name, safe='')}/{self._id}"
        await self.reply(201, self._upload, ("Location", location), body=receipt)


class ResumablePartHandler(_PartHandler):
    """`PATCH /_uploads/{name}/{upload}`, and POST with `X-HTTP-Method-Override`."""

    async def start(self) -> None:
        """Find the upload, and begin the part."""
        self.check_version()
        headers = self.request.headers
        self._upload = self.find()
        self._deletes = False
        if self.request.method == "POST":
            method = headers.get("X-HTTP-Method-Override", "").strip().upper()
            self._deletes = method == "DELETE"
            if method not in ("PATCH", "DELETE"):
                raise errors.BadUpload("Send PATCH, or X-HTTP-Method-Override: PATCH with POST.")
        if self._deletes:
            self.max_body = 0
            return
        if not self.has_part:
            raise errors.UnsupportedBody
        checksum = _checksum(headers.get("Upload-Checksum"))
        offset = self.whole("Upload-Offset")
        self._part = await self._upload.begin(offset, checksum)
        self.max_body = self._upload.note.length - offset

    async def patch(self, *args: str) -> None:
        """See tornado.web.RequestHandler; the body is complete."""
        await self.post(*args)

    async def end(self) -> None:
        """Respond with the new offset, and with the receipt of what is whole now."""
        if self._deletes:
            await self._upload.terminate()
            await self.reply(204)
            return
        receipt = await self.finish_part()
        await self.reply(204 if receipt is None else 200, self._upload, body=receipt or "")


class ResumableUploadHandler(_Tus):
    """`HEAD` and `DELETE /_uploads/{name}/{upload}`."""

    async def head(self) -> None:
        """Respond with the offset; it is the length only if the picture is stored."""
        self.check_version()
        upload = self.find()
        await upload.settle()
        more = [("Upload-Length", str(upload.note.length))]
        if upload.note.metadata:
            more.append(("Upload-Metadata", upload.note.metadata))
        await self.reply(200, upload, *more)

    async def delete(self) -> None:
        """Remove the upload, and give its token back."""
        self.check_version()
        await self.find().terminate()
        await self.reply(204)


class ResumableOptionsHandler(_Tus):
    """`OPTIONS`: what is spoken here; and any page may, with a token."""

    async def options(self) -> None:
        """Respond to the question, and to the preflight request of a browser."""
        methods = ("POST",) if len(self._segments) == 1 else ("HEAD", "PATCH", "POST", "DELETE")
        usual = (
            "X-Token, Content-Type, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, "
            "Upload-Checksum, X-HTTP-Method-Override"
        )
        headers = cors.preflight(self.request.headers, methods, usual)
        headers += [
            cors.EXPOSED_BY_TUS,
            ("Tus-Resumable", VERSION),
            ("Tus-Version", VERSION),
            ("Tus-Extension", EXTENSIONS),
            ("Tus-Max-Size", str(self.site.resumable.max_bytes)),
            ("Tus-Checksum-Algorithm", ",".join(ALGORITHMS)),
            ("Vary", "Access-Control-Request-Headers"),
        ]
        await self.respond(responses.Response(status=204, headers=headers, length=None))


def _metadata(header: str) -> dict[str, str]:
    """Return each pair of Upload-Metadata as it was sent, by its key. Raises BadUpload."""
    pairs: dict[str, str] = {}
    if len(header) > _LONGEST_METADATA:
        raise errors.BadUpload(f"Upload-Metadata is longer than {_LONGEST_METADATA} bytes.")
    for pair in filter(None, (each.strip() for each in header.split(","))):
        key, _, value = pair.partition(" ")
        if not key.isascii() or not key.isprintable() or key in pairs:
            raise errors.BadUpload("Upload-Metadata must be pairs of a key of its own and Base64.")
        _decoded("Upload-Metadata", value)
        pairs[key] = pair
    return pairs


def _token(metadata: dict[str, str]) -> str:
    value = metadata.get("token", "").partition(" ")[2]
    return _decoded("Upload-Metadata", value).decode(errors="replace").strip().lower()


def _checksum(header: str | None) -> Checksum | None:
    """Parse Upload-Checksum. Raises BadUpload."""
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise errors.BadUpload(
            "Upload-Checksum must have one of the algorithms " + ", ".join(ALGORITHMS) + "."
        )
    digest = _decoded("Upload-Checksum", value)
    if len(digest) != hashlib.new(algorithm).digest_size:
        raise errors.BadUpload(f"Upload-Checksum is not as long as a {algorithm}.")
    return Checksum(algorithm, digest)


def _decoded(header: str, value: str) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise errors.BadUpload(f"The header {header} must have its values in Base64.") from None
