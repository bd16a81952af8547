"""Extract one image from a `multipart/form-data` body, as it arrives."""

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from liveresize import errors

FIELD = "image"
FIELDS = (FIELD.encode(), b"file")
"""The field with the image; `file` is what many libraries call it unless told otherwise."""

_HEADER_BYTES = 8 << 10
_HEADER_COUNT = 16
_OTHER_BYTES = 64 << 10
"""Bytes that all other fields of the form may have together, and the text before it; they are
dropped."""

_NAMED = 5
"""Fields that an error names."""


@dataclass(slots=True)
class _Part:
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""
    may_be_notes: bool = False
    """Whether it is JSON if it begins so: FilePond sends what it knows of a file like that."""


class ImageField:
    """Parses a body and returns the bytes of its field `image`."""

    def __init__(self, content_type: str) -> None:
        """Raises BadUpload if the content type has no valid boundary."""
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise errors.BadUpload("The form has no boundary in its Content-Type.")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_end": self._end,
                },
                max_header_count=_HEADER_COUNT,
                max_header_size=_HEADER_BYTES,
            )
        except FormParserError as error:
            raise errors.BadUpload("The boundary of the form cannot be used.") from error
        self._part = _Part()
        self._images = 0
        self._in_image = False
        self._other_bytes = 0
        self._is_whole = False
        self._others: list[str] = []
        self._preamble = bytearray()
        self._delimiter = b"--" + boundary
        self._begun = False
        self._out: list[bytes] = []

    def feed(self, chunk: bytes) -> bytes:
        """Parse `chunk`, and return the bytes of the image in it.

        Raises BadUpload if it is not a form, has a second image, or has too much in other
        fields.
        """
        self._out = []
        try:
            self._parser.write(chunk if self._begun else self._without_preamble(chunk))
        except FormParserError as error:
            raise errors.BadUpload("The form cannot be read.", str(error)) from error
        return b"".join(self._out)

    def _without_preamble(self, chunk: bytes) -> bytes:
        """Return what follows the text before the first boundary, which RFC 2046 lets be there."""
        self._preamble += chunk
        if self._preamble.startswith(self._delimiter):
            start = 0
        else:
            start = self._preamble.find(b"\r\n" + self._delimiter) + 2
        if start == 1:  # not found
            if len(self._preamble) > _OTHER_BYTES:
                raise errors.BadUpload("The form has no boundary where its Content-Type says.")
            return b""
        self._begun = True
        rest = bytes(self._preamble[start:])
        self._preamble.clear()
        return rest

    def finish(self) -> None:
        """Check the form at its end. Raises BadUpload if it is incomplete or has no image."""
        if not self._is_whole:
            raise errors.BadUpload("The form was cut off.")
        if not self._images:
            found = ", ".join(f"`{name}`" for name in self._others) or "none"
            raise errors.BadUpload(f"The form has no field `{FIELD}`; its fields: {found}.")

    def _begin(self) -> None:
        self._part = _Part()
        self._in_image = False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _header_end(self) -> None:
        part = self._part
        if bytes(part.name).lower() == b"content-disposition":
            part.disposition = bytes(part.value)
        part.name, part.value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._part.disposition)
        name = options.get(b"name", b"")
        self._in_image = name in FIELDS
        self._part.may_be_notes = b"filename" not in options
        self._images += self._in_image
        if not self._in_image and len(self._others) < _NAMED:
            self._others.append(_printable(name))
        if self._images > 1:
            raise errors.BadUpload("The form has more than one image.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_image and self._part.may_be_notes and data[start : start + 1] == b"{":
            self._in_image = False
            self._images -= 1
        self._part.may_be_notes = False  # its first byte decides
        if self._in_image:
            self._out.append(data[start:end])
            return
        self._other_bytes += end - start
        if self._other_bytes > _OTHER_BYTES:
            raise errors.BadUpload("The form holds too much besides the image.")

    def _end(self) -> None:
        self._is_whole = True


def _printable(name: bytes) -> str:
    """Return the name of a field, of a safe length and alphabet."""
    text = name[:40].decode("utf-8", "replace")
    return "".join(each if each.isalnum() or each in " -_.[]" else "?" for each in text)
