"""Quotas that the new resources exceed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

from missyou_operator.aws.account import Facts
from missyou_operator.aws.ec2.gateways import NatGateway
from missyou_operator.aws.ec2.vpc import Subnet
from missyou_operator.aws.quotas import (
    ADDRESSES,
    DB_INSTANCES,
    DB_PARAMETER_GROUPS,
    DB_STORAGE,
    DB_SUBNET_GROUPS,
    FARGATE_VCPUS,
    INTERNET_GATEWAYS,
    LOAD_BALANCERS,
    NAT_GATEWAYS,
    ROLES,
    TARGET_GROUPS,
    VPCS,
    Quota,
)
from missyou_operator.engine.values import Ref
from missyou_operator.preflight.finding import Finding
from missyou_operator.preflight.subject import Subject

#: The quotas that count resources, by type.
_COUNTED: Mapping[str, Quota] = {
    "ec2.Vpc": VPCS,
    "ec2.InternetGateway": INTERNET_GATEWAYS,
    "ec2.Address": ADDRESSES,
    "rds.DBInstance": DB_INSTANCES,
    "rds.DBSubnetGroup": DB_SUBNET_GROUPS,
    "rds.DBParameterGroup": DB_PARAMETER_GROUPS,
    "elbv2.LoadBalancer": LOAD_BALANCERS,
    "elbv2.TargetGroup": TARGET_GROUPS,
    "iam.Role": ROLES,
}
_CPU_UNITS = 1024


def needs(subject: Subject) -> Mapping[tuple[Quota, str], float]:
    """Return how much of each quota the new resources take; the second part of a key is a zone, or ""."""
    found: defaultdict[tuple[Quota, str], float] = defaultdict(float)
    for resource in subject.new:
        if quota := _COUNTED.get(resource.TYPE):
            found[quota, ""] += 1
        if isinstance(resource, NatGateway):
            found[NAT_GATEWAYS, _zone(subject, resource)] += 1
        elif resource.TYPE == "rds.DBInstance":
            found[DB_STORAGE, ""] += subject.app.database.storage_gib
        elif resource.TYPE == "ecs.Service":
            found[FARGATE_VCPUS, ""] += subject.app.service.replicas.min * _vcpus_of_a_task(subject)
    return found


def _zone(subject: Subject, gateway: NatGateway) -> str:
    subnet = subject.graph[gateway.subnet_id.address] if isinstance(gateway.subnet_id, Ref) else None
    return subnet.zone if isinstance(subnet, Subnet) else ""


def _vcpus_of_a_task(subject: Subject) -> float:
    return subject.app.service.cpu / _CPU_UNITS


def exceeded(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each quota that is too small.

    AWS's default stands in for a value that could not be read, and then only warns: many accounts have had it raised.
    """
    limits = {each.quota: each.value for each in facts.limits}
    used = {(each.quota, each.zone): each.amount for each in facts.used}
    for (quota, zone), need in sorted(needs(subject).items(), key=lambda item: (item[0][0].name, item[0][1])):
        have = used.get((quota, zone))
        if have is None and zone and facts.could_read("gateways"):
            # Zones without a gateway are not listed.
            have = 0.0
        if have is None:
            continue
        known = quota in limits
        limit = limits.get(quota, float(quota.default))
        if have + need > limit:
            yield _finding(subject, quota, zone, _amounts(have, need, limit, known=known), have + need, blocks=known)
        elif quota is FARGATE_VCPUS and known:
            yield from _scaling(subject, have, limit)


def _amounts(have: float, need: float, limit: float, *, known: bool) -> str:
    if known:
        return f"{have:g} of {limit:g} are used, and this stack needs {need:g} more"
    return (
        f"{have:g} are used, this stack needs {need:g} more, and AWS's default is {limit:g} (the account's own quota "
        "could not be read)"
    )


def _finding(  # noqa: PLR0913 - what a finding about a quota consists of
    subject: Subject, quota: Quota, zone: str, amounts: str, value: float, *, blocks: bool
) -> Finding:
    remedy = f"Raise it: {quota.increase_command(subject.region, math.ceil(value))}; or {quota.instead}"
    return Finding(f"{quota.name} in {zone or subject.region}: {amounts}", remedy, blocks)


def _scaling(subject: Subject, have: float, limit: float) -> Iterator[Finding]:
    most = subject.app.service.replicas.max * _vcpus_of_a_task(subject)
    if have + most > limit:
        amounts = (
            f"{have:g} of {limit:g} are used, and spec.service.replicas.max needs {most:g}: autoscaling would stop "
            "before that"
        )
        yield _finding(subject, FARGATE_VCPUS, "", amounts, have + most, blocks=False)
