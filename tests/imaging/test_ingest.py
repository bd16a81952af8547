"""Ingest: what becomes of an upload, and what is refused without a trace."""

import errno
import hashlib
import io
import os
import pathlib
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import Facts, IntakeJob
from liveresize.imaging import ingest
from liveresize.imaging.settings import EngineSettings

from . import samples, uploads

SETTINGS = EngineSettings()
KEEP = EngineSettings(metadata="keep")
AVIF = {"quality": 60, "speed": 10}


class Desk:
    """A folder to hand uploads in at."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.source = folder / "upload"
        self.target = folder / "original"

    def take(self, data: bytes, options: EngineSettings = SETTINGS, **job: Any) -> Facts:
        """Hand in `data`; its facts."""
        self.source.write_bytes(data)
        task = IntakeJob(source=str(self.source), target=str(self.target), **job)
        return ingest.ingest(task, options)

    def refuse(
        self, error: type[Exception], data: bytes, *options: EngineSettings, **job: Any
    ) -> None:
        """Hand in `data`, which raises `error` and leaves nothing behind."""
        with pytest.raises(error):
            self.take(data, *options, **job)
        assert os.listdir(self.source.parent) == ["upload"]

    @property
    def stored(self) -> bytes:
        """The bytes of the original."""
        return self.target.read_bytes()


@pytest.fixture
def desk(tmp_path: pathlib.Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path)


def opened(data: bytes) -> Image.Image:
    """The picture in `data`, loaded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


UPLOADS: dict[str, Callable[[], bytes]] = {
    "jpeg": uploads.telling_jpeg,
    "png": uploads.telling_png,
    "webp": uploads.telling_webp,
    "gif": uploads.telling_gif,
    "avif": lambda: uploads.saved(uploads.photo(), "AVIF", **AVIF),
}


@pytest.mark.parametrize("kind", UPLOADS)
def test_the_facts_are_those_of_what_is_stored(desk: Desk, kind: str) -> None:
    """Format, upright size, length, digest and placeholders; a probe says the same later."""
    facts = desk.take(UPLOADS[kind]())
    turned = kind in ("jpeg", "png", "webp")
    assert (facts.format, facts.clean) == (kind, True)
    assert (facts.width, facts.height) == ((43, 61) if turned else (61, 43))
    assert facts.bytes == len(desk.stored)
    assert facts.sha256 == hashlib.sha256(desk.stored).hexdigest()
    assert facts.frames == (2 if kind == "gif" else 1)
    assert facts.has_alpha == (kind == "webp")
    assert len(facts.dominant_color) == 7
    assert facts.thumbhash
    assert ingest.probe(desk.target, SETTINGS) == facts


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif"])
def test_what_is_stored_looks_the_same_and_tells_nothing(desk: Desk, kind: str) -> None:
    """Pixels, profile and orientation are those of the upload; its secrets are gone."""
    data = UPLOADS[kind]()
    desk.take(data)
    assert uploads.looks(desk.stored) == uploads.looks(data)
    assert uploads.SECRET not in desk.stored


@pytest.mark.parametrize("kind", UPLOADS)
def test_keep_stores_the_bytes_as_sent(desk: Desk, kind: str) -> None:
    """With `keep` nothing is touched, and the facts do not call it clean when it tells."""
    data = UPLOADS[kind]()
    facts = desk.take(data, KEEP)
    assert desk.stored == data
    assert facts.clean == (kind == "avif")


def test_an_avif_keeps_its_length(desk: Desk) -> None:
    """What it tells becomes zeros; its orientation is not in EXIF."""
    for told in ({"exif": uploads.exif(6)}, {"xmp": uploads.XMP}):
        telling = uploads.saved(uploads.photo(), "AVIF", **told, **AVIF)
        facts = desk.take(telling)
        assert facts.clean
        assert (facts.width, facts.height) == ((43, 61) if "exif" in told else (61, 43))
        assert len(desk.stored) == len(telling)
        assert uploads.SECRET in telling
        assert uploads.SECRET not in desk.stored
        assert uploads.looks(desk.stored).frames == uploads.looks(telling).frames


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_orientation_in_xmp_is_not_stored(desk: Desk, kind: str) -> None:
    """XMP turns no upload, and does not become EXIF."""
    xmp = uploads.XMP.replace(b"<rdf:Description>", b'<rdf:Description tiff:Orientation="6">')
    assert xmp != uploads.XMP
    facts = desk.take(uploads.saved(uploads.photo(), kind, xmp=xmp))
    assert (facts.width, facts.height) == uploads.photo().size
    assert b"exif" not in desk.stored.lower()


