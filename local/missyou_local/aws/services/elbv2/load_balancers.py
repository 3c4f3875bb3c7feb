"""Load balancers, listeners and target groups: states by the clock, idempotency by content, and AWS's refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2 import interfaces
from missyou_local.dataplane.postgres import HOST, free_port

_NAME = re.compile(r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?")
_DEFAULT_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}


@dataclass(slots=True)
class _Balancing:
    """When load balancers become active, what made the target groups, and ports of this machine, all by ARN."""

    active_at: dict[str, float] = field(default_factory=dict)
    groups: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ports: dict[tuple[str, int], int] = field(default_factory=dict)


BALANCING: Regional[_Balancing] = Regional(_Balancing)


def local_port(call: Call, balancer: str, port: int) -> int:
    """Return the port of this machine that stands for a port of a load balancer (an ARN)."""
    ports = BALANCING.of(call).ports
    if (balancer, port) not in ports:
        ports[balancer, port] = free_port()
    return ports[balancer, port]


@handles("elbv2:CreateLoadBalancer")
def create_load_balancer(call: Call) -> Result:
    """Create a load balancer, or return the one of this name if it has the same settings and tags."""
    params = call.params
    name = params["Name"]
    if not _NAME.fullmatch(name):
        raise AwsError(
            "ValidationError", f"The load balancer name '{name}' is not valid: up to 32 letters, digits and '-'"
        )
    subnets = _check_subnets(call, params)
    groups = params.get("SecurityGroups") or [_default_group(call, subnets[0].vpc_id)]
    _check_groups(call, groups)
    elb = call.moto("elbv2")
    for balancer in elb.load_balancers.values():
        if balancer.name == name:
            if _settings_of(elb, balancer) != _wanted(params, subnets, groups):
                message = f"A load balancer with the same name '{name}' exists, but with different settings"
                raise AwsError("DuplicateLoadBalancerName", message)
            return {"LoadBalancers": _described(call, [balancer.arn])}
    if params.get("Scheme", "internet-facing") == "internet-facing" and not interfaces.has_gateway(
        call, subnets[0].vpc_id
    ):
        raise AwsError("InvalidSubnet", f"VPC {subnets[0].vpc_id} has no internet gateway")
    made = call.forward({"Scheme": "internet-facing", **params, "SecurityGroups": groups})["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    balancer = elb.load_balancers[arn]
    balancer.attrs = {**balancer.attrs, **_DEFAULT_ATTRIBUTES}
    # A data plane listens on ports of this machine: the load balancer's own name is in no DNS, and port 80 is root's.
    here = f"{HOST}:{local_port(call, arn, 80)}" if call.plane else None
    inside = "internal-" if balancer.scheme == "internal" else ""
    balancer.dns_name = here or f"{inside}{name}-{int(arn[-8:], 16):010d}.{call.region}.elb.amazonaws.com"
    BALANCING.of(call).active_at[arn] = call.now + call.timing.alb
    _attach(call, balancer)
    return {"LoadBalancers": _described(call, [arn])}


def _settings_of(elb: Any, balancer: Any) -> tuple[Any, ...]:
    tags = elb.tagging_service.get_tag_dict_for_resource(balancer.arn)
    subnets = frozenset(subnet.id for subnet in balancer.subnets)
    return balancer.scheme, balancer.type, balancer.ip_address_type, subnets, frozenset(balancer.security_groups), tags


def _wanted(params: Mapping[str, Any], subnets: list[Any], groups: list[str]) -> tuple[Any, ...]:
    return (
        params.get("Scheme", "internet-facing"),
        params.get("Type", "application"),
        params.get("IpAddressType", "ipv4"),
        frozenset(subnet.id for subnet in subnets),
        frozenset(groups),
        {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])},
    )


def _check_subnets(call: Call, params: Mapping[str, Any]) -> list[Any]:
    wanted = params.get("Subnets") or [mapping["SubnetId"] for mapping in params.get("SubnetMappings", [])]
    known = {subnet.id: subnet for subnet in call.moto("ec2").describe_subnets()}
    if missing := [subnet for subnet in wanted if subnet not in known]:
        raise AwsError("SubnetNotFound", f"The subnet ID '{missing[0]}' does not exist")
    subnets = [known[subnet] for subnet in wanted]
    zones = [subnet.availability_zone for subnet in subnets]
    if len(set(zones)) < len(zones):
        message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        raise AwsError("InvalidConfigurationRequest", message)
    if len(subnets) < 2:
        raise AwsError("ValidationError", "At least two subnets in two different Availability Zones must be specified")
    return subnets


def _check_groups(call: Call, groups: list[str]) -> None:
    for group in groups:
        if call.moto("ec2").get_security_group_from_id(group) is None:
            raise AwsError("InvalidSecurityGroup", f"Security group '{group}' does not exist")


def _default_group(call: Call, vpc: str) -> str:
    return str(call.moto("ec2").get_default_security_group(vpc).id)


def _attach(call: Call, balancer: Any) -> None:
    """Attach the load balancer's interfaces, one in each subnet."""
    interfaces.drop(call, balancer.arn)
    description = f"ELB {balancer.arn.partition('loadbalancer/')[2]}"
    public = balancer.scheme == "internet-facing"
    for subnet in balancer.subnets:
        place = interfaces.Place(subnet.id, balancer.security_groups, public=public)
        interfaces.attach(call, balancer.arn, place, description)


