"""What EC2 refuses to delete, detach and release, and the nearest that it accepts."""

from __future__ import annotations

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Place, Rule, each, hold, steps
from tests.local.aws.services.ec2.rules_network import associate, detach, main, nat_gone


def _balancer_gone(s: Place) -> None:
    s.aws.elbv2.delete_load_balancer(LoadBalancerArn=s.balancer)
    s.aws.clock.advance(s.aws.timing.eni)


def _database_in_network(s: Place) -> None:
    s.database(DBSubnetGroupName=s.subnet_group, VpcSecurityGroupIds=[s.net.group])


def _database_gone(s: Place) -> None:
    s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, SkipFinalSnapshot=True)
    s.aws.clock.advance(s.aws.timing.rds_delete + s.aws.timing.eni)
    s.aws.rds.describe_db_instances()


def _tasks_in_network(s: Place) -> None:
    s.app.create(s.app.define(), loadBalancers=[], healthCheckGracePeriodSeconds=None)
    s.aws.elbv2.delete_load_balancer(LoadBalancerArn=s.app.balancer)
    s.aws.clock.advance(s.aws.timing.task + s.aws.timing.eni)
    s.app.describe()


def _tasks_gone(s: Place) -> None:
    s.aws.ecs.delete_service(cluster=s.name, service=s.name, force=True)
    s.aws.clock.advance(s.aws.timing.task_stop)
    s.app.describe()
    s.aws.clock.advance(s.aws.timing.eni)


def _delete_subnet(s: Place) -> None:
    s.aws.ec2.delete_subnet(SubnetId=s.net.subnets[0])


def _delete_group(s: Place) -> None:
    s.aws.ec2.delete_security_group(GroupId=s.net.group)


def _delete_vpc(s: Place) -> None:
    s.aws.ec2.delete_vpc(VpcId=s.net.vpc)


def _empty_vpc(s: Place, *, but: str) -> None:
    """Take everything out of the VPC but one kind of thing."""
    if but != "gateway":
        detach(s)
    if but != "group":
        _delete_group(s)
    if but != "subnet":
        for subnet in s.net.subnets:
            s.aws.ec2.delete_subnet(SubnetId=subnet)


def _default_group(s: Place) -> str:
    found = s.aws.ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [s.net.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )
    return str(found["SecurityGroups"][0]["GroupId"])


def _association(s: Place) -> str:
    (address,) = s.aws.ec2.describe_addresses(AllocationIds=[s.address])["Addresses"]
    return str(address["AssociationId"])


def _interface_of_balancer(s: Place) -> str:
    found = s.aws.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [s.net.group]}])
    return str(found["NetworkInterfaces"][0]["NetworkInterfaceId"])


def _own_interface(s: Place) -> str:
    made = s.aws.ec2.create_network_interface(SubnetId=s.net.subnets[0])
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


