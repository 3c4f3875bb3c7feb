"""What load balancing refuses of load balancers, and the nearest that it accepts."""

from __future__ import annotations

import json
from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Act, Place, Rule, each, hold, steps


def _create(**changes: Any) -> Act:
    def create(s: Place) -> None:
        params = {"Name": s.name, "Subnets": s.net.subnets, "SecurityGroups": [s.net.group], **changes}
        s.aws.elbv2.create_load_balancer(**params)

    return create


def _small_subnets(s: Place) -> None:
    """Two subnets of 16 addresses, of which AWS keeps 5: the second has room for 7 more after four interfaces."""
    for i, zone in enumerate("ab"):
        block, where = f"10.0.9.{16 * i}/28", f"us-east-1{zone}"
        made = s.aws.ec2.create_subnet(VpcId=s.net.vpc, CidrBlock=block, AvailabilityZone=where)
        s.keep(zone, made["Subnet"]["SubnetId"])
    s.keep("enis", [_interface(s) for _ in range(4)])


def _interface(s: Place) -> str:
    made = s.aws.ec2.create_network_interface(SubnetId=s.kept["b"])
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


def _in_small_subnets(s: Place) -> None:
    _create(Subnets=[s.kept["a"], s.kept["b"]])(s)


def _attributes(**values: str) -> Act:
    wanted = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]
    return lambda s: s.aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=s.balancer, Attributes=wanted)


def _logs(bucket: str = "") -> Act:
    def enable(s: Place) -> None:
        wanted = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": bucket or f"{s.name}-logs"}
        s.aws.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=s.balancer, Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()]
        )

    return enable


def _bucket(s: Place) -> None:
    s.aws.s3.create_bucket(Bucket=f"{s.name}-logs")


def _kms(s: Place) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s.aws.s3.put_bucket_encryption(Bucket=f"{s.name}-logs", ServerSideEncryptionConfiguration={"Rules": [rule]})


def _let_it_write(s: Place) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{s.name}-logs/AWSLogs/{ACCOUNT}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s.aws.s3.put_bucket_policy(Bucket=f"{s.name}-logs", Policy=policy)


def _delete(s: Place) -> None:
    s.aws.elbv2.delete_load_balancer(LoadBalancerArn=s.balancer)


