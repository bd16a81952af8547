"""The tables of docs/urls.md: each example's address, what it shows, and its picture."""

from PIL import Image

from liveresize.core.operations import OPERATIONS
from scripts.site import examples, marked, pictures
from scripts.site.examples import Example

NAMES = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "avif": "AVIF", "gif": "GIF"}


def parts() -> dict[str, str]:
    """Every part of the page by its name. Raises OSError where a picture is missing."""
    sections = {
        name: marked.table(("URL", "response", "image"), [_row(each) for each in section])
        for name, section in examples.SECTIONS.items()
    }
    rows = [
        (f"`{name}`", each.allowed[0].upper() + each.allowed[1:], each.about)
        for name, each in OPERATIONS.items()
    ]
    return sections | {"operations": marked.table(("parameter", "values", "meaning"), rows)}


def _row(example: Example) -> tuple[str, str, str]:
    path = pictures.FOLDER / example.file
    with Image.open(path) as picture:
        width, height = picture.size
        frames = getattr(picture, "n_frames", 1)
    measured = f"{width} × {height}, {NAMES[example.format]}, {path.stat().st_size:,} bytes"
    if frames > 1:
        measured += f", {frames} frames"
    address = f"`{example.path}`"
    if example.accept:
        address += f"<br>`Accept: {example.accept}`"
    said = example.says.replace("`", "")
    shown = f"![{said}](urls/{example.file})"
    return address, f"{example.says}<br>{measured}", shown
