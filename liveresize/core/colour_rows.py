"""The rows of operations that say which colours and which brightness of an original stay."""

from liveresize.core.operation import Effect, choice

SRGB, P3 = "srgb", "p3"

NONE, KEEP = "none", "keep"

HDR_LOST = (
    *("brightness", "contrast", "saturation", "pixelate", "tint", "grey"),
    *("overlay", "radius"),
)
"""The fields of a rendition that change pixels in a way that no gain map fits; so do `pad` and a
canvas."""

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
    choice(
        "hdr",
        "Whether a JPEG of a JPEG with a gain map has one, too, for HDR displays. No canvas, `pad` "
        "and `radius`, and no filter but `blur` and `sharpen` can have one.",
        Effect.RANGE,
        "hdr",
        NONE,
        (NONE, KEEP),
        example=KEEP,
    ),
)