RULES = [
    Rule(
        "ec2:DeleteSubnet",
        "a NAT gateway's interface is in it",
        "DependencyViolation",
        "API DeleteSubnet; VPC guide, Delete a NAT gateway",
        _delete_subnet,
        steps(nat_gone, _delete_subnet),
        lambda s: s.nat,
    ),
    Rule(
        "ec2:DeleteSubnet",
        "a load balancer's interface is in it, or still lingers",
        "DependencyViolation",
        "aws-behaviour 2.2, 6.1",
        _delete_subnet,
        steps(lambda s: s.aws.clock.advance(s.aws.timing.eni), _delete_subnet),
        lambda s: s.aws.elbv2.delete_load_balancer(LoadBalancerArn=s.balancer),
    ),
    Rule(
        "ec2:DeleteSubnet",
        "a database's interface is in it",
        "DependencyViolation",
        "aws-behaviour 2.2, 3.3",
        lambda s: s.aws.ec2.delete_subnet(SubnetId=s.net.subnets[0]),
        steps(_database_gone, _delete_subnet),
        _database_in_network,
    ),
    Rule(
        "ec2:DeleteSubnet",
        "a Fargate task's interface is in it",
        "DependencyViolation",
        "aws-behaviour 2.2, 5.3",
        lambda s: s.aws.ec2.delete_subnet(SubnetId=s.app.net.subnets[0]),
        steps(_tasks_gone, lambda s: s.aws.ec2.delete_subnet(SubnetId=s.app.net.subnets[0])),
        _tasks_in_network,
    ),
    Rule(
        "ec2:DeleteSecurityGroup",
        "a load balancer's interface has it",
        "DependencyViolation",
        "API DeleteSecurityGroup",
        _delete_group,
        steps(_balancer_gone, _delete_group),
        lambda s: s.balancer,
        words="dependent object",
    ),
    Rule(
        "ec2:DeleteSecurityGroup",
        "a database's interface has it",
        "DependencyViolation",
        "API DeleteSecurityGroup",
        _delete_group,
        steps(_database_gone, _delete_group),
        _database_in_network,
    ),
    Rule(
        "ec2:DeleteSecurityGroup",
        "a Fargate task's interface has it",
        "DependencyViolation",
        "API DeleteSecurityGroup",
        lambda s: s.aws.ec2.delete_security_group(GroupId=s.app.net.group),
        steps(_tasks_gone, lambda s: s.aws.ec2.delete_security_group(GroupId=s.app.net.group)),
        _tasks_in_network,
    ),
    Rule(
        "ec2:DeleteSecurityGroup",
        "it is the default group",
        "CannotDelete",
        "EC2 API error codes: CannotDelete",
        lambda s: s.aws.ec2.delete_security_group(GroupId=_default_group(s)),
        _delete_group,
    ),
    Rule(
        "ec2:DetachInternetGateway",
        "a NAT gateway has a public address",
        "DependencyViolation",
        "API DetachInternetGateway",
        detach,
        steps(nat_gone, detach),
        lambda s: s.nat,
        words="mapped public address",
    ),
    Rule(
        "ec2:DetachInternetGateway",
        "an internet-facing load balancer has public addresses",
        "DependencyViolation",
        "API DetachInternetGateway; aws-behaviour 2.3",
        detach,
        steps(_balancer_gone, detach),
        lambda s: s.balancer,
    ),
    Rule(
        "ec2:DetachInternetGateway",
        "it is not attached",
        "Gateway.NotAttached",
        "EC2 API error codes: Gateway.NotAttached",
        detach,
        lambda s: s.aws.ec2.attach_internet_gateway(InternetGatewayId=s.net.gateway, VpcId=s.net.vpc),
        detach,
    ),
    Rule(
        "ec2:DeleteInternetGateway",
        "it is attached",
        "DependencyViolation",
        "API DeleteInternetGateway",
        lambda s: s.aws.ec2.delete_internet_gateway(InternetGatewayId=s.net.gateway),
        steps(detach, lambda s: s.aws.ec2.delete_internet_gateway(InternetGatewayId=s.net.gateway)),
    ),
    Rule(
        "ec2:ReleaseAddress",
        "a NAT gateway holds it",
        "InvalidIPAddress.InUse",
        "API ReleaseAddress",
        lambda s: s.aws.ec2.release_address(AllocationId=s.address),
        steps(nat_gone, lambda s: s.aws.ec2.release_address(AllocationId=s.address)),
        lambda s: s.nat,
    ),
    Rule(
        "ec2:DisassociateAddress",
        "a NAT gateway holds it",
        "AuthFailure",
        "aws-behaviour 2.4",
        lambda s: s.aws.ec2.disassociate_address(AssociationId=_association(s)),
        steps(nat_gone, lambda s: s.aws.ec2.release_address(AllocationId=s.address)),
        lambda s: s.nat,
    ),
    Rule(
        "ec2:DeleteNetworkInterface",
        "it belongs to a service of AWS",
        "AuthFailure",
        "aws-behaviour 2.7",
        lambda s: s.aws.ec2.delete_network_interface(NetworkInterfaceId=_interface_of_balancer(s)),
        lambda s: s.aws.ec2.delete_network_interface(NetworkInterfaceId=_own_interface(s)),
        lambda s: s.balancer,
    ),
    Rule(
        "ec2:DeleteRouteTable",
        "a subnet is associated with it",
        "DependencyViolation",
        "API DeleteRouteTable",
        lambda s: s.aws.ec2.delete_route_table(RouteTableId=s.table),
        steps(
            lambda s: s.aws.ec2.disassociate_route_table(AssociationId=s.kept["association"]),
            lambda s: s.aws.ec2.delete_route_table(RouteTableId=s.table),
        ),
        associate,
    ),
    Rule(
        "ec2:DeleteRouteTable",
        "it is the main one",
        "DependencyViolation",
        "API DeleteRouteTable",
        lambda s: s.aws.ec2.delete_route_table(RouteTableId=main(s)["RouteTableId"]),
        lambda s: s.aws.ec2.delete_route_table(RouteTableId=s.table),
    ),
    Rule(
        "ec2:DeleteVpc",
        "a subnet is in it",
        "DependencyViolation",
        "API DeleteVpc",
        _delete_vpc,
        steps(lambda s: [s.aws.ec2.delete_subnet(SubnetId=subnet) for subnet in s.net.subnets], _delete_vpc),
        lambda s: _empty_vpc(s, but="subnet"),
    ),
    Rule(
        "ec2:DeleteVpc",
        "an internet gateway is attached to it",
        "DependencyViolation",
        "API DeleteVpc",
        _delete_vpc,
        steps(detach, _delete_vpc),
        lambda s: _empty_vpc(s, but="gateway"),
    ),
    Rule(
        "ec2:DeleteVpc",
        "a group besides the default one is in it",
        "DependencyViolation",
        "API DeleteVpc",
        _delete_vpc,
        steps(_delete_group, _delete_vpc),
        lambda s: _empty_vpc(s, but="group"),
    ),
    Rule(
        "ec2:DeleteVpc",
        "a route table besides the main one is in it",
        "DependencyViolation",
        "API DeleteVpc",
        _delete_vpc,
        steps(lambda s: s.aws.ec2.delete_route_table(RouteTableId=s.table), _delete_vpc),
        steps(lambda s: s.table, lambda s: _empty_vpc(s, but="")),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
