"""What may name a picture, and what may be an id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize import errors
from liveresize.core import names
from liveresize.core.names import ImageId

from . import strategies

GOOD_IDS = [
    "test",
    "a",
    "cat_8",
    "8_6",
    "été",
    "日本",
    "😀",
    "with space",
    "a.b",
    "report.pdf",
    "photo.jpg.bak",
    "jpg",
    "tokens",
    "x_token",
    "a" * 255,
    "é" * 127,
]

REFUSED_IDS: list[tuple[object, str]] = [
    (None, "string"),
    (7.5, "string"),
    (True, "string"),
    (["cat"], "string"),
    ({"id": "cat"}, "string"),
    ("", "empty"),
    (".", "dot"),
    ("..", "dot"),
    ("a/b", "slash"),
    ("a\\b", "backslash"),
    ("a\x00b", "control"),
    ("a\nb", "control"),
    ("a\x7f", "control"),
    ("a\x85", "control"),
    ("a" * 256, "255 bytes"),
    ("é" * 128, "255 bytes"),
    ("\ud800", "UTF-8"),
    ("e\u0301te\u0301", "NFC"),
    ("\u212b", "NFC"),
    ("_", "underscore"),
    ("_health", "underscore"),
    ("cat_8_6.bmp", "rendition"),
    ("cat_8_6_2x.tiff", "rendition"),
    *((f"cat.{suffix}", f".{suffix}") for suffix in sorted(names.SUFFIXES)),
    ("cat_8_6.jpg", ".jpg"),
    ("cat.JPG", ".jpg"),
    (".png", ".png"),
    *((word, "reserved") for word in sorted(names.RESERVED)),
    ("Token", "reserved"),
    ("FAVICON", "reserved"),
]


@pytest.mark.parametrize("name", GOOD_IDS)
def test_an_ordinary_name_may_be_an_id(name: str) -> None:
    """Any NFC text that a URL reads as nothing else can be uploaded under."""
    assert names.check_id(name) == name


@pytest.mark.parametrize("number", [0, 12345, -7])
def test_a_whole_number_is_its_decimal_text(number: int) -> None:
    """As JSON of Live Image Resize's clients has it."""
    assert names.check_id(number) == str(number)


@pytest.mark.parametrize(("value", "reason"), REFUSED_IDS)
def test_an_id_is_refused_for_its_own_reason(value: object, reason: str) -> None:
    """Each refusal of the contract is InvalidId and says which rule was broken."""
    with pytest.raises(errors.InvalidId) as caught:
        names.check_id(value)
    assert reason in caught.value.public


def test_the_reserved_words_and_suffixes_are_those_of_the_contract() -> None:
    """Paths that are not pictures, and the formats; two files have routes of their own."""
    reserved = "token purge ping upload robots robots.txt favicon favicon.ico openapi"
    suffixes = "jpg jpeg jfif jpe png webp avif gif json auto"
    assert set(reserved.split()) == names.RESERVED
    assert set(suffixes.split()) == names.SUFFIXES


@given(st.text())
def test_a_name_is_accepted_or_malformed(text: str) -> None:
    """check_name returns what it was given or raises MalformedUrl, whatever the text."""
    try:
        assert names.check_name(text) == text
    except errors.MalformedUrl:
        return
    assert 1 <= len(text.encode()) <= names.MAX_BYTES


@given(st.text() | strategies.picture_names)
def test_an_id_is_always_a_name_whose_urls_are_its_own(text: str) -> None:
    """What check_id lets through is a name, and no bare segment means anything but it."""
    try:
        names.check_id(text)
    except errors.InvalidId:
        return
    assert names.check_name(text) == text
    assert names.RENDITION.fullmatch(text) is None
    assert names.split_suffix(text) == (text, "")


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("cat.jpg", ("cat", "jpg")),
        ("cat.JPeG", ("cat", "jpeg")),
        ("cat.json", ("cat", "json")),
        ("cat.auto", ("cat", "auto")),
        ("a.b.png", ("a.b", "png")),
        ("cat.tiff", ("cat.tiff", "")),
        ("cat", ("cat", "")),
        ("cat.", ("cat.", "")),
        (".jpg", (".jpg", "")),
    ],
)
def test_only_a_known_suffix_is_taken_off_a_name(segment: str, expected: tuple[str, str]) -> None:
    """A dot in a name is just a dot, unless one of our extensions follows it."""
    assert names.split_suffix(segment) == expected


def test_a_key_belongs_to_one_picture_alone() -> None:
    """No name in the main namespace has the key of a picture in a bucket."""
    assert ImageId("cat").key == "cat"
    assert ImageId("cat", "zoo").key == "zoo/cat"
    with pytest.raises(errors.MalformedUrl):
        names.check_name(ImageId("cat", "zoo").key)
