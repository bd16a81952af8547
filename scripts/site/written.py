"""What is generated in docs/: parts of pages, and drawings, as they should stand."""

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.site import configuration, drawings, gallery, layout, marked
from scripts.site.pictures import DOCS

PAGES: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "urls.md": gallery.parts,
    "configuration.md": configuration.parts,
    "architecture.md": layout.parts,
}


def files() -> dict[Path, str]:
    """Each file by its path. Raises NoSuchPart, and OSError where a picture is missing."""
    made = {DOCS / name: drawing.svg() for name, drawing in drawings.FILES.items()}
    for name, parts in PAGES.items():
        path = DOCS / name
        text = path.read_text()
        for part, body in parts().items():
            text = marked.filled(text, part, body)
        made[path] = text
    return made
