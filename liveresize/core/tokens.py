"""Upload tokens: each allows one upload of one id."""

import hashlib
import uuid
from dataclasses import dataclass, field

from liveresize.core.names import ImageId
from liveresize.core.records import Given


def new_token() -> str:
    """Return a new token: a random UUID with 122 random bits."""
    return str(uuid.uuid4())


def digest(token: str) -> str:
    """Return the SHA-256 of a token in hex: the index stores no token in plain text."""
    return hashlib.sha256(token.encode()).hexdigest()


TIMES_GIVEN_BACK = 5
"""How often a token may be used again after an upload of which no picture was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The upload that a token allows.

    `lifetime` is in seconds from its issue; `max_bytes` (0: the server's own limit) and
    `formats` (empty: every accepted one, otherwise lower-case format names) limit the upload;
    `overwrite` allows it to replace an original. `given` is what is said of the picture.
    """

    image: ImageId
    lifetime: float
    max_bytes: int = 0
    formats: tuple[str, ...] = ()
    overwrite: bool = False
    given: Given = field(default_factory=Given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An issued token; `expires_at` is Unix seconds of the index's clock."""

    token: str
    image: ImageId
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A token that an upload has claimed; the claim lasts as long as its lease is renewed.

    `nonce` identifies this attempt among all with the same token. `ends_in` is the life of the
    lease in seconds, as it was when the token was claimed for an upload that can be resumed.
    """

    grant: Grant
    digest: str
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    ends_in: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A used token that has not expired.

    `received_sha256` is that of the uploaded bytes, `receipt` the JSON text of the
    response, `ends_in` the seconds until the token expires.
    """

    image: ImageId
    received_sha256: str
    receipt: str
    ends_in: float = field(default=0.0, compare=False)
