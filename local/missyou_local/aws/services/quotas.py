"""What AWS tells of an account's quotas, and of how much of them is used.

A quota that is not in force (see `limits`) is as high as in an account that has had it raised. Sources: Service Quotas
API reference, GetServiceQuota and ListServiceQuotas; RDS API reference, AccountQuota; ELB API reference (2015-12-01),
DescribeAccountLimits; IAM API reference, GetAccountSummary; ECS developer guide, "AWS Fargate usage metrics".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from missyou_local.aws import backends, limits
from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ecs.services import SERVICES

#: The names in `limits` by service and quota code.
_CODES: Mapping[str, Mapping[str, str]] = {
    "vpc": {
        "L-F678F1CE": "vpcs",
        "L-A4707A72": "internet_gateways",
        "L-FE5A380F": "nat_gateways_per_zone",
        "L-E79EC296": "security_groups",
    },
    "ec2": {"L-0263D0A3": "addresses"},
    "fargate": {"L-3032A538": "fargate_vcpus"},
}
#: By AccountQuotaName: the name in `limits`.
_OF_RDS = {
    "DBInstances": "databases",
    "AllocatedStorage": "database_storage",
    "DBSubnetGroups": "db_subnet_groups",
    "DBParameterGroups": "db_parameter_groups",
    "ManualSnapshots": "db_snapshots",
}


def _row(service: str, code: str) -> dict[str, Any]:
    name = _CODES[service][code]
    return {
        "ServiceCode": service,
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(limits.most(name)),
        "Adjustable": True,
    }


@handles("service-quotas:ListServiceQuotas")
def list_service_quotas(call: Call) -> Result:
    """List the applied quotas of a service."""
    service = call.params["ServiceCode"]
    if service not in _CODES:
        raise AwsError("NoSuchResourceException", f"The request failed because the service {service} does not exist.")
    return {"Quotas": [_row(service, code) for code in _CODES[service]]}


@handles("service-quotas:GetServiceQuota")
def get_service_quota(call: Call) -> Result:
    """Return one applied quota."""
    service, code = call.params["ServiceCode"], call.params["QuotaCode"]
    if code not in _CODES.get(service, {}):
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return {"Quota": _row(service, code)}


@handles("rds:DescribeAccountAttributes")
def describe_account_attributes(call: Call) -> Result:
    """List RDS's quotas with what is used of them."""
    rows = [(name, limits.used(limit, call), limits.most(limit)) for name, limit in _OF_RDS.items()]
    return {"AccountQuotas": [{"AccountQuotaName": name, "Used": used, "Max": most} for name, used, most in rows]}


@handles("elbv2:DescribeAccountLimits")
def describe_account_limits(_: Call) -> Result:
    """List the limits of load balancers."""
    found = {"application-load-balancers": "load_balancers", "target-groups": "target_groups"}
    return {"Limits": [{"Name": name, "Max": str(limits.most(limit))} for name, limit in found.items()]}


@handles("iam:GetAccountSummary")
def get_account_summary(call: Call) -> Result:
    """Count the roles, and tell how many there may be."""
    roles = backends.backend("iam", call.account, "global").roles
    return {"SummaryMap": {"Roles": len(roles), "RolesQuota": limits.most("roles")}}


@handles("cloudwatch:GetMetricStatistics")
def get_metric_statistics(call: Call) -> Result:
    """Answer how many vCPUs Fargate runs; all other metrics are moto's affair."""
    if call.params.get("Namespace") != "AWS/Usage":
        return call.forward()
    used = _vcpus(call)
    if not used:
        # What is not used at all has no data points.
        return {"Label": "ResourceCount", "Datapoints": []}
    at = datetime.fromtimestamp(call.now, UTC)
    return {"Label": "ResourceCount", "Datapoints": [{"Timestamp": at, "Maximum": used, "Unit": "None"}]}


def _vcpus(call: Call) -> float:
    """Add up the vCPUs of the tasks that run."""
    services = SERVICES.of(call).values()
    return sum(int(task.definition.cpu or 0) / 1024 for service in services for task in service.tasks if task.running)
