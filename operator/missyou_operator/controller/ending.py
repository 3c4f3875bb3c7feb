"""What every pass ends with: a report with its Events, and its result in controller-runtime's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.aws.observe import Observations
from missyou_operator.controller import report
from missyou_operator.controller.report import Report
from missyou_operator.engine.outcome import Outcome

#: Seconds until an app that waits for a person is reconciled again without being changed.
IDLE = 600.0


def end(body: Mapping[str, Any], status: Mapping[str, Any], requeue_after: float, result: str = "success") -> Report:
    """Return the report of a pass, by its status."""
    return Report(status, requeue_after, report.events(body.get("status") or {}, status), result=result)


def result_of(outcome: Outcome, observations: Observations) -> str:
    """Return the result of a pass that went through its steps."""
    healths = {result.health.status for result in outcome.results.values()}
    if "failed" in healths or observations.unreadable:
        return "error"
    return "requeue_after" if "pending" in healths else "success"
