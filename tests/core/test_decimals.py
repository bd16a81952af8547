"""Numbers in addresses, as programs print them."""

import pytest

from liveresize import errors
from liveresize.core import parameters
from liveresize.core.operation import UrlRules

RULES = UrlRules()


@pytest.mark.parametrize(
    ("text", "tenths"),
    [
        ("0.30000000000000004", 3),  # 0.1 * 3
        ("0.3333333333333333", 3),
        ("2.50", 25),
        ("9.99999999999999999999", 100),
        ("0.0000000000000000000001", 0),
    ],
)
def test_all_digits_of_a_fraction_are_read(text: str, tenths: int) -> None:
    """A client that divides sends what came out, and means what it is near to."""
    assert parameters.read(f"sharpen={text}", RULES).values["sharpen"] == tenths


def test_a_focal_point_may_be_any_fraction() -> None:
    """It counts to the thousandth."""
    gravity = parameters.read("gravity=0.3333333333333333,0.6666666666666666", RULES).values[
        "gravity"
    ]
    assert (gravity.x, gravity.y) == (333, 667)


@pytest.mark.parametrize("text", ["1e-1", "1E1", ".5", "5.", "1_0", "0x1"])
def test_what_is_no_decimal_number_in_bounds_is_refused(text: str) -> None:
    """Exponents as well, which no one writes by hand."""
    with pytest.raises(errors.BadParameter):
        parameters.read(f"sharpen={text}", RULES)
