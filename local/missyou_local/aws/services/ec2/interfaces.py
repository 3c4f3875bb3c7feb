"""Network interfaces of AWS's services in our subnets, which keep subnets and security groups from being deleted.

moto has none for load balancers, databases and tasks. Here each gets real ones (`DescribeNetworkInterfaces` shows them,
described as AWS does), and they outlive their owner by `Timing.eni`, as on AWS.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from missyou_local.aws.call import Call, Regional, advances


@dataclass(slots=True)
class Interface:
    """One interface: moto's object, its owner (an ARN or a name), and when it goes (None: with its owner)."""

    eni: Any
    owner: str
    public: bool
    gone_at: float | None = None


_interfaces: Regional[list[Interface]] = Regional(list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an interface is: subnet, security groups, and whether its public address holds the internet gateway."""

    subnet: str
    groups: Sequence[str]
    public: bool = False


def attach(call: Call, owner: str, place: Place, description: str) -> Any:
    """Create an interface of `owner` in its place and return moto's object."""
    ec2, groups = call.moto("ec2"), list(place.groups)
    address = _free_address(ec2, place.subnet)
    eni = ec2.create_network_interface(place.subnet, address, group_ids=groups, description=description)
    eni.status = "in-use"
    eni.requester_managed = True
    _interfaces.of(call).append(Interface(eni, owner, place.public))
    return eni


def _free_address(ec2: Any, subnet: str) -> str:
    """Return the lowest free address; moto's own random ones may collide. AWS keeps the first four and the last."""
    taken = {eni.private_ip_address for eni in ec2.enis.values() if eni.subnet.id == subnet}
    hosts = itertools.islice(ec2.get_subnet(subnet).cidr, 4, None)
    return next(str(host) for host in hosts if str(host) not in taken)


def release(call: Call, owner: str, at: float | None = None) -> None:
    """Remove the owner's interfaces `Timing.eni` seconds after `at` (default: now)."""
    gone_at = (call.now if at is None else at) + call.timing.eni
    for interface in _interfaces.of(call):
        if interface.owner == owner and interface.gone_at is None:
            interface.gone_at = gone_at


def drop(call: Call, owner: str) -> None:
    """Remove the owner's interfaces at once, as a change of its subnets or groups does."""
    for interface in _interfaces.of(call):
        if interface.owner == owner:
            interface.gone_at = call.now
    advance(call)


def has_public_addresses(call: Call, vpc: str) -> bool:
    """Return whether an interface in the VPC has a public address of a load balancer or a task."""
    return any(i.public and i.eni.subnet.vpc_id == vpc for i in _interfaces.of(call))


def has_gateway(call: Call, vpc: str) -> bool:
    """Return whether an internet gateway is attached to the VPC."""
    return any(igw.vpc and igw.vpc.id == vpc for igw in call.moto("ec2").internet_gateways.values())


@advances("ec2")
def advance(call: Call) -> None:
    """Remove the interfaces that are due."""
    interfaces = _interfaces.of(call)
    enis = call.moto("ec2").enis
    for interface in [i for i in interfaces if i.gone_at is not None and i.gone_at <= call.now]:
        enis.pop(interface.eni.id, None)
        interfaces.remove(interface)
