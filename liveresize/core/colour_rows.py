"""The rows of operations that say which colours and which brightness of an original stay."""

from liveresize.core.operation import Effect, choice

SRGB, P3 = "srgb", "p3"

COLOUR_ROWS = (
    choice(
        "colour",
        "The colours of the result. `p3` keeps Display P3, with its profile, of originals with "
        "colours beyond sRGB; others, and GIF, stay `srgb`.",
        Effect.RANGE,
        "cs",
        SRGB,
        (SRGB, P3),
        example=P3,
    ),
)
