"""Everything that liveresize raises on purpose.

LiveResizeError
├── RequestError                the client asked for something that makes no sense
│   ├── MalformedRequest
│   ├── HeadTooLarge
│   │   └── UrlTooLong
│   ├── MalformedUrl
│   ├── BadParameter
│   ├── BadBody
│   ├── BadUpload
│   ├── BadCrop
│   ├── InvalidId
│   ├── UploadTooSlow
│   ├── UnsupportedBody
│   ├── TusVersionRefused
│   ├── OffsetConflict
│   └── ChecksumMismatch
├── Forbidden                   the client may not do this
│   ├── SecretRefused
│   ├── NetworkRefused
│   ├── OriginRefused
│   ├── AdminDisabled
│   ├── TokenRefused
│   ├── IdTaken
│   ├── QuotaFull
│   ├── OutsideApplication
│   ├── SignatureRefused
│   ├── SizeRefused
│   └── PresetRequired
├── OriginalMissing
│   ├── BucketMissing
│   └── ErasureMissing
├── VersionMismatch
├── OlderInstance
├── UploadMissing
│   └── UploadEnded
├── OriginalElsewhere
├── OverlayUnavailable
├── ImageError                  the picture itself is the problem
│   ├── UploadTooLarge
│   ├── UnsupportedImage
│   ├── Refused
│   ├── UnreadableImage
│   ├── ImageTooLarge
│   ├── MemoryExceeded
│   ├── WorkExceeded
│   └── Quarantined
├── Overload                    the machine has enough to do
│   ├── QueueFull
│   ├── UnsentFull
│   ├── RateLimited
│   │   └── ApplicationRateLimited
│   ├── TooManyFailures
│   ├── TooManyUploads
│   ├── UploadsFull
│   ├── RenderTimeout
│   ├── WaitTimeout
│   ├── DiskFull
│   └── ShuttingDown
├── StoreError                  something behind us does not answer
│   ├── IndexUnavailable
│   │   └── IndexFull
│   ├── ObjectStoreUnavailable
│   └── WebhookUnavailable
│       └── CacheUnavailable
├── WorkerDied
└── SettingsError

The first argument, where given, is the sentence a client may read; the second is
detail for the log alone, and the third has fields of the response, for programs. Arguments
are positional only, so that every error survives the pipe between a worker and the server.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class LiveResizeError(Exception):
    """liveresize could not do what it was asked."""

    code: ClassVar[str] = "live_resize_error"
    """The stable snake_case name of the class, for answers, logs and metrics."""

    def __init_subclass__(cls) -> None:
        """Name the class; what others derive from one of ours is called as they call it."""
        super().__init_subclass__()
        cls.code = _CAPITAL.sub("_", cls.__name__).lower()

    @property
    def public(self) -> str:
        """The sentence a client may read: the first argument, else the docstring."""
        if self.args and self.args[0]:
            return str(self.args[0])
        return (type(self).__doc__ or "").partition("\n")[0]

    @property
    def detail(self) -> str:
        """What only the log may know: the second argument, else nothing."""
        return str(self.args[1]) if len(self.args) > 1 else ""

    @property
    def fields(self) -> Mapping[str, object]:
        """What a response says besides the sentence, for programs: the third argument."""
        return self.args[2] if len(self.args) > 2 else {}


class RequestError(LiveResizeError):
    """The request makes no sense as it stands."""


class MalformedRequest(RequestError):
    """The head of the request breaks the rules of HTTP."""


class HeadTooLarge(RequestError):
    """The headers of the request are larger than this server reads."""


class UrlTooLong(HeadTooLarge):
    """The URL of the request is longer than this server reads."""


class MalformedUrl(RequestError):
    """The URL cannot be read: see its escapes, name, sizes and extension."""


class BadParameter(RequestError):
    """A query parameter has a value that is not allowed."""


class BadBody(RequestError):
    """The request body is not the JSON that this address takes."""


class BadUpload(RequestError):
    """The upload holds no whole image in the field `image` or as its body."""


class BadCrop(RequestError):
    """The crop lies outside the picture."""


class InvalidId(RequestError):
    """The id is missing, or cannot be the name of a picture."""


class UploadTooSlow(RequestError):
    """The body arrived more slowly than the server waits for."""


class UnsupportedBody(RequestError):
    """The body must have the Content-Type application/offset+octet-stream."""


class TusVersionRefused(RequestError):
    """The header Tus-Resumable must be 1.0.0, the version of tus that this server speaks."""


class OffsetConflict(RequestError):
    """The part does not begin where the upload ends: ask for its offset with HEAD."""


class ChecksumMismatch(RequestError):
    """The part does not have the checksum of Upload-Checksum, and was dropped: send it again."""


class Forbidden(LiveResizeError):
    """This client may not do that."""


class SecretRefused(Forbidden):
    """The secret is missing or wrong."""


class NetworkRefused(Forbidden):
    """This address answers only clients of the configured networks."""


class OriginRefused(Forbidden):
    """Pages of other origins get no tokens while no secret is configured."""


class AdminDisabled(Forbidden):
    """No secret is configured in `admin.secrets`, so nothing can be deleted or purged over HTTP."""


class TokenRefused(Forbidden):
    """The token is unknown, used, expired or for another id."""

    CAUSES: ClassVar[dict[str, str]] = {
        "unknown": "The token is unknown, or a newer one has replaced it.",
        "used": "The token is used.",
        "expired": "The token has expired.",
        "other_id": "The token is for another id.",
    }
    """The sentence for each cause."""

    @property
    def cause(self) -> str:
        """The reason, for programs: the third argument, else `unknown`."""
        cause = str(self.args[2]) if len(self.args) > 2 else ""
        return cause if cause in self.CAUSES else "unknown"

    @property
    def public(self) -> str:
        """The sentence a client may read."""
        given = self.args[2:] and not self.args[0]
        return self.CAUSES[self.cause] if given else super().public

    @property
    def fields(self) -> Mapping[str, object]:
        """The cause."""
        return {"cause": self.cause}


class IdTaken(Forbidden):
    """The id is already uploaded, or a live token or upload for it exists."""

    @property
    def fields(self) -> Mapping[str, object]:
        """The ids, the third argument, where more than one was asked for."""
        return {"ids": self.args[2]} if len(self.args) > 2 else {}


class QuotaFull(Forbidden):
    """The application has no room left for the image: delete images of it first."""


class OutsideApplication(Forbidden):
    """The secret is that of an application, which this image or request does not belong to."""


class SignatureRefused(Forbidden):
    """The signature of the address is missing, wrong or expired."""


class SizeRefused(Forbidden):
    """The size is none of those that may be asked for without a signature."""


class PresetRequired(Forbidden):
    """Pictures may be asked for by `preset` alone, or with a signature."""


class OriginalMissing(LiveResizeError):
    """There is no picture of that name."""


class BucketMissing(OriginalMissing):
    """There is no such bucket."""


class VersionMismatch(LiveResizeError):
    """The picture has another version than the request says."""


class OlderInstance(LiveResizeError):
    """An instance of 1.0.0 uses this database and would show the image: upgrade it first."""


class UploadMissing(LiveResizeError):
    """There is no such upload here: create it again with its token, or with a new one."""


class UploadEnded(UploadMissing):
    """The unfinished upload has ended, or another one has replaced it: ask for a new token."""


class ErasureMissing(OriginalMissing):
    """There is no erasure of that id, or its 90 days are over."""


class OriginalElsewhere(LiveResizeError):
    """The picture is known, but its bytes cannot be reached here just now."""


class OverlayUnavailable(LiveResizeError):
    """The overlay of this picture cannot be drawn: its own picture is missing or damaged."""


class ImageError(LiveResizeError):
    """The picture cannot be worked with."""


class Refused(ImageError):
    """A check before storing refused the image, or could not be made."""

    CAUSES: ClassVar[dict[str, str]] = {
        "rejected": "The image was refused by a check of this server.",
        "unchecked": "The image could not be checked, so it was refused: try again later.",
    }
    """The sentence for each cause."""

    @property
    def cause(self) -> str:
        """The reason, for programs: the third argument, else `rejected`."""
        cause = str(self.args[2]) if len(self.args) > 2 else ""
        return cause if cause in self.CAUSES else "rejected"

    @property
    def public(self) -> str:
        """The sentence a client may read."""
        return self.CAUSES[self.cause] if self.args[2:] else super().public

    @property
    def fields(self) -> Mapping[str, object]:
        """The cause."""
        return {"cause": self.cause}


class UploadTooLarge(ImageError):
    """The picture has more bytes or pixels than the server takes."""


class UnsupportedImage(ImageError):
    """The bytes are not an image of an accepted format."""


class UnreadableImage(ImageError):
    """The picture is damaged and cannot be decoded."""


class ImageTooLarge(ImageError):
    """The original is too large to decode."""


class MemoryExceeded(ImageError):
    """The picture needs more memory than one render may take."""


class WorkExceeded(ImageError):
    """The picture takes too long to decode: save it again with an ordinary encoder."""


class Quarantined(ImageError):
    """This rendition has crashed its worker twice and is not tried for an hour."""


class Overload(LiveResizeError):
    """The server has more to do than it can at the moment."""


class QueueFull(Overload):
    """Too many renders are waiting: ask again shortly."""


class UnsentFull(Overload):
    """Too many pictures wait for their clients to take them: ask again shortly."""


class RateLimited(Overload):
    """This client asks for more new renditions than one client may."""


class ApplicationRateLimited(RateLimited):
    """The application of this image asks for more new renditions than one may."""


class TooManyFailures(Overload):
    """Too many wrong secrets or signatures came from this address: ask again later."""


class TooManyUploads(Overload):
    """This client has as many unfinished uploads as one client may have."""


class UploadsFull(Overload):
    """There is no room for more unfinished uploads at the moment."""


class RenderTimeout(Overload):
    """The conversion took too long and was stopped."""


class WaitTimeout(Overload):
    """The render did not begin in time: ask again shortly."""


class DiskFull(Overload):
    """There is no room left to keep the picture."""


class ShuttingDown(Overload):
    """The server is stopping: ask another, or again shortly."""


class StoreError(LiveResizeError):
    """A store behind the server does not answer."""


class IndexUnavailable(StoreError):
    """The database does not answer."""


class IndexFull(IndexUnavailable):
    """The database has no room left."""


class ObjectStoreUnavailable(StoreError):
    """The object store does not answer."""


class WebhookUnavailable(StoreError):
    """The receiver of the webhook does not take what it is told."""


class CacheUnavailable(WebhookUnavailable):
    """A cache in front of the server does not confirm that it has dropped a picture."""


class WorkerDied(LiveResizeError):
    """The worker died in the middle of the job."""


class SettingsError(LiveResizeError):
    """The configuration cannot be used."""
