"""What is read of an event, and whose resources it is about."""

from __future__ import annotations

import json

import pytest

from missyou_operator.events.index import Index
from missyou_operator.events.notice import CALL, Notice, parse

KEY = ("default", "shop")
ARN = "arn:aws:ecs:eu-central-1:123456789012:service/shop-cluster/shop-service"
KNOWN = {
    "ec2.SecurityGroup": {"sg-0123456789abcdef0": "shop-rds"},
    "ecs.Service": {ARN: "shop-service"},
    "rds.DBInstance": {"shop-db": "shop-db"},
    "logs.LogGroup": {"/ecs/shop": "/ecs/shop"},
}


def call(source: str, parameters: object, **more: object) -> Notice | None:
    detail = {
        "eventSource": f"{source}.amazonaws.com",
        "eventName": "ModifySomething",
        "eventTime": "2026-11-29T17:30:27Z",
        "userIdentity": {"type": "IAMUser", "userName": "alice"},
        "requestParameters": parameters,
        **more,
    }
    place = {"account": "123456789012", "region": "eu-central-1"}
    return parse(json.dumps({**place, "detail-type": CALL, "detail": detail}))


def test_only_what_names_a_resource_is_kept_of_a_call() -> None:
    notice = call(
        "rds",
        {
            "dBInstanceIdentifier": "shop-db",
            "masterUserPassword": "hunter2",
            "parameters": {"items": [{"parameterName": "shared_buffers", "parameterValue": "hunter2"}]},
            "tags": [{"key": "owner", "value": "hunter2"}],
            "environment": {"TOKEN_ID": "hunter2", "variables": [{"name": "hunter2"}]},
            "description": "hunter2",
            "vpcSecurityGroupIds": ["sg-0123456789abcdef0"],
        },
    )
    assert notice is not None
    assert notice.mentions == {"shop-db", "shared_buffers", "sg-0123456789abcdef0"}
    assert notice.ids == {"sg-0123456789abcdef0"}
    assert "shop" not in repr(notice)


@pytest.mark.parametrize("more", [{"errorCode": "AccessDenied"}, {"readOnly": True}, {"eventName": "CreateLogStream"}])
def test_what_was_refused_or_changes_nothing_is_nothing(more: dict[str, object]) -> None:
    assert call("logs", {"logGroupName": "/ecs/shop"}, **more) is None
    assert call("logs", {"logGroupName": "/ecs/shop"}) is not None


@pytest.mark.parametrize(
    ("account", "region", "source", "parameters", "types"),
    [
        ("123456789012", "eu-central-1", "ec2", {"groupId": "sg-0123456789abcdef0"},
         {"ec2.SecurityGroup", "ec2.SecurityGroupRule"}),
        ("123456789012", "eu-central-1", "ecs", {"service": ARN}, {"ecs.Service"}),
        ("123456789012", "eu-central-1", "ecs", {"cluster": "x", "service": "shop-service"}, {"ecs.Service"}),
        ("123456789012", "eu-central-1", "rds", {"resourceName": "arn:aws:rds:eu-central-1:123456789012:db:shop-db"},
         {"rds.DBInstance", "rds.DBSnapshot", "rds.BackupCopy"}),
        ("123456789012", "eu-central-1", "logs",
         {"resourceArn": "arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/shop:*"}, {"logs.LogGroup"}),
        # A load balancer in a security group of ours changes nothing of the group.
        ("123456789012", "eu-central-1", "elasticloadbalancing", {"securityGroupIds": ["sg-0123456789abcdef0"]}, None),
        # The same name elsewhere is another's.
        ("210987654321", "eu-central-1", "logs", {"logGroupName": "/ecs/shop"}, None),
        ("123456789012", "eu-west-1", "logs", {"logGroupName": "/ecs/shop"}, None),
        ("123456789012", "eu-central-1", "logs", {"logGroupName": "/ecs/shop-2"}, None),
    ],
)  # fmt: skip
def test_an_event_is_about_what_it_names_in_the_stacks_own_account_and_region(
    account: str, region: str, source: str, parameters: object, types: set[str] | None
) -> None:
    index = Index()
    index.put(KEY, account, region, KNOWN)
    notice = call(source, parameters)
    assert notice is not None
    found = index.match(notice)
    assert (found[KEY].types if found else None) == types
    index.drop(KEY)
    assert index.match(notice) == {}


def test_iam_is_global() -> None:
    index = Index()
    index.put(KEY, "123456789012", "eu-west-1", {"iam.Role": {"shop-eu-west-1-task": "shop-eu-west-1-task"}})
    notice = call("iam", {"roleName": "shop-eu-west-1-task"})
    assert notice is not None
    assert index.match(notice)[KEY].addresses == {"iam.Role/shop-eu-west-1-task"}
