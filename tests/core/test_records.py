"""Records of pictures: states, ends, and what a change makes of them."""

import pytest

from liveresize.core.records import EXPIRED_FOR, NOTHING, Change, Given, Record, State, differences

NOW = 1_000.0


@pytest.mark.parametrize(
    ("record", "state", "due"),
    [
        (NOTHING, State.PUBLIC, None),
        (Record(held_at=1.0), State.HELD, None),
        (Record(keep_until=5.0), State.PUBLIC, 5.0),
        (Record(keep_until=5.0, claim_until=4.0), State.PUBLIC, 4.0),
        (Record(keep_until=5.0, expired_at=6.0), State.EXPIRED, 6.0 + EXPIRED_FOR),
        (Record(held_at=1.0, expired_at=6.0), State.EXPIRED, 6.0 + EXPIRED_FOR),
    ],
)
def test_a_state_and_the_next_step_follow_from_the_times(
    record: Record, state: State, due: float | None
) -> None:
    """Nothing else says what a picture is."""
    assert (record.state, record.due_at) == (state, due)
    assert record.hidden == (state is not State.PUBLIC)


def test_what_a_token_says_begins_with_the_upload() -> None:
    """`claim_within` counts from there."""
    given = Given(focus=(1, 2), meta="{}", held=True, keep_until=9.0, claim_within=60)
    assert given.at(NOW) == Record(
        focus=(1, 2), meta="{}", held_at=NOW, keep_until=9.0, claim_until=NOW + 60
    )
    assert Given().at(NOW) == NOTHING


EXPIRED = Record(keep_until=500.0, claim_until=600.0, expired_at=700.0)


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (NOTHING, Change(), NOTHING),
        (NOTHING, Change(focus=(1, 2), meta='{"a":1}'), Record(focus=(1, 2), meta='{"a":1}')),
        (Record(focus=(1, 2), meta="{}"), Change(focus=None, meta=""), NOTHING),
        (NOTHING, Change(held=True), Record(held_at=NOW)),
        (Record(held_at=1.0), Change(held=True), Record(held_at=1.0)),
        (Record(held_at=1.0), Change(held=False), NOTHING),
        (Record(claim_until=5.0), Change(claimed=True), NOTHING),
        (EXPIRED, Change(claimed=True), Record(keep_until=500.0, expired_at=700.0)),
        (EXPIRED, Change(claimed=True, keep_until=None), NOTHING),
        (EXPIRED, Change(claimed=True, keep_until=2_000.0), Record(keep_until=2_000.0)),
        (EXPIRED, Change(claimed=True, keep_until=NOW), Record(keep_until=NOW, expired_at=700.0)),
        (EXPIRED, Change(held=False), EXPIRED),
    ],
)
def test_a_change_leaves_what_it_does_not_name(
    before: Record, change: Change, after: Record
) -> None:
    """An expired picture comes back once nothing ends it any more; a held one when released."""
    assert change.applied(before, NOW) == after


def test_differences_have_the_names_that_applications_use() -> None:
    """Each field by itself, and none for the same record."""
    every = Record(
        focus=(1, 1), meta="{}", keep_until=1.0, claim_until=1.0, held_at=1.0, expired_at=1.0
    )
    assert differences(every, every) == ()
    names = ("focus", "meta", "held", "keep_until", "claimed", "expired")
    assert differences(NOTHING, every) == names
    assert differences(Record(held_at=1.0), Record(held_at=2.0)) == ()
