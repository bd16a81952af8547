"""The buckets of vip in memory, steered by a test."""

from collections.abc import Sequence
from pathlib import Path

from liveresize import errors
from liveresize.compat.vip.importer import BucketImporter
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.settings.pictures import Constraints, Formats, Originals

from .doubles import FakeStore, SteeredIndex, picture
from .house import House
from .mirrors import FakeMirror

BUCKET = "pets"
LEGACY = ImageId("legacy", BUCKET)
"""A picture that lies in its bucket, and that no index has heard of."""

PATIENT = Originals(mirror_wait=300.0)


class FakeBuckets(FakeMirror):
    """ports.Mirror and ports.Taken: an original lies under the key of its picture.

    Those of `refusing` do not answer, and those of `unknown` are not there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refusing: set[str] = set()
        self.unknown: set[str] = set()
        self.asked: list[str] = []

    @property
    def healthy(self) -> bool:
        return self.answers and not self.refusing

    def takes(self, image: ImageId) -> bool:
        return bool(image.bucket)

    def key(self, original: Original) -> str:
        return original.image.key

    def fill(self, *images: ImageId, data: bytes | None = None) -> None:
        """Put in what another service stored."""
        for image in images:
            self.objects[image.key] = picture(soul=image.key) if data is None else data

    async def put(self, path: Path, original: Original) -> None:
        self._check(original.image)
        await super().put(path, original)

    async def fetch(self, original: Original, target: Path) -> bool:
        self._check(original.image)
        return await super().fetch(original, target)

    async def remove(self, original: Original) -> None:
        self._check(original.image)
        await super().remove(original)

    async def take(self, image: ImageId, target: Path, max_bytes: int) -> bool:
        self.asked.append(image.key)
        await self._enter("take")
        self._check(image)
        data = self.objects.get(image.key)
        if data is None:
            return False
        if len(data) > max_bytes:
            raise errors.UploadTooLarge
        try:
            target.write_bytes(data)  # no thread that would outlive a caller who leaves
        except OSError as error:
            raise errors.DiskFull("", str(error)) from error
        await self._leave("take")
        return True

    def _check(self, image: ImageId) -> None:
        if image.bucket in self.unknown:
            raise errors.BucketMissing("", f"no bucket {image.bucket}")
        if image.bucket in self.refusing:
            raise errors.ObjectStoreUnavailable("", f"{image.bucket} refuses")


class BucketStore(FakeStore):
    """A rendition store in which everything of a picture lies below its key, in buckets."""

    def __init__(self) -> None:
        super().__init__()
        self.sick: set[str] = set()

    def key(self, original: Original, variant: str, engine: str, extension: str) -> str:
        if not original.image.bucket:
            return super().key(original, variant, engine, extension)
        return f"{original.image.key}/s/{variant}"

    async def remove(self, links: Sequence[Link]) -> None:
        if any(link.image.bucket in self.sick for link in links):
            raise errors.ObjectStoreUnavailable("", "this bucket refuses")
        await super().remove(links)

    async def remove_generation(self, original: Original) -> None:
        if not original.image.bucket:
            await super().remove_generation(original)
            return
        self.removals += 1
        if self.refusing or original.image.bucket in self.sick:
            raise errors.ObjectStoreUnavailable("", "refused by a test")
        for key in [key for key in self.objects if key.startswith(f"{original.image.key}/")]:
            del self.objects[key]


class Fleet:
    """Instances with disks of their own, one index, and the buckets that all share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.index, self.buckets, self.store = SteeredIndex(), FakeBuckets(), BucketStore()
        self.store.shared = True

    def house(self, name: str = "here", *, lease: float = 60.0, **originals: float) -> House:
        """An instance that starts now, on the disk that it had before."""
        return House(
            self._folder / name,
            index=self.index,
            store=self.store,
            mirror=self.buckets,
            originals=Originals(**{"mirror_wait": 300.0, **originals}),  # type: ignore[arg-type]
            taken=self.buckets,
            lease=lease,
        )

    def taking(
        self, house: House, constraints: Constraints | None = None, formats: Formats | None = None
    ) -> BucketImporter:
        """The taking over of an instance, with limits of its own."""
        return BucketImporter(
            constraints or Constraints(),
            formats or Formats(),
            taken=self.buckets,
            originals=house.originals,
            rows=self.index.rows,
            renderer=house.renderer,
            clock=house.clock,
        )


def files(house: House) -> list[Path]:
    """The originals of buckets on the disk of an instance."""
    root = house.originals.staging("x").parent.parent
    return sorted(path for path in (root / "_bucket").rglob("*~*") if path.is_file())
