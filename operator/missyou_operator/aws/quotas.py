"""The quotas that a stack may meet, and where each is raised: Service Quotas, by service and quota code.

Sources: "Amazon … endpoints and quotas" of each service in the AWS General Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota. `code` is empty where it cannot be raised; `instead` is what helps without raising it.

    `default` is the value in a new account, 0 where nothing asks for it.
    """

    service: str
    code: str
    name: str
    instead: str = "delete what is no longer used"
    default: int = 0

    @property
    def advice(self) -> str:
        """What to do about it."""
        if not self.code:
            return f"The quota is {self.name}: {self.instead}"
        return (
            f"The quota is {self.name}: raise it in the stack's region (Service Quotas: service {self.service}, quota "
            f"{self.code}), or {self.instead}"
        )

    def increase_command(self, region: str, value: int) -> str:
        """Return the command that asks AWS for another value."""
        return (
            f"aws service-quotas request-service-quota-increase --region {region} --service-code {self.service} "
            f"--quota-code {self.code} --desired-value {value}"
        )


VPCS = Quota("vpc", "L-F678F1CE", "VPCs per Region", default=5)
INTERNET_GATEWAYS = Quota("vpc", "L-A4707A72", "Internet gateways per Region", default=5)
NAT_GATEWAYS = Quota(
    "vpc", "L-FE5A380F", "NAT gateways per Availability Zone", "delete unused ones in the zone", default=5
)
ADDRESSES = Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", "release addresses that nothing uses", default=5)
DB_INSTANCES = Quota("rds", "L-7B6409FD", "DB instances", default=40)
DB_STORAGE = Quota("rds", "L-7ADDB58A", "Total storage for all DB instances", default=100_000)
DB_SUBNET_GROUPS = Quota("rds", "L-48C6BF61", "DB subnet groups", default=50)
DB_PARAMETER_GROUPS = Quota("rds", "L-DE55804A", "Parameter groups", default=50)
LOAD_BALANCERS = Quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", default=50)
TARGET_GROUPS = Quota("elasticloadbalancing", "L-B22855CB", "Target Groups per Region", default=3000)
ROLES = Quota("iam", "L-FE177D64", "Roles per account", default=1000)
#: No call is refused for this one: ECS takes the service, and starts no more tasks.
FARGATE_VCPUS = Quota(
    "fargate",
    "L-3032A538",
    "Fargate On-Demand vCPU resource count",
    "set fewer spec.service.replicas or a smaller spec.service.cpu",
    default=6,
)

_FEWER = "set fewer spec.tags"
_QUOTAS: Mapping[str, Quota] = {
    "VpcLimitExceeded": VPCS,
    "InternetGatewayLimitExceeded": INTERNET_GATEWAYS,
    "NatGatewayLimitExceeded": NAT_GATEWAYS,
    "AddressLimitExceeded": ADDRESSES,
    "SubnetLimitExceeded": Quota("vpc", "L-407747CB", "Subnets per VPC"),
    "RouteTableLimitExceeded": Quota("vpc", "L-589F43AA", "Route tables per VPC"),
    "RouteLimitExceeded": Quota("vpc", "L-93826ACB", "Routes per route table"),
    "SecurityGroupLimitExceeded": Quota("vpc", "L-E79EC296", "VPC security groups per Region"),
    "RulesPerSecurityGroupLimitExceeded": Quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group"),
    "SecurityGroupsPerInterfaceLimitExceeded": Quota("vpc", "L-2AFB9258", "Security groups per network interface"),
    "NetworkInterfaceLimitExceeded": Quota("vpc", "L-DF5E4CA3", "Network interfaces per Region"),
    "VpcEndpointLimitExceeded": Quota(
        "vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", "set spec.network.endpoints.interfaces to false"
    ),
    "InstanceQuotaExceeded": DB_INSTANCES,
    "StorageQuotaExceeded": DB_STORAGE,
    "SnapshotQuotaExceeded": Quota("rds", "L-272F1212", "Manual DB instance snapshots"),
    "DBSubnetGroupQuotaExceeded": DB_SUBNET_GROUPS,
    "DBSubnetQuotaExceeded": Quota("rds", "L-6F3ACC36", "Subnets per DB subnet group"),
    "DBParameterGroupQuotaExceeded": DB_PARAMETER_GROUPS,
    "TooManyLoadBalancers": LOAD_BALANCERS,
    "TooManyTargetGroups": TARGET_GROUPS,
    "TooManyListeners": Quota("elasticloadbalancing", "L-B6DF7632", "Listeners per Application Load Balancer"),
    "TooManyBuckets": Quota("s3", "L-DC2B2D3D", "General purpose buckets"),
    "TooManyTags": Quota("", "", "50 tags per resource", _FEWER),
    "TagLimitExceeded": Quota("", "", "50 tags per resource", _FEWER),
    "PackedPolicyTooLarge": Quota("", "", "the size of a session's tags and policies", "assume the role with fewer"),
}
#: Quotas whose code says no more than LimitExceeded, by operation.
_BY_OPERATION: Mapping[str, Quota] = {
    "CreateRole": ROLES,
    "PutRolePolicy": Quota("", "", "the size of a role's inline policies", "name fewer ARNs in spec.secrets"),
    "CreateVpcEndpoint": _QUOTAS["VpcEndpointLimitExceeded"],
    "RequestCertificate": Quota("acm", "L-F141DD1D", "ACM certificates"),
    "CreateSecret": Quota("secretsmanager", "L-2F66C23C", "Secrets in a Region"),
    "CreateRepository": Quota("ecr", "L-CFEB8E8D", "Registered repositories"),
}
_UNKNOWN = Quota(
    "", "", "named above", "raise it in Service Quotas if it can be raised, or delete what is no longer used"
)


def quota_of(operation: str, code: str) -> Quota:
    """Return the quota that a refusal speaks of, by its operation and its bare code."""
    return _QUOTAS.get(code) or _BY_OPERATION.get(operation, _UNKNOWN)
