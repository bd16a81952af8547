"""Colours told by code points: PNG, AVIF and HEIF come out as Chromium 156 shows them."""

import io
import pathlib
import re
import struct
from typing import Any

import pytest
from PIL import Image

from liveresize.core.formats import Format
from liveresize.core.jobs import IntakeJob
from liveresize.imaging import decode, gamma, ingest, structure

from . import samples, uploads

Colour = tuple[int, int, int]

STORED: list[Colour] = [
    *((16, 16, 16), (147, 147, 147), (180, 180, 180)),
    *((143, 112, 128), (64, 112, 96), (175, 143, 191)),
]

SHOWN: dict[tuple[int, int], list[Colour]] = {
    (1, 8): [(71,) * 3, (200,) * 3, (219,) * 3, (197, 177, 188), (137, 177, 165), (216, 197, 224)],
    (1, 13): STORED,
    (9, 13): [*STORED[:3], (159, 107, 129), (0, 116, 95), (190, 138, 195)],
    (12, 13): [*STORED[:3], (149, 110, 129), (45, 114, 95), (181, 141, 194)],
    (12, 8): [(71,) * 3, (200,) * 3, (219,) * 3, (202, 176, 188), (126, 178, 165), (220, 197, 227)],
    (1, 16): [(1,) * 3, (184,) * 3, (242,) * 3, (172, 98, 132), (30, 98, 70), (202, 118, 255)],
    (9, 16): [(1,) * 3, (184,) * 3, (242,) * 3, (203, 82, 134), (0, 103, 67), (225, 95, 255)],
    (12, 16): [(1,) * 3, (184,) * 3, (242,) * 3, (184, 93, 134), (0, 100, 68), (211, 110, 255)],
    (1, 18): [(3,) * 3, (119,) * 3, (166,) * 3, (111, 87, 98), (47, 84, 72), (153, 117, 176)],
    (9, 18): [(3,) * 3, (119,) * 3, (166,) * 3, (123, 83, 100), (0, 87, 71), (169, 111, 182)],
    (12, 18): [(3,) * 3, (119,) * 3, (166,) * 3, (115, 85, 99), (33, 85, 71), (160, 115, 181)],
}
"""Code points of primaries and transfer → how Chromium shows STORED."""

VIDEO = [(4,) * 3, (141,) * 3, (176,) * 3, (153, 99, 122), (0, 109, 86), (186, 131, 192)]
"""BT.2020 with the transfer of BT.709, in a PNG."""

SIDE = 16

HEADER = 33
"""Bytes of a PNG up to where its second chunk begins."""


def patches(colours: list[Colour] = STORED) -> Image.Image:
    """A square of each colour, in one row."""
    picture = Image.new("RGB", (SIDE * len(colours), SIDE))
    for number, colour in enumerate(colours):
        picture.paste(colour, (SIDE * number, 0, SIDE * (number + 1), SIDE))
    return picture


def png(path: pathlib.Path, points: tuple[int, ...], *more: tuple[bytes, bytes], **how: Any) -> Any:
    """The patches, or `picture`, as PNG with cICP and `more` chunks."""
    data = uploads.saved(how.pop("picture", patches()), "PNG", **how)
    chunks = b"".join(uploads.chunk(*each) for each in ((b"cICP", bytes(points)), *more))
    path.write_bytes(data[:HEADER] + chunks + data[HEADER:])
    return path


def avif(path: pathlib.Path, points: tuple[int, int], **how: Any) -> pathlib.Path:
    """The patches as AVIF with nclx."""
    file = io.BytesIO()
    patches().save(file, "AVIF", quality=100, subsampling="4:4:4", speed=9, **how)
    nclx = b"colrnclx" + struct.pack(">HH", *points)
    data, count = re.subn(rb"colrnclx....", lambda _: nclx, file.getvalue(), flags=re.DOTALL)
    assert count == (2 if "save_all" in how else 1)
    path.write_bytes(data)
    return path


