"""HEIC: the picture that phones show, whatever else is in the file."""

import dataclasses
import pathlib
import struct
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.jobs import IntakeJob
from liveresize.imaging import decode, heif, ingest, perform, structure

from . import heics, samples, test_cicp
from .heics import File, Item

IROT, IMIR = b"irot", b"imir"

TURNED = {
    (): (0, 1, 2, 3),
    ((IROT, 0),): (0, 1, 2, 3),
    ((IROT, 1),): (1, 3, 0, 2),
    ((IROT, 2),): (3, 2, 1, 0),
    ((IROT, 3),): (2, 0, 3, 1),
    ((IMIR, 0),): (2, 3, 0, 1),
    ((IMIR, 1),): (1, 0, 3, 2),
    ((IROT, 1), (IMIR, 0)): (0, 2, 1, 3),
}
"""Properties, in their order → which quarter is in each corner, in reading order. Angles are
counter-clockwise."""


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where the file of a test lies."""
    return tmp_path / "picture.heic"


def shown(path: pathlib.Path, file: File, **how: Any) -> Any:
    """The file as a PNG of its whole size."""
    path.write_bytes(file.data())
    return samples.rendered(path, **how)[1]


def refused(path: pathlib.Path, data: bytes) -> errors.LiveResizeError:
    """The error of a file that is uploaded."""
    path.write_bytes(data)
    with pytest.raises(errors.LiveResizeError) as raised:
        perform(IntakeJob(source=str(path), target=f"{path}.stored"), samples.SETTINGS)
    assert not pathlib.Path(f"{path}.stored").exists()
    return raised.value


@pytest.mark.parametrize("turns", TURNED)
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_file_says_how_it_is_turned(
    path: pathlib.Path, turns: tuple[tuple[bytes, int], ...], orientation: int
) -> None:
    """`irot` and `imir` are applied once, in their order; EXIF has no part in it."""
    boxes = [heics.box(kind, bytes((value,))) for kind, value in turns]
    block = bytes(4) + samples.exif(orientation).removeprefix(b"Exif\0\0")
    file = File((heics.shown("quarters", *boxes), heics.exif(block)))
    picture = shown(path, file)
    assert heics.corners(picture) == TURNED[turns]
    size = (48, 64) if any(kind == IROT and value % 2 for kind, value in turns) else (64, 48)
    facts = ingest.probe(path, samples.SETTINGS)
    assert picture.size == (facts.width, facts.height) == size
    assert (facts.format, facts.frames, facts.has_alpha) == ("heif", 1, False)


def test_a_clean_aperture_is_what_is_shown(path: pathlib.Path) -> None:
    """Anywhere in the coded picture, as libheif crops it."""
    picture = heics.coded("quarters")
    crop = heics.aperture(32, 24, 30, 22)
    picture = dataclasses.replace(picture, properties=(*picture.properties, crop))
    made = shown(path, File((picture,)))
    assert made.size == (32, 24)
    assert samples.near(made.getpixel((20, 20)), samples.YELLOW, 12)


@pytest.mark.parametrize("turn", [0, 1])
def test_a_grid_is_put_together(path: pathlib.Path, turn: int) -> None:
    """Tiles are in reading order, and the whole is cut and turned."""
    whole = heics.grid((120, 100))
    whole = dataclasses.replace(
        whole, properties=(*whole.properties, heics.box(IROT, bytes((turn,))))
    )
    picture = shown(path, File((whole, *heics.tiles()), version=turn + 1))
    assert picture.size == ((100, 120) if turn else (120, 100))
    assert heics.corners(picture) == ((1, 3, 0, 2) if turn else (0, 1, 2, 3))


def test_alpha_is_part_of_the_picture(path: pathlib.Path) -> None:
    """From clear to solid; and a JPEG of it is put on the ground that is asked for."""
    picture = shown(path, File((heics.shown(), heics.alpha())))
    assert picture.mode == "RGBA"
    assert picture.getpixel((5, 1))[3] < 30
    assert picture.getpixel((5, 46))[3] > 225
    assert ingest.probe(path, samples.SETTINGS).has_alpha


def test_premultiplied_alpha_is_undone(path: pathlib.Path) -> None:
    """Colours are divided by their alpha, as the reference says that they were multiplied."""
    picture = heics.shown()
    first = dataclasses.replace(picture, references=((b"prem", (2,)),))
    plain = shown(path, File((picture, heics.alpha())))
    made = shown(path, File((first, heics.alpha())))
    assert made.mode == "RGBA"
    assert made.getchannel("A").tobytes() == plain.getchannel("A").tobytes()
    red, _, _, covered = plain.getpixel((5, 20))
    assert abs(made.getpixel((5, 20))[0] - min(255, red * 255 // covered)) <= 3


@pytest.mark.parametrize(
    "kind",
    [
        b"urn:mpeg:hevc:2015:auxid:2\0",
        b"urn:com:apple:photo:2020:aux:hdrgainmap\0",
        b"urn:com:apple:photo:2018:aux:portraiteffectsmatte\0",
    ],
)
def test_other_auxiliaries_are_not_seen(path: pathlib.Path, kind: bytes) -> None:
    """Depth, gain maps and mattes leave the picture as it is."""
    alpha = heics.alpha()
    kinds = tuple(each.replace(heics.ALPHA, kind) for each in alpha.properties)
    kinds = tuple(heics.full(b"auxC", kind) if each[4:8] == b"auxC" else each for each in kinds)
    plain = shown(path, File((heics.shown(),)))
    made = shown(path, File((heics.shown(), dataclasses.replace(alpha, properties=kinds))))
    assert made.mode == "RGB"
    assert made.tobytes() == plain.tobytes()


@pytest.mark.parametrize("primary", [1, 2, 3, 4])
def test_a_burst_shows_its_primary_picture(path: pathlib.Path, primary: int) -> None:
    """The others are no frames, and take no work."""
    picture = shown(path, File(heics.tiles(), primary=primary))
    assert heics.corners(picture) == (primary - 1,) * 4
    facts = ingest.probe(path, samples.SETTINGS)
    assert (facts.frames, facts.width, facts.height) == (1, *heics.CODED)


def test_a_long_burst_is_taken(path: pathlib.Path) -> None:
    """Only what is shown counts as work: 50 pictures of the largest size are one."""
    items = heics.tiles() * 12
    settings = samples.tuned(max_input_pixels=64 * 64)
    assert heics.corners(shown(path, File(items, primary=47), settings=settings)) == (2,) * 4


@pytest.mark.parametrize("name", ["quarters", "deep"])
@pytest.mark.parametrize("points", [(12, 13), (9, 1), (1, 8), (9, 16), (9, 18)])
def test_code_points_tell_the_colours(
    path: pathlib.Path, name: str, points: tuple[int, int]
) -> None:
    """Of 8 and 10 bits: Display P3 and BT.2020, linear light, PQ and HLG become sRGB."""
    told = heics.colours(*points)
    made = shown(path, File((heics.shown(name, told),)))
    plain = shown(path, File((heics.shown(name),)))
    # Transfers of video mean sRGB in a still picture.
    meant = (points[0], 13 if points[1] == 1 else points[1])
    same = test_cicp.png(path.with_suffix(".png"), (*meant, 0, 1), picture=plain)
    _, expected = samples.rendered(same)
    assert made.tobytes() == expected.tobytes()
    assert not samples.near(made.getpixel((8, 8)), plain.getpixel((8, 8)), 8)


def test_colours_of_tiles_are_those_of_the_grid(path: pathlib.Path) -> None:
    """Where the grid says none itself."""
    told = heics.colours(12, 13)
    whole = dataclasses.replace(heics.grid(), properties=(heics.size(128, 128),))
    tiles = [
        dataclasses.replace(tile, properties=(*tile.properties, told)) for tile in heics.tiles()
    ]
    path.write_bytes(File((whole, *tiles)).data())
    assert structure.counted(path, ("heif",), 1).cicp == (12, 13)


def test_a_profile_wins(path: pathlib.Path) -> None:
    """ICC before code points, in whichever order they stand."""
    profile = heics.profile(samples.profile(1.0))
    alone = shown(path, File((heics.shown("quarters", profile),)))
    for both in ((profile, heics.colours(9, 16)), (heics.colours(9, 16), profile)):
        assert shown(path, File((heics.shown("quarters", *both),))).tobytes() == alone.tobytes()
    assert alone.getpixel((8, 8)) != samples.RED


def test_grey_stays_grey(path: pathlib.Path) -> None:
    """A picture without colour is decoded as such."""
    assert shown(path, File((heics.shown("grey"),))).mode == "L"


def test_a_sequence_is_refused_by_its_name(path: pathlib.Path) -> None:
    """Frames without a still picture."""
    head = heics.box(b"ftyp", b"msf1" + bytes(4) + b"msf1hevciso8")
    error = refused(path, head + heics.box(b"moov", heics.box(b"mvhd", bytes(100))))
    assert isinstance(error, errors.UnsupportedImage)
    assert error.public.startswith("HEIC sequence is not an accepted format: send JPEG, ")


def test_a_still_beside_a_sequence_is_shown(path: pathlib.Path) -> None:
    """A file with frames as well shows its still picture."""
    moov = heics.box(b"moov", heics.box(b"mvhd", bytes(100)))
    brands = (b"heic", b"mif1", b"msf1", b"hevc", b"heic")
    picture = shown(path, File((heics.shown(),), brands=brands, after=moov))
    assert heics.corners(picture) == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("kind", "name"), [(b"jpeg", "HEIF of JPEG"), (b"j2k1", "HEIF of JPEG 2000")]
)
def test_other_codecs_are_named(path: pathlib.Path, kind: bytes, name: str) -> None:
    """Containers of what libheif here cannot decode are of no accepted format."""
    picture = dataclasses.replace(heics.coded("quarters"), kind=kind)
    error = refused(path, File((picture,), brands=(b"mif1", b"mif1")).data())
    assert isinstance(error, errors.UnsupportedImage)
    assert error.public.startswith(f"{name} is not an accepted format")


def test_brands_do_not_matter(path: pathlib.Path) -> None:
    """What codes the picture does: HEIC and AVIF may both call themselves mif1."""
    for file, kind in ((File((heics.shown(),)), "heif"), (heics.avif(), "avif")):
        brands = (b"mif1", b"mif1", b"miaf", file.brands[0])
        path.write_bytes(dataclasses.replace(file, brands=brands).data())
        facts = ingest.probe(path, samples.SETTINGS)
        assert (facts.format, facts.width, facts.height) == (kind, 64, 48)


def test_damage_is_named(path: pathlib.Path) -> None:
    """A file that is cut off, or whose pixels are, is a damaged HEIC."""
    data = File((heics.grid(), *heics.tiles())).data()
    for broken in (data[:-30], data[:300], data[:40], data.replace(b"hvcC", b"hvcX")):
        error = refused(path, broken)
        assert isinstance(error, errors.UnreadableImage)
        assert error.public == "The picture is a damaged HEIC and cannot be decoded."


def test_a_hostile_heic_is_never_taken_for_something_else(path: pathlib.Path) -> None:
    """What begins like no format is not opened by whoever believes anything."""
    error = refused(path, heics.box(b"iprp", heics.box(b"iprp", b" " * 500)))
    assert isinstance(error, errors.UnsupportedImage)


def huge(width: int, height: int) -> Item:
    """The quarters with a sequence parameter set that says another size."""
    picture = heics.coded("quarters")
    (config,) = (each for each in picture.properties if each[4:8] == b"hvcC")
    at = config.index(b"\x42\x01\x01")
    end = at + struct.unpack_from(">H", config, at - 2)[0]
    bits = "".join(f"{byte:08b}" for byte in config[at:end].replace(b"\0\0\3", b"\0\0"))
    # Header, ids, profile and level; then two numbers before the size.
    head = bits[: 8 * 15]
    body = f"{1:b}" + "010" + golomb(width) + golomb(height)
    body = head + body + "0" * (-len(head + body) % 8)
    unit = bytes(int(body[n : n + 8], 2) for n in range(0, len(body), 8))
    made = config[8 : at - 2] + struct.pack(">H", len(unit)) + unit + config[end:]
    properties = [
        heics.box(b"hvcC", made) if each is config else each for each in picture.properties
    ]
    return dataclasses.replace(picture, properties=tuple(properties))


def golomb(number: int) -> str:
    """A number as HEVC writes it."""
    return "0" * ((number + 1).bit_length() - 1) + f"{number + 1:b}"


HUGE = {
    "the size": File(
        (dataclasses.replace(heics.coded("quarters"), properties=(heics.size(60_000, 60_000),)),)
    ),
    "a long side": File(
        (dataclasses.replace(heics.coded("quarters"), properties=(heics.size(70_000, 2),)),)
    ),
    "a grid": File(
        (
            dataclasses.replace(
                heics.grid(), parts=(struct.pack(">BBBBII", 0, 1, 1, 1, 30_000, 30_000),)
            ),
            *heics.tiles(),
        )
    ),
    "the stream": File((huge(16_384, 16_384),)),
    "a tile": File((heics.grid(), *heics.tiles()[:3], huge(16_384, 16_384))),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_size_is_refused_before_anything_is_opened(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whoever says it: the file, a grid, or the coded stream."""
    monkeypatch.setattr(heif, "opened", None)
    error = refused(path, HUGE[name].data())
    assert isinstance(error, errors.UploadTooLarge)


