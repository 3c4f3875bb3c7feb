"""Read what is to be known of an account, everything at once. What cannot be read is said, and hinders nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from missyou_operator.aws.account import databases, networks, quotas, rights, secrets
from missyou_operator.aws.account.facts import Facts, Unchecked
from missyou_operator.aws.account.wanted import Wanted
from missyou_operator.aws.cloud import Cloud
from missyou_operator.engine import schedule
from missyou_operator.engine.outcome import Runtime

PERMISSIONS = (*quotas.PERMISSIONS, *networks.PERMISSIONS, *rights.PERMISSIONS)

Read = Callable[[Cloud, Wanted], Facts]
#: By what a person calls it: the read, and the types of new resources that need it.
_READS: Mapping[str, tuple[Read, frozenset[str]]] = {
    "permissions": (rights.read, frozenset()),
    "VPC quotas": (quotas.of_networks, frozenset({"ec2.Vpc"})),
    "VPCs": (networks.read, frozenset({"ec2.Vpc"})),
    "gateways": (quotas.gateways_used, frozenset({"ec2.InternetGateway", "ec2.NatGateway"})),
    "address quota": (quotas.of_addresses, frozenset({"ec2.Address"})),
    "addresses": (quotas.addresses_used, frozenset({"ec2.Address"})),
    "database quotas": (quotas.of_databases, frozenset({"rds.DBInstance"})),
    "database offers": (databases.read, frozenset({"rds.DBInstance"})),
    "load balancers": (quotas.of_load_balancers, frozenset({"elbv2.LoadBalancer"})),
    "roles": (quotas.of_roles, frozenset({"iam.Role"})),
    "Fargate quota": (quotas.of_fargate, frozenset({"ecs.Service"})),
    "Fargate vCPUs": (quotas.vcpus_used, frozenset({"ecs.Service"})),
    "secrets": (secrets.read, frozenset({"secretsmanager.Secret"})),
}


def read_facts(cloud: Cloud, wanted: Wanted, runtime: Runtime) -> Facts:
    """Read what the new resources need, side by side. Never raises for what AWS does."""
    found = Facts()

    def settle(_: str, facts: Facts) -> bool:
        nonlocal found
        found += facts
        return True

    due = [what for what, (_, types) in _READS.items() if not types or types & wanted.types]
    schedule.run(dict.fromkeys(due, ()), runtime.pool, lambda what: partial(_one, what, cloud, wanted, runtime), settle)
    return found


def _one(what: str, cloud: Cloud, wanted: Wanted, runtime: Runtime) -> Facts:
    try:
        return _READS[what][0](cloud, wanted)
    except Exception as error:  # reported for this read alone
        health = runtime.classify(error)
        return Facts(unchecked=(Unchecked(what, health.reason, health.message),))
