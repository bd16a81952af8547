"""The headers that answers carry."""

from liveresize.metrics.requests import CACHES, NO_CACHE
from liveresize.web.openapi.parts import Header

_MAX_AGE = r"^(no-store|no-cache|(public|private), max-age=[0-9]+(, immutable)?)$"
_DATE = r"^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$"

REQUEST_ID = Header(
    name="X-Request-Id",
    about="The caller's own, if it sent a sane one, else a new one; the log knows it.",
    shape={"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$"},
    example="3f1c9a7be0d24c55",
    always=True,
)
CACHE_CONTROL = Header(
    name="Cache-Control",
    about="How long and by whom the answer may be kept; `no-store` of every error.",
    shape={"type": "string", "pattern": _MAX_AGE},
    example="public, max-age=86400",
    always=True,
)
EXPIRES = Header(
    name="Expires",
    about="The same for caches that do not know `Cache-Control`.",
    shape={"type": "string", "pattern": _DATE},
    example="Sun, 22 Nov 2026 07:00:00 GMT",
)
ORIGIN = Header(
    name="Access-Control-Allow-Origin",
    about="Pages of any origin may read the answer.",
    shape={"const": "*"},
)
EXPOSED = Header(
    name="Access-Control-Expose-Headers",
    about="What pages may read beyond the usual.",
    example="X-Redirect-Info",
    always=True,
)
METHODS = Header(
    name="Access-Control-Allow-Methods", about="What pages may do.", example="GET, HEAD, POST"
)
ALLOWED = Header(
    name="Access-Control-Allow-Headers",
    about="What pages may send.",
    example="X-Token, Content-Type",
)
PREFLIGHT_AGE = Header(
    name="Access-Control-Max-Age",
    about="Seconds for which the preflight counts.",
    shape={"type": "integer"},
    example=86400,
)
VARY = Header(
    name="Vary",
    about="What else the answer depends on: `Accept` where the format was negotiated.",
    example="Accept",
)
ETAG = Header(
    name="ETag",
    about="The SHA-256 of the bytes, in quotes.",
    shape={"type": "string", "pattern": '^"[0-9a-f]{64}"$'},
    example='"065421e1a680a8aec9c4e3e7739a0f75915339e46f558f94b33e19074b50cc84"',
)
MODIFIED = Header(
    name="Last-Modified",
    about="When the picture was uploaded.",
    shape={"type": "string", "pattern": _DATE},
    example="Sun, 22 Nov 2026 07:00:00 GMT",
)
RANGES = Header(
    name="Accept-Ranges", about="Parts can be asked for.", shape={"const": "bytes"}, example="bytes"
)
CONTENT_RANGE = Header(
    name="Content-Range",
    about="Which bytes these are, and of how many; `bytes */n` where the range is refused.",
    shape={"type": "string", "pattern": r"^bytes ([0-9]+-[0-9]+|\*)/[0-9]+$"},
    example="bytes 0-99/10916",
    always=True,
)
LOCATION = Header(
    name="Location",
    about="Where to go on; relative for addresses of this server.",
    example="/sample_2000_1333.jpg",
    always=True,
)
REDIRECT_INFO = Header(
    name="X-Redirect-Info",
    about="Why the size that was asked for cannot be had.",
    always=True,
)
CACHE = Header(
    name="X-Cache",
    about="Where the bytes, or the way to them, came from.",
    shape={"enum": [each for each in CACHES if each != NO_CACHE]},
    example="MISS",
)
TIMING = Header(
    name="Server-Timing",
    about="Milliseconds in the queue, of decoding, resizing and encoding, and in all; only "
    "where the picture was rendered for this answer.",
    shape={"type": "string", "pattern": r"^queue;dur=[0-9.]+, decode;dur=.*, total;dur=[0-9.]+$"},
    example="queue;dur=0.2, decode;dur=6.1, resize;dur=1.9, encode;dur=4.4, total;dur=12.6",
)
TIMING_ORIGIN = Header(
    name="Timing-Allow-Origin",
    about="Pages of any origin may read `Server-Timing`.",
    shape={"const": "*"},
)
TAG = Header(
    name="Cache-Tag", about="The name of the picture, for purging a CDN.", example="sample"
)
SURROGATE = Header(
    name="Surrogate-Key", about="The same, for CDNs that call it so.", example="sample"
)
NOSNIFF = Header(
    name="X-Content-Type-Options",
    about="The media type is what it says.",
    shape={"const": "nosniff"},
)
POLICY = Header(
    name="Content-Security-Policy",
    about="Of stored originals: browsers show them, and run nothing in them.",
)
ANIMATION = Header(
    name="X-Animation",
    about="The animation was too long and became still.",
    shape={"const": "truncated"},
)
RETRY = Header(
    name="Retry-After",
    about="Seconds after which asking again makes sense.",
    shape={"type": "integer", "minimum": 1},
    example=1,
    always=True,
)
AUTHENTICATE = Header(
    name="WWW-Authenticate",
    about="That something secret is missing.",
    shape={"const": "Bearer"},
    always=True,
)

EVERY = (REQUEST_ID, CACHE_CONTROL)
"""What every answer has, but for those of preflights."""

ERROR = (*EVERY, NOSNIFF.required)

AGE = (REQUEST_ID, CACHE_CONTROL, EXPIRES, VARY)

PICTURE = (
    *AGE,
    ORIGIN.required,
    NOSNIFF.required,
    TAG.required,
    SURROGATE.required,
    ETAG,
    MODIFIED,
    CACHE,
    POLICY,
)
"""What every answer about a picture has or may have."""

BYTES = (*PICTURE, RANGES.required, TIMING, TIMING_ORIGIN, ANIMATION)
"""What goes with the bytes of one."""
