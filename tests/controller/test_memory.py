"""What the operator remembers between passes, and for how long it acts upon it."""

from __future__ import annotations

import pytest

from missyou_operator.controller.memory import Memory


@pytest.mark.parametrize(
    ("now", "inputs", "whole"),
    [(105.0, "spec", True), (110.0, "spec", True), (110.5, "spec", False), (105.0, "another spec", False)],
)
def test_deletions_need_a_full_look_of_a_moment_ago_for_what_is_asked_now(now, inputs, whole):
    assert Memory(full_at=100.0, full_for="spec", inputs=inputs).seen_whole(now) is whole


def test_a_new_process_has_seen_nothing():
    assert not Memory().seen_whole(0.0)
