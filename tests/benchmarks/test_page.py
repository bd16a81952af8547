"""What `scripts/bench page` says of its pages."""

from collections import Counter

from scripts.benchmarks import page


def test_a_page_is_told_by_the_medians_of_all_rounds():
    """One round that was disturbed does not move them."""
    pages = [
        page.Page(1.0, 1.5, 2000.0, Counter({"image/avif": 12})),
        page.Page(9.0, 9.5, 9000.0, Counter({"image/avif": 12})),
        page.Page(1.2, 1.4, 2100.0, Counter({"image/avif": 12})),
    ]
    assert [found for _, found in page.rows(pages)] == [
        "1.20 s",
        "1.50 s",
        "2.10 s",
        "12 image/avif",
    ]


def test_first_answers_of_several_types_are_told_apart():
    """A page may be answered with something quicker before its AVIF is there."""
    types = Counter({"image/webp": 9, "image/avif": 3})
    rows = page.rows([page.Page(0.5, 2.0, 1000.0, types)])
    assert rows[-1][1] == "3 image/avif, 9 image/webp"
