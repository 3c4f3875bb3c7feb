"""Each resource of the stack deleted, and each thing changed, behind the operator's back: put right, and told."""

from __future__ import annotations

import random

import pytest

from missyou_operator.engine.external import External
from tests.sim.app import App
from tests.sim.foreign import CHANGES, delete_out_of_band, owned
from tests.sim.picture import without_history
from tests.sim.seed import SEED

from .chosen import ALL

#: What AWS keeps somebody else from deleting while the rest of the stack uses it.
HELD = {
    "ec2.Vpc",
    "ec2.Subnet",
    "ec2.InternetGateway",
    "ec2.Address",
    "ec2.SecurityGroup",
    "rds.DBSubnetGroup",
    "rds.DBParameterGroup",
    "elbv2.TargetGroup",
    "ecs.Cluster",
    "acm.Certificate",
}


def heal(app: App) -> None:
    app.clock.now += 45.0
    app.observe_now()
    if app.reason("Stalled") == "DataLost":
        app.annotate("approve", app.body["status"]["plan"]["id"])
    app.settle()


COMPONENTS = ("Network", "Database", "Registry", "Secrets", "LoadBalancer", "Service", "Monitoring", "Domain")


def components() -> tuple[str, ...]:
    """Give all components, or the one that the seed draws."""
    return COMPONENTS if ALL else (random.Random(SEED).choice(COMPONENTS),)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("component", components())
def test_each_resource_deleted_behind_its_back_comes_back(settled: App, component: str) -> None:
    app = settled
    expected = app.everything()
    held = set()
    for address in sorted({observed.address for observed in owned(app)}):
        # What came back may have got another id.
        [observed, *_] = [found for found in owned(app) if found.address == address]
        if observed.component != component or issubclass(observed.kind, External):
            continue
        if not delete_out_of_band(app, observed):
            held.add(observed.kind.TYPE)
        heal(app)
        assert app.condition("InSync")["status"] == "True", address
    # A rollout or a new secret leaves more versions behind; that is history, not drift.
    assert without_history(app.everything()) == without_history(expected)
    assert held <= HELD


def test_each_change_behind_its_back_is_put_right_and_told(settled: App) -> None:
    app = settled
    for change in CHANGES:
        change(app)
        told = list(app.body["status"].get("drift", ()))
        app.clock.now += 45.0
        app.observe_now()
        assert [entry for entry in app.body["status"]["drift"] if entry not in told], change.__name__
        app.settle()
        # A second observation finds nothing more to do.
        before = len(app.process.calls)
        app.clock.now += 45.0
        app.observe_now()
        assert len(app.process.calls) == before, change.__name__
        assert app.condition("InSync")["status"] == "True", change.__name__


def test_what_is_only_to_be_reported_is_reported_and_left(settled: App) -> None:
    app = settled
    app.edit(driftPolicy="Report")
    app.settle()
    for change in CHANGES:
        change(app)
    before = len(app.process.calls)
    app.clock.now += 45.0
    app.observe_now()
    told = {entry["resource"] for entry in app.body["status"]["drift"]}
    # Alarms and dashboard follow the class that runs, whoever has chosen it; nothing else is written.
    assert set(app.process.calls[before:]) <= {"cloudwatch:PutMetricAlarm", "cloudwatch:PutDashboard"}
    assert app.condition("InSync")["status"] == "False"
    assert len(told) >= 10, told
