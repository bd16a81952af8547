"""Check of the codecs: decode and encode each format in use."""

import base64
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from PIL import Image, features

from liveresize import errors, imaging
from liveresize.core.formats import Format
from liveresize.core.jobs import ProbeJob, Rendered, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.imaging import decode, libjxl
from liveresize.imaging.settings import EngineSettings
from liveresize.maintenance.doctor.findings import Finding, ok, problem, warning

_SIZE = 64, 48
"""The size of the test picture: at least one block of every codec."""

_EXTRAS = {"heif": "pi-heif"}
"""Packages for formats that Pillow lacks, whose version is theirs."""

_NEEDED = {"heif": "pi-heif", "jxl": "liveresize[jxl]"}
"""What to install for them."""

_FILES = {
    "heif": base64.b64decode(
        b"AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
        b"AAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAAB4AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAA"
        b"AAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34"
        b"+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmu"
        b"bgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAA"
        b"QAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAACZtZGF0AAAAGigBrwY4Wvz9N/e5P//+"
        b"4Bvof62n6q8QmP1+"
    ),
    "jxl": bytes.fromhex(
        "ff0acb404071210804010084004b188b1500d41be36ed01e400424fa10d4a91b030c59df82f4705b3ed3625da80c"
    ),
}
"""Pictures of formats that Pillow does not write."""

_LIBRARIES = {
    "jpeg": "libjpeg_turbo",
    "png": "zlib",
    "webp": "webp",
    "avif": "avif",
    "tiff": "libtiff",
}


def look(settings: EngineSettings) -> Iterator[Finding]:
    """Check every format of `formats.input`, and every output format. Takes processor time."""
    with tempfile.TemporaryDirectory(prefix="liveresize-doctor-") as folder:
        for name in settings.formats.input:
            yield _read(name, Path(folder), settings)
        source = Path(folder, "source.png")
        _sample().save(source)
        for form in Format:
            if form is not Format.JXL or settings.jxl.made:
                yield _written(form, source, settings)
        if settings.jxl.missing:
            yield warning(
                "codec jxl",
                "jxl.enabled is true, and nothing here can write JPEG XL: `.jxl` is no extension.",
                f"Install {_NEEDED['jxl']}, or set jxl.enabled to false.",
            )


def _sample() -> Image.Image:
    return Image.radial_gradient("L").resize(_SIZE).convert("RGB")


def _read(name: str, folder: Path, settings: EngineSettings) -> Finding:
    """Check that a picture of that format can be decoded."""
    part = f"codec {name}"
    if not decode.accepted((name,)):
        return warning(
            part,
            f"formats.input lists {name}, which nothing here can read: it is not accepted.",
            f"Install {_NEEDED[name]}, or take {name} off that list.",
        )
    path = folder / f"picture.{name}"
    try:
        if name in _FILES:
            path.write_bytes(_FILES[name])
        else:
            _sample().save(path, decode.PILLOW_NAMES[name])
        imaging.perform(ProbeJob(path=str(path)), settings)
    except (errors.LiveResizeError, OSError, ValueError, KeyError, RuntimeError) as error:
        return _broken(part, f"A picture of that format cannot be read: {_reason(error)}.")
    return ok(part, f"It is read{_version(name)}.")


def _written(form: Format, source: Path, settings: EngineSettings) -> Finding:
    """Check that a rendition of that format can be encoded."""
    part = f"codec {form.value}"
    job = RenderJob(path=str(source), rendition=Rendition(format=form, width=32).canonical())
    try:
        rendered = imaging.perform(job, settings)
        assert isinstance(rendered, Rendered)
    except errors.LiveResizeError as error:
        return _broken(part, f"A picture of that format cannot be made: {_reason(error)}.")
    return ok(part, f"It is written, {len(rendered.data)} bytes in {rendered.encode_ms:.1f} ms.")


def _reason(error: Exception) -> str:
    if isinstance(error, errors.LiveResizeError):
        return error.detail or error.public
    return f"{type(error).__name__}: {error}"


def _broken(part: str, what: str) -> Finding:
    return problem(
        part, what, "Install Pillow from its wheel: pip install --force-reinstall Pillow."
    )


def _version(name: str) -> str:
    """Return the version of the library that decodes the format, if it is known."""
    if name in _EXTRAS:
        return f" by {_EXTRAS[name]} {metadata.version(_EXTRAS[name])}"
    if name == "jxl":
        return f" by libjxl {libjxl.version()}"
    library = _LIBRARIES.get(name)
    version = features.version(library) if library else None
    return f" by {library} {version}" if version else f" by Pillow {metadata.version('Pillow')}"
