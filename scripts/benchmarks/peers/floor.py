"""The three steps of our engine on a Pillow image, without what is around them.

Decoding, resizing and encoding a JPEG are what no server can leave out; what the whole of a
server takes is held against this.
"""

from PIL import Image

from liveresize.core.formats import Format
from liveresize.imaging import encode, resize, shrink
from liveresize.imaging.settings import EngineSettings
from scripts.benchmarks.peers import program


def render(request: program.Request) -> program.Done:
    """A JPEG of the width that is asked for, as liveresize ships: progressive."""
    with Image.open(request["source"]) as image:
        width, height = image.size
        size = (request["width"], round(height * request["width"] / width))
        scale = shrink.on_load(image, (width, height), size)
        image.load()
        picture = resize.resize(image, shrink.boxed((0, 0, width, height), scale), size)
    return encode.still(picture, Format.JPEG, request["settings"]["quality"], EngineSettings()), {}


if __name__ == "__main__":
    program.serve(render)
