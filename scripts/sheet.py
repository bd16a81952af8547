"""`scripts/contact_sheet`: the corpus through the engine, before and after, on one page."""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from PIL import Image, ImageDraw, ImageFont, ImageSequence

from liveresize.core import urls
from liveresize.core.operation import UrlRules
from liveresize.imaging import render
from liveresize.imaging.settings import EngineSettings

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / os.environ.get("LIVERESIZE_CORPUS", "../shared/corpus")
SHEET = ROOT / "docs" / "contact-sheet.png"

TILE = (92, 70)
"""(width, height) of the room for one picture, in pixels."""

ACROSS = 10
MARGIN, LABEL, HEADING = 6, 13, 24
PAPER, INK, FAINT = "white", "#202020", "#707070"
CHECKS = ("#c8c8c8", "#f0f0f0")
CHECK = 6
"""The side of one field of the board that shows through transparent pixels."""

STEPS = 42
"""Levels of the page are rounded to so many steps, by 3 at most: that halves the file."""

STILL = 100.0
"""Milliseconds for which a frame is shown that does not say how long."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture and what stands under it."""

    picture: Image.Image
    label: str


Row = Sequence[Tile]


def stored(path: str) -> Image.Image:
    """The pixels of a file as they are stored: not turned, no profile applied."""
    with Image.open(CORPUS / path) as image:
        if image.format == "JPEG":
            image.draft(None, (2 * TILE[0], 2 * TILE[1]))
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def made(path: str, rest: str) -> Image.Image:
    """What the engine makes of a file at an address that ends in `rest`."""
    request = urls.parse(f"/x{rest}", "", UrlRules())
    assert isinstance(request, urls.RenditionRequest)
    result = render.render(CORPUS / path, request.rendition, EngineSettings())
    return Image.open(io.BytesIO(result.data))


def boxed(rest: str = "png") -> str:
    """The end of an address of something that fills a tile."""
    extension, _, query = rest.partition("?")
    return f"_{TILE[0]}_{TILE[1]}.{extension}" + (f"?{query}" if query else "")


def pair(path: str, label: str, rest: str = "png") -> Row:
    """A file as it is stored, and as it comes out."""
    return [Tile(stored(path), f"{label}: stored"), Tile(made(path, boxed(rest)), "rendered")]