def test_a_multi_picture_file_is_a_jpeg(desk: Desk) -> None:
    """A camera's MPO is stored as the JPEG that it begins with."""
    frames = [uploads.photo((33, 22))]
    facts = desk.take(uploads.saved(uploads.photo(), "MPO", save_all=True, append_images=frames))
    assert (facts.format, facts.frames, facts.clean) == ("jpeg", 1, True)
    assert opened(desk.stored).format == "JPEG"


def test_formats_are_those_of_server_and_token(desk: Desk) -> None:
    """A format that either does not list is unsupported, and so is what is no image."""
    data = uploads.telling_png()
    assert desk.take(data, formats=("png", "tiff")).format == "png"
    desk.target.unlink()
    desk.refuse(errors.UnsupportedImage, data, formats=("jpeg",))
    desk.refuse(errors.UnsupportedImage, data, samples.tuned(formats=("gif",)))
    desk.refuse(errors.UnsupportedImage, uploads.saved(uploads.photo(), "TIFF"), formats=("tiff",))
    desk.refuse(errors.UnsupportedImage, b"GIF")
    desk.refuse(errors.UnsupportedImage, b"")


def test_too_many_pixels_are_refused_by_the_header(desk: Desk) -> None:
    """A header that announces too much is enough; as many as allowed pass."""
    limited = samples.tuned(max_input_pixels=61 * 43)
    desk.take(uploads.telling_png(), limited)
    desk.target.unlink()
    desk.refuse(
        errors.UploadTooLarge,
        uploads.telling_png(),
        samples.tuned(max_input_pixels=61 * 43 - 1),
    )
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + uploads.chunk(b"IHDR", header) + uploads.chunk(b"IDAT", b"")
    desk.refuse(errors.UploadTooLarge, bomb + uploads.chunk(b"IEND", b""))


CUT: dict[str, Callable[[], bytes]] = UPLOADS | {
    "progressive jpeg": lambda: uploads.saved(uploads.photo((300, 200)), "JPEG", progressive=True),
    "baseline jpeg": lambda: uploads.saved(uploads.photo((300, 200)), "JPEG"),
    "lossless webp": lambda: uploads.saved(uploads.photo(), "WEBP", lossless=True),
    "animated webp": lambda: moving("WEBP", [uploads.photo(), uploads.photo().rotate(180)]),
}


