"""Upload tokens: one attempt at one id."""

import hashlib
import uuid
from dataclasses import dataclass, field

from liveresize.core.names import ImageId


def new_token() -> str:
    """A fresh token: a random UUID, 122 bits from the system's source."""
    return str(uuid.uuid4())


def digest(token: str) -> str:
    """What the index keeps of a token: SHA-256 in hex, so that a dump gives none away."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token allows.

    `lifetime` is in seconds from its issue; `max_bytes` (0: the server's own limit) and
    `formats` (empty: every accepted one, else lower-case format names) narrow what may
    be uploaded; `overwrite` lets it replace an original.
    """

    image: ImageId
    lifetime: float
    max_bytes: int = 0
    formats: tuple[str, ...] = ()
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An issued token; `expires_at` is Unix seconds of the index's clock."""

    token: str
    image: ImageId
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A token that an upload holds for as long as its lease is renewed.

    `nonce` tells this attempt from any other at the same token.
    """

    grant: Grant
    digest: str
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A token that has done its work and is still within its life.

    `received_sha256` is of the bytes that came with it, `receipt` the JSON text that
    was answered.
    """

    image: ImageId
    received_sha256: str
    receipt: str
