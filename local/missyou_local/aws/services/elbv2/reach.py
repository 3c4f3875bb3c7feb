"""Whether a load balancer reaches a target through the security groups of both, and whether the target answers there.

Security groups that no longer admit a port cut off new connections, health checks among them. Established ones, which
AWS may let go on, are cut off as well. Source: VPC user guide, "Security group rules" and "Connection tracking"; ALB
guide, "Security groups for your Application Load Balancer".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call
from missyou_local.aws.services.elbv2.load_balancers import users_of

#: Health check paths that no app here answers with what the matcher wants, where tasks are only records.
_unanswered: set[str] = set()
backends.on_reset(_unanswered.clear)


def leave_unanswered(paths: Iterable[str]) -> None:
    """Have all targets fail checks of these paths from now on."""
    _unanswered.clear()
    _unanswered.update(paths)


def is_answered(path: str) -> bool:
    """Return whether the apps answer checks of a path, where tasks are only records."""
    return path not in _unanswered


def is_reached(call: Call, group: str, address: str, port: int) -> bool:
    """Return whether the load balancer of a target group (an ARN) may connect to a port of a target."""
    elb, ec2 = call.moto("elbv2"), call.moto("ec2")
    vpc = elb.target_groups[group].vpc_id if group in elb.target_groups else ""
    inside = [eni for eni in ec2.enis.values() if eni.subnet.vpc_id == vpc]
    target = next((eni for eni in inside if eni.private_ip_address == address), None)
    if target is None:
        return True
    ends = _End(ec2, [each.id for each in target.group_set], [address])
    for arn in users_of(elb, group):
        balancer = elb.load_balancers[arn]
        subnets = {subnet.id for subnet in balancer.subnets}
        own = [eni.private_ip_address for eni in inside if eni.subnet.id in subnets]
        begins = _End(ec2, balancer.security_groups, own)
        if begins.admits("egress_rules", ends, port) and ends.admits("ingress_rules", begins, port):
            return True
    return False


def is_open(call: Call, balancer: str, address: str, port: int) -> bool:
    """Return whether a client may connect to a port of a load balancer (an ARN); `address` is the client's.

    An internal one has private addresses only, to which the internet has no route. Source: Elastic Load Balancing user
    guide, "Load balancer scheme".
    """
    ec2, row = call.moto("ec2"), call.moto("elbv2").load_balancers[balancer]
    if row.scheme == "internal" and not ipaddress.ip_address(address).is_private:
        return False
    return _End(ec2, row.security_groups, ()).admits("ingress_rules", _End(ec2, (), [address]), port)


class _End:
    """One end of a connection: its security groups, and the addresses that it may have."""

    def __init__(self, ec2: Any, groups: Collection[str], addresses: Collection[str]) -> None:
        self.ids, self.addresses = groups, [ipaddress.ip_address(address) for address in addresses]
        self._groups = [ec2.get_security_group_from_id(group) for group in groups]

    def admits(self, direction: str, other: _End, port: int) -> bool:
        """Return whether a rule of one direction names the other end and the port."""
        rules = (rule for group in self._groups if group is not None for rule in getattr(group, direction))
        return any(_covers(rule, port) and other.is_named_by(rule) for rule in rules)

    def is_named_by(self, rule: Any) -> bool:
        """Return whether a rule is about this end."""
        if (rule.source_group or {}).get("GroupId") in self.ids:
            return True
        cidr = (rule.ip_range or {}).get("CidrIp")
        return cidr is not None and any(address in ipaddress.ip_network(cidr) for address in self.addresses)


def _covers(rule: Any, port: int) -> bool:
    return str(rule.ip_protocol) == "-1" or int(rule.from_port) <= port <= int(rule.to_port)
