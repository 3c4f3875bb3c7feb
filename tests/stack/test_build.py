"""The stack as a description: pure, so it is tested without any cloud."""

from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given, settings
from hypothesis import strategies as st

from missyou_operator.api import parse
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.registry import KINDS
from missyou_operator.engine.plan import Action, make_plan
from missyou_operator.engine.values import UNKNOWN
from missyou_operator.stack import build
from missyou_operator.stack.network import subnet_blocks

from .specs import ELSEWHERE, LOOKUPS, graph


def addresses(**spec) -> set[str]:
    return {resource.address for resource in graph(**spec)}


def test_the_default_layout_is_that_of_the_terraform_project():
    assert subnet_blocks("10.0.0.0/16") == {
        "public": ("10.0.0.0/24", "10.0.1.0/24"),
        "app": ("10.0.10.0/24", "10.0.11.0/24"),
        "db": ("10.0.20.0/24", "10.0.21.0/24"),
    }


@given(prefix=st.integers(16, 20), block=st.integers(0, 15))
def test_subnets_of_any_block_fit_and_do_not_overlap(prefix, block):
    vpc = list(IPv4Network("10.0.0.0/12").subnets(new_prefix=prefix))[block]
    nets = [IPv4Network(cidr) for pair in subnet_blocks(str(vpc)).values() for cidr in pair]
    assert all(net.subnet_of(vpc) for net in nets)
    assert not any(a.overlaps(b) for i, a in enumerate(nets) for b in nets[i + 1 :])
    # A load balancer wants /27 at least.
    assert all(net.prefixlen <= 27 for net in nets)


@settings(max_examples=40)
@given(
    environment=st.sampled_from(["Production", "Development"]),
    gateways=st.sampled_from([1, 2]),
    port=st.integers(1, 65535),
    repository=st.sampled_from([None, "registry.example.com/missyou"]),
    secret=st.sampled_from(
        [
            None,
            {"secretKeyRef": {"name": "gemini", "key": "api-key"}},
            {"secretARN": ELSEWHERE},
        ]
    ),
)
def test_whatever_the_spec_every_reference_leads_somewhere(environment, gateways, port, repository, secret):
    spec = {"environment": environment, "network": {"natGateways": gateways}, "service": {"port": port}}
    spec |= {"image": {"repository": repository}} if repository else {}
    spec |= {"secrets": {"googleAPIKey": secret}} if secret else {}
    built = graph(**spec)
    ordered = built.edges.order
    assert len(ordered) == len(built)
    plan = make_plan(built, {})
    assert {change.action for change in plan.changes} == {Action.CREATE}
    known = {kind.TYPE for kind in KINDS} | {"kubernetes.Secret"}
    for resource in ordered:
        assert resource.TYPE in known
        assert UNKNOWN is not resource.name


def test_one_gateway_serves_both_zones():
    two, one = addresses(network={"natGateways": 2}), addresses(network={"natGateways": 1})
    assert two - one == {"ec2.NatGateway/missyou-nat-b", "ec2.Address/missyou-nat-b"}
    assert one - two == set()


def test_an_image_from_elsewhere_needs_no_repository():
    elsewhere = addresses(image={"repository": "registry.example.com/missyou"})
    assert addresses() - elsewhere == {"ecr.Repository/missyou", "ecr.Image/missyou:latest"}


def test_the_execution_role_reads_exactly_the_secrets_of_the_stack():
    role = graph(secrets={"googleAPIKey": {"secretARN": ELSEWHERE}})["iam.Role/missyou-eu-central-1-execution"]
    [readable] = [s["Resource"] for s in role.policy["Statement"] if "secretsmanager:GetSecretValue" in s["Action"]]
    own = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:missyou/db_credentials-??????"
    assert set(readable) == {own, ELSEWHERE}


def test_every_name_is_within_what_aws_accepts():
    longest = "a" + "b" * 23
    app = parse({"metadata": {"name": "x", "namespace": "default"}, "spec": {"stackName": longest}}, "ap-southeast-2")
    stack = StackIdentity(longest, "default/x", "uid", "123456789012", "ap-southeast-2", "app-uid")
    limits = {"elbv2.LoadBalancer": 32, "elbv2.TargetGroup": 32, "iam.Role": 64, "rds.DBInstance": 63}
    for resource in build(app, stack, LOOKUPS):
        assert len(resource.name) <= limits.get(resource.TYPE, 255), resource.address


def test_every_resource_carries_its_identity():
    for resource in graph(tags={"team": "grief"}):
        if resource.tags:
            assert resource.tags["missyou.app/stack"] == "default/missyou"
            assert resource.tags["missyou.app/component"] == resource.component
            assert (resource.tags["Name"], resource.tags["team"]) == (resource.name, "grief")
    untagged = {resource.TYPE for resource in graph() if not resource.tags and not resource.EXTERNAL}
    assert untagged == {"secretsmanager.SecretVersion", "autoscaling.ScalingPolicy"}


def test_a_given_secret_is_decrypted_by_whatever_key_and_nothing_else_is():
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shared/firebase-AbCdEf"
    resources = graph(secrets={"firebaseServiceAccount": {"secretARN": arn}})
    [role] = [each for each in resources if each.name.endswith("-execution")]
    [statement] = [each for each in role.policy["Statement"] if each["Action"] == ("kms:Decrypt",)]
    assert statement["Condition"]["StringEquals"] == {
        "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com",
        "kms:EncryptionContext:SecretARN": (arn,),
    }
    [plain] = [each for each in graph() if each.name.endswith("-execution")]
    assert "kms" not in str(plain.policy)
