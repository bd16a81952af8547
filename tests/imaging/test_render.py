"""The engine as a whole: sizes, what is kept, orientation, and shrinking on load."""

import hashlib
import itertools
import pathlib
import pickle

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core import geometry
from liveresize.core.formats import Format
from liveresize.core.jobs import Facts, IntakeJob, ProbeJob, Rendered, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.core.values import COMPASS, Fit, Gravity
from liveresize.imaging import orientation, perform, render

from . import samples

BOXES = [(40, 30), (30, 40), (150, 20), (7, 0), (0, 9), (1, 1), (90, 60), (0, 0)]
PLACES = {
    "northwest": samples.RED,
    "northeast": samples.GREEN,
    "southwest": samples.BLUE,
    "southeast": samples.YELLOW,
}


@pytest.mark.parametrize("enlarge", [True, False])
@pytest.mark.parametrize("fit", Fit)
def test_sizes_are_those_of_geometry(tmp_path: pathlib.Path, fit: Fit, enlarge: bool) -> None:
    """Every fit, gravity, box and rotation gives exactly the size that geometry foretells."""
    path = samples.saved(tmp_path / "a.jpg", samples.quarters((61, 43)), exif=samples.exif(6))
    for box, gravity, rotate in itertools.product(BOXES, ("north", "smart"), (0, 90)):
        wanted = samples.rendition(
            width=box[0],
            height=box[1],
            fit=fit,
            gravity=COMPASS[gravity],
            rotate=rotate,
            enlarge=enlarge,
        )
        result = render.render(path, wanted, samples.SETTINGS)
        size = geometry.output_size((43, 61), wanted)
        assert samples.opened(result.data).size == size


@pytest.mark.parametrize("size", [(200, 20), (20, 200), (900, 30), (30, 900)])
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "gif"])
def test_fill_shows_all_of_the_picture_in_any_ratio(
    tmp_path: pathlib.Path, kind: str, size: tuple[int, int]
) -> None:
    """Each quarter is where it was, whole, shrunk on load and taken lower before wider."""
    picture = samples.quarters((400, 600))
    path = samples.saved(tmp_path / f"a.{kind}", picture)
    _, made = samples.rendered(path, width=size[0], height=size[1], fit=Fit.FILL)
    made = made.convert("RGB")
    assert made.size == size
    assert samples.psnr(made, picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)) > 30
    for place, colour in PLACES.items():
        x = (0.25 if "west" in place else 0.75) * size[0]
        y = (0.25 if "north" in place else 0.75) * size[1]
        assert samples.near(made.getpixel((int(x), int(y))), colour, 40)


def test_fill_squeezes_every_frame(tmp_path: pathlib.Path) -> None:
    """An animation moves on in its new ratio."""
    colours = (samples.RED, samples.BLUE)
    first, *others = [Image.new("RGB", (40, 20), colour) for colour in colours]
    path = tmp_path / "a.gif"
    first.save(path, save_all=True, append_images=others, duration=50)
    for output in (Format.GIF, Format.WEBP):
        _, made = samples.rendered(path, width=10, height=60, fit=Fit.FILL, format=output)
        for number, colour in enumerate(colours):
            made.seek(number)
            assert made.size == (10, 60)
            assert samples.near(made.convert("RGB").getpixel((5, 50)), colour)


@pytest.mark.parametrize(("place", "colour"), PLACES.items())
def test_crop_keeps_what_gravity_says(
    tmp_path: pathlib.Path, place: str, colour: tuple[int, int, int]
) -> None:
    """A crop to a corner shows that corner alone, scaled to cover the box."""
    wide = samples.saved(tmp_path / "a.png", samples.quarters((400, 100)))
    tall = samples.saved(tmp_path / "b.png", samples.quarters((100, 400)))
    for path in (wide, tall):
        _, picture = samples.rendered(
            path, width=40, height=40, fit=Fit.CROP, gravity=COMPASS[place]
        )
        corner = (0 if "west" in place else 39, 0 if "north" in place else 39)
        assert samples.near(picture.getpixel(corner), colour)
    _, picture = samples.rendered(wide, width=40, height=40, fit=Fit.CROP, gravity=Gravity(100, 0))
    assert samples.near(picture.getpixel((39, 2)), samples.RED)


def test_crop_is_cut_to_the_fraction_of_a_pixel(tmp_path: pathlib.Path) -> None:
    """The window of a crop lies where geometry puts it, not on the nearest pixel."""
    scene = samples.scene((333, 251))
    path = samples.saved(tmp_path / "a.png", scene)
    wanted = samples.rendition(width=100, height=100, fit=Fit.CROP, gravity=Gravity(300, 700))
    plan = geometry.plan(scene.size, wanted)
    expected = scene.resize((100, 100), Image.Resampling.LANCZOS, box=plan.box)
    _, picture = samples.rendered(
        path, width=100, height=100, fit=Fit.CROP, gravity=Gravity(300, 700)
    )
    assert samples.psnr(picture, expected) > 45


