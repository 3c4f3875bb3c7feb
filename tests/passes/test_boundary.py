"""The permissions boundary of the tasks' roles, from the operator's setting to the task that it stops."""

from __future__ import annotations

import json
from typing import Any

from missyou_local.aws import Timing
from missyou_operator.aws.boundary import boundary
from missyou_operator.aws.scope import Scope
from missyou_operator.stack.naming import NAMES
from tests.sim.app import CLUSTER, App
from tests.sim.aws import REGION, Aws
from tests.sim.world import simulated

ARN = "arn:aws:iam::123456789012:policy/missyou-boundary"
ROLES = ("shop-us-east-1-execution", "shop-us-east-1-task")


class Bounded(App):
    """An app whose operator has the setting `--permissions-boundary`."""

    permissions_boundary = ARN

    def __init__(self, aws: Aws, **spec: Any) -> None:
        super().__init__(aws, "shop", environment="Development", **spec)

    def bounds(self) -> list[str]:
        """Return the boundaries of the roles as they are in AWS."""
        rows = [self.client("iam").get_role(RoleName=name)["Role"] for name in ROLES]
        return [row.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "") for row in rows]


def publish(aws: Aws) -> None:
    """Create the boundary as `missyou iam-policy --boundary` prints it."""
    limits = boundary(Scope(region=REGION, account="123456789012", cluster=CLUSTER), NAMES)
    aws.client("iam").create_policy(PolicyName="missyou-boundary", PolicyDocument=json.dumps(limits))


def test_every_role_gets_the_boundary_and_gets_it_back() -> None:
    with simulated(Timing()) as aws:
        publish(aws)
        app = Bounded(aws)
        app.settle()
        assert app.bounds() == [ARN, ARN]
        for name in ROLES:
            app.client("iam").delete_role_permissions_boundary(RoleName=name)
        before = len(app.reports)
        app.observe_now()
        assert app.bounds() == [ARN, ARN]
        app.settle()
        told = json.dumps([entry for report in app.reports[before:] for entry in report.drift])
        assert told.count("permissions_boundary") == 2, told


def test_a_stack_that_was_made_before_the_setting_gets_the_boundary() -> None:
    with simulated(Timing()) as aws:
        publish(aws)
        app = Bounded(aws)
        app.permissions_boundary = ""
        app.restart()
        app.grow()
        assert app.bounds() == ["", ""]
        app.permissions_boundary = ARN
        app.restart()
        app.grow()
        app.observe_now()
        assert app.bounds() == [ARN, ARN]


def test_without_the_policy_in_the_account_the_condition_says_how_to_create_it() -> None:
    with simulated(Timing()) as aws:
        app = Bounded(aws)
        app.until(lambda _: app.reason("Stalled") == "BoundaryNotFound", "stalled")
        assert "missyou iam-policy --boundary" in app.condition("Stalled")["message"]
        publish(aws)
        app.grow()
        assert app.bounds() == [ARN, ARN]


def test_a_secret_of_somebody_elses_reaches_no_task_although_the_roles_policy_names_it() -> None:
    with simulated(Timing()) as aws:
        publish(aws)
        secret = aws.client("secretsmanager").create_secret(Name="payments", SecretString="theirs")["ARN"]
        app = Bounded(aws, secrets={"googleAPIKey": {"secretARN": secret}})

        def denied(_: Any) -> bool:
            if app.reason("ServiceReady") == "ImageNotFound":
                app.push()
            return app.reason("ServiceReady") == "AccessDenied"

        app.until(denied, "denied")
        assert "permissions boundary" in app.condition("ServiceReady")["message"]
        cluster = "shop-cluster"
        stopped = app.client("ecs").list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
        reasons = [
            t["stoppedReason"] for t in app.client("ecs").describe_tasks(cluster=cluster, tasks=stopped)["tasks"]
        ]
        assert reasons
        assert all(f"{secret} because no permissions boundary allows" in reason for reason in reasons)
