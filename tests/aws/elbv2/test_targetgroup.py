"""The target group: its name, its health check, and its deletion while in use."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.elbv2.targetgroup import TargetGroup, fingerprint
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from missyou_operator.stack.naming import TARGET_GROUP
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

NAME = STACK.fill(TARGET_GROUP, fingerprint(health_path="/health"))
ARN = STACK.arn("elasticloadbalancing", f"targetgroup/{NAME}/0123456789abcdef")


def group(**changes: Any) -> TargetGroup:
    fields: dict[str, Any] = {"vpc_id": "vpc-1", "health_path": "/health", "health_interval": 30}
    return TargetGroup(
        name=NAME, component="LoadBalancer", tags=tags(NAME, component="LoadBalancer"), **fields | changes
    )


def row(name: str = NAME) -> dict[str, Any]:
    return {
        "TargetGroupArn": ARN.replace(NAME, name),
        "TargetGroupName": name,
        "VpcId": "vpc-1",
        "Port": 80,
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 5,
        "Matcher": {"HttpCode": "200"},
    }


def read(*names: str) -> list[Observed]:
    rows = [row(name) for name in names]
    tagged = [{"ResourceArn": each["TargetGroupArn"], "Tags": row_tags(each["TargetGroupName"])} for each in rows]
    client = FakeEc2(
        describe_target_groups={"TargetGroups": rows},
        describe_target_group_attributes={
            "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
        },
        describe_tags={"TagDescriptions": tagged},
    )
    return list(TargetGroup.read(reader_of(cloud_of(client))))


def test_the_name_holds_what_cannot_change_in_place_and_fits() -> None:
    assert NAME.startswith("missyou-tg-")
    assert fingerprint(health_path="/") != fingerprint(health_path="/health") == NAME.removeprefix("missyou-tg-")
    assert len(TARGET_GROUP.replace("{stack}", "s" * 24).replace("*", fingerprint(health_path="/"))) <= 32


def _is_other(found: Observed) -> bool:
    return found.name != NAME


def test_all_groups_of_the_stack_are_found_and_no_others() -> None:
    found = sorted(read(NAME, "missyou-tg-0000", "missyou-too-tg-0000", "missyou-tga-0000", "else"), key=_is_other)
    assert [each.name for each in found] == [NAME, "missyou-tg-0000"]
    assert group().diff(found[0])[0].field == "tags"  # the fixture tags another component
    assert {change.field for change in group().diff(found[0])} == {"tags"}


@pytest.mark.parametrize(("interval", "timeout"), [(5, 4), (6, 5), (30, 5), (300, 5)])
def test_a_check_ends_before_the_next_begins(interval: int, timeout: int) -> None:
    assert group(health_interval=interval).health_timeout == timeout


def test_creating_takes_two_calls() -> None:
    client = FakeEc2(create_target_group={"TargetGroups": [row()]})
    created = group().create(cloud_of(client))
    assert client.operations == ["create_target_group", "modify_target_group_attributes"]
    sent = client.arguments("create_target_group")
    assert (sent["TargetType"], sent["Matcher"], sent["HealthyThresholdCount"]) == ("ip", {"HttpCode": "200"}, 2)
    assert created.attrs["arn_suffix"] == f"targetgroup/{NAME}/0123456789abcdef"
    assert group().diff(created) == ()


def test_a_name_that_is_taken_is_read_again() -> None:
    with pytest.raises(NotYetError):
        group().create(cloud_of(FakeEc2(create_target_group=aws_error("DuplicateTargetGroupName"))))


def test_each_change_has_its_call() -> None:
    [found], client = read(NAME), FakeEc2()
    desired = group(health_path="/", deregistration_delay=60)
    after = desired.update(cloud_of(client), found, frozenset({"health_path", "attributes"}))
    assert client.operations == ["modify_target_group", "modify_target_group_attributes"]
    assert {change.field for change in desired.diff(after)} <= {"tags"}


def test_deleting_waits_while_it_is_in_use() -> None:
    [found] = read(NAME)
    assert TargetGroup.delete(cloud_of(FakeEc2()), found).status == "ready"
    assert (
        TargetGroup.delete(cloud_of(FakeEc2(delete_target_group=aws_error("TargetGroupNotFound"))), found).status
        == "ready"
    )
    busy = TargetGroup.delete(cloud_of(FakeEc2(delete_target_group=aws_error("ResourceInUse"))), found)
    assert busy.status == "pending"
    assert NAME in busy.message
