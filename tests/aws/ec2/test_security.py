"""Security groups and rules: names as natural keys, adoption, drift, and the calls of each change."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.ec2.security import SecurityGroup, SecurityGroupRule, rule_name
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import Observed
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

FOREIGN = StackIdentity("missyou", "other/missyou", "cluster-uid", "123456789012", "eu-central-1", "app-uid")
ALB = SecurityGroup(
    name="missyou-alb", component="Network", tags=tags("missyou-alb"), vpc_id="vpc-1", description="the first text"
)
FOUND = {
    "ec2.SecurityGroup": [
        Observed(SecurityGroup, f"missyou-{name}", f"sg-{name}", {"id": f"sg-{name}"}, component="Network")
        for name in ("alb", "ecs")
    ]
}


def rule(direction: str = "ingress", port: int = 80, peer: str = "0.0.0.0/0", peer_name: str = "") -> SecurityGroupRule:
    name = rule_name("missyou-alb", direction, "tcp", port, port, peer_name or peer)
    return SecurityGroupRule(
        name=name,
        component="Network",
        tags=tags(name),
        group_id="sg-alb",
        direction=direction,  # type: ignore[arg-type]
        from_port=port,
        to_port=port,
        peer=peer,
        description="why",
    )


def row(
    *, egress: bool = False, ports: tuple[int, int] = (80, 80), protocol: str = "tcp", **more: Any
) -> dict[str, Any]:
    peer = {} if more.keys() & {"ReferencedGroupInfo", "CidrIpv6", "PrefixListId"} else {"CidrIpv4": "0.0.0.0/0"}
    return {
        "SecurityGroupRuleId": "sgr-1",
        "GroupId": "sg-alb",
        "IsEgress": egress,
        "IpProtocol": protocol,
        "FromPort": ports[0],
        "ToPort": ports[1],
        "Description": "why",
        "Tags": [],
        **peer,
        **more,
    }


def read(found: dict[str, Any]) -> Observed:
    ec2 = FakeEc2(describe_security_group_rules={"SecurityGroupRules": [found]})
    [observed] = SecurityGroupRule.read(reader_of(cloud_of(ec2), FOUND))
    return observed


def test_groups_are_found_by_tags_and_named_by_their_group_name() -> None:
    rows = [
        {
            "GroupId": "sg-1",
            "GroupName": "missyou-alb",
            "VpcId": "vpc-1",
            "Description": "another text",
            "Tags": row_tags("renamed by hand"),
        },
        {"GroupId": "sg-2", "GroupName": "missyou-alb", "VpcId": "vpc-2", "Tags": row_tags("missyou-alb", FOREIGN)},
    ]
    [found] = SecurityGroup.read(reader_of(cloud_of(FakeEc2(describe_security_groups={"SecurityGroups": rows}))))
    assert found.address == ALB.address
    # The name tag is repaired; a description cannot be, and is no reason to replace a group.
    assert [change.field for change in ALB.diff(found)] == ["tags"]


def test_a_new_group_allows_nothing() -> None:
    ec2 = FakeEc2(create_security_group={"GroupId": "sg-1"})
    created = ALB.create(cloud_of(ec2))
    assert ec2.operations == ["create_security_group", "revoke_security_group_egress"]
    assert ec2.arguments("revoke_security_group_egress") == {
        "GroupId": "sg-1",
        "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    }
    assert ALB.diff(created) == ()


@pytest.mark.parametrize(
    ("row_of", "error", "words"),
    [
        (row_tags("missyou-alb"), NotYetError, "does not list it yet"),
        (row_tags("missyou-alb", FOREIGN), RefusedError, "MissYouApp other/missyou"),
        ([], RefusedError, "lacks our tags"),
    ],
)
def test_a_group_of_our_name_is_never_taken_from_others(
    row_of: list[dict[str, str]], error: type[Exception], words: str
) -> None:
    ec2 = FakeEc2(
        create_security_group=aws_error("InvalidGroup.Duplicate"),
        describe_security_groups={"SecurityGroups": [{"GroupId": "sg-9", "Tags": row_of}]},
    )
    with pytest.raises(error, match=words):
        ALB.create(cloud_of(ec2))
    assert "revoke_security_group_egress" not in ec2.operations


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("missyou-alb", "ingress", "tcp", 80, 80, "0.0.0.0/0"), "missyou-alb ingress tcp/80 from 0.0.0.0/0"),
        (("missyou-alb", "egress", "tcp", 8000, 8000, "missyou-ecs"), "missyou-alb egress tcp/8000 to missyou-ecs"),
        (("missyou-alb", "ingress", "udp", 1, 9, "::/0"), "missyou-alb ingress udp/1-9 from ::/0"),
        (("missyou-alb", "egress", "-1", -1, -1, "0.0.0.0/0"), "missyou-alb egress all to 0.0.0.0/0"),
    ],
)
def test_a_rule_is_named_by_what_it_allows(parts: tuple[str, str, str, int, int, str], name: str) -> None:
    assert rule_name(*parts) == name


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (row(), "missyou-alb ingress tcp/80 from 0.0.0.0/0"),
        (row(egress=True, ports=(-1, -1), protocol="-1"), "missyou-alb egress all to 0.0.0.0/0"),
        (row(CidrIpv6="::/0"), "missyou-alb ingress tcp/80 from ::/0"),
        (row(ReferencedGroupInfo={"GroupId": "sg-ecs"}), "missyou-alb ingress tcp/80 from missyou-ecs"),
        (row(ReferencedGroupInfo={"GroupId": "sg-foreign"}), "missyou-alb ingress tcp/80 from sg-foreign"),
        (row(PrefixListId="pl-1", egress=True), "missyou-alb egress tcp/80 to pl-1"),
    ],
)
def test_every_rule_of_our_groups_is_ours(found: dict[str, Any], name: str) -> None:
    observed = read(found)
    assert (observed.name, observed.owned, observed.component) == (name, True, "Network")


def test_one_call_reads_the_rules_of_all_groups_and_none_without_groups() -> None:
    default = {"SecurityGroups": [{"GroupId": "sg-default", "VpcId": "vpc-1"}]}
    ec2 = FakeEc2(describe_security_group_rules={"SecurityGroupRules": []}, describe_security_groups=default)
    SecurityGroupRule.read(reader_of(cloud_of(ec2), FOUND))
    defaults = [{"Name": "group-name", "Values": ["default"]}]
    groups = ["sg-alb", "sg-default", "sg-ecs"]
    assert ec2.calls == [
        ("describe_security_groups", {"Filters": defaults}),
        ("describe_security_group_rules", {"Filters": [{"Name": "group-id", "Values": groups}]}),
    ]
    # A VPC without groups yet, whose default group EC2 does not show either, also where it is asked for that alone.
    early = FakeEc2()
    assert SecurityGroupRule.read(reader_of(cloud_of(early))) == []
    where = [{"Name": "vpc-id", "Values": ["vpc-1"]}, *defaults]
    assert early.calls == [("describe_security_groups", {"Filters": filters}) for filters in (defaults, where)]
    idle = FakeEc2(describe_security_groups=default)
    assert SecurityGroupRule.read(reader_of(cloud_of(idle), {"ec2.Vpc": []})) == []
    assert idle.calls == []


def test_a_desired_rule_created_by_hand_is_adopted() -> None:
    desired, found, ec2 = rule(), read(row()), FakeEc2()
    assert [change.field for change in desired.diff(found)] == ["tags"]
    after = desired.update(cloud_of(ec2), found, frozenset({"tags"}))
    assert ec2.operations == ["create_tags"]
    assert ec2.arguments("create_tags")["Resources"] == ["sgr-1"]
    assert STACK.owns(after.tags)
    assert desired.diff(after) == ()


def test_a_rule_without_a_description_is_accepted() -> None:
    assert [change.field for change in rule().diff(read(row(Description=None)))] == ["tags"]


@pytest.mark.parametrize(
    ("peer", "key"), [("sg-ecs", "ReferencedGroupId"), ("10.0.0.0/8", "CidrIpv4"), ("::/0", "CidrIpv6")]
)
def test_a_changed_description_restates_the_rule(peer: str, key: str) -> None:
    desired, ec2 = rule(peer=peer), FakeEc2()
    found = desired.as_created("sgr-1", direction="ingress", description="old")
    assert [change.field for change in desired.diff(found)] == ["description"]
    desired.update(cloud_of(ec2), found, frozenset({"description"}))
    [change] = ec2.arguments("modify_security_group_rules")["SecurityGroupRules"]
    assert change["SecurityGroupRule"] == {
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 80,
        key: peer,
        "Description": "why",
    }


@pytest.mark.parametrize(
    ("direction", "peer", "expected"),
    [
        ("ingress", "0.0.0.0/0", {"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "why"}]}),
        ("egress", "sg-ecs", {"UserIdGroupPairs": [{"GroupId": "sg-ecs", "Description": "why"}]}),
        ("ingress", "::/0", {"Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "why"}]}),
    ],
)
def test_creating_authorizes_with_tags(direction: str, peer: str, expected: dict[str, Any]) -> None:
    operation = f"authorize_security_group_{direction}"
    ec2 = FakeEc2(**{operation: {"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-1"}]}})
    desired = rule(direction, 80, peer)
    created = desired.create(cloud_of(ec2))
    arguments = ec2.arguments(operation)
    assert arguments["IpPermissions"] == [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **expected}]
    assert arguments["TagSpecifications"][0]["ResourceType"] == "security-group-rule"
    assert created.id == "sgr-1"
    assert desired.diff(created) == ()


def test_a_rule_that_already_exists_is_read_by_the_next_pass() -> None:
    ec2 = FakeEc2(authorize_security_group_ingress=aws_error("InvalidPermission.Duplicate"))
    with pytest.raises(NotYetError, match="missyou-alb ingress tcp/80"):
        rule().create(cloud_of(ec2))


@pytest.mark.parametrize("egress", [False, True])
def test_deleting_revokes_by_rule_id(egress: bool) -> None:
    operation = f"revoke_security_group_{'egress' if egress else 'ingress'}"
    ec2 = FakeEc2(**{operation: aws_error("InvalidSecurityGroupRuleId.NotFound")})
    assert SecurityGroupRule.delete(cloud_of(ec2), read(row(egress=egress))).status == "ready"
    assert ec2.calls == [(operation, {"GroupId": "sg-alb", "SecurityGroupRuleIds": ["sgr-1"]})]


def test_a_rule_of_another_group_or_peer_is_replaced() -> None:
    found = read(row(ReferencedGroupInfo={"GroupId": "sg-old"}))
    fields = {change.field for change in rule(peer="sg-new").diff(found)}
    assert SecurityGroupRule.FORCES_REPLACEMENT.intersection(fields) == {"peer"}