@pytest.mark.parametrize("options", [SETTINGS, KEEP], ids=["clean", "keep"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("kind", CUT)
def test_an_upload_that_was_cut_off_is_refused(
    desk: Desk, kind: str, share: float, options: EngineSettings
) -> None:
    """Wherever the body ends before its last pixel, nothing of it is stored."""
    data = CUT[kind]()
    whole = len(data) - (len(uploads.SECRET) if kind in ("jpeg", "png", "webp", "gif") else 0)
    # Where too little is left to tell the format, it is called unsupported.
    desk.refuse(errors.ImageError, data[: int(whole * share)], options)


def test_a_film_ends_before_a_damaged_frame(desk: Desk) -> None:
    """What is stored plays as far as its frames are whole, and its facts say how far."""
    frames = [uploads.photo(mode="RGBA").rotate(angle) for angle in range(0, 60, 2)]
    data = bytearray(moving("WEBP", frames, lossless=True, duration=50))
    at = [each.start() for each in re.finditer(b"VP8L", data)][25] + 30
    data[at : at + 60] = b"\xff" * 60
    facts = desk.take(bytes(data))
    assert facts.frames == 25
    for output in (Format.GIF, Format.WEBP, Format.AVIF):
        result, picture = samples.rendered(desk.target, width=20, format=output)
        assert (picture.n_frames, result.notes) == (25, ("animation_truncated",))


def moving(kind: str, frames: list[Image.Image], **arguments: Any) -> bytes:
    """An animation of frames shown 40 ms, 50 ms and so on, twice."""
    durations = [40 + 10 * index for index in range(len(frames))]
    arguments = {"duration": durations, "loop": 2} | arguments
    return uploads.saved(frames[0], kind, save_all=True, append_images=frames[1:], **arguments)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_crop_is_of_the_upright_picture(desk: Desk, orientation: int) -> None:
    """Whatever the orientation, the crop cuts what a viewer sees, and comes out upright."""
    stored = uploads.photo((60, 40))
    data = uploads.saved(stored, "PNG", exif=uploads.exif(orientation))
    facts = desk.take(data, crop=(5, 7, 20, 11))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
    upright = stored if turn is None else stored.transpose(Image.Transpose(turn))
    assert (facts.width, facts.height, facts.clean) == (20, 11, True)
    after = opened(desk.stored)
    assert after.getexif().get(uploads.ORIENTATION) is None
    assert after.tobytes() == upright.crop((5, 7, 25, 18)).tobytes()


@pytest.mark.parametrize("kind", UPLOADS)
def test_what_is_cropped_keeps_format_and_profile_alone(desk: Desk, kind: str) -> None:
    """Each format is written again as itself, with its profile and nothing told."""
    data = UPLOADS[kind]()
    facts = desk.take(data, crop=(3, 4, 20, 30))
    assert (facts.format, facts.width, facts.height, facts.clean) == (kind, 20, 30, True)
    assert facts.frames == (2 if kind == "gif" else 1)
    assert uploads.SECRET not in desk.stored
    assert uploads.looks(desk.stored).icc == uploads.looks(data).icc
    assert ingest.probe(desk.target, SETTINGS) == facts


def test_a_crop_of_everything_changes_nothing(desk: Desk) -> None:
    """A crop as large as the upright picture leaves the pixels as they came."""
    data = uploads.telling_jpeg()
    desk.take(data, crop=(0, 0, 43, 61))
    assert uploads.looks(desk.stored) == uploads.looks(data)


@pytest.mark.parametrize(
    ("crop", "size"),
    [
        ((-1, -2, 5, 5), (4, 3)),
        ((40, 0, 5, 5), (3, 5)),
        ((0, 60, 5, 5), (5, 1)),
        ((3, 1, 0, 0), (40, 60)),
        ((0, 0, 0, 5), (43, 5)),
    ],
)
def test_a_crop_over_the_edge_is_cut_at_it(
    desk: Desk, crop: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    """And without a width or height it takes all the rest of the upright picture."""
    facts = desk.take(uploads.telling_jpeg(), crop=crop)
    assert (facts.width, facts.height) == size


@pytest.mark.parametrize(
    "crop",
    [
        (-5, 0, 5, 5),
        (0, -5, 5, 5),
        (43, 0, 1, 1),
        (0, 61, 0, 0),
        (10**12, 0, 1, 1),
    ],
)
def test_a_crop_outside_the_upright_picture_is_refused(
    desk: Desk, crop: tuple[int, int, int, int]
) -> None:
    """The picture is stored 61x43 and shown 43x61: the latter counts."""
    desk.refuse(errors.BadCrop, uploads.telling_jpeg(), crop=crop)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_picture_with_too_many_pixels_to_keep_is_scaled_down(desk: Desk, mode: str) -> None:
    """The ratio stays, the limit holds, and the result resembles the upload."""
    picture = uploads.photo((240, 160), mode)
    data = uploads.saved(picture, "JPEG", exif=uploads.exif(6), quality=95)
    facts = desk.take(data, samples.tuned(max_on_disk_pixels=10_000))
    assert (facts.width, facts.height) == (81, 121)
    after = opened(desk.stored)
    assert after.mode == mode
    upright = picture.transpose(Image.Transpose.ROTATE_270).resize(after.size).convert("RGB")
    pairs = zip(after.convert("RGB").tobytes(), upright.tobytes(), strict=True)
    assert sum(abs(a - b) for a, b in pairs) / len(upright.tobytes()) < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pngs_of_every_mode_are_scaled_down(desk: Desk, mode: str) -> None:
    """Palettes and lone bits become colours and greys; transparency stays."""
    picture = uploads.photo(mode="L" if mode == "I;16" else mode).convert(mode)
    facts = desk.take(uploads.saved(picture, "PNG"), samples.tuned(max_on_disk_pixels=1000))
    assert (facts.width, facts.height) == (37, 26)
    assert facts.has_alpha == (mode in ("LA", "P", "RGBA"))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_cropped_and_shrunk_frame_by_frame(desk: Desk, kind: str) -> None:
    """All frames stay, each as long as before, and the loop too."""
    frames = [uploads.photo(mode="RGBA").rotate(angle) for angle in (0, 90, 180)]
    arguments = AVIF if kind == "AVIF" else {}
    data = uploads.saved(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=[40, 50, 60],
        **({} if kind == "AVIF" else {"loop": 2}),
        **arguments,
    )
    options = samples.tuned(max_on_disk_pixels=600)
    facts = desk.take(data, options, crop=(10, 5, 40, 30))
    assert (facts.width, facts.height, facts.frames) == (28, 21, 3)
    assert facts.has_alpha or kind == "GIF"  # the first frame has no hole in it
    before, after = uploads.looks(data), uploads.looks(desk.stored)
    assert [frame[4] for frame in after.frames] == [frame[4] for frame in before.frames]
    assert after.loop == before.loop


def test_an_animation_that_is_too_long_keeps_its_first_frame(desk: Desk) -> None:
    """What would be shown as a still is stored as one, once it has to be written again."""
    frames = [uploads.photo().rotate(angle) for angle in (0, 90, 180)]
    options = samples.tuned(max_frames=2)
    assert desk.take(moving("WEBP", frames), options).frames == 3
    assert desk.take(moving("WEBP", frames), options, crop=(0, 0, 30, 30)).frames == 1


@given(size=st.tuples(st.integers(1, 70_000), st.integers(1, 70_000)), pixels=st.integers(1, 10**8))
def test_scaling_down_stays_within_the_limit(size: tuple[int, int], pixels: int) -> None:
    """Never more pixels than allowed, never none, and as they were when few enough."""
    width, height = ingest.within(size, pixels)
    assert 1 <= width <= size[0]
    assert 1 <= height <= size[1]
    assert width * height <= pixels
    assert (width, height) == size or size[0] * size[1] > pixels


def test_a_full_disk_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the upload is refused as such, and no part of it stays."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    desk.refuse(errors.DiskFull, uploads.telling_png())
    desk.refuse(errors.DiskFull, uploads.telling_png(), crop=(0, 0, 5, 5))


def test_a_folder_that_is_not_there_is_an_error_of_the_store(desk: Desk) -> None:
    """What the disk refuses for other reasons is no fault of the picture."""
    desk.target = desk.target.parent / "nowhere" / "original"
    desk.refuse(errors.StoreError, uploads.telling_png())


def test_probing_has_its_own_limits(desk: Desk) -> None:
    """On disk the decoder's limits count, not those of uploads."""
    desk.source.write_bytes(uploads.telling_jpeg())
    facts = ingest.probe(desk.source, samples.tuned(max_input_pixels=1))
    assert (facts.width, facts.height, facts.clean) == (43, 61, False)
    with pytest.raises(errors.ImageTooLarge):
        ingest.probe(desk.source, samples.tuned(max_decode_pixels=61 * 43 - 1))
    with pytest.raises(errors.UnsupportedImage):
        ingest.probe(desk.source, samples.tuned(formats=("png",)))
    with pytest.raises(errors.OriginalMissing):
        ingest.probe(desk.target, SETTINGS)


SEEDS = {kind: make() for kind, make in UPLOADS.items()}


def flaws(seed: bytes) -> st.SearchStrategy[list[tuple[int, bytes]]]:
    """Places in `seed` and what to write there."""
    place = st.integers(0, len(seed)) | st.integers(0, min(300, len(seed)))
    return st.lists(st.tuples(place, st.binary(min_size=1, max_size=5)), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for many uploads."""
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("kind", SEEDS)
@settings(deadline=5000)
@given(drawn=st.data())
def test_damage_gives_errors_of_ours_alone(shared: Desk, kind: str, drawn: st.DataObject) -> None:
    """However a file is damaged, it is taken or refused with an ImageError, soon."""
    data = bytearray(SEEDS[kind])
    for at, new in drawn.draw(flaws(SEEDS[kind])):
        data[at : at + len(new)] = new
    crop = drawn.draw(st.sampled_from([None, (1, 1, 9, 9)]))
    shared.target.unlink(missing_ok=True)
    limited = samples.tuned(max_input_pixels=1_000_000)
    try:
        facts = shared.take(bytes(data), limited, crop=crop)
    except (errors.ImageError, errors.BadCrop):
        assert not shared.target.exists()
        return
    assert facts.bytes == shared.target.stat().st_size
