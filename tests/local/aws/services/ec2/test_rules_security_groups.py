"""What EC2 refuses of security groups and their rules, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps


def _authorize(**changes: Any) -> Act:
    """An ingress rule for port 443 from one block, with changes."""
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.1.0.0/16"}], **changes}
    permission = {key: value for key, value in rule.items() if value is not None}
    return lambda s: s.aws.ec2.authorize_security_group_ingress(GroupId=s.net.group, IpPermissions=[permission])


def _from_group(group: str) -> dict[str, Any]:
    return {"IpRanges": None, "UserIdGroupPairs": [{"GroupId": group}]}


def _name_it(s: Place) -> None:
    """Have a rule of another group name the group of the network."""
    other = s.keep("other", s.security_group("other"))
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": s.net.group}]}
    s.aws.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[permission])


def _twice(s: Place) -> None:
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.1.0.0/16"}] * 2}
    s.aws.ec2.authorize_security_group_ingress(GroupId=s.net.group, IpPermissions=[permission])


RULES = [
    Rule(
        "ec2:DeleteSecurityGroup",
        "a rule of another group names it",
        "DependencyViolation",
        "API DeleteSecurityGroup",
        lambda s: s.aws.ec2.delete_security_group(GroupId=s.net.group),
        steps(
            lambda s: s.aws.ec2.delete_security_group(GroupId=s.kept["other"]),
            lambda s: s.aws.ec2.delete_security_group(GroupId=s.net.group),
        ),
        _name_it,
        words="dependent object",
    ),
    Rule(
        "ec2:CreateSecurityGroup",
        "the name is taken in the VPC, whatever its case",
        "InvalidGroup.Duplicate",
        "API CreateSecurityGroup; aws-behaviour 2.7",
        lambda s: s.security_group("A"),
        lambda s: s.security_group("b"),
        lambda s: s.security_group("a"),
    ),
    Rule(
        "ec2:CreateSecurityGroup",
        "the name begins with sg-",
        "InvalidParameterValue",
        "API CreateSecurityGroup",
        lambda s: s.security_group("", GroupName="sg-x"),
        lambda s: s.security_group("", GroupName="sg"),
    ),
    Rule(
        "ec2:CreateSecurityGroup",
        "the name is reserved",
        "InvalidParameterValue",
        "EC2 API error codes: InvalidGroup.Reserved; API CreateSecurityGroup",
        lambda s: s.security_group("", GroupName="Default"),
        lambda s: s.security_group("", GroupName="default2"),
    ),
    Rule(
        "ec2:CreateSecurityGroup",
        "a character in the description",
        "InvalidParameterValue",
        "API CreateSecurityGroup",
        lambda s: s.security_group("", Description="a — b"),
        lambda s: s.security_group("", Description="a - b"),
    ),
    Rule(
        "ec2:CreateSecurityGroup",
        "a name of 256 characters",
        "InvalidParameterValue",
        "API CreateSecurityGroup",
        lambda s: s.security_group("", GroupName="x" * 256),
        lambda s: s.security_group("", GroupName="x" * 255),
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "the rule is there, with another description",
        "InvalidPermission.Duplicate",
        "aws-behaviour 2.7",
        _authorize(IpRanges=[{"CidrIp": "10.1.0.0/16", "Description": "again"}]),
        _authorize(IpRanges=[{"CidrIp": "10.2.0.0/16", "Description": "again"}]),
        _authorize(),
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "the call names a rule twice",
        "InvalidParameterValue",
        "EC2 API error codes: InvalidParameterValue",
        _twice,
        _authorize(),
        words="multiple times",
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "the peer group does not exist",
        "InvalidGroup.NotFound",
        "EC2 API error codes: InvalidGroup.NotFound",
        _authorize(**_from_group("sg-0123456789abcdef0")),
        lambda s: _authorize(**_from_group(s.net.group))(s),
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "the ports are the wrong way round",
        "InvalidParameterValue",
        "API IpPermission",
        _authorize(FromPort=443, ToPort=80),
        _authorize(FromPort=80, ToPort=443),
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "a port that does not exist",
        "InvalidParameterValue",
        "API IpPermission",
        _authorize(FromPort=65_536, ToPort=65_536),
        _authorize(FromPort=65_535, ToPort=65_535),
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "TCP without ports",
        "InvalidParameterValue",
        "API IpPermission: ports are required for tcp and udp, the stricter reading",
        _authorize(FromPort=None, ToPort=None),
        _authorize(FromPort=None, ToPort=None, IpProtocol="-1"),
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "an unknown protocol",
        "InvalidParameterValue",
        "API IpPermission",
        _authorize(IpProtocol="https"),
        _authorize(IpProtocol="6"),
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "a block that is none",
        "InvalidParameterValue",
        "API IpRange",
        _authorize(IpRanges=[{"CidrIp": "10.0.0.0/33"}]),
        _authorize(IpRanges=[{"CidrIp": "10.0.0.0/32"}]),
        words="malformed",
    ),
    Rule(
        "ec2:AuthorizeSecurityGroupIngress",
        "a character in a rule's description",
        "InvalidParameterValue",
        "API IpRange",
        _authorize(IpRanges=[{"CidrIp": "10.1.0.0/16", "Description": "a — b"}]),
        _authorize(IpRanges=[{"CidrIp": "10.1.0.0/16", "Description": "a - b"}]),
    ),
    Rule(
        "ec2:RevokeSecurityGroupIngress",
        "there is no such rule",
        "InvalidPermission.NotFound",
        "EC2 API error codes: InvalidPermission.NotFound",
        lambda s: s.aws.ec2.revoke_security_group_ingress(GroupId=s.net.group, IpPermissions=[_HTTPS]),
        steps(
            _authorize(),
            lambda s: s.aws.ec2.revoke_security_group_ingress(GroupId=s.net.group, IpPermissions=[_HTTPS]),
        ),
    ),
    Rule(
        "ec2:RevokeSecurityGroupIngress",
        "there is no rule of this id",
        "InvalidSecurityGroupRuleId.NotFound",
        "EC2 API error codes: InvalidSecurityGroupRuleId.NotFound",
        lambda s: _revoke_by_id(s, "sgr-0123456789abcdef0"),
        lambda s: _revoke_by_id(s, s.kept["rule"]),
        lambda s: s.keep("rule", _authorize()(s)["SecurityGroupRules"][0]["SecurityGroupRuleId"]),  # type: ignore[index]
    ),
]

_HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}


def _revoke_by_id(s: Place, rule: str) -> None:
    s.aws.ec2.revoke_security_group_ingress(GroupId=s.net.group, SecurityGroupRuleIds=[rule])


@each(RULES)
def test_ec2_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
