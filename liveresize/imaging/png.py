"""PNG with faster deflates than the zlib that Pillow finds on the system.

Pillow keeps all that is PNG about it: filters, depths, interlacing, palettes. Only the
packing is done here; what passes between is deflate that is stored as it is. Where no
wheel is installed (`UNPACKER` or `PACKER` is None) Pillow does that too.
"""

import contextlib
import importlib
import io
import os
import struct
import types
from typing import IO, Any

from PIL import Image, PngImagePlugin


def _first(*names: str) -> types.ModuleType | None:
    """The first of these modules that is installed."""
    for name in names:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


UNPACKER = _first("isal.isal_zlib", "zlib_ng.zlib_ng")
"""Three and two times as fast as zlib; both speak as Python's own module of it does."""

PACKER = _first("zlib_ng.zlib_ng")
"""Three times as fast. (Of isal's levels the best is 5 % larger than run-length.)"""

DEFAULT, FILTERED, RUN_LENGTH = 0, 1, 3
"""Strategies of zlib: for anything, for what PNG's filters leave, and to find only runs."""

LEAST = 2
"""The first level of zlib-ng makes files a third larger, and saves a sixth of the time."""

DEFLATED, WINDOW, MEMORY = 8, 15, 9
"""What else zlib is told: the method, and the most memory, as Pillow does."""

HEADER = b"\x78\x01"
"""How a zlib stream begins."""

BLOCK = 65_535
"""The most bytes in a stored block of deflate."""

NO_PNG = (SyntaxError, IndexError, TypeError, struct.error)
"""What `Image.open` takes for a sign that a file is something else."""


class _Stumbled(Exception):
    """The pixels cannot be unpacked, or end too soon."""


def opened(path: str | os.PathLike[str]) -> Image.Image | None:
    """The still PNG at `path`, its header read; None for anything else, a broken one included."""
    if UNPACKER is None:
        return None
    try:
        return QuickPNG(os.fspath(path))
    except NO_PNG:
        return None


class QuickPNG(PngImagePlugin.PngImageFile):
    """An opened PNG. Where unpacking fails Pillow starts anew, and says what is wrong."""

    whole = True
    """Whether the stream of the pixels has its end, and no more behind it; once they are loaded."""

    _inflate: Any = None
    _ahead = b""

    def load(self) -> Any:
        """Decode, once. Raises what Pillow raises for the file."""
        if UNPACKER is None or not self.tile:
            return super().load()
        assert self.fp is not None
        assert self.png is not None
        start, config = self.fp.tell(), self.decoderconfig
        self._inflate, self._ahead = UNPACKER.decompressobj(), HEADER
        try:
            return super().load()
        except (_Stumbled, UNPACKER.error):
            self.fp.seek(start)
            self.png.queue, self.decoderconfig = [], config
        finally:
            self._inflate = None
        return super().load()

    def load_read(self, read_bytes: int) -> bytes:
        """The next piece of the pixels: as packed as it is in the file, or in a stored block.

        Raises _Stumbled instead of ending in the latter case.
        """
        if self._inflate is None:
            return super().load_read(read_bytes)
        piece = b""
        while not piece:
            packed = self._inflate.unconsumed_tail or self._next(read_bytes)
            piece = self._inflate.decompress(packed, BLOCK)
            if not (piece or packed):
                raise _Stumbled
        head, self._ahead = self._ahead, b""
        return head + _stored(piece)

    def load_end(self) -> None:
        """Look how the stream ends, then read what stands behind it as Pillow does."""
        if self._inflate is not None:
            self.whole = self._ends()
        super().load_end()

    def _ends(self) -> bool:
        """Whether the stream ends where the rows do."""
        assert UNPACKER is not None
        try:
            while not self._inflate.eof:
                packed = self._inflate.unconsumed_tail or self._next(BLOCK)
                if not packed or self._inflate.decompress(packed, BLOCK):
                    return False
            return not self._inflate.unused_data and not super().load_read(1)
        except (_Stumbled, UNPACKER.error, *NO_PNG):
            return False

    def _next(self, size: int) -> bytes:
        """The next packed bytes, `size` at most; b"" after the last. Raises _Stumbled."""
        if self._inflate.eof:
            raise _Stumbled
        try:
            return super().load_read(size)
        except (*NO_PNG, OSError) as exc:
            raise _Stumbled from exc


def _stored(piece: bytes) -> bytes:
    """A block of deflate, not the last, that holds `piece` as it is."""
    return struct.pack("<BHH", 0, len(piece), len(piece) ^ 0xFFFF) + piece


def encoded(picture: Image.Image, level: int, strategy: int, **told: Any) -> bytes:
    """`picture` as a file, packed by zlib's `level` 1–9 and `strategy`.

    `told` is what Pillow is told besides, as `icc_profile`.
    """
    file = io.BytesIO()
    if PACKER is None:
        picture.save(file, "PNG", compress_level=level, compress_type=strategy, **told)
        return file.getvalue()
    packer = _Packer(PACKER, max(LEAST, level), strategy)
    picture.encoderinfo = {"compress_level": 0, **told}
    try:
        PngImagePlugin._save(picture, file, "", packer.chunk)
    finally:
        del picture.encoderinfo
    return file.getvalue()


class _Packer:
    """Writes the chunks that Pillow makes, with the pixels packed."""

    def __init__(self, zlib: types.ModuleType, level: int, strategy: int) -> None:
        self._inflate = zlib.decompressobj()
        self._deflate = zlib.compressobj(level, DEFLATED, WINDOW, MEMORY, strategy)
        self._packed = bytearray()

    def chunk(self, file: IO[bytes], name: bytes, *data: bytes) -> None:
        """Write one chunk; pixels once there are enough of them, or when all are there."""
        if name == b"IDAT":
            self._packed += self._deflate.compress(self._inflate.decompress(*data))
            if len(self._packed) >= BLOCK:
                self._write(file)
            return
        if name == b"IEND":
            self._packed += self._deflate.flush()
            self._write(file)
        PngImagePlugin.putchunk(file, name, *data)

    def _write(self, file: IO[bytes]) -> None:
        PngImagePlugin.putchunk(file, b"IDAT", bytes(self._packed))
        self._packed.clear()
