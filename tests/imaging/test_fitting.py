"""`max_bytes`: the best quality that fits, in four encodes."""

import pathlib

import pytest
import tiers
from PIL import Image

from liveresize.core.formats import Format, Negotiated
from liveresize.core.values import Quality
from liveresize.imaging import encode, fitting

from . import samples

LOSSY = (Format.JPEG, Format.WEBP, Format.AVIF)


@pytest.fixture
def encodes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(level, bytes) of every still that is encoded."""
    found: list[tuple[int, int]] = []
    still = encode.still

    def counted(picture: Image.Image, output: Format, level: int, *rest: object, **how: object):
        data = still(picture, output, level, *rest, **how)  # type: ignore[arg-type]
        found.append((level, len(data)))
        return data

    monkeypatch.setattr(encode, "still", counted)
    return found


@pytest.mark.parametrize("output", tiers.rows(LOSSY, Format.JPEG, Format.WEBP))
def test_the_best_that_fits(
    tmp_path: pathlib.Path, output: Format, encodes: list[tuple[int, int]]
) -> None:
    """Within the bytes, near to them, in four encodes; never above the quality that was asked
    for, and the same file each time."""
    path = samples.saved(tmp_path / "a.png", samples.scene((700, 500)))
    fields = {"width": 600, "format": output, "quality": Quality.of(85)}
    whole, _ = samples.rendered(path, **fields)
    assert whole.quality is None
    for share in (0.9, 0.6, 0.4):
        most = int(len(whole.data) * share) // 1024 * 1024
        encodes.clear()
        made, shown = samples.rendered(path, **fields, max_bytes=most)
        assert 0.85 * most < len(made.data) <= most
        assert len(encodes) <= fitting.MOST_ENCODES
        assert (made.quality, len(made.data)) in encodes[1:]
        assert made.quality == max(level for level, size in encodes if size <= most)
        assert (shown.size, made.notes) == ((600, 429), ())
        assert samples.rendered(path, **fields, max_bytes=most)[0].data == made.data
    encodes.clear()
    roomy, _ = samples.rendered(path, **fields, max_bytes=1024 * 1024)
    assert (roomy.data, roomy.quality, len(encodes)) == (whole.data, 85, 1)


@pytest.mark.parametrize("output", LOSSY)
@pytest.mark.parametrize("asked", [3, 10, 11, 85])
def test_what_never_fits_is_as_small_as_it_gets(
    tmp_path: pathlib.Path, output: Format, asked: int, encodes: list[tuple[int, int]]
) -> None:
    """The lowest quality is 10, or what was asked for; a remark says that it is too large."""
    path = samples.saved(tmp_path / "a.png", samples.scene((700, 500)))
    made, _ = samples.rendered(
        path, width=700, format=output, quality=Quality.of(asked), max_bytes=1024
    )
    assert made.quality == min(asked, fitting.LOWEST)
    assert (made.quality, len(made.data)) == encodes[-1]
    assert (made.notes, len(encodes) <= fitting.MOST_ENCODES) == ((fitting.EXCEEDED,), True)


def test_any_growth_is_searched() -> None:
    """Steep, flat, in steps, or not even rising: in bounds, and what is returned fits if any
    did."""
    growths = {
        "line": lambda level: 1000 + 100 * level,
        "steep": lambda level: int(1.2**level) + 1,
        "flat": lambda level: 5000 + level // 9,
        "steps": lambda level: 1000 * (1 + level // 25),
        "falling": lambda level: 9000 - 10 * level,
    }
    for name, size in growths.items():
        for highest in (0, 9, 10, 11, 12, 13, 60, 100):
            for most in {1024, size(10) - 1, size(10), size(40), size(highest) - 1} - {0}:
                if size(highest) <= most:
                    continue
                tried = [highest]

                def made(level: int, size=size, tried=tried) -> bytes:  # type: ignore[no-untyped-def]
                    tried.append(level)
                    return bytes(size(level))

                data, level = fitting.fitted(made, Format.JPEG, highest, most, size(highest))
                about = (name, highest, most, tried)
                assert len(tried) <= fitting.MOST_ENCODES, about
                assert all(min(10, highest) <= each <= highest for each in tried), about
                assert len(data) == size(level), about
                fitting_ones = [each for each in tried if size(each) <= most]
                assert level == max(fitting_ones, default=min(10, highest)), about


def test_only_lossy_stills_are_fitted(tmp_path: pathlib.Path) -> None:
    """PNG has no quality, and an animation is encoded once; the remark says so of the latter."""
    path = samples.saved(tmp_path / "a.png", samples.scene((300, 200)))
    png, _ = samples.rendered(path, width=200, format=Format.PNG, max_bytes=1024)
    assert (png.quality, png.notes) == (None, ())
    frames = [samples.scene((200, 100)).rotate(turn) for turn in (0, 40, 80)]
    moving = samples.saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    fields = {"width": 150, "format": Negotiated(webp=True), "quality": Quality.of(80)}
    film, shown = samples.rendered(moving, **fields, max_bytes=1024)
    assert (film.format, shown.n_frames, film.notes) == (Format.WEBP, 3, (fitting.EXCEEDED,))
    assert film.data == samples.rendered(moving, **fields)[0].data
    assert film.quality == 80


def test_an_original_that_fits_is_sent_as_it_is(tmp_path: pathlib.Path) -> None:
    """Rather than once more with a loss; its bytes have no quality that was used."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((300, 200)), quality=30)
    fields = {"width": 300, "format": Format.JPEG, "quality": Quality.of(95)}
    size = path.stat().st_size
    made, _ = samples.rendered(path, **fields, max_bytes=-(-size // 1024) * 1024)
    assert (made.data, made.quality, made.notes) == (path.read_bytes(), None, ())
    less, _ = samples.rendered(path, **fields, max_bytes=size // 1024 * 1024)
    assert (len(less.data) < size, less.quality is not None) == (True, True)
