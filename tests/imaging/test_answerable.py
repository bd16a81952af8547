"""What an upload accepts is answered in every format, however it is damaged."""

import io
import pathlib
import random

import pytest
import tiers
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import Facts, IntakeJob
from liveresize.imaging import ingest

from . import films, samples

MUTATIONS = 120
"""How many damaged files are made of each animation."""

SETTINGS = samples.tuned(max_input_pixels=100_000, max_animation_pixels=1_000_000)


def moving(kind: str) -> bytes:
    """An animation of five small frames, a spot that wanders over a plain ground."""
    frames = []
    for step in range(5):
        frame = Image.new("RGBA", (24, 16), (30, 90, 200, 255))
        frame.paste((220, 40 * step, 30, 128), (4 * step, 3, 4 * step + 7, 12))
        frames.append(frame)
    data = io.BytesIO()
    frames[0].save(data, kind, save_all=True, append_images=frames[1:], duration=70, loop=0)
    return data.getvalue()


ORIGINALS = {
    "gif": moving("GIF"),
    "png": moving("PNG"),
    "webp": moving("WEBP"),
    "avif": moving("AVIF"),
    "made gif": films.random_gif(random.Random(13)).file(),
    "made png": films.random_png(random.Random(21)).file(),
}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` with some bytes changed, taken out or put in, anywhere or near the end."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(chance.choice((0, len(changed) // 2)), len(changed))
        size = chance.choice((1, 1, 2, 8))
        new = chance.randbytes(size) if chance.random() < 0.6 else chance.choice((b"", b"\xff"))
        changed[at : at + size] = new
    return bytes(changed)


def taken(source: pathlib.Path, **job: object) -> tuple[Facts, pathlib.Path] | None:
    """The facts of an upload and what is stored of it; None where it is refused."""
    target = source.with_name("stored")
    target.unlink(missing_ok=True)
    try:
        facts = ingest.ingest(IntakeJob(source=str(source), target=str(target), **job), SETTINGS)
    except errors.ImageError:
        return None
    return facts, target


@pytest.mark.parametrize("kind", tiers.rows(ORIGINALS, "png", "made gif"))
def test_what_is_accepted_is_answered_in_every_format(tmp_path: pathlib.Path, kind: str) -> None:
    """Films that are damaged end early, and no rendition of an accepted upload is refused."""
    chance = random.Random(kind)
    source = tmp_path / "upload"
    accepted = 0
    for _ in range(MUTATIONS):
        source.write_bytes(mutated(ORIGINALS[kind], chance))
        upload = taken(source)
        if upload is None:
            continue
        accepted += 1
        facts, target = upload
        for output in Format:
            result, picture = samples.rendered(target, format=output, settings=SETTINGS)
            assert result.format is output
            if output is Format.GIF:
                assert getattr(picture, "n_frames", 1) <= facts.frames
        assert ingest.probe(target, SETTINGS) == facts
        box = (0, 0, 1 + facts.width // 2, facts.height)
        cropped = taken(source, crop=box)
        assert cropped is not None
        assert cropped[0].frames <= facts.frames
    assert accepted > MUTATIONS // 20
