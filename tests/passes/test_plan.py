"""`missyou plan`: what the operator would do, said by a command that has a manifest and reads AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from missyou_operator.api.status import PlanStatus
from missyou_operator.aws.session import Accounts
from missyou_operator.cli.exits import Exit
from missyou_operator.cli.offline import OfflineStack, only_reads, open_stack, placed
from missyou_operator.cli.plan import show
from missyou_operator.controller.foresight import foresee
from tests.sim.app import App, changes
from tests.sim.workers import Seeded


def offline(app: App, **spec: Any) -> OfflineStack:
    """Open an app's stack by a manifest with its spec and some changes of that; of the object, nothing is known."""

    def door(request: object, event_name: str, **event: object) -> object:
        only_reads(event_name)
        return app.door(request, event_name=event_name, **event)

    edited = App(app.aws, app.name, **app.body["spec"])
    edited.edit(**spec)
    meta = {"name": app.name, "namespace": "default"}
    body = placed({"kind": "MissYouApp", "metadata": meta, "spec": edited.body["spec"]})
    return open_stack(body, app.region, Accounts(door), workers=Seeded(app.seed))


def planned(app: App, **spec: Any) -> PlanStatus | None:
    """Return the plan of a manifest; nothing may be written meanwhile."""
    found: list[PlanStatus | None] = []

    def look() -> None:
        stack = offline(app, **spec)
        found.append(foresee(stack.inputs, stack.app, stack.environment).plan)

    assert changes(app.calls(look)) == {}
    return found[0]


def by_resource(plan: PlanStatus | None) -> Mapping[str, Any]:
    assert plan is not None
    return {change.resource.partition("/")[0]: change for change in plan.changes}


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "foreseen", environment="Development")
    app.settle()
    return app


def test_a_stack_that_is_as_its_manifest_says_has_no_plan(app, capsys):
    assert show(offline(app), "text") == Exit.OK
    assert "No changes" in capsys.readouterr().out


def test_a_new_stack_is_planned_whole_with_its_duration_and_its_cost(aws):
    plan = planned(App(aws, "planned", environment="Development"))
    assert plan is not None
    assert plan.summary == f"{len(plan.changes)} to add, 0 to change, 0 to destroy"
    assert {change.risk for change in plan.changes} == {"Create"}
    assert plan.cost.difference_usd == plan.cost.monthly_usd.join(["+", ""]) == "+88.60"
    # The database, its secret, its tasks: not the sum of all, nor the longest alone.
    times = [change.expected_seconds for change in plan.changes]
    assert max(times) < plan.expected_seconds < sum(times)
    costs = by_resource(plan)
    assert costs["ec2.NatGateway"].cost_difference_usd == "+33.30"


@pytest.mark.parametrize(
    ("spec", "type_", "risk", "felt", "cost"),
    [
        ({"database": {"instanceClass": "db.t4g.medium"}}, "rds.DBInstance", "Restart", "away for about 5", "+34.31"),
        ({"database": {"instanceClass": "db.t3.small"}}, "rds.DBInstance", "Restart", "away for about 5", None),
        ({"database": {"storageGiB": 30}}, "rds.DBInstance", "InPlace", "more slowly", "+1.15"),
        ({"service": {"env": {"MOTTO": "hi"}}}, "ecs.Service", "Restart", "rolling deployment", None),
        ({"network": {"natGateways": 2}}, "ec2.NatGateway", "Create", "nothing", "+32.85"),
        ({"monitoring": {"logRetentionDays": 30}}, "logs.LogGroup", "InPlace", "nothing", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_change_says_its_risk_what_the_app_feels_and_what_it_costs(  # noqa: PLR0917
    app, spec, type_, risk, felt, cost
):
    change = by_resource(planned(app, **spec))[type_]
    assert (change.risk, change.cost_difference_usd) == (risk, cost)
    assert felt in change.effect


def test_what_has_no_price_is_named_and_saves_nothing(app, capsys):
    stack = offline(app, database={"instanceClass": "db.t3.large", "multiAZ": True}, network={"natGateways": 2})
    assert show(stack, "text") == Exit.TO_DO
    said = capsys.readouterr().out
    [cost] = [line for line in said.splitlines() if line.startswith("Cost: ")]
    assert cost.startswith("Cost: +36.50 USD a month, then ")
    assert cost.endswith("; without: rds.DBInstance/foreseen-db (no price).")
    # The summary is wrapped where the output is no terminal, too.
    summary = said.partition("Plan: ")[2].partition("Duration: ")[0].splitlines()
    assert max(map(len, summary)) <= 100
    assert summary[2].startswith("  ")


def test_what_destroys_data_is_shown_to_wait(app, capsys):
    app.clock.now += 7 * 3600.0
    stack = offline(app, database={"name": "other"})
    assert show(stack, "text") == Exit.TO_DO
    said = capsys.readouterr().out
    assert "-/+ rds.DBInstance/foreseen-db" in said
    assert "~ database_name: missyou -> other" in said
    assert "destroys data" in said
    assert "Waits (ApprovalRequired)" in said


def test_the_plan_is_the_value_of_the_status(app, capsys):
    """Offline and in the operator: the same changes, the same ID, the same words."""
    app.edit(
        changePolicy="Approve",
        database={"instanceClass": "db.t3.small"},
        service={"env": {"MOTTO": "never again"}},
        network={"natGateways": 2},
    )
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    assert show(offline(app), "json") == Exit.TO_DO
    assert json.loads(capsys.readouterr().out) == app.body["status"]["plan"]


def test_a_comment_on_a_pull_request_shows_everything(app, capsys):
    assert show(offline(app, database={"instanceClass": "db.t3.small"}), "markdown") == Exit.TO_DO
    said = capsys.readouterr().out
    assert "| `~` | `rds.DBInstance/foreseen-db` | Restart |" in said
    assert "! instance_class: db.t3.micro -> db.t3.small" in said


def test_secrets_of_the_cluster_are_not_compared_and_values_not_shown(app, capsys):
    secret = {"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}}
    show(offline(app, secrets=secret, service={"env": {"TOKEN": "hunter2"}}), "text")
    said = capsys.readouterr().out
    assert "(not compared: the Secret gemini is in the cluster" in said
    assert "secretsmanager.Secret/foreseen/google_api_key" in said
    assert "hunter2" not in said
    assert "TOKEN=" in said
