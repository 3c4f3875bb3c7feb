"""The metrics of one app: its conditions, resources and drift, and whether it is being deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.controller.report import Report

_APP = ("namespace", "name")


@dataclass(frozen=True, slots=True)
class _Said:
    """What a status says: the status of each condition, since when it waits for a person, resources by state.

    A status itself is large, and there are a thousand.
    """

    conditions: tuple[tuple[str, str], ...]
    waiting: tuple[float, ...]
    resources: tuple[tuple[str, int], ...]

    @classmethod
    def by(cls, status: Mapping[str, Any]) -> _Said:
        conditions = status.get("conditions", ())
        return cls(
            tuple((each["type"], each["status"]) for each in conditions),
            tuple(since for each in conditions if (since := _waiting_since(each)) is not None),
            tuple(Counter(resource.get("state", "") for resource in status.get("resources", ())).items()),
        )


@dataclass(slots=True)
class AppMetrics:
    """One app, as last reported. `meta` is its metadata as the API server last showed it."""

    said: _Said
    meta: Mapping[str, Any] = field(default_factory=dict)
    found: int = 0
    corrected: int = 0

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> AppMetrics:
        """Return those of an app of which nothing but its status is known yet."""
        return cls(_Said.by(status))

    def passed(self, before: Mapping[str, Any], report: Report) -> None:
        """Take over the result of a pass. Drift whose correction takes several passes is counted once."""
        if report.done:
            return
        self.said = _Said.by(report.status)
        for entry in report.drift:
            key = (entry["resource"], entry["foundAt"])
            same = [old for old in before.get("drift", ()) if (old["resource"], old["foundAt"]) == key]
            self.found += not same
            # An entry that only says now who made the change is no second one.
            self.corrected += entry["action"] == "Corrected" != (same[0]["action"] if same else "")


def families(apps: Sequence[tuple[tuple[str, str], AppMetrics]]) -> Sequence[Metric]:
    """Return the metrics of all apps. `apps` holds them by namespace and name."""
    conditions = GaugeMetricFamily(
        "missyou_app_status_condition",
        "The conditions of an app: 1 for the status that holds",
        labels=(*_APP, "condition", "status"),
    )
    resources = GaugeMetricFamily(
        "missyou_app_resources", "AWS resources of an app by state: Ready, or the reason", labels=(*_APP, "state")
    )
    found = CounterMetricFamily(
        "missyou_app_drift_found_total",
        "Resources found changed outside since this operator leads",
        labels=_APP,
    )
    corrected = CounterMetricFamily(
        "missyou_app_drift_corrected_total", "Resources changed outside that were put right", labels=_APP
    )
    deleting = GaugeMetricFamily(
        "missyou_app_deletion_timestamp", "When the deletion of an app was requested, in Unix time", labels=_APP
    )
    waiting = GaugeMetricFamily(
        "missyou_app_approval_waiting_since",
        "Since when changes of an app have waited for approval, in Unix time",
        labels=_APP,
    )
    for key, app in apps:
        for type_, holding in app.said.conditions:
            for status in ("True", "False", "Unknown"):
                conditions.add_metric((*key, type_, status.lower()), float(holding == status))
        for since in app.said.waiting:
            waiting.add_metric(key, since)
        for state, number in app.said.resources:
            resources.add_metric((*key, state), number)
        found.add_metric(key, app.found)
        corrected.add_metric(key, app.corrected)
        if requested := app.meta.get("deletionTimestamp"):
            deleting.add_metric(key, datetime.fromisoformat(requested).timestamp())
    return conditions, resources, found, corrected, deleting, waiting


def _waiting_since(condition: Mapping[str, Any]) -> float | None:
    """Return since when changes have waited for a person, in Unix time; None for a condition that says nothing of it.

    Of what waits for another reason first, the time is that of the first: `Stalled` has stood since then.
    """
    asks = condition["type"] == ConditionType.STALLED and condition.get("reason") == Reason.APPROVAL_REQUIRED
    return datetime.fromisoformat(condition["lastTransitionTime"]).timestamp() if asks else None
