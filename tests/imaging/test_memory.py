"""Memory: what is computed from a header suffices, and is not much more than is taken."""

import io
import pathlib
import struct
from typing import Any

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import decode, effects, memory, resize, structure
from liveresize.settings.pictures import Constraints
from scripts.benchmarks import large
from scripts.benchmarks.memory import worked

from . import samples

long = [
    pytest.mark.long,
    pytest.mark.skipif(
        not pathlib.Path("/proc/self/status").exists(), reason="memory is read from /proc"
    ),
]

RESIDENT = 512 * 2**20
"""What no worker may pass."""

KINDS = (
    "rgb.jpeg",
    "full-progressive.jpeg",
    "progressive.jpeg",
    "scans.jpeg",
    "cmyk.jpeg",
    "rgb.png",
    "rgba.png",
    "palette.png",
    "deep.png",
    "deep-grey.png",
    "interlaced.png",
    "rgb.webp",
    "rgba.webp",
    "lossless.webp",
    "still.gif",
    "rgb.avif",
    "full.avif",
    "rgba.avif",
    "raw.tiff",
    "deflate.tiff",
    "rgb.bmp",
)

FACTOR, SLACK = 1.6, 48_000_000
"""How much more may be computed than is taken. The part that does not grow covers buffers of the
resizer and encoders, which take most for noise at the highest quality."""

MUCH = str(4 * 2**30)

CONTENT = {"rgba.webp", "deep-grey.png"}
"""Kinds that take more with other content, which the header does not tell in time: an alpha of
many levels, and a grey that is transparent."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where the large pictures lie, made when they are first asked for."""
    return tmp_path_factory.mktemp("large")


def suffices(job: str, path: pathlib.Path) -> dict[str, Any]:
    """What a job took without a limit: no more than was computed, with which it is done, too."""
    free = worked(job, path, "0")
    assert free["outcome"] == "done"
    assert free["taken"] <= max(free["computed"], free["floor"])
    assert worked(job, path, str(free["computed"]))["outcome"] == "done"
    return free


