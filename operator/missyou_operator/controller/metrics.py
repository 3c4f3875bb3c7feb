"""What the operator measures, for Prometheus. docs/observability.md explains each metric.

Passes, lanes and leadership have controller-runtime's and client-go's names and labels, so that dashboards made for
them work; AWS requests are counted as ACK does, conditions shown as kube-state-metrics does. Labels are of bounded
number: no resource IDs, no messages; what belongs to one app is gone with it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from missyou_operator.api import ConditionType
from missyou_operator.aws.calls import Call
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.controller.app_metrics import AppMetrics, families
from missyou_operator.controller.report import Report
from missyou_operator.controller.threads import Urgency

T = TypeVar("T")

#: The only controller, by controller-runtime's way of naming: the kind in lower case.
CONTROLLER = "missyouapp"
#: Seconds. A pass that only observes takes less than one, one that creates some; beyond the last something hangs.
_PASS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
#: Seconds. A rollout takes minutes, a first creation about twenty (RDS with a standby).
_READY_BUCKETS = (15, 30, 60, 120, 300, 600, 900, 1200, 1800, 2700, 3600, 7200)
#: An AWS error code as all services write them: anything else must not become a label.
_CODE = re.compile(r"[A-Za-z0-9._:]{1,64}")
#: Seconds between the creation of an app and its first status within which that status belongs to the creation.
_FIRST = 60.0


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass that has ended: the object it was run for, and what it left (None: it broke)."""

    body: Mapping[str, Any]
    report: Report | None


