"""The interfaces of stores of renditions and originals, and of the webhook."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from liveresize import errors
from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.ports.news import Delivery


class WebhookClient(Protocol):
    """Sends messages to the receiver of the webhook."""

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a message, and return once the receiver has confirmed it.

        Raises WebhookUnavailable; its detail has the reason, and never the full URL.
        """

    async def close(self) -> None:
        """Close every connection."""


class EventReceiver(Protocol):
    """What is told of events: its `name` is that of its place in the queue, `kinds` and `prefix`
    (see Deliveries) are what it is told of, and `timeout` is the seconds that one attempt may
    take. `at_once` is the number of attempts that may be under way."""

    name: str
    kinds: frozenset[Kind]
    prefix: str
    timeout: float
    at_once: int

    async def deliver(self, event: Event) -> None:
        """Tell of an event. Raises WebhookUnavailable."""

    def settles(self, event: Event) -> float:
        """Return the seconds after an event when it is told of for the last time: once more if it
        was told of earlier."""

    def log_failing(self, event: Event, error: str) -> None:
        """Log the first attempt that failed."""

    def log_recovered(self, failures: int) -> None:
        """Log the first attempt that succeeded after that."""

    def log_given_up(self, delivery: Delivery, error: str) -> None:
        """Log an event that the receiver is not told of any more."""

    async def close(self) -> None:
        """Close every connection."""


class ObjectBody(Protocol):
    """A stream of the bytes of an object; `close` must be called in any case."""

    size: int

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield all `size` bytes. Raises ObjectStoreUnavailable."""

    async def close(self) -> None:
        """Release the connection to the store."""


class ForeignOriginals(Protocol):
    """A store with pictures of another service, which can be imported."""

    async def take(self, image: ImageId, target: Path, max_bytes: int) -> bool:
        """Write the bytes of a picture to `target`, durably; return False if there is none.

        Raises BucketMissing, UploadTooLarge, ObjectStoreUnavailable and DiskFull.
        """


class DirectStore(Protocol):
    """A store that takes renditions from memory: the disk here."""

    async def publish_all(
        self, renditions: Sequence[tuple[Link, bytes]]
    ) -> list[errors.DiskFull | None]:
        """Store bytes under the keys of their links; return the error of each, or None."""


class RenditionStore(Protocol):
    """The permanent store of renditions: the disk here, or S3."""

    def url(self, link: Link) -> str:
        """Return the target of redirects; relative to this server if it serves the object."""

    def key(self, original: Original, variant: str, engine: str, extension: str) -> str:
        """Return the key of an object, which no other engine writes."""

    def local_path(self, key: str) -> Path | None:
        """Return the path of the object of `key`, if this server serves it."""

    def direct(self, image: ImageId) -> DirectStore | None:
        """Return what takes renditions of a picture from memory; None if they are spooled."""

    async def publish(self, source: Path, link: Link) -> None:
        """Store a spooled file under `link.key`; the file stays.

        Raises DiskFull or ObjectStoreUnavailable.
        """

    async def read(self, link: Link) -> bytes | None:
        """Return the bytes of a link; None if they are missing. Raises ObjectStoreUnavailable."""

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> ObjectBody | None:
        """Open bytes `first` to `last` of a link, or to its end; None if they are missing.

        Raises ObjectStoreUnavailable.
        """

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        """Return key and bytes of a rendition of another service; None if there is none.

        Raises ObjectStoreUnavailable.
        """

    async def remove(self, links: Sequence[Link]) -> None:
        """Remove objects; a missing one is not an error.

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
    """A second store of originals, which every instance can read."""

    def takes(self, image: ImageId) -> bool:
        """Whether the mirror is for originals of that namespace."""

    def key(self, original: Original) -> str:
        """Return the key of this generation."""

    async def put(self, path: Path, original: Original) -> None:
        """Store the file at `path`; it may be stored already.

        Raises ObjectStoreUnavailable, OriginalMissing if there is no such file, and
        BucketMissing if there is no such bucket.
        """

    async def fetch(self, original: Original, target: Path) -> bool:
        """Write the bytes to `target`, durably; return False if they are missing.

        Bytes of another size or SHA-256 count as missing. Raises ObjectStoreUnavailable and
        DiskFull.
        """

    async def remove(self, original: Original) -> None:
        """Remove the bytes of this generation; missing ones are not an error.

        Raises ObjectStoreUnavailable.
        """

    async def exists(self, original: Original) -> bool:
        """Whether there is a copy with the right size.

        Raises ObjectStoreUnavailable.
        """

    def entries(self) -> AsyncIterator[tuple[str, int]]:
        """Yield (key, bytes) of all copies. Raises ObjectStoreUnavailable."""

    @property
    def healthy(self) -> bool:
        """Whether the mirror answers."""
