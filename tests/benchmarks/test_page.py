"""What `scripts/bench page` says of its pages."""

from collections import Counter

from scripts.benchmarks import page

JPEG, AVIF = Counter({"image/jpeg": 12}), Counter({"image/avif": 12})


def test_a_page_is_told_by_the_medians_of_all_rounds():
    """One round that was disturbed does not move them; beside them stands AVIF at once."""
    pages = [
        page.Page(0.5, 1.5, 2200.0, JPEG),
        page.Page(9.0, 9.5, 9000.0, JPEG),
        page.Page(0.6, 1.6, 2100.0, JPEG),
    ]
    before = [page.Page(1.2, 1.2, 2000.0, AVIF)] * 3
    assert [found for _, found in page.rows(pages, before)] == [
        "0.60 s, AVIF at once: 1.20 s (0.50 ×)",
        "1.60 s, AVIF at once: 1.20 s (1.33 ×)",
        "2.20 s, AVIF at once: 2.00 s (1.10 ×)",
        "12 image/jpeg",
    ]


def test_first_answers_of_several_types_are_told_apart():
    """A page may be answered with something quicker before its AVIF is there."""
    pages = [page.Page(0.5, 2.0, 1000.0, Counter({"image/webp": 9, "image/avif": 3}))]
    assert page.rows(pages, pages)[-1][1] == "3 image/avif, 9 image/webp"
