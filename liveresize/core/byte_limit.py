"""The sentence about a body with too many bytes."""

from liveresize import errors

UPLOADS = "`constraints.max_upload_bytes`"
TOKEN = "`max_bytes` of the token"  # noqa: S105 (no password)
ADDRESS = "this address"
"""What limits a body."""


def exceeded(noun: str, most: int, limit: str, size: int = 0) -> errors.UploadTooLarge:
    """Return the error for a body above `most` bytes, which `limit` allows.

    `noun` is what was sent, `size` its length in bytes, or 0 if it is unknown.
    """
    if size > most:
        return errors.UploadTooLarge(f"{noun} has {size:,} bytes; {limit} allows {most:,}.")
    return errors.UploadTooLarge(f"{noun} has more than the {most:,} bytes that {limit} allows.")
