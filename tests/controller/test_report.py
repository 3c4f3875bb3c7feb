"""What a pass that could not observe AWS writes into the status."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from missyou_operator.api.status import Outputs, Status
from missyou_operator.controller import report
from missyou_operator.engine.resource import failed

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def body(status: dict) -> dict:
    return {
        "metadata": {"name": "shop", "generation": 3, "annotations": {"missyou.app/reconcile": "now"}},
        "status": status,
    }


def test_what_was_known_stays() -> None:
    before = Status(url="http://alb", outputs=Outputs(vpc_id="vpc-1"), last_sync_time=NOW).to_wire()
    after = report.trouble(body(before), failed("AccessDenied", "allow it"), NOW)
    assert {key: after[key] for key in ("url", "outputs", "lastSyncTime")} == {
        key: before[key] for key in ("url", "outputs", "lastSyncTime")
    }
    assert (after["observedGeneration"], after["lastHandledReconcileAt"]) == (3, "now")
    assert [(c["type"], c["status"], c["reason"]) for c in after["conditions"]] == [
        ("Ready", "False", "AccessDenied"),
        ("Stalled", "True", "AccessDenied"),
    ]
    assert [(event.type, event.reason) for event in report.events(before, after)] == [("Warning", "AccessDenied")] * 2


@pytest.mark.parametrize("status", [{}, {"url": 7}, {"conditions": [{"type": "Ready"}]}])
def test_no_status_and_one_of_another_version_are_written_anew(status: dict) -> None:
    after = report.trouble(body(status), failed("AccessDenied", "allow it"), NOW)
    assert set(after) == {"observedGeneration", "conditions", "lastHandledReconcileAt"}
