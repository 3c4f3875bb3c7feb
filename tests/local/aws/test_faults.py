"""Control rules that break calls: each kind as boto3 sees it, what it leaves behind, and that a seed replays it.

What AWS answers is in the API references' lists of errors (common errors, and those of each operation).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.local.aws.conftest import Aws, Refused

READS: dict[str, Callable[[Any], Any]] = {
    "ec2": lambda client: client.describe_vpcs(),
    "rds": lambda client: client.describe_db_instances(),
    "ecs": lambda client: client.list_clusters(),
    "ecr": lambda client: client.describe_repositories(),
    "elbv2": lambda client: client.describe_load_balancers(),
    "iam": lambda client: client.list_roles(),
    "logs": lambda client: client.describe_log_groups(),
    "cloudwatch": lambda client: client.describe_alarms(),
    "secretsmanager": lambda client: client.list_secrets(),
    "application-autoscaling": lambda client: client.describe_scalable_targets(ServiceNamespace="ecs"),
    "sts": lambda client: client.get_caller_identity(),
    "acm": lambda client: client.list_certificates(),
    "route53": lambda client: client.list_hosted_zones(),
    "sns": lambda client: client.list_topics(),
    "s3": lambda client: client.list_buckets(),
    "wafv2": lambda client: client.list_web_acls(Scope="REGIONAL"),
}
CODES = {
    "throttle": {
        "ec2": "RequestLimitExceeded",
        "ecs": "ThrottlingException",
        "ecr": "ThrottlingException",
        "logs": "ThrottlingException",
        "secretsmanager": "ThrottlingException",
        "application-autoscaling": "ThrottlingException",
        "acm": "ThrottlingException",
        "wafv2": "ThrottlingException",
        "sns": "Throttled",
        "s3": "SlowDown",
        "": "Throttling",
    },
    "broken": {
        "ec2": "InternalError",
        "ecs": "ServerException",
        "ecr": "ServerException",
        "logs": "ServiceUnavailableException",
        "secretsmanager": "InternalServiceError",
        "application-autoscaling": "InternalServiceException",
        "wafv2": "WAFInternalErrorException",
        "sns": "InternalError",
        "s3": "InternalError",
        "iam": "ServiceFailure",
        "cloudwatch": "InternalServiceError",
        "": "InternalFailure",
    },
    "down": {"ec2": "Unavailable", "": "ServiceUnavailable"},
    "expired": {
        "ec2": "RequestExpired",
        **dict.fromkeys(
            ("ecs", "ecr", "logs", "secretsmanager", "application-autoscaling", "acm", "wafv2"), "ExpiredTokenException"
        ),
        "": "ExpiredToken",
    },
}


@pytest.mark.parametrize("fault", CODES)
def test_each_service_fails_in_its_own_words(aws: Aws, refused: Refused, fault: str) -> None:
    aws.control(body={"rules": [{"match": "*", fault: 1}]})
    for service, read in READS.items():
        with refused(CODES[fault].get(service, CODES[fault][""])):
            read(aws.client(service))
    assert {tuple(entry["rules"]) for entry in aws.control("/ledger")} == {(fault,)}


def impatient(aws: Aws, service: str, caller: str = "AKIAIOSFODNN7EXAMPLE", attempts: int = 1) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=aws.url,
        aws_access_key_id=caller,
        aws_secret_access_key="secret",
        config=Config(read_timeout=0.5, retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


@pytest.mark.parametrize(
    ("fault", "error", "happened"),
    [("reset", ConnectionClosedError, 0), ("lost", ConnectionClosedError, 1), ("hang", ReadTimeoutError, 1)],
)
def test_an_answer_that_never_comes(aws: Aws, fault: str, error: type[Exception], happened: int) -> None:
    aws.control(body={"rules": [{"match": "ec2:CreateInternetGateway", fault: 1.0}]})
    before = len(aws.ec2.describe_internet_gateways()["InternetGateways"])
    with pytest.raises(error):
        impatient(aws, "ec2").create_internet_gateway()
    assert len(aws.ec2.describe_internet_gateways()["InternetGateways"]) - before == happened


def test_a_lost_answer_makes_clients_do_it_twice(aws: Aws) -> None:
    """What botocore's retries do to a call without a client token: the reason for looking first."""
    aws.control(body={"rules": [{"match": "ec2:CreateInternetGateway", "lost": 1.0, "times": 1}]})
    ec2 = impatient(aws, "ec2", attempts=2)
    before = len(ec2.describe_internet_gateways()["InternetGateways"])
    ec2.create_internet_gateway()
    assert len(ec2.describe_internet_gateways()["InternetGateways"]) - before == 2


