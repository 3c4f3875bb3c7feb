"""A stack is read without a cluster: whose it is says AWS itself, and nothing is written."""

from __future__ import annotations

import pytest

from missyou_operator.aws.session import Accounts
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.offline import NOBODY, OfflineStack, only_reads, open_stack, placed
from missyou_operator.controller.inputs import observe_and_plan
from tests.sim.app import CLUSTER, UID, App, changes
from tests.sim.workers import Seeded


def opened(app: App, **cluster: str) -> OfflineStack:
    """Open an app's stack by its manifest alone."""

    def door(request: object, event_name: str, **event: object) -> object:
        only_reads(event_name)
        return app.door(request, event_name=event_name, **event)

    meta = {"name": app.name, "namespace": "default"}
    body = placed({"kind": "MissYouApp", "metadata": meta, "spec": app.body["spec"]})
    return open_stack(body, app.region, Accounts(door), workers=Seeded(app.seed), **cluster)


def test_a_settled_stack_is_its_apps_and_has_no_plan(aws):
    app = App(aws, "known", environment="Development")
    app.settle()
    stack = opened(app)
    assert stack.exists
    assert (stack.cloud.stack.cluster, stack.cloud.stack.uid) == (CLUSTER, UID)

    def plan() -> None:
        assert observe_and_plan(stack.inputs)[2].changes == ()

    assert not changes(app.calls(plan))


def test_what_nobody_has_begun_is_planned_as_a_whole(aws):
    stack = opened(App(aws, "unknown", environment="Development"))
    assert not stack.exists
    assert stack.cloud.stack.uid == NOBODY
    addresses = {change.address for change in observe_and_plan(stack.inputs)[2].changes}
    assert {"ec2.Vpc/unknown-vpc", "rds.DBInstance/unknown-db", "ecs.Service/unknown-service"} <= addresses


def test_two_owners_of_one_name_are_told_apart_by_the_cluster(aws):
    app = App(aws, "twice", environment="Development")
    app.one_pass()
    app.client("ec2").create_vpc(
        CidrBlock="10.9.0.0/16",
        TagSpecifications=[
            {
                "ResourceType": "vpc",
                "Tags": [
                    {"Key": "Name", "Value": "twice-vpc"},
                    {"Key": "missyou.app/stack", "Value": "default/twice"},
                    {"Key": "missyou.app/cluster", "Value": "other"},
                    {"Key": "missyou.app/uid", "Value": "other"},
                ],
            }
        ],
    )
    with pytest.raises(Failure, match="--cluster") as refused:
        opened(app)
    assert refused.value.code == Exit.USAGE
    assert opened(app, cluster=CLUSTER).cloud.stack.uid == UID


def test_a_command_that_reads_cannot_write():
    only_reads("before-send.ec2.DescribeVpcs")
    with pytest.raises(PermissionError, match="CreateVpc"):
        only_reads("before-send.ec2.CreateVpc")
