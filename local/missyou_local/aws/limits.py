"""Quotas of an account.

None is in force at first, as in an account whose quotas were raised: `enforce` puts some or all of AWS's defaults in
force, `enforced` does so for a while. Numbers are those of the services' quota pages (Nov 2026), the lower one where
pages differ.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota: the operations that it holds back, AWS's default, the refusal's code, and how much is used.

    `used` counts what there is; `adds` what the call would add.
    """

    operations: tuple[str, ...]
    default: int
    code: str
    used: Callable[[Call], int]
    adds: Callable[[Call], int] = lambda _: 1
    status: int = 400


def _count(service: str, collection: str) -> Callable[[Call], int]:
    """Count a collection of one of moto's backends."""
    return lambda call: len(getattr(call.moto(service), collection))


_counts: dict[str, Callable[[Call], int]] = {}


def counts(name: str) -> Callable[[Callable[[Call], int]], Callable[[Call], int]]:
    """Register what counts for a quota, where a service here keeps the record and not moto."""

    def register(count: Callable[[Call], int]) -> Callable[[Call], int]:
        _counts[name] = count
        return count

    return register


def _kept(name: str) -> Callable[[Call], int]:
    # The service registers its count after this module has been read.
    def used(call: Call) -> int:
        return _counts[name](call)

    return used


def _subnets(call: Call) -> int:
    return sum(subnet.vpc_id == call.params["VpcId"] for subnet in call.moto("ec2").describe_subnets())


def _tables(call: Call) -> int:
    return sum(table.vpc_id == call.params["VpcId"] for table in call.moto("ec2").route_tables.values())


def _routes(call: Call) -> int:
    table = call.moto("ec2").route_tables.get(call.params["RouteTableId"])
    return sum(not route.local for route in table.routes) if table is not None else 0


def _gateways_of_zone(call: Call) -> int:
    """Count the NAT gateways in the zone of the call's subnet; those on their way count, the ghosts do not."""
    ec2 = call.moto("ec2")
    zones = {subnet.id: subnet.availability_zone for subnet in ec2.describe_subnets()}
    zone = zones.get(call.params.get("SubnetId"))
    return sum(
        zones.get(gateway.subnet_id) == zone and gateway.state in ("pending", "available", "deleting")
        for gateway in ec2.nat_gateways.values()
    )


def _groups(call: Call) -> int:
    return sum(len(groups) for groups in call.moto("ec2").groups.values())


def _rules(call: Call) -> int:
    group = call.moto("ec2").get_security_group_by_name_or_id(
        call.params.get("GroupId") or call.params.get("GroupName")
    )
    if group is None:
        return 0
    return len(group.ingress_rules if call.operation.endswith("Ingress") else group.egress_rules)


def _new_rules(call: Call) -> int:
    peers = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds")
    return sum(len(rule.get(peer, [])) for rule in call.params.get("IpPermissions", []) for peer in peers)


def _storage(call: Call) -> int:
    return sum(int(database.allocated_storage or 0) for database in call.moto("rds").databases.values())


def _manual_snapshots(call: Call) -> int:
    return sum(snapshot.snapshot_type == "manual" for snapshot in call.moto("rds").database_snapshots.values())


def _balancer_of(call: Call) -> Any:
    elb = call.moto("elbv2")
    if "LoadBalancerArn" in call.params:
        return elb.load_balancers.get(call.params["LoadBalancerArn"])
    wanted = call.params.get("ListenerArn")
    return next((balancer for balancer in elb.load_balancers.values() if wanted in balancer.listeners), None)


def _listeners(call: Call) -> int:
    balancer = _balancer_of(call)
    return len(balancer.listeners) if balancer is not None else 0


def _listener_rules(call: Call) -> int:
    """Count the rules of a load balancer; default rules do not count."""
    balancer = _balancer_of(call)
    return sum(len(listener.rules) - 1 for listener in balancer.listeners.values()) if balancer is not None else 0


def _policies(call: Call) -> int:
    policies = call.moto("applicationautoscaling").policies.values()
    known = [policy for policy in policies if policy.resource_id == call.params["ResourceId"]]
    return sum(policy.policy_name != call.params["PolicyName"] for policy in known)


def _roles(call: Call) -> int:
    return len(backends.backend("iam", call.account, "global").roles)


def _alarms(call: Call) -> int:
    return sum(name != call.params["AlarmName"] for name in call.moto("cloudwatch").alarms)