RULES = [
    Rule(
        "elbv2:CreateLoadBalancer",
        "the name is taken, with other settings",
        "DuplicateLoadBalancerName",
        "API CreateLoadBalancer",
        _create(Scheme="internal"),
        _create(),
        _create(),
    ),
    *(
        Rule(
            "elbv2:CreateLoadBalancer",
            f"the name {bad}",
            "ValidationError",
            "API CreateLoadBalancer",
            _create(Name=bad),
            _create(Name=good),
        )
        for bad, good in (
            ("internal-a", "internala"),
            ("a_b", "a-b"),
            ("-c", "c"),
            ("d-", "d"),
            ("e" * 33, "e" * 32),
        )
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "a single subnet",
        "ValidationError",
        "API CreateLoadBalancer",
        lambda s: _create(Subnets=s.net.subnets[:1])(s),
        _create(),
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "two subnets of one zone",
        "InvalidConfigurationRequest",
        "API CreateLoadBalancer",
        lambda s: _create(Subnets=[s.net.subnets[0], s.kept["twin"]])(s),
        lambda s: _create(Subnets=[s.net.subnets[1], s.kept["twin"]])(s),
        lambda s: s.keep(
            "twin",
            s.aws.ec2.create_subnet(VpcId=s.net.vpc, CidrBlock="10.0.8.0/24", AvailabilityZone="us-east-1a")["Subnet"][
                "SubnetId"
            ],
        ),
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "subnets of two VPCs",
        "InvalidConfigurationRequest",
        "API CreateLoadBalancer, the stricter reading",
        lambda s: _create(Subnets=[s.net.subnets[0], Place(s.aws, s.name + "o").net.subnets[1]], SecurityGroups=[])(s),
        _create(),
        words="same VPC",
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "an unknown subnet",
        "SubnetNotFound",
        "API CreateLoadBalancer",
        lambda s: _create(Subnets=[s.net.subnets[0], "subnet-0123456789abcdef0"])(s),
        _create(),
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "a subnet with seven free addresses",
        "InvalidSubnet",
        "ALB guide, Subnets for your load balancer",
        _in_small_subnets,
        steps(
            lambda s: s.aws.ec2.delete_network_interface(NetworkInterfaceId=s.kept["enis"][0]),
            _in_small_subnets,
        ),
        _small_subnets,
        words="8 free IP addresses",
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "internet-facing, in a VPC without internet gateway",
        "InvalidSubnet",
        "ALB guide; aws-behaviour 6.1",
        _create(),
        _create(Scheme="internal"),
        lambda s: s.aws.ec2.detach_internet_gateway(InternetGatewayId=s.net.gateway, VpcId=s.net.vpc),
        words="no internet gateway",
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "an unknown security group",
        "InvalidSecurityGroup",
        "API CreateLoadBalancer",
        _create(SecurityGroups=["sg-0123456789abcdef0"]),
        _create(),
    ),
    Rule(
        "elbv2:CreateLoadBalancer",
        "a security group of another VPC",
        "InvalidConfigurationRequest",
        "API CreateLoadBalancer, the stricter reading",
        lambda s: _create(SecurityGroups=[Place(s.aws, s.name + "o").net.group])(s),
        _create(),
    ),
    Rule(
        "elbv2:SetSecurityGroups",
        "a security group of another VPC",
        "InvalidConfigurationRequest",
        "API SetSecurityGroups",
        lambda s: s.aws.elbv2.set_security_groups(
            LoadBalancerArn=s.balancer, SecurityGroups=[Place(s.aws, s.name + "o").net.group]
        ),
        lambda s: s.aws.elbv2.set_security_groups(LoadBalancerArn=s.balancer, SecurityGroups=[s.security_group("2")]),
    ),
    Rule(
        "elbv2:SetSubnets",
        "a single subnet",
        "ValidationError",
        "API SetSubnets",
        lambda s: s.aws.elbv2.set_subnets(LoadBalancerArn=s.balancer, Subnets=s.net.subnets[:1]),
        lambda s: s.aws.elbv2.set_subnets(LoadBalancerArn=s.balancer, Subnets=s.net.subnets),
    ),
    Rule(
        "elbv2:DeleteLoadBalancer",
        "it is protected",
        "OperationNotPermitted",
        "API DeleteLoadBalancer",
        _delete,
        steps(_attributes(deletion_protection__enabled="false"), _delete),
        _attributes(deletion_protection__enabled="true"),
    ),
    Rule(
        "elbv2:ModifyLoadBalancerAttributes",
        "an unknown key",
        "InvalidConfigurationRequest",
        "API LoadBalancerAttribute",
        _attributes(idle_timeout__seconds="60"),
        _attributes(idle_timeout__timeout_seconds="60"),
    ),
    Rule(
        "elbv2:ModifyLoadBalancerAttributes",
        "an idle timeout of 4001 seconds",
        "InvalidConfigurationRequest",
        "API LoadBalancerAttribute",
        _attributes(idle_timeout__timeout_seconds="4001"),
        _attributes(idle_timeout__timeout_seconds="4000"),
    ),
    Rule(
        "elbv2:ModifyLoadBalancerAttributes",
        "no balancing across zones",
        "InvalidConfigurationRequest",
        "ALB guide, Cross-zone load balancing",
        _attributes(load_balancing__cross_zone__enabled="false"),
        _attributes(load_balancing__cross_zone__enabled="true"),
    ),
    Rule(
        "elbv2:ModifyLoadBalancerAttributes",
        "access logs to a bucket that does not exist",
        "InvalidConfigurationRequest",
        "ALB guide, Enable access logs",
        _logs(),
        steps(_bucket, _let_it_write, _logs()),
        words="Access Denied for bucket",
    ),
    Rule(
        "elbv2:ModifyLoadBalancerAttributes",
        "access logs to a bucket with KMS keys",
        "InvalidConfigurationRequest",
        "ALB guide, Enable access logs: SSE-S3 only; the code is the stricter reading",
        _logs(),
        steps(lambda s: s.aws.s3.delete_bucket_encryption(Bucket=f"{s.name}-logs"), _logs()),
        steps(lambda s: s.balancer, _bucket, _let_it_write, _kms),
    ),
    Rule(
        "elbv2:ModifyLoadBalancerAttributes",
        "access logs to a bucket whose policy does not allow it",
        "InvalidConfigurationRequest",
        "ALB guide, Enable access logs",
        _logs(),
        steps(_let_it_write, _logs()),
        _bucket,
        words="Access Denied for bucket",
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_switching_access_logs_on_leaves_an_object_in_the_bucket(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    steps(_bucket, _let_it_write, _logs())(s)
    [found] = aws.s3.list_objects_v2(Bucket=f"{name}-logs")["Contents"]
    assert found["Key"] == f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile"
