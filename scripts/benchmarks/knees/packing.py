"""PNG: who packs and unpacks what Pillow filters, and how hard it tries."""

import functools
import statistics

from PIL import Image

from liveresize.imaging import png
from scripts.benchmarks import corpus, report
from scripts.benchmarks.knees import pictures, timing

WIDTH = 720

UNPACKERS = {
    "Pillow, the system's zlib": None,
    "zlib-ng": "zlib_ng.zlib_ng",
    "isal": "isal.isal_zlib",
}
PACKERS = {"zlib": None, "zlib-ng": "zlib_ng.zlib_ng"}
STRATEGIES = {"default": 0, "filtered": 1, "run-length": 3}
LEVELS = (2, 3, 6, 7, 9)


def tables(rounds: int) -> list[str]:
    """Reading the PNG sources, writing photos and graphics, and writing palettes."""
    photos = [pictures.shrunk(name, WIDTH).convert("RGB") for name in pictures.PHOTOS]
    graphic = pictures.shrunk(pictures.GRAPHIC, WIDTH)
    palettes = [image.convert("RGB").quantize(256) for image in (*photos, graphic)]
    kinds = {"photo": photos, "graphic": [graphic], "256 colours": palettes}
    return [
        "### PNG: decoding, by who unpacks",
        _unpacked(rounds),
        f"### PNG: three photos, an RGBA graphic and all four in 256 colours, {WIDTH} wide, each",
        _packed(kinds, rounds),
    ]


def _unpacked(rounds: int) -> str:
    sources = [one for one in corpus.sources() if one.format == "png"]
    rows = []
    usual = png.UNPACKER
    for name, module in UNPACKERS.items():
        png.UNPACKER = png._first(module) if module else None
        calls = [functools.partial(_load, str(source.path)) for source in sources]
        rows.append([name, *(f"{timing.ms(call, rounds):.1f}" for call in calls)])
    png.UNPACKER = usual
    return report.table(("by", *(f"{source.title}, ms" for source in sources)), rows)


def _load(path: str) -> None:
    with png.opened(path) or Image.open(path) as image:
        image.load()


def _packed(kinds: dict[str, list[Image.Image]], rounds: int) -> str:
    rows = []
    usual = png.PACKER
    for by, module in PACKERS.items():
        png.PACKER = png._first(module) if module else None
        for strategy, number in STRATEGIES.items():
            # Run-length searches for nothing, so the level means nothing to it.
            for level in LEVELS if number != png.RUN_LENGTH else (6,):
                row = [f"{by}, level {level}, {strategy}"]
                for images in kinds.values():
                    row += _cost(images, level, number, rounds)
                rows.append(row)
    png.PACKER = usual
    head = ["knob"]
    for kind in kinds:
        head += [f"{kind}, ms", "bytes"]
    return report.table(head, rows)


def _cost(images: list[Image.Image], level: int, strategy: int, rounds: int) -> list[str]:
    """Mean ms and bytes."""
    calls = [functools.partial(_encoded, image, level, strategy) for image in images]
    ms = statistics.mean(timing.ms(call, rounds) for call in calls)
    return [f"{ms:.1f}", f"{statistics.mean(len(call()) for call in calls):,.0f}"]


def _encoded(image: Image.Image, level: int, strategy: int) -> bytes:
    image.info = {}
    return png.encoded(image, level, strategy)
