"""What is known about an original, and how its generations sort."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize.core import originals
from liveresize.core.formats import Format
from liveresize.core.names import ImageId


@given(st.lists(st.integers(0, 2**44), unique=True, min_size=2))
def test_generations_sort_by_age(milliseconds: list[int]) -> None:
    """Sorting the text sorts the times, at the resolution of a millisecond."""
    made = [(originals.new_generation((ms + 0.5) / 1000), ms) for ms in milliseconds]
    assert [ms for _, ms in sorted(made)] == sorted(milliseconds)


def test_a_generation_is_28_hex_digits_and_never_repeats() -> None:
    """Even in one and the same millisecond each generation is its own."""
    made = {originals.new_generation(1_763_762_000.123) for _ in range(1000)}
    assert len(made) == 1000
    assert all(originals.GENERATION.fullmatch(generation) for generation in made)
    assert len({generation[:12] for generation in made}) == 1


@pytest.mark.parametrize("variant", ["400x0-qa82-jpeg", "100x0-qa82.80.60-auto.aw"])
@pytest.mark.parametrize(
    ("engine", "ending"), [("1", ".jpg"), ("2", "~2.jpg"), ("10.1", "~10.1.jpg"), ("0", "~0.jpg")]
)
def test_each_engine_has_file_names_of_its_own(variant: str, engine: str, ending: str) -> None:
    """Those of 1.0.0 have no engine, so that what it stored is found; each is read back."""
    name = originals.file_name(variant, engine, "jpg")
    assert name == variant + ending
    assert originals.parse_file_name(name) == (variant, engine, "jpg")


@pytest.mark.parametrize(
    "name",
    ["", ".jpg", "v", "v.", "v~.jpg", "v~1.jpg", "v~x.jpg", "v~2..jpg", "v~2~3.jpg", "~2.jpg",
     "v~2", "v~2.JPG", "v~2.jpg.part", "v~2.jpg\n", "v~\u0662.jpg"],
)  # fmt: skip
def test_other_file_names_are_refused(name: str) -> None:
    """There is one name for a rendition of an engine."""
    with pytest.raises(ValueError, match="not the file of a rendition"):
        originals.parse_file_name(name)


@pytest.mark.parametrize(
    ("stored", "has_alpha", "output"),
    [
        *(
            (output.value, alpha, output)
            for output in Format
            for alpha in (True, False)
            if output is not Format.JXL
        ),
        ("jxl", False, Format.JPEG),
        ("jxl", True, Format.PNG),
        ("tiff", False, Format.JPEG),
        ("tiff", True, Format.PNG),
        ("heif", False, Format.JPEG),
    ],
)
def test_a_rendition_like_the_original_has_a_format_that_can_hold_it(
    stored: str, has_alpha: bool, output: Format
) -> None:
    """Its own where we write that, else PNG with transparency and JPEG without."""
    original = originals.Original(
        image=ImageId("cat"),
        generation=originals.new_generation(0),
        format=stored,
        width=4,
        height=3,
        bytes=99,
        sha256="0" * 64,
        has_alpha=has_alpha,
    )
    assert original.output_format is output
    assert original.mime == f"image/{stored}"
    assert original.size == (4, 3)
