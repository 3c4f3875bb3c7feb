"""Load balancers take time, are idempotent by content, and refuse what AWS refuses."""

from __future__ import annotations

import pytest

from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused


def _state(aws: Aws, arn: str) -> str:
    return aws.elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]


def test_it_is_provisioning_for_a_while(aws: Aws, name: str) -> None:
    arn = building.balancer(aws, name, building.network(aws, name))
    assert [_state(aws, arn) for _ in range(2)] == ["provisioning"] * 2
    aws.clock.advance(aws.timing.alb)
    assert _state(aws, arn) == "active"


def test_the_same_again_is_the_same(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    wanted = {"Name": name, "Subnets": net.subnets, "SecurityGroups": [net.group]}
    tags = [{"Key": "owner", "Value": name}]
    first, again = (aws.elbv2.create_load_balancer(**wanted, Tags=tags)["LoadBalancers"][0] for _ in range(2))
    assert first["LoadBalancerArn"] == again["LoadBalancerArn"]
    for other in ({}, {"Tags": tags, "Scheme": "internal"}):
        with refused("DuplicateLoadBalancerName", "different settings"):
            aws.elbv2.create_load_balancer(**wanted, **other)
    group = building.target_group(aws, name, net, HealthCheckPath="/health")
    assert building.target_group(aws, name, net, HealthCheckPath="/health") == group
    with refused("DuplicateTargetGroupName"):
        building.target_group(aws, name, net, HealthCheckPath="/other")
    listener = building.listen(aws, first["LoadBalancerArn"], group)
    assert building.listen(aws, first["LoadBalancerArn"], group) == listener
    with refused("DuplicateListener"):
        building.listen(aws, first["LoadBalancerArn"], building.target_group(aws, name + "-2", net))


def test_default_attributes(aws: Aws, name: str) -> None:
    arn = building.balancer(aws, name, building.network(aws, name))
    described = aws.elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    attributes = {entry["Key"]: entry["Value"] for entry in described}
    assert attributes["load_balancing.cross_zone.enabled"] == "true"
    assert attributes["deletion_protection.enabled"] == "false"
    assert attributes["idle_timeout.timeout_seconds"] == "60"


@pytest.mark.parametrize("bad", ["internal-x", "under_score", "x" * 33, "-x", "x-"])
def test_names(aws: Aws, name: str, refused: Refused, bad: str) -> None:
    net = building.network(aws, name)
    with refused("ValidationError"):
        aws.elbv2.create_load_balancer(Name=bad, Subnets=net.subnets)


def test_where_it_cannot_be(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    beside = aws.ec2.create_subnet(VpcId=net.vpc, CidrBlock="10.0.8.0/24", AvailabilityZone="us-east-1a")["Subnet"]
    cases = {
        "ValidationError": {"Subnets": net.subnets[:1]},
        "InvalidConfigurationRequest": {"Subnets": [net.subnets[0], beside["SubnetId"]]},
        "SubnetNotFound": {"Subnets": [net.subnets[0], "subnet-0"]},
        "InvalidSecurityGroup": {"Subnets": net.subnets, "SecurityGroups": ["sg-0"]},
    }
    for code, params in cases.items():
        with refused(code):
            aws.elbv2.create_load_balancer(Name=name, **params)
    shut = building.network(aws, name + "-shut", gateway=False)
    with refused("InvalidSubnet", "no internet gateway"):
        building.balancer(aws, name, shut)
    with refused("LoadBalancerNotFound"):
        aws.elbv2.describe_load_balancers(Names=[name])


def test_https_needs_a_certificate(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    arn, group = building.balancer(aws, name, net), building.target_group(aws, name, net)
    with refused("ValidationError", "certificate"):
        aws.elbv2.create_listener(
            LoadBalancerArn=arn,
            Port=443,
            Protocol="HTTPS",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )


def test_what_it_uses_stays_until_its_interfaces_are_gone(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    arn, group = building.balancer(aws, name, net), building.target_group(aws, name, net)
    building.listen(aws, arn, group)
    described = aws.elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    assert described["LoadBalancerArns"] == [arn]
    with refused("ResourceInUse"):
        aws.elbv2.delete_target_group(TargetGroupArn=group)
    protection = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protection)
    with refused("OperationNotPermitted"):
        aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    protection[0]["Value"] = "false"
    aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protection)
    aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    with refused("LoadBalancerNotFound"):
        aws.elbv2.describe_load_balancers(LoadBalancerArns=[arn])
    described = aws.elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    assert described["LoadBalancerArns"] == []
    aws.elbv2.delete_target_group(TargetGroupArn=group)
    deletions = [
        lambda: aws.ec2.delete_security_group(GroupId=net.group),
        lambda: aws.ec2.delete_subnet(SubnetId=net.subnets[1]),
        lambda: aws.ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc),
    ]
    enis = aws.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [net.vpc]}])["NetworkInterfaces"]
    assert {eni["Description"].rpartition("/")[0] for eni in enis} == {f"ELB app/{name}"}
    for delete in deletions:
        with refused("DependencyViolation"):
            delete()
    aws.clock.advance(aws.timing.eni)
    for delete in deletions:
        delete()


def test_set_security_groups_frees_the_old_one(aws: Aws, name: str) -> None:
    net = building.network(aws, name)
    arn = building.balancer(aws, name, net)
    other = aws.ec2.create_security_group(VpcId=net.vpc, GroupName=name + "-2", Description="other")["GroupId"]
    aws.elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[other])
    aws.ec2.delete_security_group(GroupId=net.group)
