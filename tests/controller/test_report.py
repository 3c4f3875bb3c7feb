"""The status that a pass writes when it could not observe AWS."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from missyou_operator.api.status import Status
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
