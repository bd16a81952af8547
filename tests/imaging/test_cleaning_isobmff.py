"""AVIF and HEIC are stored without a place: what is no pixel is overwritten where it stands."""

import dataclasses
import hashlib
import io
import pathlib
import struct
import time
from collections.abc import Callable

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.jobs import Facts, IntakeJob
from liveresize.imaging import cleaning, perform
from liveresize.imaging.cleaning import isobmff
from liveresize.imaging.settings import EngineSettings

from . import heics, samples, uploads
from .heics import File, Item

UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Of XMP in a box."""


def heic(*further: Item, **how: object) -> File:
    """Quarters with alpha, and further items."""
    items = (heics.shown(), heics.alpha(), *further)
    return dataclasses.replace(File(items), **how)  # type: ignore[arg-type]


def in_parts(item: Item) -> Item:
    """The same bytes in three places, of which one is empty."""
    (content,) = item.parts
    return dataclasses.replace(item, parts=(content[:7], b"", content[7:20], content[20:]))


def described(file: File) -> File:
    """The file with a property of texts about its first item."""
    told = heics.full(b"udes", b"en\0" + heics.PLACE + b"\0\0\0")
    first = dataclasses.replace(file.items[0], properties=(told, *file.items[0].properties))
    return dataclasses.replace(file, items=(first, *file.items[1:]))


TELLING: dict[str, Callable[[Callable[..., File]], File]] = {
    "EXIF": lambda made: made(heics.exif()),
    "XMP": lambda made: made(heics.xmp()),
    "both": lambda made: made(heics.exif(), heics.xmp()),
    "in idat": lambda made: made(heics.exif(inside=True), heics.xmp(inside=True)),
    "in parts": lambda made: made(in_parts(heics.exif()), in_parts(heics.xmp())),
    "in parts in idat": lambda made: made(in_parts(heics.exif(inside=True))),
    "the oldest places": lambda made: made(heics.exif(), version=0),
    "long ids": lambda made: made(heics.exif(inside=True), heics.xmp(), version=2),
    "a maker's item": lambda made: made(Item(b"uri ", (heics.PLACE,))),
    "an unknown item": lambda made: made(Item(b"apmn", (heics.PLACE,))),
    "a JPEG with EXIF": lambda made: made(
        Item(b"jpeg", (uploads.telling_jpeg() + heics.PLACE,), references=((b"thmb", (1,)),))
    ),
    "an item that is not listed": lambda made: made(
        in_meta=b"", after=heics.box(b"mdat", heics.PLACE)
    ),
    "uuid before": lambda made: made(before=heics.box(b"uuid", UUID + heics.XMP)),
    "uuid behind": lambda made: made(after=heics.box(b"uuid", UUID + heics.XMP)),
    "udta": lambda made: made(after=heics.box(b"udta", heics.box(b"\xa9xyz", heics.PLACE))),
    "moov": lambda made: made(
        after=heics.box(
            b"moov",
            heics.full(b"mvhd", bytes(96)) + heics.full(b"meta", heics.box(b"ilst", heics.PLACE)),
        )
    ),
    "XMP in meta": lambda made: made(in_meta=heics.full(b"xml ", heics.XMP)),
    "a box in meta": lambda made: made(in_meta=heics.box(b"uuid", UUID + heics.PLACE)),
    "free space": lambda made: made(after=heics.box(b"free", heics.PLACE)),
    "bytes that nothing refers to": lambda made: made(after=heics.box(b"mdat", heics.PLACE)),
    "all the rest of the file": lambda made: placed(made(heics.exif()), 0, -4, 0),
    "a trailer that is no box": lambda made: made(after=b"SEFT" * 4 + heics.PLACE),
    "a film in a box": lambda made: made(after=heics.box(b"mpvd", heics.PLACE)),
    "bytes behind the end": lambda made: made(after=heics.PLACE[-7:]),
    "a property": lambda made: described(made()),
}

MADE: dict[str, Callable[..., File]] = {"heif": heic, "avif": heics.avif}


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where the file of a test lies."""
    return tmp_path / "picture"


def taken(path: pathlib.Path, data: bytes, settings: EngineSettings = samples.SETTINGS) -> bytes:
    """What is stored of an upload."""
    path.write_bytes(data)
    target = path.with_suffix(".stored")
    facts = perform(IntakeJob(source=str(path), target=str(target)), settings)
    assert isinstance(facts, Facts)
    stored = target.read_bytes()
    assert facts.bytes == len(stored)
    assert facts.sha256 == hashlib.sha256(stored).hexdigest()
    assert facts.clean == (settings.metadata == "clean")
    return stored


