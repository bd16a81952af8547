"""Multipart forms by hand, so that they can be wrong."""

BOUNDARY = "frontier"

CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"

END = f"--{BOUNDARY}--\r\n".encode()


def part(data: bytes, name: str = "image", extra: str = '; filename="cat.png"') -> bytes:
    """One field."""
    head = f'Content-Disposition: form-data; name="{name}"{extra}\r\nContent-Type: image/png'
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    """A whole form."""
    return b"".join(parts) + END