def faults_met(aws: Aws, calls: int) -> list[list[str]]:
    for _ in range(calls):
        try:
            aws.sts.get_caller_identity()
        except ClientError:
            continue
    return [entry["rules"] for entry in aws.control("/ledger")]


def test_a_seed_replays_the_faults(aws: Aws) -> None:
    rules = [{"match": "*", "throttle": 0.3, "broken": 0.2}]
    aws.control(body={"rules": rules, "seed": 7, "reset_counts": True})
    first = faults_met(aws, 60)
    # Other callers' and other calls' number and order change nothing.
    aws.control(body={"rules": rules, "seed": 7, "reset_counts": True})
    for service in ("ec2", "iam"):
        try:
            READS[service](aws.client(service))
        except ClientError:
            continue
    aws.control(body={"reset_counts": True})
    assert faults_met(aws, 60) == first
    aws.control(body={"rules": rules, "seed": 8, "reset_counts": True})
    assert faults_met(aws, 60) != first
    assert 8 <= first.count(["throttle"]) <= 28
    assert 3 <= first.count(["broken"]) <= 22


def test_a_rule_is_for_some_callers_and_calls_only(aws: Aws, refused: Refused) -> None:
    aws.control(body={"rules": [{"match": "*", "caller": "AKIAEXPIRED*", "expired": True}]})
    aws.iam.list_roles()
    with refused("ExpiredToken"):
        impatient(aws, "iam", "AKIAEXPIREDEXAMPLE01").list_roles()
    aws.control(body={"rules": [{"match": "ec2:*", "changes": True, "skip": 1, "times": 1, "throttle": 1.0}]})
    aws.ec2.describe_vpcs()
    aws.ec2.create_internet_gateway()
    with refused("RequestLimitExceeded"):
        aws.ec2.create_internet_gateway()
    aws.ec2.create_internet_gateway()
    aws.control(body={"rules": [{"match": "*", "times": 0, "throttle": 1.0}]})
    aws.ec2.describe_vpcs()


def test_an_outage_ends_by_the_clock(aws: Aws, refused: Refused) -> None:
    aws.control(body={"rules": [{"match": "rds:*", "down": True, "seconds": 600}]})
    aws.clock.advance(599)
    with refused("ServiceUnavailable"):
        aws.rds.describe_db_instances()
    aws.clock.advance(1)
    aws.rds.describe_db_instances()


CALLER = """
import boto3, sys
ec2 = boto3.client("ec2", region_name="us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="AKIADOOMEDEXAMPLE001",
    aws_secret_access_key="x")
sys.stdin.readline()
for _ in range(3):
    ec2.create_internet_gateway()
"""


@pytest.mark.parametrize(("when", "happened"), [("before", 1), ("after", 2)])
def test_a_process_is_killed_at_its_nth_call(aws: Aws, when: str, happened: int) -> None:
    before = len(aws.ec2.describe_internet_gateways()["InternetGateways"])
    command = [sys.executable, "-c", CALLER, aws.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        kill = {"pid": process.pid, "when": when}
        aws.control(body={"rules": [{"match": "*", "caller": "AKIADOOMED*", "skip": 1, "times": 1, "kill": kill}]})
        process.communicate(b"go\n", timeout=30)
    assert process.returncode == -9
    assert len(aws.ec2.describe_internet_gateways()["InternetGateways"]) - before == happened
    [last] = aws.control("/ledger?caller=AKIADOOMED*&operation=ec2:Create*")[1:]
    assert last["rules"] == [f"killed {when}"]


def test_the_ledger_is_asked_for_a_part(aws: Aws) -> None:
    aws.control(body={"reset_counts": True})
    aws.sts.get_caller_identity()
    aws.ec2.describe_vpcs()
    impatient(aws, "ec2", "AKIAANOTHEREXAMPLE01").describe_subnets()
    names = [entry["operation"] for entry in aws.control("/ledger?operation=ec2:*")]
    assert names == ["ec2:DescribeVpcs", "ec2:DescribeSubnets"]
    [entry] = aws.control("/ledger?since=2")
    assert (entry["number"], entry["caller"], entry["clock"]) == (3, "AKIAANOTHEREXAMPLE01", aws.clock.now)