def pixels(path: pathlib.Path, data: bytes) -> tuple[str, tuple[int, int], bytes]:
    """What the file shows."""
    path.write_bytes(data)
    picture = samples.rendered(path)[1]
    return picture.mode, picture.size, picture.tobytes()


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("name", TELLING)
def test_no_place_is_stored(path: pathlib.Path, name: str, kind: str) -> None:
    """Wherever it stands; the pixels and the length of the file are as they were."""
    data = TELLING[name](MADE[kind]).data()
    secret = heics.PLACE[-7:]
    assert secret in data
    stored = taken(path, data)
    assert len(stored) == len(data)
    for told in (secret, heics.PLACE[:9], uploads.SECRET, b"xmpmeta", b"N SEC"):
        assert told not in stored
    assert pixels(path, stored) == pixels(path, data)
    assert cleaning.is_clean(kind, memoryview(stored), 1)
    assert not cleaning.is_clean(kind, memoryview(data), 1)
    assert taken(path, stored) == stored


@pytest.mark.parametrize("kind", MADE)
def test_a_file_that_tells_nothing_stays_as_it_is(path: pathlib.Path, kind: str) -> None:
    """Every byte of it."""
    data = MADE[kind]().data()
    assert taken(path, data) == data


@pytest.mark.parametrize("kind", MADE)
def test_data_may_say_that_it_is_longer(path: pathlib.Path, kind: str) -> None:
    """Decoders go by the places of items."""
    data = bytearray(MADE[kind](heics.exif()).data())
    at = data.rindex(b"mdat") - 4
    struct.pack_into(">I", data, at, len(data) - at + 1000)
    stored = taken(path, bytes(data))
    assert heics.PLACE not in stored
    assert pixels(path, stored) == pixels(path, bytes(data))


def test_exif_stays_well_formed(path: pathlib.Path) -> None:
    """Its item has a header and no entries: libavif refuses a file with anything else."""
    stored = taken(path, heics.avif(heics.exif()).data())
    with Image.open(io.BytesIO(stored)) as picture:
        assert dict(picture.getexif()) == {}
        picture.load()
    assert isobmff.EXIF in stored


def test_exif_that_is_too_short_for_that_is_overwritten(path: pathlib.Path) -> None:
    """As far as it goes, also where it is in parts."""
    item = Item(b"Exif", (heics.PLACE[:3], heics.PLACE[3:9]))
    stored = taken(path, heic(item).data())
    assert heics.PLACE[:9] not in stored
    assert stored.endswith(isobmff.EXIF[:9])


@pytest.mark.parametrize("turn", [6, 3])
def test_what_turns_a_picture_stays(path: pathlib.Path, turn: int) -> None:
    """AVIF of Pillow says it in a property; EXIF does not count."""
    file = io.BytesIO()
    samples.quarters((64, 48)).save(file, "AVIF", exif=uploads.exif(turn), speed=9)
    stored = taken(path, file.getvalue())
    assert uploads.SECRET not in stored
    assert pixels(path, stored) == pixels(path, file.getvalue())


def test_grids_bursts_and_maps_stay(path: pathlib.Path) -> None:
    """All pictures of a file, and what makes one of several."""
    gain = dataclasses.replace(
        heics.coded("burst", 4),
        references=((b"auxl", (1,)),),
        properties=(*heics.coded("burst", 4).properties, heics.full(b"auxC", b"urn:gain\0")),
    )
    items = (heics.grid(), *heics.tiles(), gain)
    data = File((*items, heics.exif(), heics.xmp())).data()
    stored = taken(path, data)
    assert pixels(path, stored) == pixels(path, data)
    plain = File(items).data()
    content = plain[plain.index(b"mdat") + 4 :]
    assert content in stored


@pytest.mark.parametrize("name", ["star.avifs"])
def test_frames_stay(path: pathlib.Path, name: str) -> None:
    """Those of an animation, and of its alpha; text beside them does not."""
    source = samples.CORPUS / "animated" / name
    if not source.exists():
        pytest.skip("the corpus is not there")
    data = source.read_bytes()
    stored = taken(path, data)
    assert len(stored) == len(data)
    assert b"GPAC-1" in data or b"gpac" in data.lower()
    assert b"\x00\x00\x00\x48free" + bytes(64) in stored
    assert uploads.looks(stored).frames == uploads.looks(data).frames


def film(*further: bytes) -> bytes:
    """Two frames of AVIF by Pillow, with further boxes in `moov`."""
    file = io.BytesIO()
    frames = [samples.quarters((64, 48)).rotate(angle) for angle in (0, 180)]
    frames[0].save(file, "AVIF", save_all=True, append_images=frames[1:], speed=9, duration=90)
    data = file.getvalue()
    at = data.index(b"moov") - 4
    (size,) = struct.unpack_from(">I", data, at)
    moov = data[at + 8 : at + size] + b"".join(further)
    # Behind the frames, so that none of them moves.
    return data[: at + 4] + b"free" + data[at + 8 :] + heics.box(b"moov", moov)


