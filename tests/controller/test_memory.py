"""What the operator remembers between passes, and for how long it acts upon it."""

from __future__ import annotations

import pytest

from missyou_operator.controller.memory import Memory


@pytest.mark.parametrize(
    ("now", "inputs", "whole"),
    [(105.0, "spec", True), (110.0, "spec", True), (110.5, "spec", False), (105.0, "another spec", False)],
)
def test_deletions_need_a_full_observation_of_a_moment_ago_for_what_is_asked_now(now, inputs, whole):
    assert Memory(whole_at=100.0, whole_for="spec", inputs=inputs).trusted(now) is whole


def test_a_new_process_has_seen_nothing():
    assert not Memory().trusted(0.0)


def test_a_deletion_goes_on_from_what_it_remembers():
    assert Memory(deleting=True).trusted(0.0)