def shown(path: pathlib.Path, **fields: Any) -> list[Colour]:
    """The middles of the patches in a rendition as PNG."""
    _, picture = samples.rendered(path, **fields)
    picture = picture.convert("RGB")
    step = picture.width // len(STORED)
    return [
        picture.getpixel((step * number + step // 2, picture.height // 2))
        for number in range(len(STORED))
    ]


def alike(one: list[Colour], other: list[Colour], tolerance: int) -> bool:
    """Whether all colours are near each other."""
    return all(samples.near(a, b, tolerance) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("points", SHOWN)
def test_png_is_shown_as_browsers_do(tmp_path: pathlib.Path, points: tuple[int, int]) -> None:
    """cICP of PNG is heeded at full size; sRGB changes nothing."""
    assert alike(shown(png(tmp_path / "a.png", (*points, 0, 1))), SHOWN[points], 2)


@pytest.mark.parametrize("points", SHOWN)
def test_avif_is_shown_as_browsers_do(tmp_path: pathlib.Path, points: tuple[int, int]) -> None:
    """The nclx of AVIF is heeded, and its transfers of video stand for sRGB."""
    assert alike(shown(avif(tmp_path / "a.avif", points)), SHOWN[points], 4)
    if points[1] == 13:
        for video in (1, 6, 14, 15):
            path = avif(tmp_path / "a.avif", (points[0], video))
            assert alike(shown(path), SHOWN[points], 4)


@pytest.mark.parametrize("transfer", [1, 6, 14, 15])
def test_the_transfers_of_video_in_png(tmp_path: pathlib.Path, transfer: int) -> None:
    """In PNG they stand for the gamma of 2.4 of displays."""
    assert alike(shown(png(tmp_path / "a.png", (9, transfer, 0, 1))), VIDEO, 2)


@pytest.mark.parametrize("points", [(9, 16), (12, 13), (12, 8)])
def test_resized_pictures_are_converted_too(
    tmp_path: pathlib.Path, points: tuple[int, int]
) -> None:
    """Conversion goes with resizing, enlarging included; where curves differ it comes first."""
    path = png(tmp_path / "a.png", (*points, 0, 1))
    for width in (6 * SIDE // 2, 6 * SIDE * 2):
        assert alike(shown(path, width=width), SHOWN[points], 3)
    halves = patches([(0, 0, 0), (147, 147, 147)] * 3).resize((6, 1), Image.Resampling.NEAREST)
    path = png(tmp_path / "b.png", (9, 16, 0, 1), picture=halves)
    _, picture = samples.rendered(path, width=1)
    assert samples.near(picture.convert("RGB").getpixel((0, 0)), (92,) * 3, 4)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA"])
@pytest.mark.parametrize("points", [(1, 13), (12, 8), (9, 16), (9, 18)])
def test_every_mode_is_heeded(tmp_path: pathlib.Path, mode: str, points: tuple[int, int]) -> None:
    """Greys stay grey, palettes and alpha are no hindrance."""
    picture = patches()
    if mode in ("L", "LA"):
        picture = patches([(level, level, level) for level in (16, 147, 180) * 2])
    picture = picture.quantize(6) if mode == "P" else picture.convert(mode)
    if "A" in mode:
        picture.putalpha(128)
    path = png(tmp_path / "a.png", (*points, 0, 1), picture=picture)
    expected = SHOWN[points][:3] * 2 if mode in ("L", "LA") else SHOWN[points]
    assert alike(shown(path), expected, 3)
    _, result = samples.rendered(path)
    assert ("A" in result.mode) == ("A" in mode)
    _, result = samples.rendered(path, format=Format.JPEG)
    assert result.mode == ("L" if mode in ("L", "LA") else "RGB")


def test_code_points_win_in_png(tmp_path: pathlib.Path) -> None:
    """cICP wins over a profile, a gamma and primaries."""
    profile = gamma._made(1.0, gamma.SRGB)
    told = ((b"gAMA", (100_000).to_bytes(4)), (b"cHRM", bytes(32)))
    path = png(tmp_path / "a.png", (12, 13, 0, 1), *told, icc_profile=profile)
    assert alike(shown(path), SHOWN[12, 13], 2)
    path = png(tmp_path / "b.png", (1, 13, 0, 1), *told, icc_profile=profile)
    assert shown(path) == STORED


@pytest.mark.parametrize(
    "points", [(12, 13, 0, 0), (12, 13, 1, 1), (12, 2, 0, 1), (2, 16, 0, 1), (12, 99, 0, 1)]
)
def test_code_points_without_a_meaning_are_ignored(
    tmp_path: pathlib.Path, points: tuple[int, ...]
) -> None:
    """Then a profile counts, or else it is sRGB; so is what is too short."""
    assert shown(png(tmp_path / "a.png", points)) == STORED
    profile = gamma._made(1.0, gamma.SRGB)
    assert alike(shown(png(tmp_path / "b.png", points, icc_profile=profile)), SHOWN[1, 8], 2)
    assert shown(png(tmp_path / "c.png", points[:3])) == STORED


def test_code_points_that_are_damaged_or_late_are_ignored(tmp_path: pathlib.Path) -> None:
    """A chunk with a wrong checksum, behind the pixels, or cut off says nothing."""
    data = png(tmp_path / "a.png", (12, 13, 0, 1)).read_bytes()
    chunk = uploads.chunk(b"cICP", bytes((12, 13, 0, 1)))
    assert data[HEADER : HEADER + len(chunk)] == chunk
    rest = data[HEADER + len(chunk) :]
    path = tmp_path / "b.png"
    for changed in (
        data[:HEADER] + chunk[:-1] + b"?" + rest,
        data[:HEADER] + rest[:-12] + chunk + rest[-12:],
        data[: HEADER + len(chunk) - 1],
    ):
        path.write_bytes(changed)
        assert structure.counted(path, ("png",), 1).cicp is None
    path.write_bytes(data)
    assert structure.counted(path, ("png",), 1).cicp == (12, 13)


def test_a_profile_wins_in_avif(tmp_path: pathlib.Path) -> None:
    """Of an AVIF with both, nclx counts for the decoder only."""
    profile = gamma._made(1.0, gamma.SRGB)
    path = avif(tmp_path / "a.avif", (9, 16), icc_profile=profile)
    assert alike(shown(path), SHOWN[1, 8], 4)


def coded(*points: int) -> bytes:
    """A profile with the primaries of sRGB and a gamma of 1.8, and code points."""
    profile = gamma._made(1 / 1.8, gamma.SRGB)
    count = int.from_bytes(profile[128:132])
    tags = bytearray(profile[132 : 132 + 12 * count])
    for at in range(4, len(tags), 12):
        tags[at : at + 4] = (int.from_bytes(tags[at : at + 4]) + 12).to_bytes(4)
    body = profile[132 + 12 * count :]
    tags += b"cicp" + (len(profile) + 12).to_bytes(4) + (12).to_bytes(4)
    data = profile[:128] + (count + 1).to_bytes(4) + tags + body + b"cicp" + bytes(4)
    data += bytes(points)
    return len(data).to_bytes(4) + data[4:]


@pytest.mark.parametrize("points", SHOWN)
def test_code_points_in_a_profile(tmp_path: pathlib.Path, points: tuple[int, int]) -> None:
    """The cicp of an ICC profile wins over the rest of it, in any format."""
    profile = coded(*points, 0, 1)
    picture = samples.saved(tmp_path / "a.webp", patches(), icc_profile=profile, lossless=True)
    assert alike(shown(picture), SHOWN[points], 2)
    assert alike(shown(avif(tmp_path / "a.avif", (9, 8), icc_profile=profile)), SHOWN[points], 4)


def test_code_points_without_a_meaning_in_a_profile(tmp_path: pathlib.Path) -> None:
    """Then the rest of the profile counts; for CMYK it always does."""
    expected = gamma._made(1 / 1.8, gamma.SRGB)
    path = samples.saved(tmp_path / "a.png", patches(), icc_profile=expected)
    usual = shown(path)
    for points in ((9, 16, 1, 1), (9, 16, 0, 0), (2, 2, 0, 1), (9, 16)):
        path = samples.saved(tmp_path / "b.png", patches(), icc_profile=coded(*points))
        assert shown(path) == usual
    path = samples.saved(tmp_path / "c.jpg", patches().convert("CMYK"))
    plain = shown(path)
    profile = coded(9, 16, 0, 1)
    path = samples.saved(tmp_path / "d.jpg", patches().convert("CMYK"), icc_profile=profile)
    assert shown(path) == plain


def test_the_stream_of_an_avif_tells_too(tmp_path: pathlib.Path) -> None:
    """Without nclx, the sequence header of AV1 counts."""
    path = avif(tmp_path / "a.avif", (1, 13))
    data = path.read_bytes().replace(b"colrnclx", b"freenclx")
    start = data.index(b"mdat") + 4
    bits = f"{int.from_bytes(data[start : start + 24]):0192b}"
    usual, changed = (f"{primaries:08b}{13:08b}{6:08b}" for primaries in (1, 12))
    assert bits.count(usual) == 1
    header = int(bits.replace(usual, changed), 2).to_bytes(24)
    path.write_bytes(data[:start] + header + data[start + 24 :])
    assert alike(shown(path), SHOWN[12, 13], 4)


def test_frames_of_an_avif_are_converted(tmp_path: pathlib.Path) -> None:
    """The track of an animation tells the colours of all its frames."""
    other = patches(STORED[::-1])
    path = avif(tmp_path / "a.avif", (9, 16), save_all=True, append_images=[other])
    _, moving = samples.rendered(path, format=Format.WEBP)
    assert moving.n_frames == 2
    for frame, expected in enumerate((SHOWN[9, 16], SHOWN[9, 16][::-1])):
        moving.seek(frame)
        picture = moving.convert("RGB")
        seen = [picture.getpixel((SIDE * at + SIDE // 2, SIDE // 2)) for at in (0, 1, 2)]
        assert alike(seen, expected[:3], 12)


@pytest.mark.parametrize("stored", [False, True], ids=["as sent", "cropped"])
@pytest.mark.parametrize("points", [(12, 13), (9, 16)])
def test_frames_of_a_png_are_converted(
    tmp_path: pathlib.Path, points: tuple[int, int], stored: bool
) -> None:
    """An animated PNG tells the colours of all its frames, which a crop at upload keeps."""
    other = patches(STORED[::-1])
    path = png(tmp_path / "a.png", (*points, 0, 1), save_all=True, append_images=[other])
    if stored:
        crop = (0, 0, 3 * SIDE, SIDE)
        job = IntakeJob(source=str(path), target=str(tmp_path / "part"), crop=crop)
        assert ingest.ingest(job, samples.SETTINGS).frames == 2
        path = tmp_path / "part"
    _, moving = samples.rendered(path, format=Format.WEBP)
    assert moving.n_frames == 2
    for frame, expected in enumerate((SHOWN[points], SHOWN[points][::-1])):
        moving.seek(frame)
        picture = moving.convert("RGB")
        seen = [picture.getpixel((SIDE * at + SIDE // 2, SIDE // 2)) for at in (0, 1, 2)]
        assert alike(seen, expected[:3], 12)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([("cLLI", 400.0)], (226, 255)),
        ([("mDCV", 400.0)], (226, 255)),
        ([("mDCV", 4000.0)], (184, 217)),
        ([("mDCV", 4000.0), ("cLLI", 600.0)], (209, 255)),
        ([("cLLI", 100.0)], (251, 255)),
        ([("cLLI", 0.0)], (184, 242)),
    ],
)
def test_the_peak_of_the_light_counts(
    tmp_path: pathlib.Path, chunks: list[tuple[str, float]], expected: tuple[int, int]
) -> None:
    """The brighter the brightest light, the darker is white; content wins over displays."""
    more = []
    for name, peak in chunks:
        light = round(peak * 10_000).to_bytes(4)
        more.append((name.encode(), light + bytes(4) if name == "cLLI" else bytes(16) + light * 2))
    seen = shown(png(tmp_path / "a.png", (9, 16, 0, 1), *more))
    assert alike(seen[1:3], [(level,) * 3 for level in expected], 2)


def test_the_peak_of_an_avif_counts(tmp_path: pathlib.Path) -> None:
    """The property clli tells the brightest light of the content."""
    profile = bytes(range(28))
    path = avif(tmp_path / "a.avif", (9, 16), icc_profile=profile)
    data = path.read_bytes()
    assert data.count(b"colrprof" + profile) == 1
    clli = b"clli" + struct.pack(">HH", 600, 100) + bytes(28)
    path.write_bytes(data.replace(b"colrprof" + profile, clli))
    assert alike(shown(path)[1:3], [(209,) * 3, (255,) * 3], 3)


@pytest.mark.parametrize("points", [(12, 13), (12, 8), (9, 16), (9, 18)])
@pytest.mark.parametrize("kind", ["png", "avif"])
def test_intake_keeps_the_look(tmp_path: pathlib.Path, kind: str, points: tuple[int, int]) -> None:
    """A stored part looks like the part of the upload; facts show its colours."""
    path = tmp_path / f"a.{kind}"
    path = png(path, (*points, 0, 1)) if kind == "png" else avif(path, points)
    job = IntakeJob(source=str(path), target=str(tmp_path / "part"), crop=(0, 0, 4 * SIDE, SIDE))
    ingest.ingest(job, samples.SETTINGS)
    _, picture = samples.rendered(tmp_path / "part")
    seen = [picture.getpixel((SIDE * at + SIDE // 2, SIDE // 2)) for at in range(4)]
    assert alike(seen, SHOWN[points][:4], 5)
    job = IntakeJob(source=str(path), target=str(tmp_path / "part"), crop=(4 * SIDE, 0, SIDE, SIDE))
    facts = ingest.ingest(job, samples.SETTINGS)
    assert samples.near(bytes.fromhex(facts.dominant_color[1:]), SHOWN[points][4], 6)


def test_the_light_of_large_pictures_is_mapped(tmp_path: pathlib.Path) -> None:
    """Bands of a large picture, and one that is made smaller first, are converted alike."""
    large = patches().resize((1200, 900), Image.Resampling.NEAREST)
    path = png(tmp_path / "a.png", (9, 16, 0, 1), picture=large)
    assert alike(shown(path), SHOWN[9, 16], 2)
    assert alike(shown(path, width=240), SHOWN[9, 16], 3)


def test_field_files(tmp_path: pathlib.Path) -> None:
    """The files that stand for these faults are shown as EXPECT.tsv has it."""
    field = samples.CORPUS / "field"
    if not field.exists():
        pytest.skip("the corpus of test pictures is not here (LIVERESIZE_CORPUS)")
    _, wide = samples.rendered(field / "png-cicp-p3.png")
    assert samples.near(wide.getpixel((32, 32)), (217, 42, 23), 2)
    _, over = samples.rendered(field / "png-cicp-over-gama.png")
    assert over.getpixel((16, 16)) == 64
    _, ramp = samples.rendered(field / "avif-nclx-pq.avif")
    for x, level in ((0, 0), (30, 14), (60, 66), (95, 184)):
        assert samples.near(ramp.getpixel((x, 24)), (level,) * 3, 4)
    for name in ("png-cicp-p3.png", "avif-nclx-pq.avif"):
        with decode.open_picture(field / name, samples.SETTINGS, 10_000) as image:
            assert "cicp" in image.info
