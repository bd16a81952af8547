"""The pictures that are measured: those of the corpus, and larger ones made from them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from PIL import Image

from scripts.benchmarks import process

FOLDER = Path(os.environ.get("LIVERESIZE_CORPUS", process.ROOT.parent / "shared" / "corpus"))
PHOTO = FOLDER / "photos" / "2569067123_aca715a2ee_o.jpg"
LARGE = FOLDER / "photos" / "canon-1300d-18mp-gps.jpg"

MADE = process.ROOT / "scratch" / "pictures"


@dataclass(frozen=True)
class Source:
    """A picture to start from: what the tables call it, its format, and where it is."""

    title: str
    format: str
    path: Path


def need() -> None:
    """Raise ClickException where there is no corpus."""
    if not PHOTO.exists():
        raise click.ClickException(f"the corpus is not at {FOLDER}; set LIVERESIZE_CORPUS")


def sources() -> list[Source]:
    """Everything that the engines are measured on."""
    return [
        Source("6 MP", "jpeg", PHOTO),
        Source("8 MP, EXIF 6", "jpeg", FOLDER / "photos" / "vip-exif_test_img.jpg"),
        Source("12 MP, Display P3", "jpeg", FOLDER / "photos" / "012mp-bus.jpg"),
        Source("18 MP", "jpeg", LARGE),
        Source("24 MP", "jpeg", made_24_mp()),
        Source("0.4 MP", "png", FOLDER / "photos" / "kodim23.png"),
        Source("0.8 MP RGBA", "png", FOLDER / "colour" / "alpha-premultiply-1024x768-paper.png"),
        Source("6 MP", "png", reencoded("png")),
        Source("0.8 MP", "webp", FOLDER / "formats" / "4.webp"),
        Source("6 MP", "webp", reencoded("webp")),
        Source("1 MP", "avif", FOLDER / "formats" / "fox.avif"),
        Source("6 MP", "avif", reencoded("avif")),
    ]


def made_24_mp() -> Path:
    """The 18 MP photo scaled up to 6000×4000, saved as a camera would (quality 92, 4:2:2)."""
    path = MADE / "24mp.jpg"
    if not path.exists():
        MADE.mkdir(parents=True, exist_ok=True)
        with Image.open(LARGE) as image:
            larger = image.convert("RGB").resize((6000, 4000), Image.Resampling.BICUBIC)
        larger.save(path, quality=92, subsampling="4:2:2")
    return path


def reencoded(kind: str) -> Path:
    """The 6 MP photo in another format, at a usual quality."""
    path = MADE / f"6mp.{kind}"
    if not path.exists():
        MADE.mkdir(parents=True, exist_ok=True)
        settings: dict[str, dict[str, Any]] = {
            "png": {},
            "webp": {"quality": 85, "method": 4},
            "avif": {"quality": 75, "speed": 8},
        }
        with Image.open(PHOTO) as image:
            image.convert("RGB").save(path, **settings[kind])
    return path
