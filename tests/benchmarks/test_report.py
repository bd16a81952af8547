"""The page that `scripts/bench --write` keeps."""

from scripts.benchmarks import report


def sections(page: str) -> list[str]:
    return [line.split()[2] for line in page.splitlines() if line.endswith(" begins -->")]


def test_a_section_is_replaced_where_it_stands():
    """Measuring again leaves one copy, the newest."""
    page = report.placed(report.placed("", "hits", "old\n"), "hits", "new\n")
    assert "old" not in page
    assert page.count("new") == 1


def test_sections_stand_in_one_order_whichever_was_measured_first():
    """The page does not depend on the order of the runs."""
    page = ""
    for name in ("knees", "hits", "server", "engine"):
        page = report.placed(page, name, f"{name}\n")
    assert sections(page) == ["hits", "engine", "server", "knees"]


def test_what_people_write_between_sections_stays():
    """Conclusions stand outside the markers and survive a new measurement."""
    page = report.placed("# Benchmarks\n\nRead this first.\n", "hits", "old\n")
    page += "\nA conclusion.\n"
    page = report.placed(report.placed(page, "engine", "fast\n"), "hits", "new\n")
    assert "Read this first." in page
    assert "A conclusion." in page
    assert "old" not in page


def test_a_table_has_a_rule_below_its_head():
    """Markdown shows a table only with that rule."""
    text = report.table(("server", "rate", "p50"), [["ours", "1", "2"]])
    assert text.splitlines() == [
        "| server | rate | p50 |",
        "| --- | ---: | ---: |",
        "| ours | 1 | 2 |",
    ]