class Metrics:
    """All metrics of one operator. Thread-safe."""

    def __init__(self, passes: int, leases: Mapping[str, Callable[[], bool]]) -> None:
        self._lock = threading.Lock()
        self._apps: dict[tuple[str, str], AppMetrics] = {}
        self.registry = r = CollectorRegistry(auto_describe=True)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=r)
        r.register(self)
        lane, call, pass_ = ["name"], ["service", "operation"], ["controller"]
        self._passes = Counter("controller_runtime_reconcile_total", "Passes by result", [*pass_, "result"], registry=r)
        for result in ("success", "requeue_after", "error"):
            self._passes.labels(CONTROLLER, result)
        self._errors = Counter("controller_runtime_reconcile_errors_total", "Passes that failed", pass_, registry=r)
        self._errors.labels(CONTROLLER)
        self._durations = Histogram(
            "controller_runtime_reconcile_time_seconds", "Duration of a pass", pass_, buckets=_PASS_BUCKETS, registry=r
        )
        self._active = Gauge("controller_runtime_active_workers", "Passes running now", pass_, registry=r)
        self._active.labels(CONTROLLER)
        most = Gauge("controller_runtime_max_concurrent_reconciles", "Most passes at a time", pass_, registry=r)
        most.labels(CONTROLLER).set(passes)
        self._depth = Gauge("workqueue_depth", "Apps waiting for a thread, by urgency", lane, registry=r)
        self._waits = Histogram(
            "workqueue_queue_duration_seconds", "How long an app waited for a thread", lane, registry=r
        )
        for urgent in Urgency:
            self._depth.labels(urgent.name.lower())
            self._waits.labels(urgent.name.lower())
        leading = Gauge(
            "leader_election_master_status",
            "Whether this operator holds a Lease (1) or stands by (0): there is one for each shard of the apps",
            lane,
            registry=r,
        )
        for name, leads in leases.items():
            leading.labels(name).set_function(partial(_as_number, leads))
        self._calls = Counter(
            "missyou_aws_requests_total", "Requests to AWS, including retries", [*call, "code"], registry=r
        )
        self._throttled = Counter(
            "missyou_aws_throttled_requests_total", "Requests that AWS throttled", call, registry=r
        )
        self._latency = Histogram(
            "missyou_aws_request_duration_seconds", "Duration of a request to AWS", ["service"], registry=r
        )
        self._rate_waits = Histogram(
            "missyou_aws_rate_wait_seconds",
            "How long a request waited for AWS's limits, if it had to",
            ["family"],
            registry=r,
        )
        self._put_off = Counter(
            "missyou_aws_put_off_requests_total",
            "Requests that would have waited too long for AWS's limits and are made later",
            ["family"],
            registry=r,
        )
        self._refusals = Counter(
            "missyou_kubernetes_refused_writes_total",
            "Writes of finalizers and statuses that Kubernetes refused, by HTTP status",
            ["what", "code"],
            registry=r,
        )
        for what in ("finalizer", "status"):
            self._refusals.labels(what, "422")
        self._events = Counter(
            "missyou_events_total",
            "Events of AWS: about a stack (matched), about none (other), about the operator's calls (own), or unread",
            ["result"],
            registry=r,
        )
        for result in ("matched", "other", "own", "unread"):
            self._events.labels(result)
        self._ready = Histogram(
            "missyou_app_time_to_ready_seconds",
            "How long an app was not Ready when it became so, after its creation or after a change",
            ["after"],
            buckets=_READY_BUCKETS,
            registry=r,
        )

    def text(self) -> str:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry).decode()

    def collect(self) -> Iterator[Metric]:
        """Return what there is of each app now (called by the registry)."""
        with self._lock:
            return iter(families(sorted(self._apps.items(), key=lambda app: app[0])))

    def call(self, call: Call) -> None:
        """Count a request to AWS."""
        code = call.code if _CODE.fullmatch(call.code) else "Other"
        self._calls.labels(call.service, call.operation, code).inc()
        self._latency.labels(call.service).observe(call.seconds)
        if call.throttled:
            self._throttled.labels(call.service, call.operation).inc()

    def waited(self, family: str, seconds: float) -> None:
        """Time a request that was held back so that AWS does not throttle it."""
        self._rate_waits.labels(family).observe(seconds)

    def put_off(self, family: str) -> None:
        """Count a request that was not sent so that AWS does not throttle it."""
        self._put_off.labels(family).inc()

    def refused(self, what: str, code: str) -> None:
        """Count a write that Kubernetes refused."""
        self._refusals.labels(what, code).inc()

    def heard(self, result: str, number: int) -> None:
        """Count events of AWS by what became of them."""
        self._events.labels(result).inc(number)

    def queued(self, urgent: Urgency, run: Callable[..., T]) -> Callable[..., T]:
        """Count an app as waiting for a thread until what is returned is called in it, and time both."""
        name = urgent.name.lower()
        depth, began = self._depth.labels(name), seconds()
        depth.inc()

        def started(*arguments: Any) -> T:
            depth.dec()
            self._waits.labels(name).observe(seconds() - began)
            with self._active.labels(CONTROLLER).track_inprogress(), self._durations.labels(CONTROLLER).time():
                return run(*arguments)

        return started

    def overtaken(self, urgent: Urgency) -> None:
        """Count an app as waiting no more: what it waited for is not called."""
        self._depth.labels(urgent.name.lower()).dec()

    def seen(self, body: Mapping[str, Any]) -> None:
        """Keep an app as the API server shows it."""
        meta = body["metadata"]
        with self._lock:
            if (known := self._apps.get(_key(meta))) is None:
                self._apps[_key(meta)] = known = AppMetrics.of(body.get("status") or {})
            known.meta = meta

    def gone(self, meta: Mapping[str, Any]) -> None:
        """Forget an app: its series end."""
        with self._lock:
            self._apps.pop(_key(meta), None)

    def passed(self, done: Pass) -> None:
        """Count a pass, and what it found."""
        result = done.report.result if done.report else "error"
        self._passes.labels(CONTROLLER, result).inc()
        if result == "error":
            self._errors.labels(CONTROLLER).inc()
        if done.report is None:
            return
        meta, before, after = done.body["metadata"], done.body.get("status") or {}, done.report.status
        with self._lock:
            # One that was deleted meanwhile must not come back.
            if standing := self._apps.get(_key(meta)):
                standing.passed(before, done.report)
        if not _is_ready(before) and _is_ready(after):
            occasion, since = _unready_since(meta, before)
            self._ready.labels(occasion).observe(max(0.0, (utc_now() - since).total_seconds()))


def _as_number(told: Callable[[], bool]) -> float:
    return float(told())


def _key(meta: Mapping[str, Any]) -> tuple[str, str]:
    return meta["namespace"], meta["name"]


def _ready_condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((c for c in status.get("conditions", ()) if c["type"] == ConditionType.READY), {})


def _is_ready(status: Mapping[str, Any]) -> bool:
    return bool(_ready_condition(status).get("status") == "True")


def _unready_since(meta: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str, datetime]:
    """Return what an app became ready after ("creation", "change"), and since when it had not been ready."""
    created = datetime.fromisoformat(meta["creationTimestamp"])
    text = _ready_condition(before).get("lastTransitionTime")
    since = datetime.fromisoformat(text) if text else created
    if (since - created).total_seconds() <= _FIRST:
        return "creation", created
    return "change", since
