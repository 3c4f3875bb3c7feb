"""Which resources a request is about: the types that AWS's reference names, looked for among the parameters.

A parameter is an ARN, or has the name of a variable in the pattern of the type's ARNs. What is called otherwise, or
stands in no parameter, has a row in a table below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from . import reference

ACCOUNT, REGION = "123456789012", "us-east-1"
Params = Mapping[str, Any]


class Seen(Protocol):
    """What was in AWS at the moment of a request."""

    def tags(self, arn: str) -> Mapping[str, str] | None:
        """Return the tags of a resource, None if there is none."""

    def target(self, resource_id: str) -> str:
        """Return the ARN of a scalable target, "" if there is none."""

    def association(self, id_: str) -> tuple[str, str]:
        """Return the route table and the subnet of an association, "" for what is not there."""

    def secret(self, name: str) -> str:
        """Return the ARN of a secret, or what AWS checks where there is none."""

    def boundary(self, role: str) -> str:
        """Return the ARN of a role's permissions boundary, "" if it has none, or if there is no role."""

    def web_acl(self, resource: str) -> str:
        """Return the ARN of the web ACL of a load balancer, "" if it has none."""


#: Variables of the reference -> parameters, where they have other names.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "SecurityGroupId": ("GroupId",),
    "VpcFlowLogId": ("FlowLogId",),
    "DbInstanceName": ("DBInstanceIdentifier",),
    "SnapshotName": ("DBSnapshotIdentifier",),
    "SubnetGroupName": ("DBSubnetGroupName",),
    "ParameterGroupName": ("DBParameterGroupName",),
    "ClusterName": ("cluster",),
    "ServiceName": ("service",),
    "TaskDefinitionFamilyName": ("family",),
    "LoadBalancerName": ("Name",),
    "TargetGroupName": ("Name",),
    "RoleNameWithPath": ("RoleName",),
    "BucketName": ("Bucket",),
    "ObjectName": ("Key",),
    "TopicName": ("Name",),
    "Id": ("HostedZoneId",),
}
_CREATING = re.compile(r"Create|Allocate|Authorize|Register|Request|Restore|Put(MetricAlarm|Dashboard)")
#: These overwrite what is there.
_UPSERTS = re.compile(r"CreateTopic|Register|Put")
_READING = re.compile(r"Describe|List")


def creates(action: str) -> bool:
    """Return whether a request makes what it names and is not there."""
    return _CREATING.match(action.partition(":")[2]) is not None


def reads(action: str) -> bool:
    """Return whether a request is for a list, or for what a list may show: AWS looks at no tags then."""
    return _READING.match(action.partition(":")[2]) is not None


def arn(place: str) -> str:
    """Complete `<service>:<rest>` to an ARN; what is one already, and `*`, stay."""
    if place == "*" or place.startswith("arn:"):
        return place
    service, _, rest = place.partition(":")
    nobodys = service in {"s3", "route53"}
    return f"arn:aws:{service}:{'' if nobodys or service == 'iam' else REGION}:{'' if nobodys else ACCOUNT}:{rest}"


def places(action: str, params: Params, seen: Seen) -> Mapping[str, bool]:
    """Map the ARNs of the resources that a request is about to whether it makes them; `*` where AWS knows none."""
    special = _SPECIAL.get(action)
    if action.startswith("secretsmanager:") and "SecretId" in params:
        special = _secret
    if action.startswith("application-autoscaling:") and "ResourceId" in params and not reads(action):
        special = _target
    if special:
        return {arn(place): place.endswith("new") for place in special(params, seen) if place}
    # The option group is AWS's default one, which no request names: see `authorization.IMPLIED`.
    types = [type_ for type_ in reference.types(action) if ":og:" not in type_.pattern]
    found = {
        place: place.endswith("new") or _makes(action, type_)
        for type_ in types
        for place in _of_type(type_, action, params)
    }
    return found or {_filled(types[0].pattern, {}) if types else "*": False}


def _makes(action: str, type_: reference.Type) -> bool:
    """Return whether a call creates a type by its name and never overwrites one: what it is called says so."""
    operation = action.partition(":")[2].partition("From")[0]
    noun, name, _ = _variables(type_.pattern)[-1].partition("Name")
    return bool(name) and creates(action) and not _UPSERTS.match(operation) and noun.lower() in operation.lower()


def _of_type(type_: reference.Type, action: str, params: Params) -> Iterator[str]:
    given = [value for values in map(_texts, params.values()) for value in values if type_.matches(value)]
    if given:
        yield from given
        return
    needed = type_.required or (type_.made and "TagSpecifications" in params)
    options = {name: _values(name, params) for name in _variables(type_.pattern)}
    missing = {name for name, values in options.items() if not values}
    if missing and not (needed and (creates(action) or reads(action))):
        return
    *first, last = options or {"": ["*"]}
    for value in options.get(last) or ["new" if creates(action) else "*"]:
        yield _filled(type_.pattern, {**{name: (options[name] or ["new"])[0] for name in first}, last: value})


