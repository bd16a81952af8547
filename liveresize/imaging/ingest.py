"""From an upload to an original: checked, cleaned, cut to size, and described."""

import contextlib
import dataclasses
import errno
import hashlib
import math
import os
import pathlib
from collections.abc import Iterable, Iterator

from PIL import Image

from liveresize import errors
from liveresize.core.jobs import Facts, IntakeJob
from liveresize.imaging import (
    animation,
    apng,
    cleaning,
    colour,
    decode,
    decoded,
    downscale,
    gamma,
    memory,
    orientation,
    pixel_limit,
    placeholder,
    png,
    repair,
    rights,
    structure,
)
from liveresize.imaging.cleaning.parts import Piece, damaged
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Constraints, Formats

TELLING = ("xmp", "XML:com.adobe.xmp", "photoshop", "comment", "metadata")
"""Keys under which Pillow and its plugins put what pictures tell besides EXIF."""

REPAIRED = ".repaired"
"""How the name of a repaired upload ends, which stands beside the original until it is stored."""

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

Box = tuple[int, int, int, int]
Size = tuple[int, int]


def ingest(job: IntakeJob, settings: EngineSettings) -> Facts:
    """Turn the upload at `job.source` into the original at `job.target`; its facts.

    The target is fsynced (its directory is not) before it gets its name; after an error
    neither it nor anything half-written is there. A file that is damaged beside its pixels is
    repaired. Raises UnsupportedImage for formats not accepted, UploadTooLarge, UnreadableImage,
    MemoryExceeded, WorkExceeded, BadCrop for a crop wholly outside the upright picture,
    DiskFull and StoreError.
    """
    settings = narrowed(settings, job.formats)
    repaired = job.target + REPAIRED
    try:
        return _ingested(job, settings)
    except errors.UnreadableImage:
        if not _repair(job.source, repaired, settings):
            raise
    try:
        return _ingested(dataclasses.replace(job, source=repaired), settings)
    finally:
        pathlib.Path(repaired).unlink(missing_ok=True)


def _ingested(job: IntakeJob, settings: EngineSettings) -> Facts:
    """`ingest`, of a file as it is."""
    constraints = settings.constraints
    pixels = min(constraints.max_decode_pixels, constraints.max_input_pixels)
    named = "max_decode" if pixels < constraints.max_input_pixels else "max_input"
    with _sized_as_upload(named), decode.open_picture(job.source, settings, pixels) as image:
        exif_orientation = decode.orientation(image)
        upright = orientation.turned_size(image.size, exif_orientation)
        box = crop_box(job.crop, upright)
        size = within((box[2] - box[0], box[3] - box[1]), constraints.max_on_disk_pixels)
        if size == upright and not (job.upright and exif_orientation != 1):
            return _as_sent(job, image, exif_orientation, settings)
        cleaning.check(decode.source_format(image), _mapped(job.source))
        stored = orientation.turned_size(size, exif_orientation)
        part = orientation.turned_size((box[2] - box[0], box[3] - box[1]), exif_orientation)
        frames = animation.frame_count(image, constraints)
        _make_room(memory.storing(image, downscale.stored_as(image), part, stored, frames))
        kept = _rights(job, decode.source_format(image)).in_xmp()
        data = downscale.reduced(image, exif_orientation, box, size, constraints, kept)
        pieces: Iterable[Piece] = [data]
        if decode.source_format(image) == "gif":  # which Pillow writes no XMP into
            pieces = cleaning.cleaned("gif", memoryview(data), 1, kept)
        _check_ends(job.source, image)
    with _sized_as_upload(), _staged(job.target) as staging:
        _write(staging, pieces)
        return _probed(staging, settings, to_store=True)


def _make_room(need: memory.Need) -> None:
    """Drop pixels that were kept where `need` does not fit beside them.

    Raises ImageTooLarge where it would not fit without them.
    """
    need.check()
    decoded.kept().make_room(need.bytes)


