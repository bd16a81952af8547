"""What libheif decodes for the picture that a HEIF shows: its primary item, tiles and alpha.

All other pictures of the file, as those of a burst, thumbnails, depth and gain maps, are not
asked for.
"""

from collections.abc import Mapping, Sequence

from liveresize.imaging.structure import hevc
from liveresize.imaging.structure.boxes import FULL, Box, Reader, boxes, inside
from liveresize.imaging.structure.tally import Tally

CODED = b"hvc1"

COST = 4
"""How many times longer HEVC takes for a pixel than one pass of JPEG."""

DEPTH = 8
"""How many pictures may be made of one another, one above the other. Cameras have 2."""

DERIVED = frozenset({b"grid", b"iovl", b"iden"})
"""Items that are made of others, which `dimg` refers to."""

HEADS = {b"grid": 4, b"iovl": 10}
"""Bytes of such items before their width and height."""

Size = tuple[int, int]


class Pictures:
    """The items of a file by their ids: types, parts, properties, and what they refer to."""

    def __init__(
        self,
        meta: memoryview,
        kinds: Mapping[int, bytes],
        parts: Mapping[int, Sequence[memoryview]],
        properties: Mapping[int, Sequence[Box]],
        tally: Tally,
    ) -> None:
        self._kinds, self._parts, self._properties = kinds, parts, properties
        self._tally = tally
        self._sources: dict[int, list[int]] = {}
        self._alphas: dict[int, list[int]] = {}
        self._work: dict[int, int] = {}
        for content in inside(meta, tally, b"iref"):
            self._refer(content)

    def leaf(self, item: int) -> int:
        """The first item with pixels of its own that `item` is made of, or itself."""
        for _ in range(DEPTH):
            if self._kinds.get(item) not in DERIVED or not self._sources.get(item):
                break
            item = self._sources[item][0]
        return item

    def count(self, item: int) -> None:
        """Note what decoding `item` takes. Raises WorkExceeded."""
        self._tally.work += self._decoded(item, DEPTH)
        for alpha in self._alphas.get(item, ()):
            self._tally.work += self._decoded(alpha, DEPTH)

    def _refer(self, content: memoryview) -> None:
        """Take the references of `iref`."""
        wide = 4 if bytes(content[:1]) > b"\0" else 2
        for kind, entry in boxes(content[FULL:], self._tally):
            reader = Reader(entry)
            try:
                item = reader.take(wide)
                others = [reader.take(wide) for _ in range(reader.take(2))]
            except EOFError:
                continue  # a table that is cut off, which decoders refuse
            if kind == b"dimg":
                self._sources.setdefault(item, []).extend(others)
            elif kind == b"auxl" and self._is_alpha(item):
                for other in others:
                    self._alphas.setdefault(other, []).append(item)

    def _is_alpha(self, item: int) -> bool:
        return any(
            kind == b"auxC" and (b":alpha\0" in bytes(box) or b"auxid:1\0" in bytes(box))
            for kind, box in self._properties.get(item, ())
        )

    def _decoded(self, item: int, depth: int) -> int:
        """The work for `item` and all that it is made of."""
        if item in self._work:
            return self._work[item]
        self._tally.limit("pictures made of one another", DEPTH - depth, DEPTH - 1)
        for kind, box in self._properties.get(item, ()):
            if kind == b"ispe":
                self._largest(_numbers(box, FULL, 4))
        work = 0
        if self._kinds.get(item) == CODED:
            work = COST * self._coded(item)
        elif self._kinds.get(item) in DERIVED:
            work = self._derived(item)
            work += sum(self._decoded(each, depth - 1) for each in self._sources.get(item, ()))
        self._work[item] = work
        return work

    def _coded(self, item: int) -> int:
        """The pixels that HEVC codes in `item`."""
        config = dict(self._properties.get(item, ())).get(b"hvcC")
        if config is None:
            return 0
        parts = self._parts.get(item, ())
        self._tally.cut_off |= not parts
        piece = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
        try:
            stream = hevc.Stream(config, self._tally)
        except EOFError:
            return 0  # which libheif refuses
        pixels = stream.pixels(piece, self._tally)
        self._tally.deep |= stream.deep
        self._largest(stream.size)
        return pixels

    def _derived(self, item: int) -> int:
        """The pixels of the canvas that a grid or an overlay is put together on."""
        kind = self._kinds[item]
        if kind not in HEADS:
            return 0
        head = b"".join(self._parts.get(item, ()))[:32]
        size = _numbers(memoryview(head), HEADS[kind], 4 if head[1:2] and head[1] & 1 else 2)
        self._largest(size)
        return size[0] * size[1]

    def _largest(self, size: Size) -> None:
        if size[0] * size[1] > self._tally.frame_pixels:
            self._tally.frame_pixels, self._tally.coded = size[0] * size[1], size


def _numbers(data: memoryview, at: int, wide: int) -> Size:
    """Width and height, numbers of so many bytes from `at` on."""
    return int.from_bytes(data[at : at + wide]), int.from_bytes(data[at + wide : at + 2 * wide])
