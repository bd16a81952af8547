"""Tokens cannot be guessed, and the index does not hold them."""

import hashlib
import uuid

from liveresize.core import tokens
from liveresize.core.names import ImageId


def test_a_token_is_a_random_uuid() -> None:
    """Version 4, in the usual spelling, and never the same twice."""
    made = [tokens.new_token() for _ in range(100)]
    assert len(set(made)) == len(made)
    assert all(str(uuid.UUID(token)) == token and uuid.UUID(token).version == 4 for token in made)


def test_what_is_kept_of_a_token_does_not_give_it_away() -> None:
    """The digest is SHA-256, so the same token finds its row and the row tells no token."""
    token = tokens.new_token()
    assert tokens.digest(token) == hashlib.sha256(token.encode()).hexdigest()


def test_two_claims_of_one_token_can_be_told_apart() -> None:
    """Each attempt has a nonce of its own, or a lost lease could not be noticed."""
    grant = tokens.Grant(image=ImageId("cat"), lifetime=900)
    claims = [tokens.Claim(grant=grant, digest="0" * 64) for _ in range(2)]
    assert claims[0] != claims[1]
