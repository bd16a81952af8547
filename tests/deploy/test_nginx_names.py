"""Which picture nginx takes a path to be about: the same one that liveresize does."""

import http.client
import random
from pathlib import Path
from urllib.parse import quote

from liveresize import errors
from liveresize.core import names, originals, urls
from liveresize.core.operation import UrlRules

from .nginx import Nginx, needs_nginx

pytestmark = needs_nginx

ECHO = """
server {
    listen 127.0.0.1:EXTRA_PORT;
    keepalive_requests 100000;
    location / {
        default_type text/plain;
        add_header X-Place $liveresize_place;
        return 200 $liveresize_image;
    }
}
"""

NAMES = [
    "cat",
    "Cat",
    "two words",
    "a+b",
    "100%",
    "50%25",
    "%41",
    "what?",
    "a#b",
    "a&b=c;d",
    "Zoë",
    "猫",
    "🐈‍⬛",
    "a.b.c",
    "v1.2",
    ".hidden",
    "trailing.",
    "cat.tar",
    "x_1",
    "x_1_",
    "_1_2",
    "1_2_3",
    "cat_10_20x",
    "cat_-5_3",
    "a_12345678901_5",
    "warmup",
    "upload",
    "tokens",
    "renditions",
    "jpg",
    "x" * 255,
    "ü" * 127,
    "\u00a0",
    "a\u200bb",
    "o'neill",
    '"quoted"',
    "{x}",
    "$uri",
    "~tilde",
    "a:b@c",
    "*",
]
"""Names that tell a sloppy pattern from an exact one; not all may be given to new pictures."""

ENDINGS = [
    "_8_6.jpg",
    "_8_6_2x.png",
    "_0_400.AUTO",
    "_008_0_20x.webp",
    "_8_6.tiff",
    "_8_6_1.5x.jpg",
    "_8_6_2X.Png",
    "_8_6_1.33333X.auto",
    "_8_6_1.5x.json",
    "_8_6_1.5x.tiff",
    "_8_6_1.5x",
    "_8_6_.5x.jpg",
    "_1_2_3_4.gif",
    "_8_6_2x_9_9.avif",
    "",
    ".jpg",
    ".JPEG",
    ".jfif",
    ".jpe",
    ".png",
    ".webp",
    ".avif",
    ".gif",
    ".json",
    ".auto",
    ".tiff",
    ".jpg.png",
]


def encodings(segment: str) -> list[str]:
    """The segment as browsers write it, fully encoded, and with an escape here and there."""
    chance = random.Random(segment)
    plain = quote(segment, safe="")
    full = "".join(f"%{byte:02X}" for byte in segment.encode())
    mixed = "".join(
        f"%{ord(c):02x}" if c.isascii() and chance.random() < 0.3 else quote(c, safe="+:@&=;$,'*")
        for c in segment
    )
    return [plain, full, mixed]


def test_nginx_finds_the_picture_of_an_object(tmp_path: Path) -> None:
    """Whichever engine made it: the same instance as for the picture's own URL."""
    with Nginx(tmp_path, [9], extra=ECHO) as nginx:
        connection = http.client.HTTPConnection("127.0.0.1", nginx.extra_port)
        for name in ("cat", "pets/cat", "~tilde"):
            for engine in ("1", "2", "2.1"):
                file = originals.file_name("400x0-qa82-jpeg", engine, "jpg")
                connection.request("GET", f"/_renditions/{name}/{'0' * 28}/{file}")
                assert connection.getresponse().read().decode() == name
        connection.close()


def test_uploads_with_the_extensions_of_cameras_go_to_the_same_instance(tmp_path: Path) -> None:
    """liveresize ignores any; nginx those that clients do send, of whatever names a picture."""
    same = ["/cat", "/cat_8_6.jpg", "/cat.jpg", "/cat.json", "/cat.HEIC", "/cat.heif", "/cat.bmp"]
    same += ["/_uploads/cat", "/_uploads/cat/0f", "/_uploads/c%61t.heic/0f", "/_uploads/cat.JPG"]
    same += ["/cat.tif", "/cat.tiff_8_6.jpg", "/cat.tiff", "/cat.svg_8_6_1.5x.png"]
    with Nginx(tmp_path, [9], extra=ECHO) as nginx:
        connection = http.client.HTTPConnection("127.0.0.1", nginx.extra_port)
        for path in [*same, "/cat.v2", "/cat.v2_8_6.jpg"]:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.headers["X-Place"] == ("cat" if path in same else "cat.v2"), path
        connection.close()


def test_nginx_reads_names_as_liveresize_does(tmp_path: Path) -> None:
    """Every path of a picture is hashed by exactly the name that `urls.parse` finds."""
    paths = [
        f"/{encoded}"
        for name in NAMES
        for ending in ENDINGS
        for encoded in encodings(name + ending)
    ]
    wrong, tried = [], 0
    with Nginx(tmp_path, [9], extra=ECHO) as nginx:
        connection = http.client.HTTPConnection("127.0.0.1", nginx.extra_port)
        for path in paths:
            try:
                expected = urls.parse(path, "", UrlRules()).image.key
            except errors.MalformedUrl:
                continue
            if expected.startswith("_") or expected in names.RESERVED:
                continue  # no picture's name
            connection.request("GET", path + "?fit=crop")
            found = connection.getresponse().read().decode()
            tried += 1
            if found != expected:
                wrong.append((path, found, expected))
        connection.close()
    assert wrong == []
    assert tried > 1000
