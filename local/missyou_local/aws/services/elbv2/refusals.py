"""Refusals of load balancers, their subnets and their attributes that moto lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError

_FREE_ADDRESSES = 8
"""Addresses that an Application Load Balancer wants in each subnet (ALB guide, "Subnets for your load balancer")."""
_LOG_SERVICE = "logdelivery.elasticloadbalancing.amazonaws.com"
_ELB_ACCOUNT = re.compile(r"arn:aws:iam::\d{12}:root")
"""The older form of principal: an account of Elastic Load Balancing for each region."""
_RANGES = {"idle_timeout.timeout_seconds": (1, 4000), "client_keep_alive.seconds": (60, 604_800)}
_CHOICES = {
    "routing.http.desync_mitigation_mode": ("monitor", "defensive", "strictest"),
    "routing.http.xff_header_processing.mode": ("append", "preserve", "remove"),
}


#: IDs of zones without Application Load Balancers.
_WITHOUT_BALANCERS = {"apne1-az3", "usw1-az2"}


@checks("elbv2:CreateLoadBalancer", "elbv2:SetSubnets")
def subnets_have_room(call: Call) -> None:
    """Refuse subnets of several VPCs, and one without eight free addresses."""
    wanted = call.params.get("Subnets") or [entry["SubnetId"] for entry in call.params.get("SubnetMappings", [])]
    subnets = [subnet for subnet in call.moto("ec2").describe_subnets() if subnet.id in wanted]
    vpcs = sorted({subnet.vpc_id for subnet in subnets})
    if len(vpcs) > 1:
        raise _configuration(f"All subnets must belong to the same VPC: '{', '.join(vpcs)}'")
    own = _settled_in(call)
    for subnet in subnets:
        taken = sum(eni.subnet.id == subnet.id for eni in call.moto("ec2").enis.values())
        if subnet.id not in own and subnet.cidr.num_addresses - 5 - taken < _FREE_ADDRESSES:
            message = f"Not enough IP space available in {subnet.id}. ELB requires at least 8 free IP addresses"
            raise AwsError("InvalidSubnet", f"{message} in each subnet.")


def _settled_in(call: Call) -> set[str]:
    """Return the subnets in which the load balancer of the call, if it exists, is already."""
    params = call.params
    return {
        subnet.id
        for balancer in call.moto("elbv2").load_balancers.values()
        if balancer.arn == params.get("LoadBalancerArn") or balancer.name == params.get("Name")
        for subnet in balancer.subnets
    }


@checks("elbv2:CreateLoadBalancer", "elbv2:SetSubnets")
def zones_have_balancers(call: Call) -> None:
    """Refuse zones without Application Load Balancers, as github.com/aws/copilot-cli issue 1298 quotes it."""
    ec2 = call.moto("ec2")
    zones = {zone.name: zone.zone_id for zone in ec2.describe_availability_zones()}
    wanted = set(call.params.get("Subnets", []))
    subnets = [subnet for by_id in ec2.subnets.values() for subnet in by_id.values() if subnet.id in wanted]
    without = sorted(each.availability_zone for each in subnets if zones[each.availability_zone] in _WITHOUT_BALANCERS)
    if without:
        message = (
            f"The following Availability Zones {', '.join(without)} cannot be associated with a load balancer. "
            "Please try a different Availability Zone."
        )
        raise AwsError("ValidationError", message)


@checks("elbv2:CreateLoadBalancer", "elbv2:SetSecurityGroups")
def groups_are_of_the_network(call: Call) -> None:
    """Refuse security groups of another VPC."""
    ec2 = call.moto("ec2")
    wanted = call.params.get("Subnets", [])
    balancer = call.moto("elbv2").load_balancers.get(call.params.get("LoadBalancerArn"))
    vpcs = {subnet.vpc_id for subnet in ec2.describe_subnets() if subnet.id in wanted}
    if balancer is not None:
        vpcs = {balancer.vpc_id}
    for group_id in call.params.get("SecurityGroups", []) if vpcs else ():
        group = ec2.get_security_group_from_id(group_id)
        if group is not None and group.vpc_id not in vpcs:
            raise _configuration(f"One or more security groups are invalid: {group_id} is of {group.vpc_id}")


@checks("elbv2:ModifyLoadBalancerAttributes")
def attributes_are_known(call: Call) -> None:
    """Refuse values out of range, changes of fixed attributes, and access logs that cannot be written."""
    wanted = {entry["Key"]: entry.get("Value", "") for entry in call.params["Attributes"]}
    for key, value in wanted.items():
        if key in _RANGES and not (value.isdecimal() and _RANGES[key][0] <= int(value) <= _RANGES[key][1]):
            raise _configuration(f"Load balancer attribute '{key}' must be between {_RANGES[key]}, not '{value}'")
        if key in _CHOICES and value not in _CHOICES[key]:
            raise _configuration(f"Load balancer attribute '{key}' must be one of {_CHOICES[key]}, not '{value}'")
    if wanted.get("load_balancing.cross_zone.enabled") == "false":
        raise _configuration("Cross-zone load balancing of an Application Load Balancer cannot be turned off")
    if wanted.get("access_logs.s3.enabled") == "true":
        _check_bucket(call, wanted)


def _check_bucket(call: Call, wanted: Mapping[str, str]) -> None:
    """Refuse a bucket that the load balancer cannot write its logs to (ALB guide, "Enable access logs")."""
    balancer = call.moto("elbv2").load_balancers.get(call.params["LoadBalancerArn"])
    present = balancer.attrs if balancer is not None else {}
    settings = {**present, **wanted}
    name, prefix = (settings.get(f"access_logs.s3.{part}") or "" for part in ("bucket", "prefix"))
    if "AWSLogs" in prefix or prefix.startswith("/") or prefix.endswith("/"):
        raise _configuration(f"The prefix '{prefix}' must not contain AWSLogs, or begin or end with a slash")
    bucket = backends.backend("s3", call.account, "aws").buckets.get(name)
    if bucket is None:
        raise _configuration(f"Access Denied for bucket: {name}. Please check S3bucket permission")
    if bucket.region_name != call.region:
        raise _configuration(f"The bucket {name} is in {bucket.region_name}, the load balancer in {call.region}")
    key = "/".join(part for part in (prefix, "AWSLogs", call.account) if part)
    encryption = json.dumps(bucket.encryption or {})
    if "aws:kms" in encryption or not _may_write(bucket.policy, f"arn:aws:s3:::{name}/{key}/"):
        raise _configuration(f"Access Denied for bucket: {name}. Please check S3bucket permission")
    # AWS's trial leaves an object behind.
    backends.backend("s3", call.account, "aws").put_object(name, f"{key}/ELBAccessLogTestFile", b"")


def _may_write(policy: bytes | None, where: str) -> bool:
    """Return whether a statement lets the log delivery put objects there. Conditions are ignored."""
    statements = json.loads(policy)["Statement"] if policy else []
    for statement in statements if isinstance(statements, list) else [statements]:
        principals = json.dumps(statement.get("Principal", ""))
        writer = _LOG_SERVICE in principals or _ELB_ACCOUNT.search(principals) is not None
        actions, resources = _listed(statement.get("Action")), _listed(statement.get("Resource"))
        writes = any(action in ("*", "s3:*", "s3:PutObject") for action in actions)
        reaches = any(where.startswith(resource.rstrip("*")) for resource in resources)
        if statement["Effect"] == "Allow" and writer and writes and reaches:
            return True
    return False


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _configuration(message: str) -> AwsError:
    return AwsError("InvalidConfigurationRequest", message)
