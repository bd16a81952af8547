"""The service put together on doubles: what most of its tests run on."""

from pathlib import Path
from typing import Any

from storage.memory_index import MemoryIndex

from liveresize.compat.vip.importer import BucketImporter
from liveresize.compat.vip.requests import VipRules
from liveresize.compat.vip.uploads import VipUploads
from liveresize.core.formats import Format
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.originals import Original
from liveresize.core.overlays import OverlayRules
from liveresize.core.ports import ForeignOriginals, Mirror, RenditionStore, WebhookClient
from liveresize.core.rates import Rate, Rates
from liveresize.core.rendition import Rendition
from liveresize.core.sizes import SizeRules
from liveresize.core.tokens import Grant
from liveresize.core.unsigned import Unsigned
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.objects import StoredObjects
from liveresize.delivery.orientations import Orientations
from liveresize.delivery.original_lookup import OriginalLookup
from liveresize.delivery.outcomes import Bytes, Cache, Redirect
from liveresize.delivery.overlays import Overlays
from liveresize.delivery.pictures import Pictures
from liveresize.delivery.publisher import Publisher
from liveresize.delivery.render_rates import RenderRates
from liveresize.delivery.rendition_loader import RenditionLoader
from liveresize.delivery.renditions import Renditions
from liveresize.delivery.two_speed import TwoSpeed
from liveresize.delivery.visual_qualities import VisualQualities
from liveresize.intake.checks import IntakeChecks
from liveresize.maintenance.bucket_bounds import BucketBounds
from liveresize.maintenance.changes import Changes
from liveresize.maintenance.deletions import Deletions
from liveresize.maintenance.expiry import Expiry
from liveresize.maintenance.orphans import Orphans
from liveresize.maintenance.outdated_facts import OutdatedFacts
from liveresize.maintenance.purge import Purge
from liveresize.maintenance.strays import Strays
from liveresize.notifications.courier import Courier
from liveresize.notifications.dispatcher import Dispatcher
from liveresize.notifications.webhook import WebhookReceiver
from liveresize.settings import server
from liveresize.settings.backends import Endpoint, Webhook
from liveresize.settings.pictures import Auto, Constraints, Encoder, Formats, Originals
from liveresize.storage.disk import DiskRenditions
from liveresize.storage.heard import HeardFile
from liveresize.storage.listings import RenditionFiles
from liveresize.storage.memory import Memory
from liveresize.storage.mirroring import Mirroring
from liveresize.storage.originals import DiskOriginals
from liveresize.storage.spool import DiskSpool
from liveresize.storage.strays import StrayFiles
from liveresize.uploads.generation_cleanup import GenerationCleanup
from liveresize.uploads.pipeline import Crop, UploadPipeline
from liveresize.uploads.receipts import RepeatedUpload
from liveresize.uploads.token_uploads import Uploads

from .doubles import NO_RESERVE, Clock, FakeRenderer, FakeStore, SteeredIndex, picture

CAT = ImageId("cat")

GRACE = 1000.0
"""Seconds without use after which a link may end, and then until its object is removed."""

REDIRECTS = 3600.0
"""Seconds for which redirects may be held."""


def request(
    width: int = 100, *, image: ImageId = CAT, proxy: bool = False, **changes: Any
) -> RenditionRequest:
    """A request for a JPEG of that width."""
    rendition = Rendition(**{"format": Format.JPEG, "width": width, **changes}).canonical()
    return RenditionRequest(image=image, rendition=rendition, extension="jpg", proxy=proxy)


def telling(
    index: MemoryIndex,
    sender: WebhookClient | None,
    clock: Clock,
    *,
    give_up: float = Webhook().give_up,
    secrets: tuple[str, ...] = (),
    events: tuple[str, ...] = Webhook().events,
) -> Dispatcher:
    """What tells one webhook of events by way of `sender`; nobody without one."""
    endpoint = Endpoint(name="", url="", secrets=secrets, events=events)
    receivers = (
        []
        if sender is None
        else [WebhookReceiver(endpoint, timeout=10.0, client=sender, rows=index.rows, clock=clock)]
    )
    couriers = [Courier(each, deliveries=index.deliveries, give_up=give_up) for each in receivers]
    return Dispatcher(couriers, deliveries=index.deliveries, inherits=False)


