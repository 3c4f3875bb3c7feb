"""Metrics, without a process: what is counted how, and what ends."""

from __future__ import annotations

from missyou_operator.aws.calls import Call
from missyou_operator.controller.metrics import Metrics, Pass
from missyou_operator.controller.report import Report

META = {"namespace": "default", "name": "one", "creationTimestamp": "2026-01-01T00:00:00Z"}
PASSES = 16


def ready(status: str, since: str = "2026-01-01T00:00:02Z") -> dict:
    return {"conditions": [{"type": "Ready", "status": status, "lastTransitionTime": since}]}


def test_a_pass_that_ends_after_its_app_is_gone_brings_nothing_back() -> None:
    metrics = Metrics(PASSES, {"missyou-operator-0": lambda: True})
    metrics.seen({"metadata": META})
    metrics.passed(Pass({"metadata": META}, Report(ready("False"), 1.0)))
    assert 'name="one"' in metrics.text()
    metrics.gone(META)
    metrics.passed(Pass({"metadata": META}, Report(ready("True"), 1.0)))
    assert 'name="one"' not in metrics.text()


def test_drift_that_takes_several_passes_is_found_once() -> None:
    metrics = Metrics(PASSES, {"missyou-operator-0": lambda: True})
    metrics.seen({"metadata": META})
    before: dict = {"drift": []}
    for action in ("Correcting", "Corrected"):
        entry = {"resource": "ec2.Vpc/one", "action": action, "foundAt": "2026-01-02T12:00:00Z"}
        metrics.passed(Pass({"metadata": META, "status": before}, Report({}, 1.0, drift=[entry])))
        before = {"drift": [entry]}
    text = metrics.text()
    assert 'missyou_app_drift_found_total{name="one",namespace="default"} 1.0' in text
    assert 'missyou_app_drift_corrected_total{name="one",namespace="default"} 1.0' in text


def test_a_plan_waits_from_when_it_was_asked_until_it_is_approved() -> None:
    metrics = Metrics(PASSES, {"missyou-operator-0": lambda: True})
    metrics.seen({"metadata": META})
    stalled = {"type": "Stalled", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"}
    for reason, since in (("InvalidSpec", None), ("ApprovalRequired", "1.76722566e+09"), ("QuotaExceeded", None)):
        report = Report({"conditions": [{**stalled, "reason": reason}]}, 300.0)
        metrics.passed(Pass({"metadata": META}, report))
        shown = [line for line in metrics.text().splitlines() if line.startswith("missyou_app_approval_waiting_since")]
        expected = f'missyou_app_approval_waiting_since{{name="one",namespace="default"}} {since}'
        assert shown == ([expected] if since else [])


def test_time_to_ready_tells_creations_from_changes() -> None:
    metrics = Metrics(PASSES, {"missyou-operator-0": lambda: True})
    for since in ("2026-01-01T00:00:02Z", "2026-02-01T00:00:00Z"):
        metrics.passed(Pass({"metadata": META, "status": ready("False", since)}, Report(ready("True"), 1.0)))
    # Ready that stays so is no news.
    metrics.passed(Pass({"metadata": META, "status": ready("True")}, Report(ready("True"), 1.0)))
    text = metrics.text()
    for after in ("creation", "change"):
        assert f'missyou_app_time_to_ready_seconds_count{{after="{after}"}} 1.0' in text


def test_what_is_no_error_code_becomes_no_label() -> None:
    metrics = Metrics(PASSES, {"missyou-operator-0": lambda: True})
    metrics.call(Call("ec2", "CreateVpc", "<html>it is broken</html>", 0.1))
    assert 'code="Other"' in metrics.text()
    assert "html" not in metrics.text()


def test_a_pass_that_breaks_is_an_error() -> None:
    metrics = Metrics(PASSES, {"missyou-operator-0": lambda: False})
    metrics.passed(Pass({"metadata": META}, None))
    assert 'controller_runtime_reconcile_errors_total{controller="missyouapp"} 1.0' in metrics.text()
    assert 'leader_election_master_status{name="missyou-operator-0"} 0.0' in metrics.text()