def _repair(source: str, target: str, settings: EngineSettings) -> bool:
    """Write `source` to `target` as a well-formed file; whether its pixels are all there.

    Raises UploadTooLarge, WorkExceeded, MemoryExceeded, DiskFull and StoreError.
    """
    data = _mapped(source)
    kind = structure.kind_of(bytes(data[: structure.HEAD]))
    if kind not in settings.formats.input or not repair.can_repair(kind):
        return False
    pixels = min(settings.constraints.max_decode_pixels, settings.constraints.max_input_pixels)
    try:
        with _sized_as_upload(), _staged(target) as staging, decode.translated():
            _write(staging, repair.repaired(kind, data, pixels))
    except errors.UnreadableImage:
        return False
    return True


def probe(path: str | os.PathLike[str], settings: EngineSettings) -> Facts:
    """The facts of a picture on disk, decoded once for its placeholders.

    Raises UnsupportedImage, UnreadableImage, ImageTooLarge above `constraints.max_decode`,
    MemoryExceeded, and OriginalMissing where there is no file.
    """
    return _probed(path, settings, to_store=False)


def _probed(path: str | os.PathLike[str], settings: EngineSettings, *, to_store: bool) -> Facts:
    """`probe`; of a picture that is `to_store`, every rendition must fit into memory, too."""
    constraints = settings.constraints
    with decode.open_picture(path, settings, constraints.max_decode_pixels) as image:
        exif_orientation = decode.orientation(image)
        facts = _described(image, exif_orientation, constraints, to_store=to_store)
        data = _mapped(path)
        return dataclasses.replace(
            facts,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            clean=_tells_nothing(image, data, exif_orientation),
        )


def orientation_of(path: str | os.PathLike[str], settings: EngineSettings) -> int:
    """The EXIF orientation 1–8 of a picture on disk, without decoding it.

    Raises what `probe` raises.
    """
    with decode.open_picture(path, settings, settings.constraints.max_decode_pixels) as image:
        return decode.orientation(image)


def narrowed(settings: EngineSettings, formats: tuple[str, ...]) -> EngineSettings:
    """`settings` that take only those of `formats` which they took before; () is all."""
    if not formats:
        return settings
    both = tuple(name for name in settings.formats.input if name in formats)
    return dataclasses.replace(settings, formats=Formats(input=both))


def crop_box(crop: Box | None, upright: Size) -> Box:
    """(x, y, width, height) as (left, top, right, bottom); all of the picture for None.

    A width or height of 0 is the rest of the picture, and what is over its edge is left out.
    Raises BadCrop for a crop that has nothing of a picture of `upright`.
    """
    x, y, width, height = crop or (0, 0, 0, 0)
    right = min(x + width, upright[0]) if width else upright[0]
    bottom = min(y + height, upright[1]) if height else upright[1]
    left, top = max(x, 0), max(y, 0)
    if left >= right or top >= bottom:
        raise errors.BadCrop(
            f"The crop lies outside the picture, which is {upright[0]}x{upright[1]} pixels."
        )
    return left, top, right, bottom