class House:
    """One instance: its stores lie under `folder`, its index may be another's too."""

    def __init__(
        self,
        folder: Path,
        *,
        index: SteeredIndex | None = None,
        store: RenditionStore | None = None,
        bounds: Bounds | None = None,
        redirect: bool = True,
        disk_bytes: int = 0,
        evicted: int = 200,
        lease: float = 60.0,
        spool_bytes: int = 1 << 20,
        max_variants: int = 200,
        rates: Rate | None = None,
        cache: server.Cache | None = None,
        mirror: Mirror | None = None,
        originals: Originals | None = None,
        taken: ForeignOriginals | None = None,
        sender: WebhookClient | None = None,
        unsigned: Unsigned | None = None,
        two_speed: TwoSpeed | None = None,
        overlays: OverlayRules | None = None,
        public: bool = False,
        engine: str = "1",
        object_bytes: int = 0,
        object_age: float = 0.0,
        object_delay: float = 100.0,
    ) -> None:
        self.engine = engine
        self.object_delay = object_delay
        self.two_speed = two_speed or TwoSpeed(Auto(), Encoder().avif_max_pixels)
        self.overlay_rules = overlays or OverlayRules()
        self.public = public
        self.folder = folder
        self.settings = originals or Originals()
        self.clock = Clock()
        self.story: list[str] = []
        self.index = SteeredIndex(self.story) if index is None else index
        self.renderer = FakeRenderer()
        self.fake_store = FakeStore(self.story)
        self.store: RenditionStore = self.fake_store if store is None else store
        self.originals = DiskOriginals(folder / "originals", NO_RESERVE)
        self.spool = DiskSpool(folder / "spool", NO_RESERVE, max_bytes=spool_bytes)
        self.originals.prepare()
        self.spool.prepare()
        self.memory = Memory(cache or server.Cache(), self.clock.monotonic)
        self.publisher = Publisher(
            concurrency=4,
            max_variants=max_variants,
            engine=self.engine,
            rows=self.index.rows,
            links=self.index.links,
            purges=self.index.purges,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
            monotonic=self.clock.monotonic,
        )
        self.mirroring = Mirroring(
            self.settings,
            mirror=mirror,
            originals=self.originals,
            rows=self.index.rows,
            mirror_queue=self.index.mirror_queue,
        )
        self.dispatcher = telling(self.index, sender, self.clock)
        self._assemble(
            bounds or Bounds(2000, 2000),
            redirect,
            rates or Rate(per_second=0, burst=0),
            taken,
        )
        self._assemble_writers(lease, disk_bytes, evicted, object_bytes, object_age)
        self.pictures = Pictures(
            self.settings,
            overlays=self.overlay_rules,
            renditions=self.renditions,
            original_lookup=self.original_lookup,
            orientations=Orientations(
                originals=self.originals, mirroring=self.mirroring, renderer=self.renderer
            ),
            originals=self.originals,
            mirroring=self.mirroring,
            memory=self.memory,
        )
        self.objects = StoredObjects(
            self.settings,
            overlays=self.overlay_rules,
            unsigned=unsigned or Unsigned(UrlRules(), VipRules(), lambda _: SizeRules()),
            renditions=self.renditions,
            original_lookup=self.original_lookup,
            store=self.store,
            memory=self.memory,
        )

    def _assemble(
        self, bounds: Bounds, redirect: bool, rates: Rate, taken: ForeignOriginals | None
    ) -> None:
        self.original_lookup = OriginalLookup(
            originals=self.originals,
            rows=self.index.rows,
            renderer=self.renderer,
            memory=self.memory,
            importer=BucketImporter(
                Constraints(),
                Formats(),
                taken=taken,
                originals=self.originals,
                rows=self.index.rows,
                renderer=self.renderer,
                clock=self.clock,
            ),
        )
        charged = RenderRates(Rates(rates, self.clock.monotonic), self.clock.monotonic)
        overlays = Overlays(
            self.overlay_rules,
            original_lookup=self.original_lookup,
            originals=self.originals,
            mirroring=self.mirroring,
            memory=self.memory,
            monotonic=self.clock.monotonic,
            public=self.public,
        )
        loader = RenditionLoader(
            originals=self.originals,
            links=self.index.links,
            mirroring=self.mirroring,
            renderer=self.renderer,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
            publisher=self.publisher,
            rates=charged,
            overlays=overlays,
            engine=self.engine,
            monotonic=self.clock.monotonic,
        )
        self.renditions = Renditions(
            bounds=bounds,
            redirect=redirect,
            original_lookup=self.original_lookup,
            loader=loader,
            store=self.store,
            memory=self.memory,
            publisher=self.publisher,
            two_speed=self.two_speed,
            visual=VisualQualities(
                originals=self.originals,
                rows=self.index.rows,
                mirroring=self.mirroring,
                renderer=self.renderer,
                memory=self.memory,
                rates=charged,
            ),
            overlays=overlays,
        )

    def _assemble_writers(
        self, lease: float, disk_bytes: int, evicted: int, object_bytes: int, object_age: float
    ) -> None:
        self.cleanup = GenerationCleanup(
            originals=self.originals,
            rows=self.index.rows,
            links=self.index.links,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
            mirroring=self.mirroring,
            erasures=self.index.erasures,
        )
        self.pipeline = UploadPipeline(
            originals=self.originals,
            tokens=self.index.tokens,
            rows=self.index.rows,
            peers=self.index.peers,
            renderer=self.renderer,
            memory=self.memory,
            cleanup=self.cleanup,
            mirroring=self.mirroring,
            dispatcher=self.dispatcher,
            checks=IntakeChecks(
                [],
                on_failure="refuse",
                events=self.index.events,
                peers=self.index.peers,
                clock=self.clock,
            ),
            clock=self.clock,
            lease=lease,
        )
        self.uploads = Uploads(self.pipeline, max_bytes=1 << 20)
        self.vip_uploads = VipUploads(self.pipeline, max_bytes=1 << 20)
        self._assemble_upkeep()
        self.changes = Changes(
            originals=self.originals,
            rows=self.index.rows,
            peers=self.index.peers,
            links=self.index.links,
            store=self.store,
            memory=self.memory,
            cleanup=self.cleanup,
        )
        self.bounds = BucketBounds(
            max_bytes=object_bytes,
            max_age=object_age,
            grace=GRACE,
            object_delay=self.object_delay,
            use=self.index.bucket_use,
            memory=self.memory,
            pause=0.0,
        )
        self.expiry = Expiry(
            rows=self.index.rows,
            pause=self.index.expiry_pause,
            changes=self.changes,
            cleanup=self.cleanup,
            clock=self.clock,
            redirects=REDIRECTS,
        )
        self.purge = Purge(
            object_delay=self.object_delay,
            disk_bytes=disk_bytes,
            buckets=True,
            evicted=evicted,
            remembered=self.settings.lost_seconds,
            rows=self.index.rows,
            links=self.index.links,
            purges=self.index.purges,
            events=self.index.events,
            deliveries=self.index.deliveries,
            events_kept=2_592_000.0,
            erasures=self.index.erasures,
            redirects=REDIRECTS,
            clock=self.clock,
            instance=lambda: self.folder.name,
            store=self.store,
            memory=self.memory,
            cleanup=self.cleanup,
            publisher=self.publisher,
            uploads=self.uploads,
            changes=self.changes,
            expiry=self.expiry,
            deletions=self.deletions,
            strays=self.strays,
            orphans=self.orphans,
        )

    def _assemble_upkeep(self) -> None:
        stray_files = StrayFiles(self.folder / "originals", NO_RESERVE)
        self.deletions = Deletions(
            erasures=self.index.erasures,
            instance=lambda: self.folder.name,
            rows=self.index.rows,
            purges=self.index.purges,
            memory=self.memory,
            strays=stray_files,
            cleanup=self.cleanup,
            uploads=self.uploads,
            pause=self.index.expiry_pause,
            record=HeardFile(self.folder / "heard.json"),
            clock=self.clock,
        )
        self.strays = Strays(
            lost_after=self.settings.lost_seconds,
            pause=0.0,
            files=stray_files,
            originals=self.originals,
            rows=self.index.rows,
            memory=self.memory,
            deletions=self.deletions,
            clock=self.clock,
        )
        self.outdated_facts = OutdatedFacts(
            originals=self.originals,
            rows=self.index.rows,
            renderer=self.renderer,
            clock=self.clock,
        )
        on_disk = isinstance(self.store, DiskRenditions)
        self.orphans = Orphans(
            files=RenditionFiles(self.folder / "renditions") if on_disk else None,
            links=self.index.links,
            publisher=self.publisher,
            clock=self.clock,
        )

    async def token(self, image: ImageId = CAT, **grant: Any) -> str:
        """A fresh token."""
        return (await self.uploads.issue(Grant(image=image, lifetime=900.0, **grant))).token

    async def send(self, token: str, data: bytes, crop: Crop | None = None) -> str:
        """Upload `data` with a token, as the web would."""
        upload = await self.uploads.begin(token, [CAT])
        await upload.write(data)
        return await upload.finish(crop)

    async def repeats(self, token: str, data: bytes) -> bool:
        """Upload `data` with a token that is spent; whether it was taken for a repetition."""
        upload = await self.uploads.begin(token, [CAT])
        await upload.write(data)
        await upload.finish(None)
        return isinstance(upload, RepeatedUpload)

    async def upload(self, image: ImageId = CAT, data: bytes | None = None) -> Original:
        """An original that was uploaded just now, over an older one if need be."""
        self.clock.now += 1.0
        upload = await self.uploads.begin(await self.token(image, overwrite=True), [image])
        await upload.write(picture() if data is None else data)
        await upload.finish(None)
        stored = await self.index.rows.find(image)
        assert stored is not None
        return stored

    async def get(self, asked: RenditionRequest, **how: Any) -> Bytes:
        """The bytes of a rendition; any other answer fails the test."""
        outcome = await self.renditions.serve(asked, **how)
        assert isinstance(outcome, Bytes)
        return outcome

    async def find(self, asked: RenditionRequest) -> Redirect:
        """The link of a rendition; any other answer fails the test."""
        outcome = await self.renditions.serve(asked)
        assert isinstance(outcome, Redirect)
        return outcome

    async def bring(self, image: ImageId = CAT) -> Original:
        """What is known of an original, once its bytes are on this disk."""

        async def found(original: Original) -> Original:
            await self.mirroring.bring(original)
            return original

        return await self.original_lookup.with_original(image, found)

    async def publish(self, *widths: int, image: ImageId = CAT) -> None:
        """Render these widths, and store and link them."""
        for width in widths:
            made = await self.get(request(width, image=image))
            assert made.cache is Cache.MISS
        assert await self.publisher.flush(30.0) == 0

    def forget_all(self) -> None:
        """What a restart does to memory."""
        fresh = Memory(server.Cache(), self.clock.monotonic)
        self.memory.__dict__.update(fresh.__dict__)

    def staged(self) -> list[str]:
        """What uploads have left in their folder."""
        return sorted(path.name for path in self.originals.staging("x").parent.iterdir())

    async def holds_nothing(self) -> None:
        """Fail unless there is no row, no file, nothing staged, and the id is free."""
        assert await self.index.rows.find(CAT) is None
        assert self.files() == []
        assert self.staged() == []
        assert await self.token()

    def files(self) -> list[Path]:
        """The originals on the disk."""
        root = self.originals.staging("x").parent.parent
        return sorted(path for path in (root / "_main").rglob("*~*") if path.is_file())


def disk_store(folder: Path) -> DiskRenditions:
    """The embedded store, on a disk that is never full."""
    store = DiskRenditions(folder / "renditions", NO_RESERVE)
    store.prepare()
    return store