LIMITS: dict[str, Limit] = {
    "vpcs": Limit(("ec2:CreateVpc",), 5, "VpcLimitExceeded", _count("ec2", "vpcs")),
    "subnets_per_vpc": Limit(("ec2:CreateSubnet",), 200, "SubnetLimitExceeded", _subnets),
    "internet_gateways": Limit(
        ("ec2:CreateInternetGateway",), 5, "InternetGatewayLimitExceeded", _count("ec2", "internet_gateways")
    ),
    "addresses": Limit(("ec2:AllocateAddress",), 5, "AddressLimitExceeded", _count("ec2", "addresses")),
    "nat_gateways_per_zone": Limit(("ec2:CreateNatGateway",), 5, "NatGatewayLimitExceeded", _gateways_of_zone),
    "route_tables_per_vpc": Limit(("ec2:CreateRouteTable",), 200, "RouteTableLimitExceeded", _tables),
    "routes_per_table": Limit(("ec2:CreateRoute",), 50, "RouteLimitExceeded", _routes),
    "security_groups": Limit(("ec2:CreateSecurityGroup",), 2500, "SecurityGroupLimitExceeded", _groups),
    "rules_per_group": Limit(
        ("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"),
        60,
        "RulesPerSecurityGroupLimitExceeded",
        _rules,
        _new_rules,
    ),
    "databases": Limit(("rds:CreateDBInstance",), 40, "InstanceQuotaExceeded", _count("rds", "databases")),
    "database_storage": Limit(
        ("rds:CreateDBInstance",),
        100_000,
        "StorageQuotaExceeded",
        _storage,
        lambda call: int(call.params.get("AllocatedStorage", 0)),
    ),
    "db_snapshots": Limit(("rds:CreateDBSnapshot",), 100, "SnapshotQuotaExceeded", _manual_snapshots),
    "backup_copies": Limit(
        ("rds:StartDBInstanceAutomatedBackupsReplication",),
        20,
        "DBInstanceAutomatedBackupQuotaExceeded",
        _kept("backup_copies"),
    ),
    "db_subnet_groups": Limit(
        ("rds:CreateDBSubnetGroup",), 50, "DBSubnetGroupQuotaExceeded", _count("rds", "subnet_groups")
    ),
    "subnets_per_db_subnet_group": Limit(
        ("rds:CreateDBSubnetGroup", "rds:ModifyDBSubnetGroup"),
        20,
        "DBSubnetQuotaExceededFault",
        lambda _: 0,
        lambda call: len(call.params["SubnetIds"]),
    ),
    "db_parameter_groups": Limit(
        ("rds:CreateDBParameterGroup",), 50, "DBParameterGroupQuotaExceeded", _count("rds", "db_parameter_groups")
    ),
    "load_balancers": Limit(
        ("elbv2:CreateLoadBalancer",), 50, "TooManyLoadBalancers", _count("elbv2", "load_balancers")
    ),
    "target_groups": Limit(("elbv2:CreateTargetGroup",), 3000, "TooManyTargetGroups", _count("elbv2", "target_groups")),
    "listeners_per_balancer": Limit(("elbv2:CreateListener",), 50, "TooManyListeners", _listeners),
    "rules_per_balancer": Limit(("elbv2:CreateRule",), 100, "TooManyRules", _listener_rules),
    "secrets": Limit(
        ("secretsmanager:CreateSecret",), 500_000, "LimitExceededException", _count("secretsmanager", "secrets")
    ),
    "repositories": Limit(("ecr:CreateRepository",), 100_000, "LimitExceededException", _count("ecr", "repositories")),
    "roles": Limit(("iam:CreateRole",), 1000, "LimitExceeded", _roles, status=409),
    "log_groups": Limit(("logs:CreateLogGroup",), 1_000_000, "LimitExceededException", _count("logs", "groups")),
    "alarms": Limit(("cloudwatch:PutMetricAlarm",), 5000, "LimitExceeded", _alarms),
    "policies_per_target": Limit(
        ("application-autoscaling:PutScalingPolicy",), 50, "LimitExceededException", _policies
    ),
    "certificates": Limit(("acm:RequestCertificate",), 2500, "LimitExceededException", _count("acm", "_certificates")),
    "topics": Limit(("sns:CreateTopic",), 100_000, "TopicLimitExceeded", _count("sns", "topics"), status=403),
    "web_acls": Limit(("wafv2:CreateWebACL",), 100, "WAFLimitsExceededException", _count("wafv2", "wacls")),
}
DEFAULTS: Mapping[str, int] = {name: limit.default for name, limit in LIMITS.items()}
"""AWS's own numbers."""

#: Quotas that are told and refuse no call: ECS takes a service beyond this one, and starts no more tasks.
TOLD: Mapping[str, int] = {"fargate_vcpus": 6}

_in_force: dict[str, int] = {}
#: How much higher a quota that is not in force is told to be.
_RAISED = 1000


def most(name: str) -> int:
    """Return a quota as AWS tells it: the one in force, or one that has been raised far enough."""
    default = TOLD[name] if name in TOLD else LIMITS[name].default
    return _in_force.get(name, default * _RAISED)


def used(name: str, call: Call) -> int:
    """Return how much of a quota of a whole account is used."""
    return LIMITS[name].used(call)


def enforce(limits: Mapping[str, int] = DEFAULTS) -> None:
    """Replace the limits in force. Error: ValueError for an unknown name."""
    if unknown := sorted(set(limits) - set(LIMITS) - set(TOLD)):
        raise ValueError(f"unknown limit {unknown[0]!r}; the names are {', '.join([*LIMITS, *TOLD])}")
    _in_force.clear()
    _in_force.update(limits)


@contextlib.contextmanager
def enforced(**limits: int) -> Iterator[None]:
    """Enforce these limits and no others within the block."""
    before = dict(_in_force)
    enforce(limits)
    try:
        yield
    finally:
        enforce(before)


def _check(name: str, limit: Limit) -> Callable[[Call], None]:
    def stays_within(call: Call) -> None:
        most = _in_force.get(name)
        if most is not None and limit.used(call) + limit.adds(call) > most:
            message = f"The maximum number of {name.replace('_', ' ')} has been reached: {most}"
            raise AwsError(limit.code, message, limit.status)

    return stays_within


for _name, _limit in LIMITS.items():
    checks(*_limit.operations)(_check(_name, _limit))
