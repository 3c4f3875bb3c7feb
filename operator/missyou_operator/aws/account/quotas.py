"""Quotas of the account, and how much of each is used.

Sources: Service Quotas API reference, ListServiceQuotas and GetServiceQuota (a quota without an applied value is
missing: AWS's default holds); RDS API reference, AccountQuota; ELB API reference (2015-12-01), DescribeAccountLimits;
IAM API reference, GetAccountSummary; ECS developer guide, "AWS Fargate usage metrics" (vCPUs in AWS/Usage).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from missyou_operator.aws.account.facts import Facts, Limit, Used
from missyou_operator.aws.account.wanted import Wanted
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.errors import if_present
from missyou_operator.aws.permissions import observe
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

PERMISSIONS = (
    observe("servicequotas:ListServiceQuotas", "servicequotas:GetServiceQuota"),
    observe("ec2:DescribeAddresses", "ec2:DescribeNatGateways", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets"),
    observe("rds:DescribeAccountAttributes"),
    observe("elasticloadbalancing:DescribeAccountLimits", "elasticloadbalancing:DescribeLoadBalancers"),
    observe("elasticloadbalancing:DescribeTargetGroups"),
    observe("iam:GetAccountSummary", "cloudwatch:GetMetricStatistics"),
)

_OF_RDS: Mapping[str, Quota] = {
    "DBInstances": DB_INSTANCES,
    "AllocatedStorage": DB_STORAGE,
    "DBSubnetGroups": DB_SUBNET_GROUPS,
    "DBParameterGroups": DB_PARAMETER_GROUPS,
}
_OF_ELB: Mapping[str, Quota] = {"application-load-balancers": LOAD_BALANCERS, "target-groups": TARGET_GROUPS}
#: NAT gateways in these states count. Source: VPC user guide, "Amazon VPC quotas".
_COUNTING = ["pending", "available", "deleting"]


def of_networks(cloud: Cloud, _: Wanted) -> Facts:
    """Read the quotas of VPCs, and of what is in them."""
    rows = pages(cloud.client("service-quotas"), "list_service_quotas", "Quotas", ServiceCode="vpc")
    return Facts(limits=_limits((VPCS, INTERNET_GATEWAYS, NAT_GATEWAYS), rows))


def of_addresses(cloud: Cloud, _: Wanted) -> Facts:
    """Read the quota of Elastic IP addresses."""
    return _single(cloud, ADDRESSES)


def of_fargate(cloud: Cloud, _: Wanted) -> Facts:
    """Read the quota of Fargate's vCPUs."""
    return _single(cloud, FARGATE_VCPUS)


def _single(cloud: Cloud, quota: Quota) -> Facts:
    client = cloud.client("service-quotas")
    answer = if_present(lambda: client.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code))
    return Facts(limits=_limits((quota,), [answer["Quota"]] if answer else []))


def _limits(quotas: Iterable[Quota], rows: Iterable[Mapping[str, Any]]) -> tuple[Limit, ...]:
    values = {row["QuotaCode"]: row["Value"] for row in rows}
    return tuple(Limit(quota, values[quota.code]) for quota in quotas if quota.code in values)


def gateways_used(cloud: Cloud, _: Wanted) -> Facts:
    """Count the NAT gateways by zone, and the internet gateways."""
    ec2 = cloud.client("ec2")
    where = [{"Name": "state", "Values": _COUNTING}]
    subnets = [row["SubnetId"] for row in pages(ec2, "describe_nat_gateways", "NatGateways", Filter=where)]
    zones: Counter[str] = Counter()
    if subnets:
        found = pages(
            ec2, "describe_subnets", "Subnets", Filters=[{"Name": "subnet-id", "Values": sorted(set(subnets))}]
        )
        names = {row["SubnetId"]: row["AvailabilityZone"] for row in found}
        zones.update(names[each] for each in subnets if each in names)
    ways_out = len(pages(ec2, "describe_internet_gateways", "InternetGateways"))
    per_zone = tuple(Used(NAT_GATEWAYS, count, zone) for zone, count in zones.items())
    return Facts(used=(*per_zone, Used(INTERNET_GATEWAYS, ways_out)))


def addresses_used(cloud: Cloud, _: Wanted) -> Facts:
    """Count the Elastic IP addresses."""
    return Facts(used=(Used(ADDRESSES, len(cloud.client("ec2").describe_addresses()["Addresses"])),))


def of_databases(cloud: Cloud, _: Wanted) -> Facts:
    """Read RDS's quotas, which come with what is used."""
    rows = cloud.client("rds").describe_account_attributes()["AccountQuotas"]
    known = [(_OF_RDS[row["AccountQuotaName"]], row) for row in rows if row["AccountQuotaName"] in _OF_RDS]
    return Facts(
        limits=tuple(Limit(quota, row["Max"]) for quota, row in known),
        used=tuple(Used(quota, row["Used"]) for quota, row in known),
    )


def of_load_balancers(cloud: Cloud, _: Wanted) -> Facts:
    """Read the quotas of load balancers and target groups, and count them."""
    elb = cloud.client("elbv2")
    rows = elb.describe_account_limits()["Limits"]
    balancers = pages(elb, "describe_load_balancers", "LoadBalancers")
    groups = pages(elb, "describe_target_groups", "TargetGroups")
    return Facts(
        limits=tuple(Limit(_OF_ELB[row["Name"]], float(row["Max"])) for row in rows if row["Name"] in _OF_ELB),
        used=(
            Used(LOAD_BALANCERS, sum(row["Type"] == "application" for row in balancers)),
            Used(TARGET_GROUPS, len(groups)),
        ),
    )


def of_roles(cloud: Cloud, _: Wanted) -> Facts:
    """Read the quota of IAM roles, and how many there are."""
    summary = cloud.client("iam").get_account_summary()["SummaryMap"]
    return Facts(limits=(Limit(ROLES, summary["RolesQuota"]),), used=(Used(ROLES, summary["Roles"]),))


def vcpus_used(cloud: Cloud, _: Wanted) -> Facts:
    """Read how many vCPUs Fargate ran at most in the last quarter of an hour; what is not used has no data."""
    names = {"Service": "Fargate", "Type": "Resource", "Resource": "vCPU", "Class": "Standard/OnDemand"}
    now = utc_now()
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Usage",
        MetricName="ResourceCount",
        Dimensions=[{"Name": name, "Value": value} for name, value in names.items()],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )["Datapoints"]
    return Facts(used=(Used(FARGATE_VCPUS, max((point["Maximum"] for point in points), default=0.0)),))
