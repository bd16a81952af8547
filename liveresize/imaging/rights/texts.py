"""Texts from files of anybody, made harmless: valid, in one line, short, without markup."""

import re
import unicodedata

MOST = 512
"""Bytes in UTF-8 that a field has at most."""

BRACKETS = str.maketrans("<>", "()")
"""No file that leaves here is to hold markup or code."""

DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Characters that turn the direction of a text around, and the mark of a byte order."""

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")


def decoded(raw: bytes) -> str:
    """Bytes of UTF-8, or of Latin-1 if they are not valid as that."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def tidy(text: str) -> str:
    """`text` in one line without control characters, surrogates and angle brackets."""
    if text.isprintable() and text.isascii():
        return text.translate(BRACKETS).strip()
    spaced = re.sub(r"[\t\n\r\f\v\x85\u2028\u2029]+", " ", text)
    kept = (char for char in spaced if not _is_refused(char))
    return "".join(kept).translate(BRACKETS).strip()


def cut(text: str) -> str:
    """`text` up to MOST bytes of UTF-8; "" for a URL that is longer, which would lead nowhere."""
    raw = text.encode("utf-8")
    if len(raw) <= MOST:
        return text
    if ADDRESS.fullmatch(text):
        return ""
    return raw[:MOST].decode("utf-8", "ignore").rstrip()


def _is_refused(char: str) -> bool:
    """Whether a character has no place in a text: a control, half a pair, or no character."""
    if char in DIRECTIONS or char in "\ufffe\uffff":
        return True
    return not char.isprintable() and unicodedata.category(char) in ("Cc", "Cs", "Cn", "Co")