def within(size: Size, pixels: int) -> Size:
    """`size`, scaled down with its ratio kept until it has at most that many `pixels`."""
    width, height = size
    if width * height <= pixels:
        return size
    # A thin strip runs into one pixel on its short side before the ratio is met.
    narrower = min(pixels, max(1, math.isqrt(pixels * width // height)))
    return narrower, max(1, min(height * narrower // width, pixels // narrower))


@contextlib.contextmanager
def _sized_as_upload(limit: str = "") -> Iterator[None]:
    """Say UploadTooLarge where decoding says ImageTooLarge, with the same words.

    `limit` is the setting in `constraints` that bounds the pixels, which the words then name.
    """
    try:
        yield
    except errors.ImageTooLarge as exc:
        words = f"megapixels; `constraints.{limit}` allows" if limit else pixel_limit.LIMIT
        sentence = exc.public.replace(pixel_limit.LIMIT, words)
        raise errors.UploadTooLarge(sentence, exc.detail) from exc


def _as_sent(
    job: IntakeJob, image: Image.Image, exif_orientation: int, settings: EngineSettings
) -> Facts:
    """Store an upload whose pixels stay as they are."""
    facts = _described(image, exif_orientation, settings.constraints, to_store=True)
    _check_ends(job.source, image)
    data = _mapped(job.source)
    pieces: Iterable[Piece] = (data,)
    clean = settings.metadata == "clean" and cleaning.can_clean(facts.format)
    if clean:
        kept = _rights(job, facts.format)
        pieces = cleaning.cleaned(facts.format, data, exif_orientation, kept)
    else:
        cleaning.check(facts.format, data)
        clean = _tells_nothing(image, data, exif_orientation)
    with _staged(job.target) as staging:
        size, sha256 = _write(staging, pieces)
    return dataclasses.replace(facts, bytes=size, sha256=sha256, clean=clean)


def _rights(job: IntakeJob, kind: str) -> rights.Rights:
    """The rights in an upload of the format `kind` that the original is to say."""
    return cleaning.rights_in(kind, _mapped(job.source)) if job.rights else rights.NONE


def _check_ends(source: str, image: Image.Image) -> None:
    """Raise UnreadableImage for a PNG that shows more once it is repaired.

    A frame was damaged, or the stream of its pixels has no end. Repaired files pass.
    """
    whole = not isinstance(image, png.QuickPNG | apng.APNG) or image.whole
    if not whole and not source.endswith(REPAIRED):
        raise damaged("png: pixels without their end")


def _described(
    image: Image.Image, exif_orientation: int, constraints: Constraints, *, to_store: bool
) -> Facts:
    """The facts that the picture itself tells, which is decoded for them.

    What the file tells, `bytes`, `sha256` and `clean`, is left for the caller. Frames
    are counted as far as they play: up to a damaged one, or one more than are ever shown.
    """
    width, height = orientation.turned_size(image.size, exif_orientation)
    has_alpha = decode.has_alpha(image)
    moving = animation.frame_count(image, constraints)
    if to_store:
        bent = colour.bends(gamma.profile(image))
        memory.check_renderable(image, moving, bent, constraints)
    _make_room(memory.sketching(image, placeholder.SIDE, moving))
    with decode.translated():
        copy = placeholder.sketch(image, exif_orientation)
    frames = animation.playable(image, constraints)
    return Facts(
        format=decode.source_format(image),
        width=width,
        height=height,
        bytes=0,
        sha256="",
        frames=frames,
        has_alpha=has_alpha,
        clean=False,
        dominant_color=placeholder.dominant_color(copy),
        thumbhash=placeholder.thumbhash(copy),
    )


def _tells_nothing(image: Image.Image, data: memoryview, exif_orientation: int) -> bool:
    """Whether the file holds nothing that cleaning would drop, as far as can be seen."""
    kind = decode.source_format(image)
    if cleaning.can_clean(kind):
        return cleaning.is_clean(kind, data, exif_orientation)
    with decode.translated():
        tags = set(Image.Image.getexif(image))
    return tags <= {decode.ORIENTATION_TAG} and not any(image.info.get(key) for key in TELLING)


def _mapped(path: str | os.PathLike[str]) -> memoryview:
    """The file as memory that costs none; raises OriginalMissing and UnreadableImage."""
    with decode.translated():
        return structure.mapped(path)


@contextlib.contextmanager
def _staged(target: str) -> Iterator[str]:
    """A path beside `target` to write to, which becomes `target` unless something is raised.

    Raises DiskFull, and StoreError for what else the disk refuses.
    """
    staging = f"{target}.part"
    try:
        yield staging
        os.replace(staging, target)
    except OSError as exc:
        pathlib.Path(staging).unlink(missing_ok=True)
        failure = errors.DiskFull if exc.errno in NO_ROOM else errors.StoreError
        public = "The server has no permission to write there." if exc.errno in REFUSED else ""
        raise failure(public, str(exc)) from exc
    except BaseException:
        pathlib.Path(staging).unlink(missing_ok=True)
        raise


def _write(path: str, pieces: Iterable[Piece]) -> tuple[int, str]:
    """Write `pieces` to a new file and fsync it; its size in bytes and SHA-256 in hex."""
    size, digest = 0, hashlib.sha256()
    with open(path, "wb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()
