"""The seams to what is kept elsewhere: renditions, originals, and whom we tell of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original


class WebhookClient(Protocol):
    """Takes messages to the receiver of the webhook."""

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Deliver one, and return once the receiver has confirmed it.

        Raises WebhookUnavailable, whose detail says why, and never the address in full.
        """

    async def close(self) -> None:
        """Close every connection."""


class ObjectBody(Protocol):
    """The bytes of an object on their way; `close` must be called, read to the end or not."""

    size: int

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, all `size` of them. Raises ObjectStoreUnavailable."""

    async def close(self) -> None:
        """Let go of the store."""


class ForeignOriginals(Protocol):
    """Where pictures lie that another service stored, and that can be taken over."""

    async def take(self, image: ImageId, target: Path, max_bytes: int) -> bool:
        """Write the bytes of a picture to `target`, durably; False where there is none.

        Raises BucketMissing, UploadTooLarge, ObjectStoreUnavailable and DiskFull.
        """


class RenditionStore(Protocol):
    """Where finished renditions are kept for good: the disk here, or S3."""

    def url(self, link: Link) -> str:
        """Where a client is redirected to: relative for ourselves."""

    def key(self, original: Original, variant: str, extension: str) -> str:
        """The key of an object."""

    def local_path(self, key: str) -> Path | None:
        """Where we serve the object of `key` from; None where we do not."""

    async def publish(self, spooled: Path, link: Link) -> None:
        """Store the spooled bytes durably under `link.key`; the spooled file stays.

        Raises DiskFull or ObjectStoreUnavailable.
        """

    async def read(self, link: Link) -> bytes | None:
        """The bytes of a link, or None when they are gone. Raises ObjectStoreUnavailable."""

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> ObjectBody | None:
        """Bytes `first` to `last` of a link, or to its end; None when they are gone.

        Raises ObjectStoreUnavailable.
        """

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        """The key and the bytes of a rendition that another service left there.

        Raises ObjectStoreUnavailable.
        """

    async def remove(self, links: Sequence[Link]) -> None:
        """Remove objects; that one is gone already is no error.

        Raises ObjectStoreUnavailable.
        """

    async def remove_generation(self, original: Original) -> None:
        """Remove every object of one generation. Raises ObjectStoreUnavailable."""

    @property
    def healthy(self) -> bool:
        """Whether clients may be redirected there now."""

    @property
    def shared(self) -> bool:
        """Whether other instances see the same objects."""


class Mirror(Protocol):
    """A second place for originals, which every instance reads."""

    def takes(self, image: ImageId) -> bool:
        """Whether originals of that namespace belong there."""

    def key(self, original: Original) -> str:
        """The key of the bytes of this generation."""

    async def put(self, path: Path, original: Original) -> None:
        """Store the bytes at `path`; that they are there already is no error.

        Raises ObjectStoreUnavailable, OriginalMissing where there is no such file, and
        BucketMissing where there is no such bucket.
        """

    async def fetch(self, original: Original, target: Path) -> bool:
        """Write the bytes to `target`, durably; False where they are not there.

        Bytes of another size or SHA-256 count as not there. Raises
        ObjectStoreUnavailable and DiskFull.
        """

    async def remove(self, original: Original) -> None:
        """Remove the bytes of this generation; that they are gone already is no error.

        Raises ObjectStoreUnavailable.
        """

    async def exists(self, original: Original) -> bool:
        """Whether the bytes are there, as far as their size tells.

        Raises ObjectStoreUnavailable.
        """

    def entries(self) -> AsyncIterator[tuple[str, int]]:
        """(key, bytes) of everything there. Raises ObjectStoreUnavailable."""

    @property
    def healthy(self) -> bool:
        """Whether it answers."""
