"""Finished pixels to encode: what the engine makes of corpus pictures at some width."""

import io
from pathlib import Path

from PIL import Image

from liveresize.core.formats import Format
from liveresize.core.jobs import Rendered, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.imaging import perform
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Encoder
from scripts.benchmarks import corpus

PHOTOS = ("2569067123_aca715a2ee_o.jpg", "012mp-bus.jpg", "kodim23.png")
GRAPHIC = "vip-test_inspiration.png"


def shrunk(name: str, width: int) -> Image.Image:
    """A picture of the corpus's photos at `width`, enlarged where it is smaller."""
    return made(corpus.FOLDER / "photos" / name, width)


def made(path: Path, width: int) -> Image.Image:
    """The pixels of any picture at `width`."""
    rendition = Rendition(format=Format.PNG, width=width).canonical()
    settings = EngineSettings(encoder=Encoder(png_level=1))
    done = perform(RenderJob(path=str(path), rendition=rendition), settings)
    assert isinstance(done, Rendered)
    image = Image.open(io.BytesIO(done.data))
    image.load()
    return image
