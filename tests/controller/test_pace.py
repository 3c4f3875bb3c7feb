"""How soon the next pass is due."""

from __future__ import annotations

from dataclasses import replace

from missyou_operator.controller.pace import lasting, requeue_after
from missyou_operator.engine.resource import failed, pending


def observations(health, seconds: float) -> int:
    """Count the observations of something that stays unsettled for a while."""
    age, count = 0.0, 0
    while age < seconds:
        age += requeue_after(health, age)
        count += 1
    return count


def test_a_database_of_ten_minutes_costs_few_looks():
    assert 15 <= observations(pending("Creating", "", 600), 600) <= 30


def test_quick_things_are_seen_at_once():
    assert requeue_after(pending("Creating", "", 600), 0.0) == 1.0


def test_what_only_a_person_can_mend_is_tried_slowly():
    assert requeue_after(failed("AccessDenied", "", typical_seconds=300), 3600) == 300


def test_it_is_never_long_until_something_pending_is_looked_at():
    assert requeue_after(pending("Creating", "", 86400), 86400) == 30.0


def test_a_refusal_that_lasts_is_tried_every_few_minutes_and_called_a_failure():
    refused = replace(pending("WaitingForAWS", "AWS does not show it yet"), refused=True)
    assert lasting(refused, 200) == refused
    stated = lasting(refused, 301)
    assert (stated.status, stated.reason, stated.stalled) == ("failed", "WaitingForAWS", False)
    assert requeue_after(stated, 3600) == 60.0
    denied = replace(failed("AccessDenied", ""), refused=True)
    assert observations(denied, 3600) < 40
    assert requeue_after(denied, 3600) == 300.0


def test_the_end_of_a_wait_is_seen_within_a_twentieth_of_what_it_takes():
    for typical in (30.0, 150.0, 600.0):
        database = pending("Creating", "", typical)
        for age in (0.6 * typical, typical, 2 * typical):
            assert requeue_after(database, age) <= max(2.0, age / 12)


def test_what_is_quick_is_never_seen_later_than_after_half_as_long_again():
    for age in range(2, 600, 7):
        assert requeue_after(pending("Creating", "", 600), age) <= age / 2


def test_a_wait_that_lasts_is_not_observed_every_two_seconds():
    assert requeue_after(pending("NotFound", "", 15), 40) == 2.0
    assert requeue_after(pending("NotFound", "", 15), 400) == 20.0
    assert requeue_after(pending("NotFound", "", 15), 4000) == 30.0
