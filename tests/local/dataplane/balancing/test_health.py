from __future__ import annotations

from dataclasses import replace

import pytest

from missyou_local.dataplane.balancing import Check, TargetHealth
from missyou_local.dataplane.balancing.health import NO_ANSWER, TIMED_OUT, Fault, Vitals, mismatch

CHECK = Check("/", 1.0, 1.0, healthy=3, unhealthy=2, codes="200")


def after(*faults: Fault | None, start: Vitals | None = None) -> Vitals:
    vitals = start or Vitals()
    for fault in faults:
        vitals = vitals.after(fault, CHECK)
    return vitals


def test_a_new_target_is_healthy_after_one_success() -> None:
    assert Vitals().told() == TargetHealth(
        "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
    )
    assert after(None).told() == TargetHealth("healthy")


def test_a_new_target_that_fails_first_needs_one_success_only() -> None:
    assert after(NO_ANSWER).told() == TargetHealth(
        "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
    )
    assert after(NO_ANSWER, None).state == "healthy"


def test_a_new_target_that_keeps_failing_becomes_unhealthy() -> None:
    assert after(NO_ANSWER, NO_ANSWER).state == "unhealthy"


def test_failures_count_in_a_row_only() -> None:
    assert after(None, NO_ANSWER, None, NO_ANSWER).state == "healthy"
    assert after(None, NO_ANSWER, NO_ANSWER).state == "unhealthy"


def test_an_unhealthy_target_needs_successes_in_a_row() -> None:
    unhealthy = after(None, NO_ANSWER, NO_ANSWER)
    assert after(None, None, start=unhealthy).state == "unhealthy"
    assert after(None, None, NO_ANSWER, None, None, start=unhealthy).state == "unhealthy"
    assert after(None, None, None, start=unhealthy).told() == TargetHealth("healthy")


@pytest.mark.parametrize(
    ("fault", "reason", "description"),
    [
        (mismatch(503), "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
        (TIMED_OUT, "Target.Timeout", "Request timed out"),
        (NO_ANSWER, "Target.FailedHealthChecks", "Health checks failed"),
    ],
)
def test_an_unhealthy_target_tells_why_its_last_failed_check_failed(
    fault: Fault, reason: str, description: str
) -> None:
    assert after(NO_ANSWER, NO_ANSWER, fault).told() == TargetHealth("unhealthy", reason, description)
    assert after(NO_ANSWER, fault, None).told() == TargetHealth("unhealthy", reason, description)


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
