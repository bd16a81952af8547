"""libvips through pyvips: `thumbnail`, its own way to shrink on load, orient and convert."""

from typing import Any

import pyvips  # type: ignore[import-not-found]

from scripts.benchmarks.peers import program

SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif"}


def render(request: program.Request) -> program.Done:
    """One rendition by `thumbnail`."""
    # Without a profile, an output profile would only turn sRGB into sRGB, for 40 ms.
    tagged = pyvips.Image.new_from_file(request["source"]).get_typeof("icc-profile-data")
    image = pyvips.Image.thumbnail(
        request["source"],
        request["width"],
        height=request["height"],
        size="down",
        crop="centre" if request["crop"] else "none",
        **({"output_profile": "srgb"} if tagged else {}),
    )
    if request["format"] == "jpeg" and image.hasalpha():
        image = image.flatten(background=[255, 255, 255])
    arguments = _arguments(request["format"], request["settings"])
    data = image.write_to_buffer(SUFFIXES[request["format"]], keep="none", **arguments)
    return data, {}


def _arguments(kind: str, settings: program.Request) -> dict[str, Any]:
    quality = {"Q": settings["quality"]} if "quality" in settings else {}
    if settings.get("defaults"):
        return quality
    arguments: dict[str, dict[str, Any]] = {
        "jpeg": {
            "interlace": settings.get("progressive"),
            "optimize_coding": settings.get("optimize"),
            "subsample_mode": "on",
        },
        "png": {"compression": settings.get("level"), "filter": "all"},
        "webp": {"effort": settings.get("effort")},
        # libvips counts the other way round, from 9.
        "avif": {"effort": 9 - settings.get("speed", 0), "subsample_mode": "on"},
    }
    return quality | arguments[kind]


if __name__ == "__main__":
    pyvips.cache_set_max(0)
    program.serve(render)