class TestLarge:
    """Processes of their own, under a limit of their address space."""

    pytestmark = long

    @pytest.mark.parametrize("job", ["probe", "crop-3000x2900", "webp-crop-2000x2000"])
    @pytest.mark.parametrize("name", KINDS)
    def test_what_is_computed_suffices_and_is_not_much_more(
        self, folder: pathlib.Path, name: str, job: str
    ) -> None:
        """The job is done within the memory that was computed for it."""
        path = large.made(folder, name, 12)
        free = worked(job, path, "0")
        assert free["outcome"] == "done"
        assert free["taken"] <= max(free["computed"], free["floor"])
        if free["taken"] > free["floor"] and name not in CONTENT:
            assert free["computed"] <= FACTOR * free["taken"] + SLACK
        # With a limit, uploads are checked with their renditions, too.
        needed = worked(job, path, MUCH)["computed"] if job.startswith("crop") else free["computed"]
        assert worked(job, path, str(needed))["outcome"] == "done"

    @pytest.mark.parametrize(
        "job", ["visual", "jpeg-crop-2000x2000-900", "avif-crop-2000x2000-500"]
    )
    @pytest.mark.parametrize("name", ["rgb.jpeg", "rgba.png", "rgb.avif"])
    def test_several_encodes_take_no_more(self, folder: pathlib.Path, name: str, job: str) -> None:
        """What is compared, and the file that is kept while a larger one is tried, are counted."""
        path = large.made(folder, name, 12)
        suffices(job, path)

    @pytest.mark.parametrize(
        "variant", ["2000x2000-rect10.10.9000f.9000f-png", "2000x2000-trim10-png"]
    )
    @pytest.mark.parametrize("name", ["rgb.jpeg", "rgba.png", "rgb.avif", "still.gif"])
    def test_what_is_computed_suffices_for_a_part(
        self, folder: pathlib.Path, name: str, variant: str
    ) -> None:
        """Its copy is counted, and that a picture is decoded whole to be trimmed."""
        path = large.made(folder, name, 12)
        free = suffices(variant, path)
        assert free["computed"] <= FACTOR * free["taken"] + SLACK

    @pytest.mark.parametrize("name", ["rgb.jpeg", "rgba.png"])
    def test_jpeg_xl_is_counted(self, folder: pathlib.Path, name: str) -> None:
        """A worker has room for the largest rendition, and with less it is refused in words."""
        path = large.made(folder, name, 12)
        job = "jxl-crop-2000x2000"
        free = worked(job, path, "0")
        assert free["outcome"] == "done"
        assert free["taken"] <= free["computed"] <= FACTOR * free["taken"] + SLACK
        assert worked(job, path)["outcome"] == "done"
        refused = worked(job, path, str(free["computed"] // 2))
        assert (refused["outcome"], "needs" in refused["message"]) == ("ImageTooLarge", True)

    @pytest.mark.parametrize(
        "job", ["png-clip-3000x2900", "png-clip-3000x2900-tile", "webp-crop-2000x2000-overlay"]
    )
    @pytest.mark.parametrize("name", ["rgb.jpeg", "rgba.png", "palette.png", "still.gif"])
    def test_what_is_drawn_over_it_is_counted(
        self, folder: pathlib.Path, name: str, job: str
    ) -> None:
        """So is the search for a palette, in a PNG of what had one, which may end early."""
        path = large.made(folder, name, 12)
        free = suffices(job, path)
        if name != "still.gif":
            assert free["computed"] <= FACTOR * free["taken"] + SLACK

    @pytest.mark.parametrize("megapixels", [48, 108])
    @pytest.mark.parametrize("name", ["rgb.jpeg", "progressive.jpeg", "rgb.png", "rgb.avif"])
    def test_what_is_taken_can_be_rendered(
        self, folder: pathlib.Path, name: str, megapixels: int
    ) -> None:
        """An upload fits a worker with all its renditions, or is refused with the figures."""
        path = large.made(folder, name, megapixels)
        upload = worked("intake", path)
        if upload["outcome"] == "done":
            for job in ("jpeg-clip-800x800", "png-clip-1x1", "avif-crop-2000x2000"):
                outcome = worked(job, path)
                assert (job, outcome["outcome"]) == (job, "done")
                assert outcome["resident"] < RESIDENT
        else:
            assert upload["outcome"] == "UploadTooLarge"
            assert "needs" in upload["message"]
        assert (upload["outcome"] == "done") == (megapixels < 108 or name.endswith("jpeg"))

    @pytest.mark.parametrize(
        ("suffix", "output"), [("gif", "gif"), ("webp", "webp"), ("png", "avif")]
    )
    def test_a_long_animation_is_streamed(
        self, folder: pathlib.Path, suffix: str, output: str
    ) -> None:
        """Forty megapixels in sixty frames are never in memory together."""
        path = folder / f"film.{suffix}"
        if not path.exists():
            ground = samples.scene((944, 708))
            # Each differs from its neighbours; quantizing sixty takes longer than all the rest.
            frames = [ground.rotate(step).quantize(128) for step in range(4)] * 15
            how = {"lossless": False, "quality": 30, "method": 0} if suffix == "webp" else {}
            frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **how)
        outcome = worked(f"{output}-clip-200x200", path)
        assert outcome["outcome"] == "done"
        assert outcome["resident"] < 200 * 2**20
        assert outcome["taken"] <= max(outcome["computed"], outcome["floor"])


def test_the_figures_are_in_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it needs, and what a worker has; what fits says nothing."""
    monkeypatch.setattr(memory, "address_space", lambda: (646_000_000, 146_000_000))
    memory.Need("This picture", 484_000_000, 1).check()
    with pytest.raises(errors.ImageTooLarge) as refused:
        memory.Need("This picture of 12000x9000 pixels", 1, 600_000_000).check()
    assert refused.value.public == (
        "This picture of 12000x9000 pixels needs 616 MB of memory, and a worker has 500 MB "
        "for it (workers.memory_bytes)."
    )


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 0.0),
        ({"progressive": True}, 3.0),
        ({"progressive": True, "subsampling": "4:2:2"}, 4.0),
        ({"progressive": True, "subsampling": "4:4:4"}, 6.0),
    ],
)
def test_coefficients_of_progressive_jpeg_are_counted(
    tmp_path: pathlib.Path, options: dict[str, object], most: float
) -> None:
    """Two bytes for each sample, where there are several scans."""
    path = tmp_path / "photo.jpg"
    samples.scene((320, 240)).save(path, **options)
    counted = structure.counted(path, ("jpeg",), 1)
    assert counted.coefficients == most * 320 * 240


def test_coefficients_of_baseline_in_several_scans_are_counted(tmp_path: pathlib.Path) -> None:
    """The first scan does not hold all components, and Pillow shows all of them."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(large.scans_jpeg((320, 240)))
    assert structure.counted(path, ("jpeg",), 1).coefficients == 3 * 320 * 240
    with Image.open(path) as image:
        image.load()
    assert (image.mode, image.size) == ("RGB", (320, 240))


@pytest.mark.parametrize(
    ("subsampling", "planes"), [("4:2:0", 1.5), ("4:2:2", 2), ("4:4:4", 3), ("4:0:0", 1)]
)
def test_planes_of_avif_are_known(tmp_path: pathlib.Path, subsampling: str, planes: float) -> None:
    """Of a single picture and of the tiles of a grid."""
    tile = large.saved(samples.scene((64, 64)), "AVIF", subsampling=subsampling, speed=10)
    for data in (tile, large.avif_grid((128, 128), tile, 64)):
        path = tmp_path / "photo.avif"
        path.write_bytes(data)
        assert structure.counted(path, ("avif",), 1).planes == planes
        with decode.open_picture(path, samples.SETTINGS, 10**6) as image:
            image.load()


def test_deep_planes_take_two_bytes_a_sample() -> None:
    """Of AV1 and of HEVC, by their configurations."""
    av1 = bytes((0x81, 0, 0x4C, 0))
    assert structure.isobmff.properties.planes(b"av1C", av1) == 3
    hevc = bytes(16) + bytes((0xFD, 0xFA))
    assert structure.isobmff.properties.planes(b"hvcC", hevc) == 3
    assert structure.isobmff.properties.planes(b"hvcC", b"") == 0


def test_an_animated_webp_is_refused_before_its_canvases_are_made(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its library takes them as it opens the file."""
    monkeypatch.setattr(memory, "address_space", lambda: (646_000_000, 146_000_000))
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    data = bytearray(large.saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    data[24:30] = struct.pack("<I", 8_999)[:3] * 2
    path = tmp_path / "film.webp"
    path.write_bytes(data)
    with (
        pytest.raises(errors.ImageTooLarge, match="1636 MB"),
        decode.open_picture(path, samples.SETTINGS, 10**8),
    ):
        raise AssertionError


def test_an_upload_is_checked_with_its_largest_rendition(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long JPEG whose renditions cannot be decoded smaller needs more than its sketch."""
    path = tmp_path / "long.jpg"
    Image.new("RGB", (20_000, 2_000)).save(path)
    with decode.open_picture(path, samples.SETTINGS, 10**8) as image:
        sketch = memory.sketching(image, 48, 1).bytes
        need = max(
            memory.rendering(image, 1, part, size, Format.PNG, frames=1, bent=False, keeps=0).bytes
            for part in (image.size, (2000, 2000))
            for size in ((2000, 200), (2000, 2000))
        )
        assert sketch < need
        monkeypatch.setattr(memory, "address_space", lambda: (need, 0))
        memory.check_renderable(image, 1, False, Constraints())
        monkeypatch.setattr(memory, "address_space", lambda: (need - 1, 0))
        with pytest.raises(errors.ImageTooLarge):
            memory.check_renderable(image, 1, False, Constraints())


def test_a_strip_is_not_computed_at_sizes_that_it_never_has(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is cut out of it for a large box is as narrow as itself."""
    path = tmp_path / "strip.jpg"
    Image.new("RGB", (3, 62_728)).save(path)
    monkeypatch.setattr(memory, "address_space", lambda: (100_000_000, 0))
    with decode.open_picture(path, samples.SETTINGS, 10**8) as image:
        memory.check_renderable(image, 1, False, Constraints())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
@pytest.mark.parametrize("size", [(64, 48), (5, 4), (1, 1)])
def test_averaging_first_shows_the_same(
    monkeypatch: pytest.MonkeyPatch, mode: str, size: tuple[int, int]
) -> None:
    """A picture beyond the bounds of what is resampled whole, in bands and averaged."""
    picture = samples.scene((1600, 1200))
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture = picture.convert(mode)
    box = (0.0, 0.0, 1600.0, 1200.0)
    whole = resize.resize(picture, box, size)
    for name, value in (("WHOLE", 100_000), ("LARGE", 100_000), ("BAND", 50_000)):
        monkeypatch.setattr(resize, name, value)
    assert resize.reduction(picture.size, (1600, 1200), size) != (1, 1)
    reduced = resize.resize(picture, box, size)
    assert (reduced.mode, reduced.size) == (whole.mode, size)
    shown = [effects.flattened(picture, (255, 255, 255, 255)) for picture in (whole, reduced)]
    assert samples.psnr(*shown) > 35


def test_large_pictures_are_written_as_they_are_named() -> None:
    """Rows of a PNG in passes, and in depths."""
    for bits, colour, interlaced, mode in ((8, 2, True, "RGB"), (16, 0, False, "I;16")):
        data = large.png((70, 50), bits, colour, interlaced)
        with Image.open(io.BytesIO(data)) as image:
            image.load()
        assert (image.size, image.mode) == ((70, 50), mode)
