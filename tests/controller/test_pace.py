"""How soon the next pass is due."""

from __future__ import annotations

from missyou_operator.controller.pace import requeue_after
from missyou_operator.engine.resource import failed, pending


def observations(health, seconds: float) -> int:
    """Count the observations of something that stays unsettled for a while."""
    age, count = 0.0, 0
    while age < seconds:
        age += requeue_after(health, age)
        count += 1
    return count


def test_a_database_of_ten_minutes_costs_few_looks():
    assert 15 <= observations(pending("Creating", "", 600), 600) <= 40


def test_quick_things_are_seen_at_once():
    assert requeue_after(pending("Creating", "", 600), 0.0) == 1.0


def test_what_only_a_person_can_mend_is_tried_slowly():
    assert requeue_after(failed("AccessDenied", "", typical_seconds=300), 3600) == 300


def test_it_is_never_long_until_something_pending_is_looked_at():
    assert requeue_after(pending("Creating", "", 86400), 86400) == 30.0