def colours() -> Iterator[Row]:
    """Profiles, CMYK and depths: without conversion on the left, rendered on the right."""
    folder = "colour/"
    files = [
        ("colorchecker_ECI_RGB_v2.jpg", "eciRGB"),
        ("colorchecker_sRGB.jpg", "its sRGB twin"),
        ("jpg-24bit-icc-adobe-rgb.jpg", "Adobe RGB"),
        ("test_icc_prophoto.jpg", "ProPhoto"),
        ("../photos/012mp-bus.jpg", "Display P3"),
        ("Channel_digital_image_CMYK_color.jpg", "CMYK, ICC"),
        ("pil_sample_cmyk.jpg", "CMYK, Adobe"),
        ("pil_sample_rgb.jpg", "its RGB twin"),
        ("corrupted-icc-srgb.jpg", "broken ICC"),
        ("../formats/concert.jpg", "grey ICC"),
        ("gain-map.jpg", "gain map"),
        ("../formats/Flag_of_the_Netherlands-16bit.png", "16 bits"),
        ("../formats/basn0g16.png", "16-bit grey"),
        ("../formats/50020484-00001.png", "1 bit"),
        ("cmyk-orientation6.jpg", "CMYK, turned"),
    ]
    for at in range(0, len(files), ACROSS // 2):
        yield [
            tile
            for name, label in files[at : at + ACROSS // 2]
            for tile in pair(folder + name, label)
        ]


def orientations() -> Iterator[Row]:
    """One photograph stored in eight ways, and other pictures that are stored turned."""
    series = [f"orientation/Landscape_{number}.jpg" for number in range(1, 9)]
    others = {
        "orientation/orientation-6.png": "PNG, 6",
        "orientation/rot1mir0.avif": "AVIF, irot",
    }
    labels = {path: f"EXIF {path[-5]}" for path in series} | others
    yield [Tile(stored(path), f"{label}: stored") for path, label in labels.items()]
    yield [Tile(made(path, boxed()), "rendered") for path in labels]


def transparencies() -> Iterator[Row]:
    """Alpha as it is stored, kept in PNG and WebP, and laid on white or red in JPEG."""
    files = {
        "colour/alpha-premultiply-1024x768-paper.png": "hidden colour",
        "formats/transparent.gif": "GIF",
        "formats/tbgn2c16.png": "tRNS, 16 bits",
        "formats/16-bit-grey-alpha.png": "grey, 16 bits",
        "formats/gopher-front.avif": "AVIF",
        "formats/Flag_of_the_Netherlands-alpha.png": "palette",
    }
    ways = [("png", "png"), ("webp", "webp"), ("jpg", "jpg"), ("jpg?bg=d00", "jpg on red")]
    tiles = [
        [Tile(stored(path), f"{label}: stored")]
        + [Tile(made(path, boxed(rest)), word) for rest, word in ways]
        for path, label in files.items()
    ]
    for left, right in zip(tiles[::2], tiles[1::2], strict=True):
        yield [*left, *right]


def fits() -> Iterator[Row]:
    """One photograph through what a URL can ask for."""
    path = "photos/vip-exif_test_img.jpg"
    asked = {
        "clip": "",
        "crop": "fit=crop",
        "crop, smart": "fit=crop&gravity=smart",
        "crop, north": "fit=crop&gravity=north",
        "canvas": "fit=canvas&bg=d0e0f0",
        "blur 2": "fit=crop&blur=2",
        "sharpen 3": "fit=crop&sharpen=3",
        "rotate 90": "rotate=90",
        "flip h": "flip=h",
        "quality 5": "fit=crop&quality=5",
    }
    yield [Tile(made(path, boxed(f"jpg?{query}")), label) for label, query in asked.items()]


def frames(picture: Image.Image, count: int) -> list[Image.Image]:
    """What an animation shows at `count` moments, evenly spread over one run of it."""
    shown: list[tuple[float, Image.Image]] = []
    until = 0.0
    for frame in ImageSequence.Iterator(picture):
        # Loading tells the duration of some formats.
        composed = frame.convert("RGBA")
        until += picture.info.get("duration") or STILL
        shown.append((until, composed))
    moments = [until * index / count for index in range(count)]
    return [next(each for end, each in shown if moment < end) for moment in moments]


def animations() -> Iterator[Row]:
    """The same moments of animations, stored above and rendered below."""
    half = ACROSS // 2
    files = [
        ("animated/rotating-squares.gif", "gif"),
        ("animated/animated.png", "webp"),
        ("animated/dispose_bgnd.gif", "webp"),
        ("animated/star.avifs", "gif"),
        ("animated/rotating-squares.webp", "avif"),
        ("animated/vip-animated.gif", "webp"),
    ]
    for pairing in zip(files[::2], files[1::2], strict=True):
        before: list[Tile] = []
        after: list[Tile] = []
        for path, extension in pairing:
            name = path.rpartition(".")[2]
            with Image.open(CORPUS / path) as image:
                before += [Tile(each, f"{name}: stored") for each in frames(image, half)]
            result = made(path, boxed(extension))
            after += [Tile(each, f"{extension}: rendered") for each in frames(result, half)]
        yield before
        yield after


SECTIONS = [colours, orientations, transparencies, fits, animations]


def placed(page: Image.Image, tile: Tile, left: int, top: int) -> None:
    """Draw one tile, its picture shrunk where it is too large and on a board of checks."""
    picture = tile.picture.convert("RGBA")
    if picture.width > TILE[0] or picture.height > TILE[1]:
        picture.thumbnail(TILE, Image.Resampling.LANCZOS)
    board = Image.new("RGBA", picture.size, CHECKS[1])
    pen = ImageDraw.Draw(board)
    for y in range(0, picture.height, CHECK):
        for x in range(y // CHECK % 2 * CHECK, picture.width, 2 * CHECK):
            pen.rectangle((x, y, x + CHECK - 1, y + CHECK - 1), CHECKS[0])
    shown = Image.alpha_composite(board, picture).convert("RGB")
    page.paste(shown, (left, top + TILE[1] - picture.height))
    font = ImageFont.load_default(9.5)
    ImageDraw.Draw(page).text((left, top + TILE[1] + 1), tile.label, FAINT, font)


def composed(sections: Sequence[tuple[str, Sequence[Row]]]) -> Image.Image:
    """The page: each section under its heading, its rows one below the other."""
    step = (TILE[0] + MARGIN, TILE[1] + LABEL + MARGIN)
    height = sum(HEADING + len(rows) * step[1] for _, rows in sections)
    page = Image.new("RGB", (ACROSS * step[0] + MARGIN, height + MARGIN), PAPER)
    top = MARGIN
    for heading, rows in sections:
        font = ImageFont.load_default(14)
        ImageDraw.Draw(page).text((MARGIN, top), heading, INK, font)
        top += HEADING
        for row in rows:
            for column, tile in enumerate(row):
                placed(page, tile, MARGIN + column * step[0], top)
            top += step[1]
    return page


@click.command()
@click.option("--to", type=click.Path(path_type=Path), default=SHEET, help="Where to write it.")
def main(to: Path) -> None:
    """Render the contact sheet from the corpus (LIVERESIZE_CORPUS)."""
    if not CORPUS.is_dir():
        raise click.ClickException(f"There is no corpus at {CORPUS}: set LIVERESIZE_CORPUS.")
    page = composed([((make.__doc__ or "").strip(), list(make())) for make in SECTIONS])
    page = page.point([round(level * STEPS / 255) * 255 // STEPS for level in range(256)] * 3)
    page.save(to, optimize=True)
    click.echo(f"{to}: {page.width} × {page.height} pixels, {to.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
