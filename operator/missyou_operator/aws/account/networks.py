"""The VPCs of the account, and what connects them with others.

Sources: VPC user guide, "VPC peering limitations" and "Transit gateways: overlapping CIDR": networks whose blocks
overlap cannot reach each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from missyou_operator.aws.account.facts import Facts, Network, Used
from missyou_operator.aws.account.wanted import Wanted
from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.permissions import observe
from missyou_operator.aws.quotas import VPCS

PERMISSIONS = (
    observe("ec2:DescribeVpcs", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeTransitGatewayVpcAttachments"),
)


def read(cloud: Cloud, wanted: Wanted) -> Facts:
    """Count the VPCs, and list those whose blocks overlap the new one's, with what connects them."""
    ec2 = cloud.client("ec2")
    rows = pages(ec2, "describe_vpcs", "Vpcs")
    block = ip_network(wanted.cidr)
    overlapping = [row for row in rows if any(block.overlaps(ip_network(each)) for each in _blocks(row))]
    linked = _linked(ec2) if overlapping else {}
    return Facts(
        used=(Used(VPCS, len(rows)),),
        networks=tuple(
            Network(
                row["VpcId"],
                tag_map(row.get("Tags")).get("Name", "default VPC" if row.get("IsDefault") else ""),
                _blocks(row),
                linked.get(row["VpcId"], ""),
            )
            for row in overlapping
        ),
    )


def _blocks(row: Mapping[str, Any]) -> tuple[str, ...]:
    associated = [
        each["CidrBlock"]
        for each in row.get("CidrBlockAssociationSet", ())
        if each.get("CidrBlockState", {}).get("State", "associated") == "associated"
    ]
    return tuple(dict.fromkeys([row["CidrBlock"], *associated]))


def _linked(ec2: Any) -> dict[str, str]:
    """Return what connects each VPC that is connected."""
    found = {}
    for row in pages(ec2, "describe_transit_gateway_vpc_attachments", "TransitGatewayVpcAttachments"):
        if row["State"] in {"available", "pending", "pendingAcceptance", "initiating", "modifying"}:
            found[row["VpcId"]] = f"transit gateway {row['TransitGatewayId']}"
    for row in pages(ec2, "describe_vpc_peering_connections", "VpcPeeringConnections"):
        if row.get("Status", {}).get("Code") in {"active", "pending-acceptance", "provisioning"}:
            for side in ("RequesterVpcInfo", "AccepterVpcInfo"):
                found[row[side]["VpcId"]] = f"peering connection {row['VpcPeeringConnectionId']}"
    return found
