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
