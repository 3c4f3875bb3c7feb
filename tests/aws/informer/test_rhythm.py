"""Since when a read counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missyou_operator.aws.informer import (
    DESCRIBED,
    FRESH,
    GLOBAL,
    HOURLY,
    LISTED,
    ONCE,
    SLOW,
    TAGS,
    Freshness,
    Rhythm,
    Turn,
)

ALONE = Freshness(10_000.0, look=45.0)


@pytest.mark.parametrize(
    ("rhythm", "stacks", "age"),
    [
        (LISTED, 1, 36.0),
        (LISTED, 1000, 36.0),
        (FRESH, 1, 36.0),
        (FRESH, 1000, 60.0),
        (HOURLY, 1000, 3600.0),
        (ONCE, 1, float("inf")),
    ],
)
def test_lists_are_read_in_each_look_and_what_a_person_waits_for_once_a_minute(
    rhythm: Rhythm, stacks: int, age: float
) -> None:
    assert ALONE.now - replace(ALONE, stacks=stacks).since(rhythm) == pytest.approx(age, rel=0.25)


@given(key=st.text(), stacks=st.integers(1, 5000))
def test_what_takes_a_call_each_is_read_more_seldom_the_more_there_are(key: str, stacks: int) -> None:
    for rhythm, longest in ((SLOW, 1800.0), (TAGS, 3600.0)):
        age = ALONE.now - replace(ALONE, stacks=stacks).since(rhythm, key)
        assert 0.75 * rhythm.period(45.0, stacks) <= age <= rhythm.period(45.0, stacks) <= longest
    assert SLOW.period(45.0, 1) == 60.0


def test_no_read_is_more_frequent_than_aws_allows() -> None:
    health = replace(FRESH, apart=0.11)
    assert [health.period(45.0, stacks) for stacks in (1, 100, 1000)] == [36.0, 60.0, pytest.approx(110.0)]
    assert LISTED.period(45.0, 1000) == 36.0


def test_reads_of_a_long_rhythm_are_spread() -> None:
    ages = {ALONE.since(SLOW, f"key {number}") for number in range(50)}
    assert len(ages) > 40


def test_no_read_from_before_a_write_counts_nor_one_from_within_the_lag_for_long() -> None:
    written = replace(ALONE, written=9_990.0)
    assert written.since(SLOW) == 9_990.0
    assert replace(written, now=10_011.0).since(SLOW) == 10_010.0
    assert replace(written, now=20_000.0).since(LISTED) == 20_000.0 - 36.0


def test_what_is_watched_closely_is_read_nearly_now_and_what_is_asked_for_now() -> None:
    closely = replace(ALONE, closely=True)
    assert closely.since(LISTED) == closely.since(FRESH) == pytest.approx(ALONE.now, abs=1.0)
    assert closely.since(SLOW) == ALONE.since(SLOW)
    anew = replace(ALONE, anew=True)
    assert anew.since(LISTED) == anew.since(SLOW) == anew.since(TAGS) == ALONE.now
    assert anew.since(ONCE) == float("-inf")


def test_what_another_process_may_have_changed_is_read_since_it_has_gone() -> None:
    taken = replace(ALONE, seen=ALONE.now - 1.0)
    assert taken.since(LISTED) == taken.since(SLOW) == taken.since(TAGS) == ALONE.now - 1.0
    assert taken.since(ONCE) == float("-inf")


def test_tags_of_long_ago_and_lists_that_lag_are_not_what_something_is_changed_by() -> None:
    changing = replace(ALONE, tags=ALONE.now - 60.0)
    assert changing.since(TAGS) == ALONE.now - 60.0
    assert changing.since(SLOW) == ALONE.since(SLOW)
    changed = replace(changing, written=ALONE.now - 930.0)
    for strict in (changing, changed, replace(ALONE, anew=True), replace(ALONE, written=ALONE.now - 899.0)):
        assert strict.lagging(900.0) is None
    # A list that began soon after a change does not show it yet.
    late = replace(ALONE, written=ALONE.now - 1000.0).lagging(900.0)
    assert late is not None
    assert late.since(TAGS) >= ALONE.now - 100.0


def test_where_events_come_all_is_read_more_seldom() -> None:
    events = replace(ALONE, slower=10.0)
    assert ALONE.now - events.since(LISTED) == pytest.approx(360.0)
    assert ALONE.now - events.since(GLOBAL) == pytest.approx(36.0)


def test_a_list_of_three_looks_ago_serves_while_another_is_read() -> None:
    assert ALONE.now - ALONE.meanwhile(LISTED) == pytest.approx(108.0)
    for strict in (replace(ALONE, anew=True), replace(ALONE, closely=True)):
        assert strict.meanwhile(LISTED) == strict.since(LISTED)
    assert replace(ALONE, written=9_990.0).meanwhile(LISTED) == 9_990.0


def test_before_its_turn_a_stack_reads_lists_then_what_is_watched_and_then_the_rest() -> None:
    turn = Turn(soon=10_001.0, whole=10_002.0)

    def read(now: float) -> list[Rhythm]:
        then = replace(ALONE, turn=turn, now=now)
        return [rhythm for rhythm in (LISTED, HOURLY, ONCE, FRESH, DESCRIBED, SLOW, TAGS) if not then.postpones(rhythm)]

    at_once = [LISTED, HOURLY, ONCE]
    assert [read(10_000.0), read(10_001.0)] == [at_once, [*at_once, FRESH, DESCRIBED]]
    assert read(10_002.0) == [*at_once, FRESH, DESCRIBED, SLOW, TAGS]
