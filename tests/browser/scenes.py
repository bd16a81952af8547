"""Pictures whose every corner is known, so that a test sees what a knob has done."""

from PIL import Image, ImageChops, ImageFilter, ImageStat
from web import pictures

from .studio import File

RED, GREEN, BLUE, YELLOW = (220, 40, 40), (40, 180, 40), (40, 40, 220), (220, 200, 40)

SIZE = WIDTH, HEIGHT = (480, 320)


def quarters(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Red, green, blue and yellow quarters in reading order, with some grain."""
    plain = Image.new("RGB", (2, 2))
    for at, colour in enumerate((RED, GREEN, BLUE, YELLOW)):
        plain.putpixel((at % 2, at // 2), colour)
    grain = Image.effect_noise((width, height), 30).convert("RGB")
    return Image.blend(plain.resize((width, height), Image.Resampling.NEAREST), grain, 0.15)


def jpeg() -> bytes:
    """The quarters as a JPEG of SIZE."""
    return pictures.encoded(quarters(), "JPEG", quality=92)


def photo(name: str = "quarters.jpg") -> File:
    """The same as a file of the visitor's."""
    return File(name, jpeg())


def near(colour: tuple[int, ...], wanted: tuple[int, ...], reach: int = 45) -> bool:
    """Whether they look the same, but for grain and what the encoder has lost."""
    return all(abs(a - b) <= reach for a, b in zip(colour, wanted, strict=False))


def corners(picture: Image.Image) -> list[str]:
    """What the corners of a picture show, in reading order: `R`, `G`, `B`, `Y` or `?`."""
    smooth = picture.convert("RGB").filter(ImageFilter.BoxBlur(3))
    width, height = smooth.size
    known = {"R": RED, "G": GREEN, "B": BLUE, "Y": YELLOW}
    found = []
    for x, y in ((6, 6), (width - 7, 6), (6, height - 7), (width - 7, height - 7)):
        colour = smooth.getpixel((x, y))
        assert isinstance(colour, tuple)
        names = [name for name, wanted in known.items() if near(colour, wanted, 60)]
        found.append(names[0] if names else "?")
    return found


def detail(picture: Image.Image) -> float:
    """How much neighbouring pixels differ: blurring lowers it, sharpening raises it."""
    grey = picture.convert("L")
    moved = ImageChops.offset(grey, 1, 0)
    return ImageStat.Stat(ImageChops.difference(grey, moved)).mean[0]
