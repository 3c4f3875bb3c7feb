"""Access logs: a bucket that the load balancer can write to, kept true, and never deleted with logs in it unasked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from missyou_local.aws import backends
from tests.sim.app import REGION, App, changes

ACCOUNT = "123456789012"
ON = {"loadBalancer": {"accessLogs": {"enabled": True}}}


@pytest.fixture(scope="module")
def plain(aws) -> App:
    """A stack that has never had access logs."""
    app = App(aws, "logged", environment="Development")
    app.settle()
    return app


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack with access logs."""
    app = App(aws, "logging", environment="Development", **ON)
    app.settle()
    return app


def bucket(app: App) -> str:
    return f"{app.stack}-alb-logs-{ACCOUNT}-{REGION}"


def buckets(app: App) -> list[str]:
    rows = app.client("s3").list_buckets()["Buckets"]
    return [row["Name"] for row in rows if row["Name"].startswith(f"{app.stack}-")]


def attributes(app: App) -> Mapping[str, str]:
    elb = app.client("elbv2")
    [row] = elb.describe_load_balancers(Names=[f"{app.stack}-alb"])["LoadBalancers"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=row["LoadBalancerArn"])["Attributes"]
    return {a["Key"].removeprefix("access_logs.s3."): a["Value"] for a in found if "access_logs.s3" in a["Key"]}


def set_attributes(app: App, **wanted: str) -> None:
    elb = app.client("elbv2")
    [row] = elb.describe_load_balancers(Names=[f"{app.stack}-alb"])["LoadBalancers"]
    given = [{"Key": f"access_logs.s3.{key}", "Value": value} for key, value in wanted.items()]
    elb.modify_load_balancer_attributes(LoadBalancerArn=row["LoadBalancerArn"], Attributes=given)


def log(app: App, number: int = 1) -> None:
    """Write logs, as the load balancer does; not by calls of S3, which are slow by the thousand."""
    with backends.LOCK:
        for each in range(number):
            key = f"AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/2026/11/23/{each}.log.gz"
            backends.backend("s3", ACCOUNT, "aws").put_object(bucket(app), key, b"x")


def switched_off_with_logs_in_it(app: App) -> None:
    """Have the operator ask for approval to delete three logs."""
    log(app, 3)
    app.edit(loadBalancer={"accessLogs": {"enabled": False}})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "held back")


def test_by_default_there_is_no_bucket(plain):
    assert (buckets(plain), attributes(plain)["enabled"]) == ([], "false")
    assert "accessLogBucket" not in plain.body["status"]["outputs"]