def test_what_is_beside_the_frames_goes(path: pathlib.Path) -> None:
    """A track of metadata (as `mebx` of iPhones), and a place in `udta`."""
    track = heics.box(
        b"trak",
        heics.full(b"tkhd", bytes(80))
        + heics.box(
            b"mdia",
            heics.full(b"hdlr", bytes(4) + b"meta" + bytes(12) + heics.PLACE + b"\0")
            + heics.box(
                b"minf",
                heics.box(
                    b"stbl",
                    heics.full(b"stsd", struct.pack(">I", 1) + heics.box(b"mebx", heics.PLACE)),
                ),
            ),
        ),
    )
    udta = heics.box(b"udta", heics.box(b"\xa9xyz", heics.PLACE))
    data = film(track, udta)
    stored = taken(path, data)
    assert heics.PLACE not in stored
    assert len(stored) == len(data)
    frames = uploads.looks(stored).frames
    assert len(frames) == 2
    assert frames == uploads.looks(film()).frames


def refused(path: pathlib.Path, kind: str, data: bytes) -> None:
    """The structure is refused by the cleaner, and so is the upload."""
    with pytest.raises(errors.UnreadableImage):
        b"".join(cleaning.cleaned(kind, memoryview(data), 1))
    path.write_bytes(data)
    with pytest.raises(errors.UnreadableImage):
        perform(IntakeJob(source=str(path), target=f"{path}.stored"), samples.SETTINGS)
    assert not pathlib.Path(f"{path}.stored").exists()


UNCLEAR: dict[str, Callable[[Callable[..., File]], File]] = {
    # Item 3 of HEIC and 2 of AVIF is the EXIF, and item 1 begins where `mdat` does.
    "bytes of a picture": lambda made: placed(made(heics.exif()), 0, -4, 20),
    "outside of the file": lambda made: placed(made(heics.exif()), 0, 1 << 20, 20),
    "in the boxes": lambda made: placed(made(heics.exif()), 0, -200, 20),
    "by another item": lambda made: placed(made(heics.exif()), 2, 0, 20),
    "outside of idat": lambda made: placed(made(heics.exif(inside=True)), 1, 5, 900),
    "without idat": lambda made: placed(made(heics.exif()), 1, 0, 20),
    "a second meta": lambda made: made(after=heics.full(b"meta", b"")),
    "a second iloc": lambda made: made(heics.exif(), in_meta=heics.full(b"iloc", bytes(4))),
    "a second idat": lambda made: made(
        heics.exif(inside=True), in_meta=heics.box(b"idat", heics.PLACE)
    ),
}


def placed(file: File, method: int, offset: int, size: int) -> File:
    """The file with another place of its last item; below 0 it is counted from its pixels."""
    if offset < 0:
        offset += file.data().rindex(b"mdat") + 8
    return dataclasses.replace(file, places={len(file.items): (method, offset, size)})


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("name", UNCLEAR)
def test_what_cannot_be_told_from_pixels_is_refused(
    path: pathlib.Path, name: str, kind: str
) -> None:
    """With 422, and nothing is stored."""
    refused(path, kind, UNCLEAR[name](MADE[kind]).data())


def test_the_answer_says_why(path: pathlib.Path) -> None:
    """It is the metadata that is wrong, not the pixels."""
    path.write_bytes(UNCLEAR["bytes of a picture"](heic).data())
    with pytest.raises(errors.UnreadableImage, match="metadata of this picture cannot be removed"):
        perform(IntakeJob(source=str(path), target=f"{path}.stored"), samples.SETTINGS)


@pytest.mark.parametrize("kind", MADE)
def test_with_keep_all_stays(path: pathlib.Path, kind: str) -> None:
    """Every byte, also of what could not be cleaned."""
    keep = EngineSettings(metadata="keep")
    for file in (MADE[kind](heics.exif()), UNCLEAR["bytes of a picture"](heic)):
        assert taken(path, file.data(), keep) == file.data()


def test_a_cropped_upload_needs_no_cleaning(path: pathlib.Path) -> None:
    """Nothing but pixels is stored of it, so that it is not refused for its metadata."""
    path.write_bytes(UNCLEAR["bytes of a picture"](heic).data())
    target = path.with_suffix(".stored")
    job = IntakeJob(source=str(path), target=str(target), crop=(0, 0, 20, 20))
    facts = perform(job, samples.SETTINGS)
    assert isinstance(facts, Facts)
    assert (facts.format, facts.clean) == ("png", True)
    assert heics.PLACE not in target.read_bytes()


def test_many_boxes_and_parts_take_no_time() -> None:
    """Thirty thousand of each, which are as many as a file of this size may have."""
    count = 30_000
    parts = tuple(bytes((65 + number % 26,)) for number in range(count))
    file = File((heics.shown(), Item(b"uri ", parts)), after=heics.box(b"mdat", b"x") * count)
    data = memoryview(file.data())
    began = time.process_time()
    clean = b"".join(cleaning.cleaned("heif", data, 1))
    assert time.process_time() - began < 3
    assert len(clean) == len(data)
    assert b"ABCDEF" not in clean
