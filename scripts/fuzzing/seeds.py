"""What is broken: small files of every format, URLs, forms and settings that are whole."""

import io
import os
import pathlib
from typing import Any

from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
CORPUS = ROOT / os.environ.get("LIVERESIZE_CORPUS", "../shared/corpus")

LARGEST = 64 * 1024
"""Bytes of a seed: larger ones are slow to decode, and most of them are only pixels."""


def pictures() -> list[bytes]:
    """Files made here, and those of the corpus that are small."""
    found = [_saved(kind, mode, **how) for kind, mode, how in _KINDS]
    if CORPUS.is_dir():
        files = sorted(path for path in CORPUS.rglob("*") if path.is_file())
        found += [path.read_bytes() for path in files if 0 < path.stat().st_size <= LARGEST]
    return found


_KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("JPEG", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"}),
    ("JPEG", "CMYK", {"progressive": True}),
    ("JPEG", "L", {"restart_marker_rows": 1}),
    ("PNG", "RGBA", {}),
    ("PNG", "P", {"transparency": 3}),
    ("PNG", "I;16", {}),
    ("PNG", "RGB", {"save_all": True}),
    ("GIF", "P", {"save_all": True, "transparency": 2, "disposal": 2}),
    ("WEBP", "RGBA", {"lossless": True}),
    ("WEBP", "RGBA", {"quality": 40}),
    ("WEBP", "RGB", {"save_all": True}),
    ("AVIF", "RGB", {"speed": 10}),
    ("AVIF", "RGBA", {"speed": 10, "save_all": True}),
)


def _saved(kind: str, mode: str, **how: Any) -> bytes:
    slope = Image.linear_gradient("L").resize((37, 29))
    picture = Image.merge("RGB", (slope, slope.rotate(90), slope.rotate(180))).convert(
        "L" if mode == "I;16" else mode
    )
    if mode == "I;16":
        picture = picture.convert("I").point(lambda level: level * 257).convert("I;16")
    if how.get("save_all"):
        how["append_images"] = [picture.rotate(90), picture.rotate(180)]
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


BUCKETS = (
    b"/pictures/0123456789abcdef0123456789abcdef-2448x3264?s=250&c=true",
    b"/a.b-c/x?s=%2B0250&animate=TRUE",
    b"/abc/m%C3%A4u?c=true",
    b"s=250&c=true,s=500, s=1024",
)

TARGETS = (
    b"/cat_8_6.jpg",
    b"/cat_800_600_2x.webp?fit=crop&gravity=0.25,0.75&quality=80&sig=abc&exp=99",
    b"/m%C3%A4u_0_120.auto?fit=canvas&bg=f0a8&blur=true&sharpen=1.5&rotate=90&flip=hv",
    b"/cat.json",
    b"/bucket/0123456789abcdef0123456789abcdef-640x480?s=250&c=true",
    b"/cat.png?preset=small&enlarge=false&animate=false&allow_webp=true&proxy=true",
)

FORM = (
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xd9\r\n--x--\r\n"
)
TWO_FIELDS = (
    b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\nGIF89a\r\n--x--'
)
FORMS = (FORM, TWO_FIELDS)

SETTINGS = (
    b'{"port": 1337, "constraints": {"max_width": 2000, "max_input": 30.5}}',
    b'{"formats": {"input": ["jpeg", "png"]}, "log": {"format": "ecs"}, "token": {"lifetime": 9}}',
    b'{"aws": {"bucket": "b", "access_key": "a", "secret": "s"}, "workers": {"slots": 2}}',
)
