"""NAT gateways take time, and EC2 refuses to delete what is in use."""

from __future__ import annotations

from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused


def _nat(aws: Aws, net: building.Network, token: str) -> tuple[dict, str]:
    allocation = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = aws.ec2.create_nat_gateway(
        SubnetId=net.subnets[0],
        AllocationId=allocation,
        ClientToken=token,
        TagSpecifications=[{"ResourceType": "natgateway", "Tags": [{"Key": "owner", "Value": token}]}],
    )
    return made["NatGateway"], allocation


def _by_tag(aws: Aws, owner: str) -> list[dict]:
    return aws.ec2.describe_nat_gateways(Filters=[{"Name": "tag:owner", "Values": [owner]}])["NatGateways"]


def test_a_nat_gateway_lives_as_on_aws(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    gateway, allocation = _nat(aws, net, name)
    assert gateway["State"] == "pending"
    assert gateway["Tags"] == [{"Key": "owner", "Value": name}]
    assert _by_tag(aws, "someone else") == []
    waiting = aws.ec2.describe_nat_gateways(Filters=[{"Name": "state", "Values": ["available"]}])["NatGateways"]
    assert gateway["NatGatewayId"] not in [entry["NatGatewayId"] for entry in waiting]
    aws.clock.advance(aws.timing.nat)
    assert [entry["State"] for entry in _by_tag(aws, name)] == ["available"]
    for refuse in (
        lambda: aws.ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc),
        lambda: aws.ec2.delete_subnet(SubnetId=net.subnets[0]),
    ):
        with refused("DependencyViolation"):
            refuse()
    with refused("InvalidIPAddress.InUse"):
        aws.ec2.release_address(AllocationId=allocation)
    aws.ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    assert [entry["State"] for entry in _by_tag(aws, name)] == ["deleting"]
    with refused("InvalidIPAddress.InUse"):
        aws.ec2.release_address(AllocationId=allocation)
    aws.clock.advance(aws.timing.nat_delete)
    assert [entry["State"] for entry in _by_tag(aws, name)] == ["deleted"]  # a ghost, tags and all
    aws.ec2.release_address(AllocationId=allocation)
    aws.ec2.delete_subnet(SubnetId=net.subnets[0])
    aws.ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)


def test_a_client_token_makes_one_gateway(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    allocation = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    wanted = {"SubnetId": net.subnets[0], "AllocationId": allocation}
    first, again = (aws.ec2.create_nat_gateway(**wanted, ClientToken=name)["NatGateway"] for _ in range(2))
    assert first["NatGatewayId"] == again["NatGatewayId"]
    with refused("Resource.AlreadyAssociated"):
        aws.ec2.create_nat_gateway(**wanted, ClientToken=name + "x")


def test_without_an_internet_gateway_it_fails_later(aws: Aws, name: str) -> None:
    gateway, _ = _nat(aws, building.network(aws, name, gateway=False), name)
    assert gateway["State"] == "pending"
    aws.clock.advance(aws.timing.nat)
    (failed,) = _by_tag(aws, name)
    assert (failed["State"], failed["FailureCode"]) == ("failed", "Gateway.NotAttached")


def test_unknown_gateways(aws: Aws, refused: Refused) -> None:
    with refused("NatGatewayNotFound"):
        aws.ec2.describe_nat_gateways(NatGatewayIds=["nat-0"])
    with refused("NatGatewayNotFound"):
        aws.ec2.delete_nat_gateway(NatGatewayId="nat-0")


def test_a_group_that_a_rule_names_stays(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    other = aws.ec2.create_security_group(VpcId=net.vpc, GroupName=name + "-2", Description="other")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": net.group}]}
    aws.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[rule])
    with refused("DependencyViolation", "dependent object"):
        aws.ec2.delete_security_group(GroupId=net.group)
    described = {**rule, "UserIdGroupPairs": [{"GroupId": net.group, "Description": "differs in this only"}]}
    with refused("InvalidPermission.Duplicate"):
        aws.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[described])
    aws.ec2.delete_security_group(GroupId=other)
    aws.ec2.delete_security_group(GroupId=net.group)


def test_a_vpc_goes_last(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    delete = {"VpcId": net.vpc}
    for subnet in net.subnets:
        with refused("DependencyViolation"):
            aws.ec2.delete_vpc(**delete)
        aws.ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation"):
        aws.ec2.delete_vpc(**delete)
    aws.ec2.delete_security_group(GroupId=net.group)
    with refused("DependencyViolation"):
        aws.ec2.delete_vpc(**delete)
    aws.ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)
    aws.ec2.delete_vpc(**delete)


def test_route_tables(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    tables = [aws.ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
    aws.ec2.associate_route_table(RouteTableId=tables[0], SubnetId=net.subnets[0])
    with refused("Resource.AlreadyAssociated"):
        aws.ec2.associate_route_table(RouteTableId=tables[1], SubnetId=net.subnets[0])
    with refused("DependencyViolation"):
        aws.ec2.delete_route_table(RouteTableId=tables[0])
    aws.ec2.delete_subnet(SubnetId=net.subnets[0])  # takes its association along
    aws.ec2.delete_route_table(RouteTableId=tables[0])
    main = aws.ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [net.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"][0]
    with refused("DependencyViolation"):
        aws.ec2.delete_route_table(RouteTableId=main["RouteTableId"])


def test_bad_input(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    with refused("InvalidParameterValue", "already has an internet gateway"):
        spare = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        aws.ec2.attach_internet_gateway(InternetGatewayId=spare, VpcId=net.vpc)
    with refused("InvalidSubnet.Range"):
        aws.ec2.create_subnet(VpcId=net.vpc, CidrBlock="10.0.9.0/29")
    with refused("InvalidParameterValue", "sg-"):
        aws.ec2.create_security_group(VpcId=net.vpc, GroupName="sg-x", Description="x")
    with refused("InvalidParameterValue", "Invalid security group description"):
        aws.ec2.create_security_group(VpcId=net.vpc, GroupName="x", Description="a — b")
    with refused("InvalidParameterValue", "reserved"):
        aws.ec2.create_tags(Resources=[net.vpc], Tags=[{"Key": "aws:x", "Value": "y"}])
    default = aws.ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [net.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"][0]
    with refused("CannotDelete"):
        aws.ec2.delete_security_group(GroupId=default["GroupId"])


def test_a_client_token_makes_one_route_table(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    first = aws.ec2.create_route_table(VpcId=net.vpc, ClientToken=name)["RouteTable"]["RouteTableId"]
    assert aws.ec2.create_route_table(VpcId=net.vpc, ClientToken=name)["RouteTable"]["RouteTableId"] == first
    with refused("IdempotentParameterMismatch"):
        tags = [{"ResourceType": "route-table", "Tags": [{"Key": "a", "Value": "b"}]}]
        aws.ec2.create_route_table(VpcId=net.vpc, ClientToken=name, TagSpecifications=tags)
    aws.ec2.delete_route_table(RouteTableId=first)
    assert aws.ec2.create_route_table(VpcId=net.vpc, ClientToken=name)["RouteTable"]["RouteTableId"] != first
