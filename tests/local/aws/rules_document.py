"""Writes docs/aws-rules.md from the tests: `python -m tests.local.aws.rules_document > docs/aws-rules.md`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from missyou_local.aws import limits
from tests.local.aws.rules_support import Rule
from tests.local.aws.test_rules_limits import GENERAL, SOURCES

HEAD = """# Rules of AWS in the test AWS

Each line is a refusal that a test shows with plain boto3, together with the nearest call that is accepted. Source: an
operation of the service's API reference ("API CreateVpc"), a page of a user guide, or a section of the project's notes
on AWS ("aws-behaviour 2.2"). Where AWS's rule is not known for sure, the stricter reading applies, and says so.

Written by `python -m tests.local.aws.rules_document`; `tests/local/aws/test_rules_document.py` keeps it up to
date.
"""
LIMITS = """
## Quotas

None is in force at first, as in an account whose quotas were raised: `missyou_local.aws.limits.enforce()` puts AWS's
defaults in force, `enforced(vpcs=3)` others for a while. Test: `test_rules_limits.py`.

| Quota | Default | Refused | Code | Source |
|---|---|---|---|---|
"""
RATES = """
## Rates

Each API, or group of APIs, takes requests of an account and region (of an account, for Route 53) from a token bucket,
and answers the service's throttling error when it is empty. None is in force at first; `{"rates": true}` at the control
endpoint puts all in force, on the clock. The numbers and their sources: `local/missyou_local/aws/rates.py`. Test:
`test_rates.py`.

## Quotas

None is in force at first, as in an account whose quotas were raised: `missyou_local.aws.limits.enforce()` puts AWS's
defaults in force, `enforced(vpcs=3)` others for a while. Test: `test_rules_limits.py`.

| Quota | Default | Refused | Code | Source |
|---|---|---|---|---|
| vpcs | 5 | CreateVpc | VpcLimitExceeded | VPC guide, Quotas |
| subnets per vpc | 200 | CreateSubnet | SubnetLimitExceeded | VPC guide, Quotas |
| internet gateways | 5 | CreateInternetGateway | InternetGatewayLimitExceeded | VPC guide, Quotas |
| addresses | 5 | AllocateAddress | AddressLimitExceeded | VPC guide, Quotas |
| nat gateways per zone | 5 | CreateNatGateway | NatGatewayLimitExceeded | VPC guide, Quotas |
| route tables per vpc | 200 | CreateRouteTable | RouteTableLimitExceeded | VPC guide, Quotas |
| routes per table | 50 | CreateRoute | RouteLimitExceeded | VPC guide, Quotas |
| security groups | 2500 | CreateSecurityGroup | SecurityGroupLimitExceeded | VPC guide, Quotas |
| rules per group | 60 | AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupEgress | RulesPerSecurityGroupLimitExceeded | VPC guide, Quotas |
| databases | 40 | CreateDBInstance | InstanceQuotaExceeded | RDS guide, Quotas and constraints |
| database storage | 100000 | CreateDBInstance | StorageQuotaExceeded | RDS guide, Quotas and constraints |
| db snapshots | 100 | CreateDBSnapshot | SnapshotQuotaExceeded | RDS guide, Quotas and constraints |
| backup copies | 20 | StartDBInstanceAutomatedBackupsReplication | DBInstanceAutomatedBackupQuotaExceeded | RDS guide, Quotas and constraints |
| db subnet groups | 50 | CreateDBSubnetGroup | DBSubnetGroupQuotaExceeded | RDS guide, Quotas and constraints |
| subnets per db subnet group | 20 | CreateDBSubnetGroup, ModifyDBSubnetGroup | DBSubnetQuotaExceededFault | RDS guide, Quotas and constraints |
| db parameter groups | 50 | CreateDBParameterGroup | DBParameterGroupQuotaExceeded | RDS guide, Quotas and constraints |
| load balancers | 50 | CreateLoadBalancer | TooManyLoadBalancers | ALB guide, Quotas |
| target groups | 3000 | CreateTargetGroup | TooManyTargetGroups | ALB guide, Quotas |
| listeners per balancer | 50 | CreateListener | TooManyListeners | ALB guide, Quotas |
| rules per balancer | 100 | CreateRule | TooManyRules | ALB guide, Quotas |
| secrets | 500000 | CreateSecret | LimitExceededException | AWS general reference, Endpoints and quotas |
| repositories | 100000 | CreateRepository | LimitExceededException | AWS general reference, Endpoints and quotas |
| roles | 1000 | CreateRole | LimitExceeded | IAM guide, IAM and AWS STS quotas |
| log groups | 1000000 | CreateLogGroup | LimitExceededException | AWS general reference, Endpoints and quotas |
| alarms | 5000 | PutMetricAlarm | LimitExceeded | AWS general reference, Endpoints and quotas |
| policies per target | 50 | PutScalingPolicy | LimitExceededException | AWS general reference, Endpoints and quotas |
| certificates | 2500 | RequestCertificate | LimitExceededException | AWS general reference, Endpoints and quotas |
| topics | 100000 | CreateTopic | TopicLimitExceeded | AWS general reference, Endpoints and quotas |
| web acls | 100 | CreateWebACL | WAFLimitsExceededException | AWS general reference, Endpoints and quotas |
"""


def rules() -> Iterator[tuple[str, Rule]]:
    """Give the name of each test module of rules, with its rules."""
    here = Path(__file__).parent
    for path in sorted(here.rglob("test_rules_*.py"), key=lambda path: path.name):
        module = importlib.import_module(".".join(("tests.local.aws", *path.relative_to(here).with_suffix("").parts)))
        for rule in getattr(module, "RULES", []):
            yield path.name, rule


def document() -> str:
    by_service: dict[str, list[str]] = {}
    for test, rule in rules():
        service, _, operation = rule.operation.partition(":")
        says = rule.says.replace("|", "\\|")
        code = rule.code if rule.status == 400 else f"{rule.code} ({rule.status})"
        row = f"| {operation} | {says} | {code} | {rule.source} | {test} |\n"
        by_service.setdefault(service, []).append(row)
    parts = [HEAD]
    for service in sorted(by_service):
        parts.append(
            f"\n## {service}\n\n| Refused | when | Code (HTTP status) | Source | Test |\n|---|---|---|---|---|\n"
        )
        parts += sorted(by_service[service], key=lambda row: row.split("|")[1])
    parts.append(LIMITS)
    for name, limit in limits.LIMITS.items():
        operations = ", ".join(operation.partition(":")[2] for operation in limit.operations)
        source = SOURCES.get(limit.operations[0].partition(":")[0], GENERAL)
        parts.append(f"| {name.replace('_', ' ')} | {limit.default} | {operations} | {limit.code} | {source} |\n")
    parts.append(RATES)
    return "".join(parts)


if __name__ == "__main__":
    print(document(), end="")
