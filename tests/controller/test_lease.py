"""The lease: of any number of candidates, at no moment do two act, whatever their clocks, pauses and luck."""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import given, settings

from missyou_operator.controller.lease import Candidate, Record, Terms

TERMS = Terms()


def test_a_free_lease_is_taken_and_kept() -> None:
    me = Candidate("me").observe(Record(), 100.0)
    assert me.may_write(100.0)
    assert not me.may_act(100.0)
    me = me.wrote(Record("me", "1"), 100.0)
    assert me.may_act(100.0 + TERMS.deadline - 0.01)
    assert not me.may_act(100.0 + TERMS.deadline)
    # It may renew what still bears its name, and act again.
    assert me.may_write(100.0 + TERMS.deadline)


def test_another_s_lease_is_taken_when_it_has_stood_for_too_long() -> None:
    me = Candidate("me").observe(Record("other", "7"), 100.0)
    assert not me.may_write(100.0 + TERMS.duration - 0.01)
    assert me.may_write(100.0 + TERMS.duration)
    renewed = me.observe(Record("other", "8"), 105.0)
    assert not renewed.may_write(100.0 + TERMS.duration)


def test_nothing_is_written_before_having_looked() -> None:
    assert not Candidate("me").may_write(1e9)


def test_the_holder_stops_before_anybody_may_begin() -> None:
    """And a failover takes less than 15 s: the duration, one more read, and the start of the work."""
    assert TERMS.deadline < TERMS.duration
    assert TERMS.deadline > 2 * TERMS.retry
    assert TERMS.duration + TERMS.retry < 13


@dataclass
class Store:
    """A Lease with optimistic concurrency."""

    record: Record

    def write(self, holder: str, seen: Record) -> Record | None:
        if seen != self.record:
            return None
        self.record = Record(holder, str(int(self.record.version) + 1))
        return self.record


STEP = st.tuples(
    st.integers(0, 2),  # who
    st.floats(0, 8),  # seconds since the step before
    st.floats(0, 4),  # seconds that its write takes to arrive
    st.booleans(),  # whether its answer is lost
)


@settings(max_examples=500)
@given(st.lists(STEP, max_size=60), st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_two_never_act_at_the_same_time(steps: list[tuple[int, float, float, bool]], skews: list[float]) -> None:
    store, now = Store(Record("", "0")), 0.0
    candidates = [Candidate(f"c{i}") for i in range(3)]
    for who, requeue_after, travel, lost in steps:
        now += requeue_after
        me = candidates[who].observe(store.record, now + skews[who])
        began = now + skews[who]
        if me.may_write(began) and me.seen is not None:
            now += travel
            record = store.write(me.identity, me.seen)
            if record and not lost:
                me = me.wrote(record, began)
        candidates[who] = me
        acting = [c.identity for c, skew in zip(candidates, skews, strict=True) if c.may_act(now + skew)]
        assert len(acting) <= 1
