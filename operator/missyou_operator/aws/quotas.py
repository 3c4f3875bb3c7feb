"""The quotas that a stack may meet, and where each is raised: Service Quotas, by service and quota code.

Sources: "Amazon … endpoints and quotas" of each service in the AWS General Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota. `code` is empty where it cannot be raised; `instead` is what helps without raising it."""

    service: str
    code: str
    name: str
    instead: str = "delete what is no longer used"

    @property
    def advice(self) -> str:
        """What to do about it."""
        if not self.code:
            return f"The quota is {self.name}: {self.instead}"
        return (
            f"The quota is {self.name}: raise it in the stack's region (Service Quotas: service {self.service}, quota "
            f"{self.code}), or {self.instead}"
        )


_FEWER = "set fewer spec.tags"
_QUOTAS: Mapping[str, Quota] = {
    "VpcLimitExceeded": Quota("vpc", "L-F678F1CE", "VPCs per Region"),
    "InternetGatewayLimitExceeded": Quota("vpc", "L-A4707A72", "Internet gateways per Region"),
    "NatGatewayLimitExceeded": Quota(
        "vpc", "L-FE5A380F", "NAT gateways per Availability Zone", "delete unused ones in the zone"
    ),
    "AddressLimitExceeded": Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", "release addresses that nothing uses"),
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
    "InstanceQuotaExceeded": Quota("rds", "L-7B6409FD", "DB instances"),
    "StorageQuotaExceeded": Quota("rds", "L-7ADDB58A", "Total storage for all DB instances"),
    "SnapshotQuotaExceeded": Quota("rds", "L-272F1212", "Manual DB instance snapshots"),
    "DBSubnetGroupQuotaExceeded": Quota("rds", "L-48C6BF61", "DB subnet groups"),
    "DBSubnetQuotaExceeded": Quota("rds", "L-6F3ACC36", "Subnets per DB subnet group"),
    "DBParameterGroupQuotaExceeded": Quota("rds", "L-DE55804A", "Parameter groups"),
    "TooManyLoadBalancers": Quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region"),
    "TooManyTargetGroups": Quota("elasticloadbalancing", "L-B22855CB", "Target Groups per Region"),
    "TooManyListeners": Quota("elasticloadbalancing", "L-B6DF7632", "Listeners per Application Load Balancer"),
    "TooManyBuckets": Quota("s3", "L-DC2B2D3D", "General purpose buckets"),
    "TooManyTags": Quota("", "", "50 tags per resource", _FEWER),
    "TagLimitExceeded": Quota("", "", "50 tags per resource", _FEWER),
    "PackedPolicyTooLarge": Quota("", "", "the size of a session's tags and policies", "assume the role with fewer"),
}
#: Quotas whose code says no more than LimitExceeded, by operation.
_BY_OPERATION: Mapping[str, Quota] = {
    "CreateRole": Quota("iam", "L-FE177D64", "Roles per account"),
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