def _variables(pattern: str) -> list[str]:
    return [name for name in re.findall(r"\$\{(\w+)\}", pattern) if name not in {"Partition", "Region", "Account"}]


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    known = {"Partition": "aws", "Region": REGION, "Account": ACCOUNT, **values}
    return re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], "*"), pattern)


def _values(variable: str, params: Params) -> list[str]:
    """Return what the parameters say of a variable: alone or several, added or removed, or one level further in."""
    names = {name.lower() + plural for name in (variable, *_ALIASES.get(variable, ())) for plural in ("", "s")}
    inner = [row for value in params.values() if isinstance(value, list) for row in value if isinstance(row, Mapping)]
    return [
        text.rpartition("/")[2] if text.startswith(("arn:", "/")) and not variable.startswith("Log") else text
        for each in (params, *inner)
        for key, value in each.items()
        if re.sub("^(Add|Remove)", "", key).lower() in names
        for text in _texts(value)
    ]


def _texts(value: Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


#: By the first part of an ID, where the type is called otherwise.
_EC2_TYPES = {
    "igw": "internet-gateway",
    "eipalloc": "elastic-ip",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "vpce": "vpc-endpoint",
    "fl": "vpc-flow-log",
}


def _ec2(id_: str) -> str:
    prefix = id_.partition("-")[0]
    return f"ec2:{_EC2_TYPES.get(prefix, prefix)}/{id_}" if id_ else ""


def _association(params: Params, seen: Seen) -> list[str]:
    table, subnet = seen.association(params["AssociationId"])
    return [_ec2(params.get("RouteTableId", table)), _ec2(subnet)]


def _target(params: Params, seen: Seen) -> list[str]:
    return [seen.target(params["ResourceId"]) or "application-autoscaling:scalable-target/0123new"]


def _secret(params: Params, seen: Seen) -> list[str]:
    return [seen.secret(params["SecretId"])]


def _acl(params: Params, _: Seen) -> list[str]:
    return [f"wafv2:regional/webacl/{params['Name']}/{params.get('Id', 'new')}"]


def _acl_with_groups(params: Params, seen: Seen) -> list[str]:
    return [*_acl(params, seen), "wafv2:regional/managedruleset/AWSManagedRulesCommonRuleSet/1"]


def _earlier(params: Params, _: Seen) -> list[str]:
    given = params.get("SourceDBInstanceAutomatedBackupsArn", "")
    return [
        f"rds:db:{params['TargetDBInstanceIdentifier']}",
        given or f"rds:auto-backup:{params['SourceDbiResourceId']}",
        f"rds:subgrp:{params['DBSubnetGroupName']}",
        f"rds:pg:{params['DBParameterGroupName']}",
    ]


_SPECIAL: Mapping[str, Callable[[Params, Seen], list[str]]] = {
    **dict.fromkeys(("ec2:CreateTags", "ec2:DeleteTags"), lambda params, _: [_ec2(id_) for id_ in params["Resources"]]),
    **dict.fromkeys(("ec2:DisassociateRouteTable", "ec2:ReplaceRouteTableAssociation"), _association),
    "ec2:CreateFlowLogs": lambda params, _: ["ec2:vpc-flow-log/new", *map(_ec2, params["ResourceIds"])],
    **dict.fromkeys(("wafv2:GetWebACL", "wafv2:DeleteWebACL"), _acl),
    **dict.fromkeys(("wafv2:CreateWebACL", "wafv2:UpdateWebACL"), _acl_with_groups),
    "wafv2:GetWebACLForResource": lambda params, seen: [params["ResourceArn"], seen.web_acl(params["ResourceArn"])],
    # AWS ends the ARN in six characters of its own.
    "secretsmanager:CreateSecret": lambda params, _: [f"secretsmanager:secret:{params['Name']}-AbCdEf"],
    # AWS narrows it by the cluster, as a condition.
    "ecs:ListTasks": lambda *_: ["*"],
    "rds:RestoreDBInstanceToPointInTime": _earlier,
    "rds:StartDBInstanceAutomatedBackupsReplication": lambda params, _: [
        params["SourceDBInstanceArn"],
        "rds:auto-backup:new",
    ],
    "sns:Unsubscribe": lambda params, _: [params["SubscriptionArn"].rpartition(":")[0]],
    "s3:DeleteObject": lambda params, _: [f"s3:{params['Bucket']}/{row['Key']}" for row in params["Delete"]["Objects"]],
}
