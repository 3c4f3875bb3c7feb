"""What counts as the same value, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.engine.comparators import (
    Comparator,
    as_json,
    as_set,
    at_least,
    compare,
    equal,
    if_desired,
    if_observed,
    includes,
)


@pytest.mark.parametrize(
    ("comparator", "desired", "observed", "same"),
    [
        (equal, 1, 1, True),
        (equal, 1, None, False),
        (as_set, ("a", "b"), ["b", "a"], True),
        (as_set, (), None, True),
        (as_set, ("a",), ("a", "b"), False),
        (as_json, {"a": ({"b": 1.0},)}, {"a": [{"b": 1}]}, True),
        (as_json, {"a": 1}, {"a": 1, "b": 2}, False),
        (as_json, ("a",), ["a", "b"], False),
        (as_json, {"a": 1}, None, False),
        (at_least, 20, 30, True),
        (at_least, 20, 10, False),
        (includes, {"a": "1"}, {"a": "1", "b": "2"}, True),
        (includes, {"a": "1"}, {"a": "2"}, False),
        (includes, {"a": "1"}, None, False),
        (if_observed(equal), 1, None, True),
        (if_observed(equal), True, False, False),
        (if_desired(equal), None, 1, True),
        (if_desired(equal), 0, 1, False),
    ],
)
def test_comparing(comparator: Comparator, desired: Any, observed: Any, same: bool) -> None:
    assert comparator(desired, observed) is same


def test_a_field_without_a_comparator_of_its_own_is_compared_as_it_is() -> None:
    assert compare("a", "b", b=as_set) == {"a": equal, "b": as_set}
