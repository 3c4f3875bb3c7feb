"""The bucket for access logs on the test AWS: who may write to it, who owns its name, what is lost with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.elbv2.access_logs import log_policy
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.s3.bucket import Bucket
from missyou_operator.engine.errors import NotYetError
from missyou_operator.stack.naming import LOG_BUCKET
from tests.aws.live import REGION, client, live, neighbour, observe, read, tags


def bucket(cloud: Cloud, days: int = 30) -> Bucket:
    name = cloud.name(Bucket.TYPE)
    given = tags(cloud, name, "LoadBalancer")
    return Bucket(
        name=name, component="LoadBalancer", tags=given, policy=log_policy(cloud.stack, name), retention_days=days
    )


def put(cloud: Cloud, key: str) -> None:
    client("s3").put_object(Bucket=cloud.name(Bucket.TYPE), Key=key)


def test_what_was_created_is_found_as_desired() -> None:
    cloud = live()
    desired = bucket(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert (found.owned, found.attrs["arn"]) == (True, created.attrs["arn"])
    location = client("s3").get_bucket_location(Bucket=desired.name)["LocationConstraint"]
    assert location == REGION


def rules(cloud: Cloud, *given: dict[str, Any]) -> object:
    name = cloud.name(Bucket.TYPE)
    client("s3").put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": list(given)})
    return observe(bucket(cloud), cloud).attrs["retention_days"]


def test_another_expiry_rule_is_a_difference_and_another_rule_name_is_none() -> None:
    cloud = live()
    bucket(cloud).create(cloud)
    ours: dict[str, Any] = {
        "Status": "Enabled",
        "Filter": {},
        "Expiration": {"Days": 30},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    assert rules(cloud, {"ID": "mine", **ours}) == 30
    assert rules(cloud, {"ID": "mine", **ours, "Status": "Disabled"}) == "other rules"
    assert rules(cloud, {"ID": "mine", **ours, "Filter": {"Prefix": "a/"}}) == "other rules"


def test_a_namesake_of_another_cluster_is_not_ours_and_is_not_listed() -> None:
    cloud = live()
    bucket(neighbour(cloud)).create(neighbour(cloud))
    [found] = read(Bucket, cloud)
    assert (found.owned, "policy" in found.attrs) == (False, False)


def test_a_bucket_that_exists_after_all_is_read_again() -> None:
    cloud = live()
    bucket(cloud).create(cloud)
    with pytest.raises(NotYetError):
        bucket(cloud).create(cloud)


def test_the_test_file_is_no_log() -> None:
    cloud = live()
    bucket(cloud).create(cloud)
    put(cloud, "AWSLogs/123456789012/ELBAccessLogTestFile")
    [found] = read(Bucket, cloud)
    assert Bucket.holds_data(found) == ""
    put(cloud, "AWSLogs/123456789012/elasticloadbalancing/a.log.gz")
    [found] = read(Bucket, cloud)
    assert found.name in Bucket.holds_data(found)
    # A desired bucket is not listed; to be safe, it counts as one with logs.
    assert Bucket.holds_data(observe(bucket(cloud), cloud)) != ""


def test_many_markers_before_a_log_do_not_hide_it() -> None:
    cloud = live()
    desired = bucket(cloud)
    desired.create(cloud)
    s3 = client("s3")
    s3.put_bucket_versioning(Bucket=desired.name, VersioningConfiguration={"Status": "Enabled"})
    for number in range(12):
        s3.delete_object(Bucket=desired.name, Key=f"a{number:02}")
    put(cloud, "z.log.gz")
    [found] = read(Bucket, cloud)
    assert Bucket.holds_data(found) != ""


def test_an_object_that_s3_refuses_to_delete_is_an_error() -> None:
    cloud = live()
    found = bucket(cloud).as_created(cloud.name(Bucket.TYPE))
    s3, there = client("s3"), {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=found.name, CreateBucketConfiguration=there, ObjectLockEnabledForBucket=True)
    put(cloud, "a.log.gz")
    [version] = s3.list_object_versions(Bucket=found.name)["Versions"]
    s3.put_object_legal_hold(
        Bucket=found.name, Key="a.log.gz", VersionId=version["VersionId"], LegalHold={"Status": "ON"}
    )
    with pytest.raises(Exception, match="AccessDenied") as refusal:
        Bucket.delete(cloud, found)
    assert classify(refusal.value).reason == "AccessDenied"


def test_deleting_twice_is_fine() -> None:
    cloud = live()
    found = bucket(cloud).create(cloud)
    for _ in range(2):
        assert Bucket.delete(cloud, found).status == "ready"
    assert read(Bucket, cloud) == []


@pytest.mark.parametrize(
    ("partition", "region", "principal"),
    [
        ("aws", "eu-central-1", {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}),
        ("aws", "ap-southeast-7", {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}),
        ("aws-us-gov", "us-gov-west-1", {"AWS": "arn:aws-us-gov:iam::048591011584:root"}),
        ("aws-cn", "cn-north-1", {"AWS": "arn:aws-cn:iam::638102146993:root"}),
    ],
)
def test_who_may_write_where(partition: str, region: str, principal: dict[str, str]) -> None:
    stack = StackIdentity("shop", "default/shop", "uid", "123456789012", region, "app-uid", partition)
    [statement] = log_policy(stack, stack.fill(LOG_BUCKET))["Statement"]
    assert statement["Principal"] == principal
    assert statement["Resource"] == f"arn:{partition}:s3:::shop-alb-logs-123456789012-{region}/AWSLogs/123456789012/*"


def test_the_longest_name_is_valid() -> None:
    longest = replace(live().stack, name="a" * 24, region="ap-southeast-1")
    assert len(longest.fill(LOG_BUCKET)) <= 63