@pytest.mark.parametrize("fields", [{}, {"height": 60, "fit": Fit.CROP, "gravity": Gravity(0, 0)}])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_all_orientations_look_the_same(
    tmp_path: pathlib.Path, suffix: str, fields: dict[str, object]
) -> None:
    """However a picture is stored, its EXIF orientation makes it the same rendition."""
    upright = samples.scene((480, 320))
    pictures = []
    for exif_orientation in range(1, 9):
        inverse = next(o for o in range(1, 9) if orientation.then(o, exif_orientation) == 1)
        path = tmp_path / f"{exif_orientation}.{suffix}"
        stored = orientation.turn(upright, inverse)
        quality = {"quality": 95, "subsampling": 0} if suffix == "jpg" else {}
        samples.saved(path, stored, exif=samples.exif(exif_orientation), **quality)
        pictures.append(samples.rendered(path, width=90, **fields)[1])
    assert all(samples.psnr(picture, pictures[0]) > 40 for picture in pictures)


@pytest.mark.parametrize(
    ("rotate", "flip", "corners"),
    [
        (90, "", "BRYG"),
        (180, "", "YBGR"),
        (270, "", "GYRB"),
        (0, "h", "GRYB"),
        (0, "v", "BYRG"),
        (0, "hv", "YBGR"),
        (90, "h", "RBGY"),
        (270, "v", "RBGY"),
    ],
)
def test_rotate_and_flip(tmp_path: pathlib.Path, rotate: int, flip: str, corners: str) -> None:
    """Rotation is clockwise, comes before flipping, and both before the box."""
    path = samples.saved(tmp_path / "a.png", samples.quarters((60, 40)))
    _, picture = samples.rendered(path, rotate=rotate, flip=flip, width=20)
    assert picture.height == (30 if rotate in (90, 270) else 13)
    right, bottom = picture.width - 1, picture.height - 1
    for at, name in zip([(0, 0), (right, 0), (0, bottom), (right, bottom)], corners, strict=True):
        colour = dict(zip("RGBY", PLACES.values(), strict=True))[name]
        assert samples.near(picture.getpixel(at), colour, 25), (at, name)


def test_gravity_is_that_of_the_flipped_picture(tmp_path: pathlib.Path) -> None:
    """`flip` comes before the box, so west is the west that is seen."""
    path = samples.saved(tmp_path / "a.png", samples.quarters((400, 100)))
    _, picture = samples.rendered(
        path, width=40, height=40, fit=Fit.CROP, gravity=COMPASS["west"], flip="h"
    )
    assert samples.near(picture.getpixel((2, 2)), samples.GREEN)


@pytest.mark.parametrize(
    "fields",
    [
        {"width": 333},
        {"width": 120},
        {"width": 57},
        {"width": 200, "height": 300, "fit": Fit.CROP},
        {"width": 150, "height": 150, "fit": Fit.CROP, "gravity": Gravity(1000, 1000)},
        {"width": 211, "rotate": 90, "flip": "h"},
    ],
)
def test_shrinking_on_load_does_not_shift(
    odd_pictures: list[tuple[pathlib.Path, pathlib.Path]], fields: dict[str, object]
) -> None:
    """Decoding a JPEG of odd sides smaller gives what decoding it whole gives."""
    for jpeg, whole in odd_pictures:
        fast, exact = (samples.rendered(path, **fields)[1] for path in (jpeg, whole))
        assert samples.psnr(fast, exact) > 35


@pytest.fixture(scope="module")
def odd_pictures(
    tmp_path_factory: pytest.TempPathFactory,
) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """A JPEG of odd sides, and the same pixels in a format that is always decoded whole."""
    folder = tmp_path_factory.mktemp("odd")
    pictures = []
    for exif_orientation in (1, 6, 7):
        tags = samples.exif(exif_orientation)
        jpeg = folder / f"{exif_orientation}.jpg"
        samples.saved(jpeg, samples.scene((1999, 1333)), quality=95, subsampling=0, exif=tags)
        with Image.open(jpeg) as decoded:
            path = folder / f"{exif_orientation}.png"
            pictures.append((jpeg, samples.saved(path, decoded, exif=tags, compress_level=1)))
    return pictures


