"""Parameters of pictures' addresses, with the values that `domain` takes."""

from liveresize.domain import names, urls
from liveresize.domain.formats import EXTENSIONS
from liveresize.domain.originals import GENERATION
from liveresize.domain.values import COMPASS, Fit
from liveresize.web.openapi.parts import Json, Parameter, schema

_FLAG = {"type": "boolean"}
_FRACTION = r"(0(\.[0-9]{1,99})?|1(\.0{1,99})?)"
_COLOUR = "^([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"


def _path(name: str, about: str, shape: Json, example: object) -> Parameter:
    return Parameter(name=name, place="path", about=about, shape=shape, example=example)


def query(name: str, about: str, shape: Json, example: object = None) -> Parameter:
    """A parameter of the query."""
    return Parameter(name=name, place="query", about=about, shape=shape, example=example)


def header(name: str, about: str, shape: Json | None = None, example: object = None) -> Parameter:
    """A header of the request."""
    shape = shape or {"type": "string"}
    return Parameter(name=name, place="header", about=about, shape=shape, example=example)


_NEVER = names.FORBIDDEN.pattern[1:-1]

ID_SHAPE = {
    "type": "string",
    "minLength": 1,
    "maxLength": names.MAX_BYTES,
    "pattern": f"^[^{_NEVER}]+$",
}
NAME_SHAPE = {**ID_SHAPE, "pattern": f"^[^_{_NEVER}][^{_NEVER}]*$"}
"""What begins with an underscore is an address of the server's own."""

NAME = _path(
    "name",
    f"The id of the picture: up to {names.MAX_BYTES} bytes of UTF-8, percent-encoded.",
    NAME_SHAPE,
    "sample",
)
WIDTH = _path("width", "Pixels across; 0 leaves that side free.", schema("Width"), 400)
HEIGHT = _path("height", "Pixels down; 0 leaves that side free.", schema("Height"), 0)
DENSITY = _path(
    "density",
    "Pixels a point of the screen; multiplies both sides.",
    {"type": "integer", "minimum": 1, "maximum": urls.MAX_DENSITY},
    2,
)
EXTENSION = _path(
    "ext",
    "The format, in letters of either case; `auto` is the best that `Accept` allows.",
    {"enum": [*EXTENSIONS, "auto"]},
    "jpg",
)
BUCKET = _path(
    "bucket",
    "A bucket that `vip.buckets` lists.",
    {"type": "string", "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"},
    "pics",
)
ID = _path(
    "id",
    "The id that the upload was given; those that vip gave are taken as they are.",
    ID_SHAPE,
    "6f1ed002ab5595859014ebf0951522d9-1440x960",
)
KEY = (
    _path(
        "generation",
        "Which upload of the picture.",
        {"type": "string", "pattern": f"^{GENERATION.pattern}$"},
        "01a200247b74f11b3a1f5d1b5dc5",
    ),
    _path(
        "file",
        "Which rendition.",
        {"type": "string", "pattern": "^[A-Za-z0-9.-]+$"},
        "400x0-qa82-jpeg.jpg",
    ),
)

EFFECTS = (
    query(
        "quality",
        "0–100, −1 is `auto`, and more than 100 is 100; for JPEG, WebP and AVIF. "
        "`auto` keeps that of a JPEG, and is as configured elsewhere.",
        {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": -1}], "default": "auto"},
        75,
    ),
    query(
        "blur",
        "A sigma in pixels, without an exponent; `true` is the configured one.",
        {"anyOf": [_FLAG, {"type": "number", "minimum": 0.3, "maximum": 100}], "default": False},
    ),
    query(
        "sharpen",
        "How much to sharpen after resizing, without an exponent.",
        {"type": "number", "minimum": 0, "maximum": 10, "default": 0},
    ),
    query(
        "rotate", "Degrees clockwise, after EXIF's own.", {"enum": [0, 90, 180, 270], "default": 0}
    ),
    query("flip", "Mirror across, down or both.", {"enum": ["h", "v", "hv"]}),
    query(
        "bg",
        "A colour in hex digits, with or without alpha, that fills `canvas` and lies "
        "under what JPEG cannot show through.",
        {
            "anyOf": [{"const": "transparent"}, {"type": "string", "pattern": _COLOUR}],
            "default": "ffffff",
        },
        "f0f0f0",
    ),
    query(
        "animate",
        "Whether an animated picture stays so where the format can.",
        {**_FLAG, "default": True},
    ),
    query(
        "allow_webp",
        "WebP instead of JPEG, PNG or GIF, where `Accept` has it.",
        {**_FLAG, "default": False},
    ),
    query(
        "proxy", "The bytes, never a redirect to where they are kept.", {**_FLAG, "default": False}
    ),
)
"""What any picture may be asked for with."""

PRESET = "preset"

FITTING = (
    query(
        "fit",
        "`clip` inside the box; `crop` fills it and is cut; `cover` is at least as "
        "large; `canvas` fills up with `bg`.",
        {"enum": list(Fit), "default": Fit.CLIP},
        Fit.CROP,
    ),
    query(
        "gravity",
        "What `crop` keeps and where `canvas` places: a direction, the most "
        "detailed region, or a focal point `x,y` of fractions.",
        {
            "anyOf": [
                {"enum": list(COMPASS)},
                {"type": "string", "pattern": f"^{_FRACTION},{_FRACTION}$"},
            ],
            "default": "center",
        },
        "smart",
    ),
    query("enlarge", "Whether a small original is scaled up; as configured where not said.", _FLAG),
    query(PRESET, "The name of parameters that stand for themselves.", schema("Preset")),
)
"""What only a box gives a meaning to."""

EXPIRY = query(
    "exp",
    "Unix seconds at which a signed address ends; part of what is signed.",
    {"type": "string"},
)

_PIXELS = {"type": "integer", "minimum": 0, "maximum": 999_999_999}

CROP = (
    query("x", "Pixels from the left of the upright picture; a crop takes all four.", _PIXELS),
    query("y", "Pixels from its top.", _PIXELS),
    query("width", "Pixels across that are kept.", {**_PIXELS, "minimum": 1}),
    query("height", "Pixels down that are kept.", {**_PIXELS, "minimum": 1}),
)

SQUARED = (
    query(
        "s",
        "At most so many pixels wide, never enlarged; what is no positive whole number "
        "is left out.",
        {"type": "string"},
        "250",
    ),
    query("c", "`true` cuts a square from the centre.", {"type": "string"}, "true"),
    query("animate", "`true` keeps an animation moving.", {"type": "string"}),
)
"""vip's own, which it reads leniently: anything goes, and what makes no sense means nothing."""

REQUEST_ID = header(
    "X-Request-Id", "An id that the answer and the log repeat, if it is a sane one."
)
IF_NONE_MATCH = header("If-None-Match", "ETags of what the client has.")
IF_MODIFIED_SINCE = header("If-Modified-Since", "Since when the client has what it has.")
RANGE = header("Range", "The one part that is wanted.", example="bytes=0-99")
IF_RANGE = header("If-Range", "The ETag of what the part is to complete.")
FRESHNESS = header(
    "Freshness-Token", "The configured `freshness`: renders anew, and keeps nothing."
)
WARMUP = header(
    "X-Vip-Warmup",
    "Renditions to make in the background, as their queries, with commas between.",
    example="s=250&c=true,s=500",
)

ASKED = (IF_NONE_MATCH, RANGE, IF_RANGE, REQUEST_ID)
"""What any GET of bytes may bring along."""
