from __future__ import annotations

from dataclasses import replace

import pytest

from missyou_local.dataplane.balancing import Check, TargetHealth
from missyou_local.dataplane.balancing.health import (
    CHECKING,
    HEALTHY,
    NO_ANSWER,
    REGISTERING,
    TIMED_OUT,
    History,
    mismatch,
)

CHECK = Check("/", 1.0, 1.0, healthy=3, unhealthy=2, codes="200")


def after(*results: TargetHealth, start: History | None = None) -> History:
    history = start or History()
    for result in results:
        history = history.after(result, CHECK)
    return history


def test_a_new_target_is_healthy_after_one_success() -> None:
    assert after().health == REGISTERING
    assert after(HEALTHY).health == HEALTHY


def test_a_new_target_that_fails_first_needs_one_success_only() -> None:
    assert after(NO_ANSWER).health == CHECKING
    assert after(NO_ANSWER, HEALTHY).health == HEALTHY


def test_failures_count_in_a_row_only() -> None:
    assert after(NO_ANSWER, NO_ANSWER).health == NO_ANSWER
    assert after(HEALTHY, NO_ANSWER, HEALTHY, NO_ANSWER).health == HEALTHY
    assert after(HEALTHY, NO_ANSWER, NO_ANSWER).health == NO_ANSWER


def test_an_unhealthy_target_needs_successes_in_a_row() -> None:
    ill = after(HEALTHY, NO_ANSWER, NO_ANSWER)
    assert after(HEALTHY, HEALTHY, start=ill).health == NO_ANSWER
    assert after(HEALTHY, HEALTHY, NO_ANSWER, HEALTHY, HEALTHY, start=ill).health == NO_ANSWER
    assert after(HEALTHY, HEALTHY, HEALTHY, start=ill).health == HEALTHY


@pytest.mark.parametrize("result", [mismatch(503), TIMED_OUT, NO_ANSWER])
def test_an_unhealthy_target_shows_why_its_last_failed_check_failed(result: TargetHealth) -> None:
    assert after(NO_ANSWER, NO_ANSWER, result).health == result
    assert after(NO_ANSWER, result, HEALTHY).health == result


@pytest.mark.parametrize(
    ("codes", "accepted", "refused"),
    [
        ("200", {200}, {199, 201, 404}),
        ("200,202", {200, 202}, {201}),
        ("200-299", {200, 250, 299}, {199, 300}),
        ("200-204,301,400-404", {204, 301, 402}, {205, 302, 399}),
    ],
)
def test_codes_are_one_several_or_a_range(codes: str, accepted: set[int], refused: set[int]) -> None:
    check = replace(CHECK, codes=codes)
    assert {status for status in accepted | refused if check.accepts(status)} == accepted


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"codes": "2xx"}, "codes"),
        ({"codes": ""}, "codes"),
        ({"codes": "200,"}, "codes"),
        ({"interval": 0}, "interval"),
        ({"timeout": -1}, "timeout"),
        ({"healthy": 0}, "healthy"),
        ({"unhealthy": 0}, "unhealthy"),
        ({"path": "health"}, "path"),
    ],
)
def test_a_check_that_cannot_be_followed_is_refused(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(CHECK, **change)  # type: ignore[arg-type]