def test_switched_on_the_bucket_comes_first_and_is_as_it_should_be(plain):
    app = plain
    app.edit(**ON)
    calls = changes(app.calls(app.grow))
    assert {name for name in calls if not name.startswith("s3:")} == {"elbv2:ModifyLoadBalancerAttributes"}
    assert calls["s3:CreateBucket"] == calls["elbv2:ModifyLoadBalancerAttributes"] == 1
    s3, name = app.client("s3"), bucket(app)
    assert attributes(app) == {"enabled": "true", "bucket": name, "prefix": ""}
    [statement] = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/AWSLogs/{ACCOUNT}/*",
    }
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    [owner] = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert owner == {"ObjectOwnership": "BucketOwnerEnforced"}
    [rule] = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    [expiry] = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (expiry["Expiration"]["Days"], expiry["Status"]) == (30, "Enabled")
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert tags["missyou.app/stack"] == "default/logged"
    assert app.body["status"]["outputs"]["accessLogBucket"] == name
    app.stays_in_sync()


def test_they_are_kept_as_long_as_is_asked_for(app):
    app.edit(loadBalancer={"accessLogs": {"enabled": True, "retentionDays": 90}})
    assert changes(app.calls(app.grow)) == {"s3:PutBucketLifecycleConfiguration": 1}
    app.stays_in_sync()


def opened(s3: Any, name: str) -> None:
    s3.delete_public_access_block(Bucket=name)


def another_policy(s3: Any, name: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:GetObject"}
    document = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": f"arn:aws:s3:::{name}/*"}]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document))


def no_policy(s3: Any, name: str) -> None:
    s3.delete_bucket_policy(Bucket=name)


def kms(s3: Any, name: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def kept_for_ever(s3: Any, name: str) -> None:
    s3.delete_bucket_lifecycle(Bucket=name)


def others_own_it(s3: Any, name: str) -> None:
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})


def another_tag(s3: Any, name: str) -> None:
    tags = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    kept = [tag for tag in tags if tag["Key"] != "Environment"]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [*kept, {"Key": "cost-centre", "Value": "7"}]})


@pytest.mark.parametrize(
    ("meddle", "call"),
    [
        (opened, "s3:PutPublicAccessBlock"),
        (another_policy, "s3:PutBucketPolicy"),
        (no_policy, "s3:PutBucketPolicy"),
        (kms, "s3:PutBucketEncryption"),
        (kept_for_ever, "s3:PutBucketLifecycleConfiguration"),
        (others_own_it, "s3:PutBucketOwnershipControls"),
        (another_tag, "s3:PutBucketTagging"),
    ],
)
def test_what_somebody_changes_is_put_right_by_one_call(app, meddle, call):
    meddle(app.client("s3"), bucket(app))
    assert changes(app.calls(app.observe_now)) == {call: 1}
    assert app.body["status"]["drift"][0]["resource"] == f"s3.Bucket/{bucket(app)}"
    app.stays_in_sync()


def test_others_tags_stay(app):
    another_tag(app.client("s3"), bucket(app))
    app.observe_now()
    tags = app.client("s3").get_bucket_tagging(Bucket=bucket(app))["TagSet"]
    assert {"Key": "cost-centre", "Value": "7"} in tags


@pytest.mark.parametrize("wanted", [{"enabled": "false"}, {"prefix": "elsewhere"}])
def test_the_load_balancer_is_put_right(app, wanted):
    app.restart()
    if "prefix" in wanted:
        s3, name = app.client("s3"), bucket(app)
        document = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
        wide = {**document["Statement"][0], "Resource": f"arn:aws:s3:::{name}/*"}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({**document, "Statement": [wide]}))
    set_attributes(app, **wanted)
    app.observe_now()
    assert attributes(app) == {"enabled": "true", "bucket": bucket(app), "prefix": ""}
    app.stays_in_sync()


def test_switched_off_with_logs_in_it_the_bucket_waits_for_approval(app):
    switched_off_with_logs_in_it(app)
    assert f"the access logs in the bucket {bucket(app)}" in app.condition("Stalled")["message"]
    # No more is written, and nothing is lost.
    assert attributes(app)["enabled"] == "false"
    assert buckets(app) == [bucket(app)]
    plan = app.body["status"]["plan"]
    assert [(change["action"], change["destroysData"]) for change in plan["changes"]] == [("Delete", True)]
    # One log more or less is the same plan.
    log(app, 4)
    app.observe_now()
    assert app.body["status"]["plan"]["id"] == plan["id"]


def test_approved_it_is_emptied_and_deleted_versions_and_uploads_included(app):
    switched_off_with_logs_in_it(app)
    s3, name = app.client("s3"), bucket(app)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    log(app, 2)
    log(app, 2)
    s3.delete_object(Bucket=name, Key=f"AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/2026/11/23/0.log.gz")
    s3.create_multipart_upload(Bucket=name, Key="AWSLogs/half")
    app.observe_now()
    app.annotate("approve", app.body["status"]["plan"]["id"])
    app.grow()
    app.stays_in_sync()
    assert buckets(app) == []


def test_a_name_that_was_in_use_a_moment_ago_is_waited_for(app, aws):
    aws.timing.bucket_name = 3600.0
    app.edit(loadBalancer={"accessLogs": {"enabled": False}})
    app.grow()
    app.until(lambda _: buckets(app) == [], "gone: there was the load balancer's test file in it only")
    app.stays_in_sync()
    app.edit(**ON)
    app.until(lambda _: "OperationAborted" in app.condition("LoadBalancerReady")["message"], "waiting")
    assert app.condition("Stalled")["status"] == ""
    app.edit(loadBalancer={"accessLogs": {"enabled": False}})
    app.grow()
    app.stays_in_sync()


def test_a_name_of_somebody_else_s_is_told(aws):
    app = App(aws, "logged2", environment="Development")
    app.account("222222222222")
    app.client("s3").create_bucket(
        Bucket=f"logged2-alb-logs-{ACCOUNT}-{REGION}", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    app = App(aws, "logged2", environment="Development", **ON)
    app.until(lambda _: app.reason("Stalled") == "OwnedElsewhere", "told")
    assert "another AWS account" in app.condition("Stalled")["message"]
    # The rest of the stack goes on.
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "waiting for an image only")
    app.push()
    app.until(lambda _: app.condition("ServiceReady")["status"] == "True", "served")
    app.delete()


def test_somebody_s_own_logging_is_left_alone_while_ours_is_off(plain):
    app = plain
    s3, name = app.client("s3"), "somebodys-logs"
    s3.create_bucket(Bucket=name)
    statement = {"Effect": "Allow", "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}}
    allowed = {**statement, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    set_attributes(app, enabled="true", bucket=name)
    app.stays_in_sync()
    assert attributes(app)["bucket"] == name


def test_retained_everything_stays(app):
    app.stays_in_sync()
    log(app)
    app.edit(deletionPolicy="Retain")
    assert changes(app.calls(app.delete)) == {}
    assert attributes(app)["enabled"] == "true"
    app.edit(deletionPolicy="Delete")
    app.delete()
    assert buckets(app) == []


def test_more_than_fits_into_one_call_is_emptied(app):
    log(app, 1200)
    calls = app.calls(app.delete)
    assert calls["s3:DeleteObjects"] == 2
    with pytest.raises(ClientError):
        app.client("s3").head_bucket(Bucket=bucket(app))
