"""Answers that are kept while nothing changes: the same, and never older than the last change."""

from __future__ import annotations

from missyou_local.aws import backends
from tests.local.aws.conftest import Aws


def test_a_read_is_kept_until_somebody_changes_something(aws: Aws) -> None:
    aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")
    aws.control(body={"keep": 60})
    try:
        before = aws.ec2.describe_vpcs()["Vpcs"]
        aws.clock.advance(61.0)
        assert aws.ec2.describe_vpcs()["Vpcs"] == before
        # Behind the test AWS's back: what is kept does not show it, so it is kept.
        vpcs = backends.backend("ec2", "123456789012", "us-east-1").vpcs
        gone = dict(vpcs)
        vpcs.clear()
        try:
            assert aws.ec2.describe_vpcs()["Vpcs"] == before
        finally:
            vpcs.update(gone)
        new = aws.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        assert new in {row["VpcId"] for row in aws.ec2.describe_vpcs()["Vpcs"]}
    finally:
        aws.control(body={"keep": 0})


def test_a_change_that_only_its_service_knows_of_ends_that_there(aws: Aws) -> None:
    aws.logs.create_log_group(logGroupName="kept")
    aws.control(body={"keep": 60})
    vpcs = backends.backend("ec2", "123456789012", "us-east-1").vpcs
    gone = dict(vpcs)
    try:
        aws.clock.advance(61.0)
        before = aws.ec2.describe_vpcs()["Vpcs"], aws.logs.describe_log_groups()["logGroups"]
        aws.logs.put_retention_policy(logGroupName="kept", retentionInDays=7)
        vpcs.clear()
        assert aws.ec2.describe_vpcs()["Vpcs"] == before[0] != []
        [group] = aws.logs.describe_log_groups()["logGroups"]
        assert group["retentionInDays"] == 7
    finally:
        vpcs.update(gone)
        aws.control(body={"keep": 0})
