"""Numbers and times from outside: bounded before they are converted, whatever is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize.core import numbers

HUGE = "1" * 5000
"""More digits than `int` takes."""

NO_NUMBERS = ["", "-1", "+5", "1_0", " 1", "1 ", "1\n", "0x1", "1e3", "1.0", "²", "٣", "a", "nan"]


@pytest.mark.parametrize("text", [*NO_NUMBERS, HUGE, str(10**18), "9" * 4301])
def test_what_is_no_whole_number_in_bounds_is_none(text: str) -> None:
    """Signs, underscores, other scripts, and more than there can be of anything."""
    assert numbers.whole(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("007", 7), ("0" * 5000, 0), (str(10**18 - 1), 10**18 - 1)],
)
def test_a_whole_number_is_read(text: str, number: int) -> None:
    """Zeros before it mean nothing, however many there are."""
    assert numbers.whole(text) == number


@given(st.integers(0, 10**30), st.integers(0, 10**18))
def test_bounds_hold_for_every_number(number: int, largest: int) -> None:
    """Above the bound a number is none, or counts as the bound."""
    assert numbers.whole(str(number), largest) == (number if number <= largest else None)
    assert numbers.at_most(str(number), largest) == min(number, largest)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_not_cut_to_one(text: str) -> None:
    """A bound makes no number of what is none."""
    assert numbers.at_most(text, 720) is None
    with pytest.raises(ValueError, match="not a whole number"):
        numbers.digits(text)


def test_huge_numbers_are_cut() -> None:
    """`int` and `float` would raise, or make infinity of them."""
    assert numbers.at_most(HUGE, 720) == 720
    assert numbers.digits(HUGE) == numbers.LARGEST


@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "-1", "+1", ".5", "5.", "1_0", "٣", HUGE])
def test_what_is_no_decimal_is_none(text: str) -> None:
    """`float` takes most of these."""
    assert numbers.decimal(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10.9", 10),
        ("-10.9", -10),
        ("-0", 0),
        (".5", 0),
        ("7.", 7),
        ("+7", 7),
        ("2.8e-14", 0),
        ("1.2E1", 12),
        ("1e400", 720),
        ("-1e400", -720),
        ("9" * 99, 720),
    ],
)
def test_a_number_loses_its_fraction(text: str, number: int) -> None:
    """Towards zero, and what is beyond the bounds is at them."""
    assert numbers.truncated(text, 720) == number


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "e5", ".", "1e", "1_0", " 1", "1\n", "٣", "0x1", "--1", HUGE]
)
def test_what_is_no_number_is_not_truncated(text: str) -> None:
    """`float` takes some of these."""
    assert numbers.truncated(text, 720) is None


def test_decimals_are_read() -> None:
    """With all the digits that programs print."""
    assert numbers.decimal("0.3333333333333333") == 1 / 3
    assert numbers.decimal("9999") == 9999.0


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-01-01", "2026-01-01T00:00:00", "9" * 5000, "٢٠٢٦-01-01T00:00:00Z", "\ud800"],
)
def test_what_is_no_instant_is_none(text: str) -> None:
    """A time without a zone as well."""
    assert numbers.instant(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2026-01-01T00:00:00Z", 1767225600.0), ("0001-01-01T00:00:00+23:59", -62135683140.0)],
)
def test_an_instant_is_read(text: str, seconds: float) -> None:
    """In any year that there is."""
    assert numbers.instant(text) == seconds


@given(st.text(max_size=80))
def test_no_date_of_a_header_raises(text: str) -> None:
    """It is a time or none."""
    seconds = numbers.http_instant(text)
    assert seconds is None or isinstance(seconds, float)


def test_dates_of_headers_are_bounded() -> None:
    """HTTP's formats are short; none of them is read out of kilobytes."""
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    assert numbers.http_instant(date) == 1767225600.0
    assert numbers.http_instant("Thu Jan  1 00:00:00 2026") == 1767225600.0
    assert numbers.http_instant(date + " " * 100) is None
    assert numbers.http_instant(f"Thu, {'1' * 40} Jan 2026 00:00:00 GMT") is None
