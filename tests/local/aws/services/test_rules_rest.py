"""What Route 53 and S3 refuse, and the nearest that they accept."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from missyou_local.aws import rest
from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps


def _zone(s: Place, reference: str = "") -> None:
    made = s.aws.route53.create_hosted_zone(Name=f"{s.name}.example.com", CallerReference=f"{s.name}{reference}")
    s.keep("zone", made["HostedZone"]["Id"])


def _change(action: str, value: str = "10.0.0.1", kind: str = "A", name: str = "a.") -> Act:
    def change(s: Place) -> None:
        record = {
            "Name": f"{name}{s.name}.example.com",
            "Type": kind,
            "TTL": 60,
            "ResourceRecords": [{"Value": value}],
        }
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        s.aws.route53.change_resource_record_sets(HostedZoneId=s.kept["zone"], ChangeBatch=batch)

    return change


def _delete_zone(s: Place) -> None:
    s.aws.route53.delete_hosted_zone(Id=s.kept["zone"])


ZONES = [
    Rule(
        "route53:CreateHostedZone",
        "the caller reference made another",
        "HostedZoneAlreadyExists",
        "API CreateHostedZone",
        _zone,
        lambda s: _zone(s, "-2"),
        _zone,
        status=409,
    ),
    Rule(
        "route53:DeleteHostedZone",
        "a record is in it",
        "HostedZoneNotEmpty",
        "API DeleteHostedZone",
        _delete_zone,
        steps(_change("DELETE"), _delete_zone),
        steps(_zone, _change("CREATE")),
    ),
    Rule(
        "route53:ChangeResourceRecordSets",
        "a string of 256 characters in a TXT record",
        "InvalidChangeBatch",
        "Route 53 guide, TXT record type",
        _change("CREATE", f'"{"t" * 256}"', "TXT"),
        steps(_change("CREATE", f'"{"t" * 255}"', "TXT"), _change("CREATE", '"' + "t" * 200 + '" "u"', "TXT", "b.")),
        _zone,
        words="CharacterStringTooLong",
    ),
    Rule(
        "route53:ChangeResourceRecordSets",
        "no such zone",
        "NoSuchHostedZone",
        "API ChangeResourceRecordSets",
        _change("CREATE"),
        steps(_zone, _change("CREATE")),
        lambda s: s.keep("zone", "/hostedzone/Z0000000000000"),
        status=404,
    ),
    Rule(
        "route53:ChangeResourceRecordSets",
        "the record to create is there",
        "InvalidChangeBatch",
        "API ChangeResourceRecordSets",
        _change("CREATE"),
        _change("UPSERT"),
        steps(_zone, _change("CREATE")),
        words="already exists",
    ),
    Rule(
        "route53:ChangeResourceRecordSets",
        "the record to delete is not there",
        "InvalidChangeBatch",
        "API ChangeResourceRecordSets",
        _change("DELETE"),
        steps(_change("CREATE"), _change("DELETE")),
        _zone,
        words="not found",
    ),
    Rule(
        "route53:ChangeResourceRecordSets",
        "the record to delete has other values",
        "InvalidChangeBatch",
        "API ChangeResourceRecordSets",
        _change("DELETE", "10.0.0.2"),
        _change("DELETE"),
        steps(_zone, _change("CREATE")),
        words="do not match",
    ),
    Rule(
        "route53:ChangeResourceRecordSets",
        "a CNAME beside another record",
        "InvalidChangeBatch",
        "Route 53 guide, CNAME record type",
        _change("CREATE", "b.example.com", "CNAME"),
        _change("CREATE", "b.example.com", "CNAME", "b."),
        steps(_zone, _change("CREATE")),
    ),
    Rule(
        "route53:ChangeResourceRecordSets",
        "a CNAME at the apex",
        "InvalidChangeBatch",
        "Route 53 guide, CNAME record type",
        _change("CREATE", "b.example.com", "CNAME", ""),
        _change("CREATE", "10.0.0.1", "A", ""),
        _zone,
    ),
]


def _bucket(name: str = "") -> Act:
    return lambda s: s.aws.s3.create_bucket(Bucket=name or f"{s.name}-bucket")


def _put(s: Place) -> None:
    s.aws.s3.put_object(Bucket=f"{s.name}-bucket", Key="a/b", Body=b"x")


def _versioned(s: Place) -> None:
    s.aws.s3.put_bucket_versioning(Bucket=f"{s.name}-bucket", VersioningConfiguration={"Status": "Enabled"})


def _purge(s: Place) -> None:
    found = s.aws.s3.list_object_versions(Bucket=f"{s.name}-bucket")
    rows = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
    keys = [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]
    s.aws.s3.delete_objects(Bucket=f"{s.name}-bucket", Delete={"Objects": keys})


def _elsewhere(s: Place) -> Any:
    """S3, as another account sees it."""
    role = "arn:aws:iam::999999999999:role/somebody"
    found = s.aws.sts.assume_role(RoleArn=role, RoleSessionName="other")["Credentials"]
    keys = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
    session = boto3.Session(**keys, aws_session_token=found["SessionToken"], region_name="us-east-1")
    return session.client("s3", endpoint_url=s.aws.url)


def _in_ireland(s: Place) -> None:
    there = {"LocationConstraint": "eu-west-1"}
    s.aws.client("s3", "eu-west-1").create_bucket(Bucket=f"{s.name}-ireland", CreateBucketConfiguration=there)


def _policy(**changes: Any) -> Act:
    def put(s: Place) -> None:
        bucket = f"{s.name}-bucket"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
            **changes,
        }
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        s.aws.s3.put_bucket_policy(Bucket=bucket, Policy=text)

    return put


BUCKETS = [
    *(
        Rule(
            "s3:CreateBucket",
            f"the name {bad}",
            "InvalidBucketName",
            "S3 guide, Bucket naming rules",
            _bucket(bad),
            _bucket(good),
        )
        for bad, good in (
            ("rules-a_b", "rules-a.b"),
            ("Rules-c", "rules-c"),
            ("rules-d-", "rules-d"),
            ("10.0.0.1", "10.0.0.1.a"),
            ("xn--rules", "xm--rules"),
            ("rules--table-s3", "rules-table-s3"),
        )
    ),
    Rule(
        "s3:CreateBucket",
        "another account has the name",
        "BucketAlreadyExists",
        "S3 API error responses: BucketAlreadyExists",
        _bucket("rules-somebodys"),
        _bucket("rules-nobodys"),
        lambda s: _elsewhere(s).create_bucket(Bucket="rules-somebodys"),
        status=409,
    ),
    Rule(
        "s3:CreateBucket",
        "one has it oneself, outside us-east-1",
        "BucketAlreadyOwnedByYou",
        "S3 API error responses: BucketAlreadyOwnedByYou",
        _in_ireland,
        _bucket(),
        _in_ireland,
        status=409,
    ),
    Rule(
        "s3:CreateBucket",
        "it was deleted a moment ago",
        "OperationAborted",
        "S3 API error responses: OperationAborted; aws-behaviour 6.5",
        _bucket(),
        steps(lambda s: s.aws.clock.advance(s.aws.timing.bucket_name), _bucket()),
        steps(_bucket(), lambda s: s.aws.s3.delete_bucket(Bucket=f"{s.name}-bucket")),
        status=409,
    ),
    Rule(
        "s3:DeleteBucket",
        "a version of a deleted object is in it",
        "BucketNotEmpty",
        "API DeleteBucket: all object versions and delete markers",
        lambda s: s.aws.s3.delete_bucket(Bucket=f"{s.name}-bucket"),
        steps(_purge, lambda s: s.aws.s3.delete_bucket(Bucket=f"{s.name}-bucket")),
        steps(_bucket(), _versioned, _put, lambda s: s.aws.s3.delete_object(Bucket=f"{s.name}-bucket", Key="a/b")),
        status=409,
    ),
    Rule(
        "s3:DeleteBucket",
        "an object is in it",
        "BucketNotEmpty",
        "API DeleteBucket",
        lambda s: s.aws.s3.delete_bucket(Bucket=f"{s.name}-bucket"),
        steps(
            lambda s: s.aws.s3.delete_object(Bucket=f"{s.name}-bucket", Key="a/b"),
            lambda s: s.aws.s3.delete_bucket(Bucket=f"{s.name}-bucket"),
        ),
        steps(_bucket(), _put),
        status=409,
    ),
    Rule(
        "s3:PutBucketPolicy",
        "it is no JSON",
        "MalformedPolicy",
        "S3 API error responses: MalformedPolicy",
        lambda s: s.aws.s3.put_bucket_policy(Bucket=f"{s.name}-bucket", Policy="{"),
        _policy(),
        _bucket(),
    ),
    Rule(
        "s3:PutBucketPolicy",
        "the resource is another bucket",
        "MalformedPolicy",
        "S3 API error responses: MalformedPolicy",
        _policy(Resource="arn:aws:s3:::other/*"),
        _policy(),
        _bucket(),
    ),
    Rule(
        "s3:PutBucketPolicy",
        "it lets everybody in, and public access is blocked",
        "AccessDenied",
        "S3 guide, Blocking public access: on for every new bucket",
        _policy(Principal="*"),
        steps(
            lambda s: s.aws.s3.delete_public_access_block(Bucket=f"{s.name}-bucket"),
            _policy(Principal="*"),
        ),
        _bucket(),
        status=403,
    ),
]


RULES = ZONES + BUCKETS


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_a_new_bucket_is_private_encrypted_and_tagged(aws: Aws, name: str) -> None:
    tags = [{"Key": "owner", "Value": "a"}]
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"Tags": tags})
    assert aws.s3.get_bucket_tagging(Bucket=name)["TagSet"] == tags
    assert all(aws.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    [owner] = aws.s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert owner == {"ObjectOwnership": "BucketOwnerEnforced"}
    [rule] = aws.s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_a_batch_is_applied_as_a_whole_or_not_at_all(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    _zone(s)
    changes = [
        {"Action": action, "ResourceRecordSet": {"Name": f"{host}.{name}.example.com", **record}}
        for action, host in (("CREATE", "a"), ("DELETE", "b"))
        for record in [{"Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}]}]
    ]
    with pytest.raises(aws.route53.exceptions.InvalidChangeBatch):
        aws.route53.change_resource_record_sets(HostedZoneId=s.kept["zone"], ChangeBatch={"Changes": changes})
    found = aws.route53.list_resource_record_sets(HostedZoneId=s.kept["zone"])["ResourceRecordSets"]
    assert {record["Type"] for record in found} == {"NS", "SOA"}


@pytest.mark.parametrize(
    ("service", "method", "path", "query", "operation"),
    [
        ("s3", "PUT", "/b", "", "CreateBucket"),
        ("s3", "PUT", "/b", "policy", "PutBucketPolicy"),
        ("s3", "PUT", "/b/k/l", "x-id=PutObject", "PutObject"),
        ("s3", "GET", "/b", "list-type=2&prefix=a", "ListObjectsV2"),
        ("s3", "GET", "/", "", "ListBuckets"),
        ("s3", "PUT", "/b", "lifecycle", "PutBucketLifecycleConfiguration"),
        ("route53", "POST", "/2013-04-01/hostedzone/Z1/rrset/", "", "ChangeResourceRecordSets"),
        ("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", "name=a", "ListResourceRecordSets"),
        ("route53", "GET", "/2013-04-01/nothing", "", "GET /2013-04-01/nothing"),
        ("lambda", "GET", "/x", "", "GET /x"),
    ],
)
def test_requests_are_named(service: str, method: str, path: str, query: str, operation: str) -> None:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    assert rest.identify(service, environ)[0] == operation


def test_a_record_that_was_deleted_can_be_created_again(aws: Aws, name: str) -> None:
    place = Place(aws, name)
    steps(_zone, _change("CREATE"), _change("CREATE", name="b."), _change("DELETE"), _change("CREATE"))(place)
    rows = aws.route53.list_resource_record_sets(HostedZoneId=place.kept["zone"])["ResourceRecordSets"]
    names = [row["Name"] for row in rows if row["Type"] == "A"]
    assert names == [f"a.{name}.example.com.", f"b.{name}.example.com."]