def test_padding_does_not_count(path: pathlib.Path) -> None:
    """A picture of exactly the largest size is taken, though it is coded in whole blocks."""
    path.write_bytes(File((heics.shown(),)).data())
    pixels = heics.SHOWN[0] * heics.SHOWN[1]
    assert ingest.probe(path, samples.tuned(max_decode_pixels=pixels)).height == 48
    with pytest.raises(errors.ImageTooLarge):
        ingest.probe(path, samples.tuned(max_decode_pixels=pixels - 1))


def test_many_pictures_in_one_item_are_too_much_work(path: pathlib.Path) -> None:
    """A stream that codes the same picture a thousand times for the one that is shown."""
    picture = heics.coded("burst")
    many = dataclasses.replace(picture, parts=(picture.parts[0] * 2000,))
    path.write_bytes(File((many,)).data())
    tally = structure.counted(path, ("heif",), 1)
    assert tally.work == 2000 * 4 * 64 * 64
    with pytest.raises(errors.WorkExceeded, match="goes over its pixels too often"):
        ingest.probe(path, samples.tuned(max_input_pixels=64 * 64))


def test_a_tile_that_is_used_often_is_decoded_often(path: pathlib.Path) -> None:
    """Work is that of all references, not of all items."""
    whole = heics.grid(tiles=(2,) * 4)
    path.write_bytes(File((whole, *heics.tiles())).data())
    assert structure.counted(path, ("heif",), 1).work == 4 * 4 * 64 * 64 + 128 * 128


