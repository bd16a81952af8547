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


def test_results_of_two_machines_stand_side_by_side():
    """Each is replaced by its own next measurement only."""
    page = report.placed("", "cold", "old\n")
    page = report.placed(page, "mixed", "other\n")
    page = report.placed(page, "cold", "EPYC, old\n", report.Place("EPYC"))
    page = report.placed(page, "cold", "EPYC, new\n", report.Place("EPYC"))
    page = report.placed(page, "cold", "new\n")
    assert sections(page) == ["cold", "cold", "mixed"]
    assert [page.count(text) for text in ("EPYC, new", "EPYC, old", "\nold\n")] == [1, 0, 0]
    assert page.index("\nnew\n") < page.index("Cold renders: EPYC") < page.index("other")


def test_a_machine_without_results_of_another_one_gets_its_section():
    """Below the heading of what was measured."""
    page = report.placed("", "cold", "found\n", report.Place("EPYC"))
    assert page.index("## Cold renders\n") < page.index("### Cold renders: EPYC\n")
    assert page.index("### Cold renders: EPYC\n") < page.index("found")


def test_a_processor_is_told_by_its_numbers_too():
    """Hosts of virtual machines say "Intel(R) Xeon(R) Processor" of many kinds."""
    cpuinfo = "cpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Intel(R) Xeon(R) Processor\n\n"
    assert report.processor(cpuinfo) == "Intel(R) Xeon(R) Processor (family 6, model 207)"
    assert report.processor("processor\t: 0\n") == "unknown processor"


def test_a_table_has_a_rule_below_its_head():
    """Markdown shows a table only with that rule."""
    text = report.table(("server", "rate", "p50"), [["ours", "1", "2"]])
    assert text.splitlines() == [
        "| server | rate | p50 |",
        "| --- | ---: | ---: |",
        "| ours | 1 | 2 |",
    ]
