"""The VPC and its subnets: what counts as a difference, and the calls that repair it."""

from __future__ import annotations

from typing import Any

from missyou_operator.aws.ec2.vpc import Subnet, Vpc
from tests.aws.fake import FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

VPC = Vpc(name="missyou-vpc", component="Network", tags=tags("missyou-vpc"), cidr="10.0.0.0/16")
SUBNET = Subnet(
    name="missyou-app-a",
    component="Network",
    tags=tags("missyou-app-a"),
    vpc_id="vpc-1",
    cidr="10.0.10.0/24",
    zone="eu-central-1a",
)


def vpc_ec2(*, support: bool = True, hostnames: bool = True, state: str = "available", **more: Any) -> FakeEc2:
    row = {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "State": state, "Tags": row_tags("missyou-vpc")}

    def attribute(VpcId: str, Attribute: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if Attribute == "enableDnsSupport":
            return {"EnableDnsSupport": {"Value": support}}
        return {"EnableDnsHostnames": {"Value": hostnames}}

    return FakeEc2(describe_vpcs={"Vpcs": [row]}, describe_vpc_attribute=attribute, create_vpc={"Vpc": row}, **more)


def test_disabled_host_names_are_enabled_alone() -> None:
    ec2 = vpc_ec2(hostnames=False)
    [found] = Vpc.read(reader_of(cloud_of(ec2)))
    assert [change.field for change in VPC.diff(found)] == ["dns_hostnames"]
    after = VPC.update(cloud_of(ec2), found, frozenset({"dns_hostnames"}))
    assert ec2.arguments("modify_vpc_attribute") == {"VpcId": "vpc-1", "EnableDnsHostnames": {"Value": True}}
    assert VPC.diff(after) == ()


def test_dns_support_comes_first_because_host_names_require_it() -> None:
    ec2 = vpc_ec2(support=False, hostnames=False)
    [found] = Vpc.read(reader_of(cloud_of(ec2)))
    VPC.update(cloud_of(ec2), found, frozenset({"dns_hostnames", "dns_support"}))
    changes = [arguments for operation, arguments in ec2.calls if operation == "modify_vpc_attribute"]
    assert [key for arguments in changes for key in arguments if key != "VpcId"] == [
        "EnableDnsSupport",
        "EnableDnsHostnames",
    ]


def test_a_new_vpc_takes_its_dns_an_empty_default_group_and_a_moment() -> None:
    ec2 = vpc_ec2(
        state="pending",
        describe_security_groups={"SecurityGroups": [{"GroupId": "sg-default"}]},
    )
    created = VPC.create(cloud_of(ec2))
    assert ec2.operations == [
        "create_vpc",
        "modify_vpc_attribute",
        "describe_security_groups",
        "revoke_security_group_ingress",
        "revoke_security_group_egress",
    ]
    assert ec2.arguments("revoke_security_group_ingress") == {
        "GroupId": "sg-default",
        "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-default"}]}],
    }
    assert ec2.arguments("revoke_security_group_egress") == {
        "GroupId": "sg-default",
        "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    }
    assert VPC.health(created).status == "pending"


def test_a_subnet_is_found_by_its_tags_and_replaced_when_it_is_elsewhere() -> None:
    row = {
        "SubnetId": "subnet-1",
        "VpcId": "vpc-1",
        "CidrBlock": "10.0.10.0/24",
        "AvailabilityZone": "eu-central-1b",
        "State": "available",
        "Tags": row_tags("missyou-app-a"),
    }
    foreign = {**row, "SubnetId": "subnet-2", "Tags": [{"Key": "Name", "Value": "missyou-app-a"}]}
    ec2 = FakeEc2(describe_subnets={"Subnets": [row, foreign]})
    [found] = Subnet.read(reader_of(cloud_of(ec2)))
    assert {change.field for change in SUBNET.diff(found)} == {"zone"}
    assert "zone" in Subnet.FORCES_REPLACEMENT


def test_an_absent_vpc_counts_as_deleted() -> None:
    ec2 = vpc_ec2()
    [found] = Vpc.read(reader_of(cloud_of(ec2)))
    ec2.answers["delete_vpc"] = aws_error("InvalidVpcID.NotFound")
    assert Vpc.delete(cloud_of(ec2), found).status == "ready"