def test_pictures_made_of_themselves_are_refused(path: pathlib.Path) -> None:
    """A grid of itself, and grids of grids of grids."""
    error = refused(path, File((heics.grid(tiles=(1, 1, 1, 1)), *heics.tiles())).data())
    assert isinstance(error, errors.UnreadableImage)
    error = refused(path, File((heics.grid(tiles=(2, 1, 1, 1)), *heics.tiles())).data())
    assert isinstance(error, errors.WorkExceeded)
    towers = tuple(heics.grid(tiles=(13, *(n + 2,) * 3)) for n in range(12))
    error = refused(path, File((*towers, *heics.tiles())).data())
    assert isinstance(error, errors.WorkExceeded)


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("Memory allocation error: Unspecified: Allocating an image failed"),
        MemoryError(),
    ],
)
def test_running_out_of_memory_is_no_damage(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Neither of the ways in which libheif says so makes the file a damaged one."""

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(heif.HeifImage, "load", fail)
    assert isinstance(refused(path, File((heics.shown(),)).data()), errors.MemoryExceeded)


def test_one_thread_decodes() -> None:
    """With more, libde265 ends the process where memory runs out."""
    assert heif.pi_heif.options.DECODE_THREADS == 1


def test_without_its_library_heic_is_not_accepted(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says what was sent, and what else is accepted."""
    monkeypatch.setattr(heif, "pi_heif", None)
    decode.accepted.cache_clear()
    try:
        assert decode.accepted(("png", "heif")) == ("PNG",)
        error = refused(path, File((heics.shown(),)).data())
    finally:
        decode.accepted.cache_clear()
    assert isinstance(error, errors.UnsupportedImage)
    accepted = "send JPEG, PNG, WebP, GIF or AVIF."
    assert error.public == f"HEIC is not an accepted format: {accepted}"


def test_a_crop_at_the_upload_is_of_the_upright_picture(path: pathlib.Path) -> None:
    """It is stored as a PNG or a JPEG, which hold the same pixels."""
    boxes = heics.box(IROT, b"\1")
    path.write_bytes(File((heics.shown("quarters", boxes),)).data())
    target = path.with_suffix(".stored")
    facts = perform(
        IntakeJob(source=str(path), target=str(target), crop=(0, 0, 24, 32)), samples.SETTINGS
    )
    assert (facts.width, facts.height) == (24, 32)
    assert samples.near(
        samples.opened(target.read_bytes()).convert("RGB").getpixel((9, 9)), samples.GREEN, 16
    )


@pytest.mark.parametrize("item", [heics.xmp(), heics.exif()])
def test_metadata_is_not_asked_for(path: pathlib.Path, item: Item) -> None:
    """Pi-heif crashes where a type of it is no text."""
    kinds = {b"mime": b"application/rdf\xffxml\0"}
    odd = dataclasses.replace(item, content_type=kinds.get(item.kind, b""), kind=b"mime")
    if item.kind == b"Exif":
        odd = dataclasses.replace(item, kind=b"\xffxif")
    picture = shown(path, File((heics.shown(), odd)))
    assert heics.corners(picture) == (0, 1, 2, 3)


def test_deep_greys_have_their_full_range(path: pathlib.Path) -> None:
    """A grey of 10 bits that is 40,000 of 65,535."""
    picture = shown(path, File((heics.coded("deep-grey"),)))
    assert picture.mode == "L"
    assert abs(picture.getpixel((30, 30)) - 40_000 * 255 / 65_535) <= 2
    assert ingest.probe(path, samples.SETTINGS).dominant_color == "#9c9c9c"
