"""The status that a pass writes when it could not observe AWS."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from missyou_operator.api.status import Condition, PlannedChange, PlanStatus, Status
from missyou_operator.controller import report
from missyou_operator.engine.resource import failed

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
DENIED = failed("AccessDenied", "allow it")


def body(status: dict) -> dict:
    return {"metadata": {"generation": 3, "annotations": {"missyou.app/reconcile": "now"}}, "status": status}


def test_what_was_known_stays() -> None:
    before = Status(url="http://alb", last_sync_time=NOW).to_wire()
    after = report.trouble(body(before), DENIED, NOW)
    assert after.items() >= {**before, "observedGeneration": 3, "lastHandledReconcileAt": "now"}.items()
    assert [(c["type"], c["status"], c["reason"]) for c in after["conditions"]] == [
        ("Ready", "False", "AccessDenied"),
        ("Stalled", "True", "AccessDenied"),
    ]
    assert [(event.type, event.reason) for event in report.events(before, after)] == [("Warning", "AccessDenied")] * 2


@pytest.mark.parametrize("status", [{}, {"url": 7}, {"conditions": [{"type": "Ready"}]}])
def test_no_status_and_one_of_another_version_are_written_anew(status: dict) -> None:
    assert set(report.trouble(body(status), DENIED, NOW)) == set(report.trouble(body({}), DENIED, NOW))


def condition(type_: str, reason: str, generation: int = 2) -> Condition:
    return Condition(type=type_, status="True", reason=reason, observed_generation=generation, last_transition_time=NOW)


@pytest.mark.parametrize(
    "write",
    [lambda body, now: report.trouble(body, failed("InvalidSpec", "spec.service"), now), report.suspended],
    ids=["invalid", "suspended"],
)
def test_a_spec_that_is_not_worked_on_has_no_plan_and_no_verdict_of_its_own(write) -> None:
    plan = PlanStatus(id="123456789abc", changes=(PlannedChange(action="Create", resource="ec2.Vpc/shop-vpc"),))
    conditions = (
        condition("Ready", "Available"),
        condition("InSync", "Synced"),
        condition("NetworkReady", "Available"),
    )
    before = Status(observed_generation=2, plan=plan, conditions=conditions)
    given = body(before.to_wire())
    given["metadata"] |= {"name": "shop", "namespace": "default"}
    after = write(given, NOW)
    assert after["observedGeneration"] == 3
    assert "plan" not in after
    found = {c["type"]: c for c in after["conditions"]}
    assert found["NetworkReady"]["observedGeneration"] == 2
    assert found["InSync"]["status"] != "True" or found["InSync"]["observedGeneration"] == 2
