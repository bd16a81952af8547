"""The table of `scripts/corpus_counts`."""

from scripts import counts

BROKEN = "422 unreadable_image: The picture is a damaged PNG and cannot be decoded."


def test_the_table_counts_uploads_renditions_and_failures() -> None:
    """Reasons stand beside how often they were given; 5xx and no answer are failures."""
    found = counts.Counts()
    found.uploads.update(["200", "200", BROKEN])
    found.renditions["gif"].update(["200", "503 overloaded: Come back later."])
    found.renditions["png"].update(["200", "0"])
    found.refused(0.012, "a.png")
    found.refused(0.003, "b.png")
    lines = counts.table(found)
    assert "| 3 uploads | files |" in lines
    assert "| 200 | 2 |" in lines
    assert f"| {BROKEN} | 1 |" in lines
    assert "| gif | 1 | 503 overloaded: Come back later.: 1 |" in lines
    assert lines[-1] == "2 answers of 5xx or none; slowest refusal 12 ms (a.png)"
