"""What the tables of the engine make of its outcomes."""

from pathlib import Path

from scripts.benchmarks import cases, corpus, engine_tables


def outcome(crop: bool = False, **ms: float) -> cases.Outcome:
    """An outcome from JPEG to JPEG with processor times by engine."""
    source = corpus.Source("6 MP", "jpeg", Path("photo.jpg"))
    case = cases.Case(source, cases.Size("fit 720", 720, 720, crop), "jpeg")
    stages = {"decode": 1.0, "resize": 1.0, "encode": 1.0}
    results = {
        name: cases.Measured(each, each, 1000, 0.95, 36.0, (720, 588), stages)
        for name, each in ms.items()
    }
    return cases.Outcome(case, results, {})


def test_the_mean_of_ratios_is_geometric():
    """Twice as fast and half as fast come out even."""
    assert engine_tables.mean([2.0, 0.5, None]) == 1.0


def test_small_crops_stand_apart_from_the_goal_for_fitting():
    """The goal of 1.4 is about pictures that are fitted."""
    found = engine_tables.pairs([outcome(liveresize=1.0), outcome(crop=True, liveresize=1.0)])
    assert list(found) == ["jpeg → jpeg, fit", "jpeg → jpeg, crop"]


def test_cases_in_which_sharp_is_ahead_come_worst_first():
    """The list says where to work next."""
    text = engine_tables.slower(
        [
            outcome(liveresize=10.0, sharp=9.0),
            outcome(liveresize=10.0, sharp=5.0),
            outcome(liveresize=10.0, sharp=20.0),
        ]
    )
    assert "In 2 of 3 cases" in text
    assert text.index("0.50") < text.index("0.90")


def test_a_peer_that_is_missing_leaves_a_dash():
    """A table without sharp is a table still."""
    assert "| – |" in engine_tables.groups([outcome(liveresize=1.0)])
