"""What is fuzzed: each target takes bytes and may raise nothing but our own errors."""

import contextlib
import pathlib
import random
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from liveresize import config, errors, imaging
from liveresize.compat.vip import requests as vip
from liveresize.core import parameters, signing, urls
from liveresize.core.formats import Format, Negotiated
from liveresize.core.jobs import IntakeJob, ProbeJob, RenderJob
from liveresize.core.names import ImageId
from liveresize.core.rendition import Rendition
from liveresize.core.values import SMART, Fit, Quality
from liveresize.http.handlers.multipart import ImageField
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Constraints, Formats
from scripts.fuzzing import seeds

SETTINGS = EngineSettings(
    constraints=Constraints(max_decode=4.0, max_input=4.0, max_animation=2.0),
    formats=Formats(input=("jpeg", "png", "webp", "gif", "avif", "tiff", "bmp", "heif", "jxl")),
    effort="fast",
)
"""Everything on, and pictures small enough for many a second."""

_KEYS = ("a key that nobody knows but us",)

RENDITIONS = tuple(
    Rendition(quality=Quality(70, 70, 70, match=True), **fields).canonical()
    for fields in (
        {"format": Format.JPEG, "width": 24},
        {"format": Format.PNG, "width": 300, "height": 20, "fit": Fit.CROP, "gravity": SMART},
        {"format": Format.WEBP, "height": 16},
        {"format": Format.GIF, "width": 20},
        {"format": Format.AVIF, "width": 17, "height": 17, "fit": Fit.CANVAS},
        {"format": Negotiated(webp=True), "blur": 30, "rotate": 90},
        {"format": Format.JXL, "width": 19},
        {"format": Format.PNG},
    )
)


def render(data: bytes) -> None:
    """The whole path of a rendition, in one of several ways."""
    with _file(data) as path:
        rendition = random.Random(zlib.crc32(data)).choice(RENDITIONS)  # noqa: S311 - no secrets
        imaging.perform(RenderJob(path=path, rendition=rendition), SETTINGS)


def intake(data: bytes) -> None:
    """The whole path of an upload, cropped or not, and what is stored read again."""
    crop = (0, 0, 3, 3) if zlib.crc32(data) % 3 == 0 else None
    with _file(data) as path:
        target = f"{path}.stored"
        facts = imaging.perform(IntakeJob(source=path, target=target, crop=crop), SETTINGS)
        assert imaging.perform(ProbeJob(path=target), SETTINGS)
        assert facts


@contextlib.contextmanager
def _file(data: bytes) -> Iterator[str]:
    """The path of a file of these bytes, for as long as the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "picture")
        path.write_bytes(data)
        yield str(path)


def url(data: bytes) -> None:
    """A request target, as the main API reads it."""
    urls.parse(data.decode("latin-1"), "image/avif,image/webp;q=0.5,*/*", parameters.UrlRules())


def bucket(data: bytes) -> None:
    """A request target as vip reads it, the same as a warm-up, and what it is stored under."""
    text = data.decode("latin-1")
    rules = vip.VipRules(buckets=frozenset({vip.EVERY}))
    for _, wanted in vip.warmups(ImageId("x", "bucket"), text, rules):
        if wanted is not None:
            vip.rendition_key(wanted.image, wanted.rendition_as(Format.JPEG).rendition.variant)
    request = vip.parse(text, rules)
    assert request.rendition_as(Format.GIF)


def signature(data: bytes) -> None:
    """A signed target: what was signed opens, and what is not signed does not."""
    text = data.decode("latin-1")
    sealed = signing.read(text)
    assert not sealed.opened_by(_KEYS)
    signed = signing.sign(text, _KEYS[0], 1)
    assert signing.read(signed).opened_by(_KEYS)


def form(data: bytes) -> None:
    """A multipart body in chunks of any length."""
    field = ImageField("multipart/form-data; boundary=x")
    chance = random.Random(zlib.crc32(data))  # noqa: S311 - no secrets
    at = 0
    while at < len(data):
        step = chance.randint(1, 64)
        field.feed(data[at : at + step])
        at += step
    field.finish()


def configuration(data: bytes) -> None:
    """A configuration file and a variable."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "default.json").write_bytes(data)
        value = data[:40].decode("latin-1").replace("\0", "")
        config.load({"LIVERESIZE_CONSTRAINTS__MAX_WIDTH": value}, pathlib.Path(folder))


@dataclass(frozen=True, slots=True)
class Target:
    """Something to fuzz; `share` is how many of a round's cases it gets."""

    run: Callable[[bytes], None]
    seeds: Sequence[bytes]
    share: int = 1


def all_targets() -> dict[str, Target]:
    """Every target by name."""
    pictures = seeds.pictures()
    return {
        "render": Target(render, pictures, 8),
        "intake": Target(intake, pictures, 6),
        "url": Target(url, seeds.TARGETS, 8),
        "bucket": Target(bucket, seeds.BUCKETS, 4),
        "signature": Target(signature, (*seeds.TARGETS, *seeds.BUCKETS), 4),
        "form": Target(form, seeds.FORMS, 4),
        "settings": Target(configuration, seeds.SETTINGS, 2),
    }


def harmless(target: Target, data: bytes) -> None:
    """Run one case; what is raised on purpose is no finding."""
    with contextlib.suppress(errors.LiveResizeError):
        target.run(data)
