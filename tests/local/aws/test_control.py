"""The control endpoint: counts, ledger, latency, throttling, faults, reset; and calls that are not implemented."""

from __future__ import annotations

import json
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import pytest

from missyou_local.aws import Timing
from missyou_local.aws.ledger import mutates
from tests.local.aws.conftest import Aws, Refused

CALLS = {
    "ec2:DescribeVpcs": {},
    "rds:DescribeDBInstances": {},
    "secretsmanager:ListSecrets": {},
    "ecr:DescribeRepositories": {},
    "ecs:ListClusters": {},
    "elbv2:DescribeLoadBalancers": {},
    "iam:ListRoles": {},
    "logs:DescribeLogGroups": {},
    "cloudwatch:DescribeAlarms": {},
    "application-autoscaling:DescribeScalableTargets": {"ServiceNamespace": "ecs"},
    "sts:GetCallerIdentity": {},
    "resourcegroupstaggingapi:GetResources": {},
}
METHODS = {"rds:DescribeDBInstances": "describe_db_instances"}


def _call(aws: Aws, name: str) -> None:
    service, _, operation = name.partition(":")
    method = METHODS.get(name) or "".join("_" + c.lower() if c.isupper() else c for c in operation).lstrip("_")
    getattr(aws.client(service), method)(**CALLS[name])


def test_every_service_is_named_and_counted(aws: Aws) -> None:
    aws.control(body={"reset_counts": True})
    for name in CALLS:
        _call(aws, name)
    shown = aws.control()
    assert shown["counts"] == dict.fromkeys(sorted(CALLS), 1)
    assert shown["mutations"] == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ec2:CreateVpc", True),
        ("ec2:DescribeVpcs", False),
        ("iam:SimulatePrincipalPolicy", False),
        ("ecr:BatchGetImage", False),
        ("ecs:ListTasks", False),
        ("sts:AssumeRole", False),
        ("logs:PutRetentionPolicy", True),
    ],
)
def test_what_counts_as_a_mutation(name: str, *, expected: bool) -> None:
    assert mutates(name) is expected


def test_the_ledger_tells_what_was_asked_and_keeps_secrets(aws: Aws, name: str) -> None:
    aws.secretsmanager.create_secret(Name=name, SecretString="hunter2-hunter2")
    aws.client("ec2", "eu-west-1").describe_vpcs(Filters=[{"Name": "tag-key", "Values": ["x"]}])
    ledger = aws.control("/ledger")
    created, described = ledger[-2:]
    assert created["operation"] == "secretsmanager:CreateSecret"
    assert (created["status"], created["error"], created["account"]) == (200, None, "123456789012")
    assert "SecretString" in created["parameters"]
    assert "hunter2" not in json.dumps(ledger)
    assert (described["region"], described["parameters"]) == ("eu-west-1", ["Filter"])
    assert aws.control()["mutations"] == 1


def test_throttling_speaks_each_service_s_language(aws: Aws, refused: Refused) -> None:
    aws.control(body={"rules": [{"match": "*", "throttle": 1.0}]})
    for call, code in (
        ("ec2:DescribeVpcs", "RequestLimitExceeded"),
        ("rds:DescribeDBInstances", "Throttling"),
        ("ecs:ListClusters", "ThrottlingException"),
    ):
        with refused(code):
            _call(aws, call)
    assert aws.control("/ledger")[-1]["error"] == "ThrottlingException"


def test_a_fault_happens_so_many_times(aws: Aws, refused: Refused) -> None:
    fail = {"code": "InsufficientDBInstanceCapacity", "message": "none <left>", "status": 400}
    aws.control(body={"rules": [{"match": "rds:Describe*", "fail": fail, "times": 2}]})
    for _ in range(2):
        with refused("InsufficientDBInstanceCapacity", "none <left>"):
            _call(aws, "rds:DescribeDBInstances")
    _call(aws, "rds:DescribeDBInstances")


def test_denial(aws: Aws, refused: Refused) -> None:
    aws.control(body={"rules": [{"match": "*", "deny": True}]})
    for call, code in (
        ("ec2:DescribeVpcs", "UnauthorizedOperation"),
        ("iam:ListRoles", "AccessDenied"),
        ("logs:DescribeLogGroups", "AccessDeniedException"),
    ):
        with refused(code):
            _call(aws, call)


def test_latency_delays_calls_side_by_side(aws: Aws) -> None:
    aws.control(body={"rules": [{"match": "sts:*", "latency": 1.0}]})
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _call(aws, "sts:GetCallerIdentity"), range(8)))
    assert 1.0 <= time.monotonic() - began < 4.0  # one after the other would take 8


def test_what_nobody_plays_is_said_once_and_plainly(aws: Aws, refused: Refused) -> None:
    with refused("NotImplemented", "rds:DescribeReservedDBInstances"):
        aws.rds.describe_reserved_db_instances()
    assert aws.control()["counts"]["rds:DescribeReservedDBInstances"] == 1
    assert aws.control("/ledger")[-1]["status"] == 501


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"timing": {"nope": 1}}, "unknown timing"),
        ({"timing": {"rds": -1}}, "rds"),
        ({"rules": [{"latency": 1}]}, "match"),
        ({"rules": [{"match": "*", "delay": 1}]}, "unknown fault key"),
        ({"rules": [{"match": "*", "fail": {}}]}, "code"),
        ({"rules": [{"match": "*", "throttle": 0.7, "broken": 0.7}]}, "throttle, broken"),
        ({"rules": [{"match": "*", "kill": {"pid": 1, "when": "before"}}]}, "pid"),
        ({"lag": {"ec2": -1}}, "ec2"),
        ({"clock": {"speed": 2}}, "clock of its caller's"),
        ({"clock": {"spede": 2}}, "unknown clock key"),
        ({"rulez": []}, "unknown key"),
    ],
)
def test_bad_control_requests_say_what_is_wrong(aws: Aws, body: dict, words: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        aws.control(body=body)
    assert caught.value.code == 400
    assert words in caught.value.read().decode()


def test_timing_is_set_at_runtime(aws: Aws) -> None:
    before = aws.timing.rds
    assert aws.control(body={"timing": {"rds": 7.5}})["timing"]["rds"] == 7.5
    assert aws.timing.rds == 7.5
    aws.control(body={"timing": {"rds": before}})


def test_instant_timing_has_no_durations() -> None:
    assert Timing.instant() == Timing(*[0.0] * len(Timing.__dataclass_fields__))


def test_reset_forgets_everything(aws: Aws, name: str) -> None:
    aws.ecs.create_cluster(clusterName=name)
    aws.rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="missyou",
        MasterUserPassword="long-enough-1",
    )
    aws.control("/reset", body={})
    assert aws.control()["counts"] == {}
    assert aws.ecs.list_clusters()["clusterArns"] == []
    assert aws.rds.describe_db_instances()["DBInstances"] == []


def test_accounts_and_regions_are_apart(aws: Aws, name: str) -> None:
    aws.client("ecs", "eu-west-1").create_cluster(clusterName=name)
    assert aws.client("ecs", "ap-southeast-2").list_clusters()["clusterArns"] == []