def _described(call: Call, arns: list[str]) -> list[dict[str, Any]]:
    return _timely(call, call.ask("DescribeLoadBalancers", {"LoadBalancerArns": arns})["LoadBalancers"])


@handles("elbv2:DescribeLoadBalancers")
def describe_load_balancers(call: Call) -> Result:
    """Describe load balancers, `provisioning` until they are active."""
    elb = call.moto("elbv2")
    names = {balancer.name for balancer in elb.load_balancers.values()}
    if (missing := [name for name in call.params.get("Names", []) if name not in names]) or (
        missing := [arn for arn in call.params.get("LoadBalancerArns", []) if arn not in elb.load_balancers]
    ):
        raise AwsError("LoadBalancerNotFound", f"Load balancers '[{', '.join(missing)}]' not found")
    result = call.forward()
    return {**result, "LoadBalancers": _timely(call, result["LoadBalancers"])}


def _timely(call: Call, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for entry in entries:
        entry["State"] = {"Code": "active" if is_active(call, entry["LoadBalancerArn"]) else "provisioning"}
    return entries


def is_active(call: Call, arn: str) -> bool:
    """Return whether a load balancer has been provisioned."""
    return BALANCING.of(call).active_at.get(arn, 0.0) <= call.now


@handles("elbv2:SetSubnets", "elbv2:SetSecurityGroups")
def move_load_balancer(call: Call) -> Result:
    """Change subnets or groups, and with them the interfaces."""
    if "SecurityGroups" in call.params:
        _check_groups(call, call.params["SecurityGroups"])
    else:
        _check_subnets(call, call.params)
    result = call.forward()
    _attach(call, call.moto("elbv2").load_balancers[call.params["LoadBalancerArn"]])
    return result


@handles("elbv2:DeleteLoadBalancer")
def delete_load_balancer(call: Call) -> Result:
    """Delete a load balancer unless it is protected; its interfaces linger."""
    arn = call.params["LoadBalancerArn"]
    balancer = call.moto("elbv2").load_balancers.get(arn)
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise AwsError("OperationNotPermitted", message)
    interfaces.release(call, arn)
    BALANCING.of(call).active_at.pop(arn, None)
    return call.forward()


@handles("elbv2:CreateTargetGroup")
def create_target_group(call: Call) -> Result:
    """Create a target group, or return the one of this name if the same settings made it."""
    name = call.params["Name"]
    made_by = BALANCING.of(call).groups
    for group in call.moto("elbv2").target_groups.values():
        if group.name == name:
            if made_by.get(group.arn) != call.params:
                message = f"A target group with the same name '{name}' exists, but with different settings"
                raise AwsError("DuplicateTargetGroupName", message)
            return call.ask("DescribeTargetGroups", {"TargetGroupArns": [group.arn]})
    result = call.forward()
    made_by[result["TargetGroups"][0]["TargetGroupArn"]] = dict(call.params)
    return result


@checks("elbv2:DescribeTargetGroups")
def know_the_load_balancers(call: Call) -> None:
    """Update which load balancers a target group serves; moto only adds to the list."""
    elb = call.moto("elbv2")
    users = _users(elb)
    for group in elb.target_groups.values():
        group.load_balancer_arns = users.get(group.arn, [])


def users_of(elb: Any, group: str) -> list[str]:
    """Return the ARNs of the load balancers of which a listener or rule forwards to the target group."""
    return _users(elb).get(group, [])


def _users(elb: Any) -> dict[str, list[str]]:
    """Return such ARNs by target group."""
    found: dict[str, dict[str, None]] = {}
    for arn, balancer in elb.load_balancers.items():
        for listener in balancer.listeners.values():
            for rule in listener.rules.values():
                for action in rule.actions:
                    for group in elb._get_target_group_arns_from(action_data=action.data):
                        found.setdefault(group, {})[arn] = None
    return {group: [*arns] for group, arns in found.items()}


def _forward(action: Mapping[str, Any]) -> dict[str, int]:
    """Return the target groups that an action forwards to, with their weights."""
    rows = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
    return {row["TargetGroupArn"]: row.get("Weight", 1) for row in rows if "TargetGroupArn" in row}


@handles("elbv2:CreateListener")
def create_listener(call: Call) -> Result:
    """Create a listener, or return the one on this port if it does the same; HTTPS needs a certificate."""
    params = call.params
    if params.get("Protocol") == "HTTPS" and not params.get("Certificates"):
        raise AwsError("ValidationError", "A certificate must be specified for HTTPS listeners")
    balancer = call.moto("elbv2").load_balancers.get(params["LoadBalancerArn"])
    for listener in balancer.listeners.values() if balancer else ():
        if int(listener.port) == int(params["Port"]):
            same = listener.protocol == params["Protocol"]
            forwards = [_forward(action.data) for action in listener.default_actions]
            if not same or forwards != [_forward(action) for action in params["DefaultActions"]]:
                raise AwsError("DuplicateListener", "A listener already exists on this port for this load balancer")
            return call.ask("DescribeListeners", {"ListenerArns": [listener.arn]})
    return call.forward()
