"""Premature deletions name what they wait for; the VPC and its subnets are the examples."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.ec2.blockers import NAMED, Blocker, blockers, interfaces, users_of_group
from missyou_operator.aws.ec2.security import SecurityGroup
from missyou_operator.aws.ec2.vpc import Subnet, Vpc
from missyou_operator.engine.resource import Observed, Resource
from tests.aws.fake import FakeEc2, aws_error, cloud_of, row_tags, tags

ALB = {
    "NetworkInterfaceId": "eni-1",
    "Description": "ELB app/missyou-alb/50dc6c495c0c9188",
    "Attachment": {"InstanceOwnerId": "amazon-elb"},
    "RequesterManaged": True,
    "RequesterId": "amazon-elb",
    "Association": {"PublicIp": "198.51.100.7"},
    "OwnerId": "123456789012",
    "SubnetId": "subnet-1",
    "Groups": [{"GroupId": "sg-1"}],
}
RDS = {
    "NetworkInterfaceId": "eni-2",
    "Description": "RDSNetworkInterface",
    "Attachment": {"InstanceOwnerId": "amazon-rds"},
    "OwnerId": "123456789012",
}
PERSON = {"NetworkInterfaceId": "eni-3", "Description": "", "Attachment": {}, "OwnerId": "123456789012"}
REFUSED = aws_error("DependencyViolation", "has dependencies and cannot be deleted")


def observed(kind: type[Resource], id_: str) -> Observed:
    return Observed(kind, f"missyou-{id_}", id_, {"id": id_, "vpc_id": "vpc-1"}, tags(f"missyou-{id_}"))


def test_interfaces_are_named_with_their_owner() -> None:
    ec2 = FakeEc2(describe_network_interfaces={"NetworkInterfaces": [ALB, RDS, PERSON]})
    cloud = cloud_of(ec2)
    found = interfaces(cloud, "vpc-1")
    assert [str(each) for each in found] == [
        "eni-1 'ELB app/missyou-alb/50dc6c495c0c9188' of amazon-elb",
        "eni-2 'RDSNetworkInterface' of amazon-rds",
        "eni-3 of account 123456789012",
    ]
    for where in ({"public": True}, {"subnet": "subnet-1"}, {"group": "sg-1"}):
        assert [each.id for each in interfaces(cloud, "vpc-1", **where)] == ["eni-1"]
    # One call for all four.
    assert ec2.arguments("describe_network_interfaces")["Filters"] == [{"Name": "vpc-id", "Values": ["vpc-1"]}]


def test_a_requester_without_a_service_name_and_our_tags_are_owners_too() -> None:
    requested = {**PERSON, "RequesterManaged": True, "RequesterId": "AIDA:task"}
    ours = {**PERSON, "TagSet": row_tags("missyou-x")}
    ec2 = FakeEc2(describe_network_interfaces={"NetworkInterfaces": [requested, ours]})
    owners = [each.owner for each in interfaces(cloud_of(ec2), "vpc-1")]
    assert owners == ["AIDA:task", "MissYouApp default/missyou (UID app-uid) of cluster cluster-uid"]


def test_a_message_names_a_few_blockers_and_counts_the_rest() -> None:
    assert blockers([Blocker("eni-1", "", "me")]) == "eni-1 of me still uses it"
    many = [Blocker(f"eni-{n}", "", "me") for n in range(NAMED + 2)]
    assert "eni-5" not in blockers(many)
    assert blockers(many).endswith(" and 2 more still use it")
    assert "lists nothing" in blockers([])


def test_functions_keep_their_interfaces_longest() -> None:
    function = {**PERSON, "Description": "AWS Lambda VPC ENI-report-1c0f"}
    ec2 = FakeEc2(describe_network_interfaces={"NetworkInterfaces": [RDS, function]})
    assert Vpc.delete(cloud_of(ec2), observed(Vpc, "vpc-1")).typical_seconds == 1200.0


def test_a_group_without_interfaces_is_blocked_by_the_groups_that_name_it() -> None:
    other = {"GroupId": "sg-2", "GroupName": "foreign", "OwnerId": "123456789012"}
    itself = {"GroupId": "sg-1", "GroupName": "missyou-ecs"}
    ec2 = FakeEc2(
        describe_network_interfaces={"NetworkInterfaces": []},
        describe_security_groups={"SecurityGroups": [other, itself]},
    )
    [found] = users_of_group(cloud_of(ec2), "sg-1")
    assert str(found) == "sg-2 'a rule of security group foreign' of account 123456789012"


@pytest.mark.parametrize(
    ("kind", "id_", "operation"),
    [
        (Subnet, "subnet-1", "delete_subnet"),
        (Vpc, "vpc-1", "delete_vpc"),
        (SecurityGroup, "sg-1", "delete_security_group"),
    ],
)
def test_what_an_interface_is_in_is_not_deleted_and_names_it(kind: type[Resource], id_: str, operation: str) -> None:
    ec2 = FakeEc2(**{operation: REFUSED}, describe_network_interfaces={"NetworkInterfaces": [ALB]})
    health = kind.delete(cloud_of(ec2), observed(kind, id_))
    assert operation not in ec2.operations
    assert (health.status, health.reason) == ("pending", "InUse")
    assert id_ in health.message
    assert "eni-1 'ELB app/missyou-alb/50dc6c495c0c9188' of amazon-elb still uses it" in health.message


def test_a_vpc_without_interfaces_is_blocked_by_foreign_groups_and_subnets() -> None:
    guard = {"GroupId": "sg-9", "GroupName": "GuardDutyManagedSecurityGroup-vpc-1", "OwnerId": "123456789012"}
    ec2 = FakeEc2(
        delete_vpc=REFUSED,
        describe_network_interfaces={"NetworkInterfaces": []},
        describe_security_groups={"SecurityGroups": [{"GroupId": "sg-0", "GroupName": "default"}, guard]},
        describe_subnets={"Subnets": [{"SubnetId": "subnet-9", "CidrBlock": "10.0.99.0/24", "OwnerId": "1"}]},
    )
    message = Vpc.delete(cloud_of(ec2), observed(Vpc, "vpc-1")).message
    assert "sg-9 'security group GuardDutyManagedSecurityGroup-vpc-1'" in message
    assert "subnet-9 'subnet 10.0.99.0/24'" in message
    assert "sg-0" not in message


def test_a_deletion_stays_pending_when_the_blockers_cannot_be_read() -> None:
    ec2 = FakeEc2(delete_subnet=REFUSED, describe_network_interfaces=aws_error("UnauthorizedOperation"))
    health = Subnet.delete(cloud_of(ec2), observed(Subnet, "subnet-1"))
    assert health.status == "pending"
    assert "UnauthorizedOperation" in health.message


def test_an_absent_resource_counts_as_deleted_and_other_errors_are_raised() -> None:
    gone = cloud_of(FakeEc2(delete_subnet=aws_error("InvalidSubnetID.NotFound")))
    assert Subnet.delete(gone, observed(Subnet, "subnet-1")).status == "ready"
    denied = cloud_of(FakeEc2(delete_subnet=aws_error("UnauthorizedOperation")))
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        Subnet.delete(denied, observed(Subnet, "subnet-1"))