def test_the_original_size_is_kept(tmp_path: pathlib.Path) -> None:
    """Without a box the pixels are those of the upright original."""
    scene = samples.scene((67, 41))
    path = samples.saved(tmp_path / "a.png", scene, exif=samples.exif(8))
    _, picture = samples.rendered(path)
    assert picture.tobytes() == orientation.turn(scene, 8).tobytes()


def test_what_a_worker_answers(tmp_path: pathlib.Path) -> None:
    """The answer names bytes, tag, format and what each stage took, and pickles."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((300, 200)))
    result, _ = samples.rendered(path, width=100, format=Format.WEBP)
    assert result.etag == hashlib.sha256(result.data).hexdigest()
    assert result.format is Format.WEBP
    assert min(result.decode_ms, result.resize_ms, result.encode_ms) > 0
    assert result.notes == ()
    assert pickle.loads(pickle.dumps(result)) == result


def test_the_same_job_gives_the_same_bytes(tmp_path: pathlib.Path) -> None:
    """Renditions are deterministic, `smart` included."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((300, 200)))
    fields = {"width": 50, "height": 90, "fit": Fit.CROP, "gravity": COMPASS["smart"]}
    tags = {samples.rendered(path, format=Format.JPEG, **fields)[0].etag for _ in range(3)}
    assert len(tags) == 1


def test_results_are_bounded_too(tmp_path: pathlib.Path) -> None:
    """A result with more pixels than may be decoded, or sides its format lacks, is refused."""
    path = samples.saved(tmp_path / "a.png", samples.quarters((20, 10)))
    with pytest.raises(errors.ImageTooLarge):
        samples.rendered(path, width=100, settings=samples.tuned(max_decode_pixels=4999))
    long = samples.saved(tmp_path / "b.png", samples.quarters((20_000, 1)))
    with pytest.raises(errors.ImageTooLarge):
        samples.rendered(long, format=Format.WEBP)


def test_smart_keeps_the_detail(tmp_path: pathlib.Path) -> None:
    """`smart` finds the one corner where something is to be seen, however it is stored."""
    picture = Image.new("RGB", (400, 300), (128, 128, 128))
    picture.paste(samples.scene((70, 60)), (310, 220))
    for exif_orientation in range(1, 9):
        inverse = next(o for o in range(1, 9) if orientation.then(o, exif_orientation) == 1)
        for suffix in ("png", "jpg"):
            path = tmp_path / f"{exif_orientation}.{suffix}"
            stored = orientation.turn(picture, inverse)
            samples.saved(path, stored, exif=samples.exif(exif_orientation))
            for box in ((40, 80), (80, 40)):
                _, smart = samples.rendered(
                    path, width=box[0], height=box[1], fit=Fit.CROP, gravity=COMPASS["smart"]
                )
                _, centre = samples.rendered(path, width=box[0], height=box[1], fit=Fit.CROP)
                assert _detail(smart) > 2 * _detail(centre)


def _detail(picture: Image.Image) -> float:
    """The spread of the levels of a picture."""
    levels = picture.convert("L").tobytes()
    mean = sum(levels) / len(levels)
    return float(sum((level - mean) ** 2 for level in levels) / len(levels)) + 1


def test_smart_on_nothing_is_the_middle(tmp_path: pathlib.Path) -> None:
    """Where nothing stands out, `smart` keeps the middle."""
    picture = Image.new("RGB", (301, 100), "grey")
    path = samples.saved(tmp_path / "a.png", picture)
    fields = {"width": 50, "height": 50, "fit": Fit.CROP}
    smart = samples.rendered(path, gravity=COMPASS["smart"], **fields)[0]
    assert smart.data == samples.rendered(path, **fields)[0].data


def test_every_field_reads_back_from_its_variant(tmp_path: pathlib.Path) -> None:
    """A rendition read back from its variant string renders the same bytes."""
    path = samples.saved(tmp_path / "a.png", samples.scene((90, 60)))
    wanted = samples.rendition(width=31, height=40, fit=Fit.CANVAS, blur=12, rotate=90, flip="v")
    again = Rendition.from_variant(wanted.variant)
    one, two = (render.render(path, it, samples.SETTINGS) for it in (wanted, again))
    assert one.etag == two.etag


def test_every_job_goes_through_one_door(tmp_path: pathlib.Path) -> None:
    """`perform` answers each kind of job with its own kind of result."""
    path = str(samples.saved(tmp_path / "a.png", samples.scene((90, 60))))
    job = RenderJob(path=path, rendition=samples.rendition(width=30))
    assert isinstance(perform(job, samples.SETTINGS), Rendered)
    assert isinstance(perform(ProbeJob(path=path), samples.SETTINGS), Facts)
    upload = IntakeJob(source=path, target=str(tmp_path / "original"))
    assert isinstance(perform(upload, samples.SETTINGS), Facts)
