"""Somebody removes tags or sets others, of any type of resource: a clean-up script, a tag policy, a person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from missyou_operator.engine.resource import Observed

from .app import App
from .foreign import owned

#: What makes a resource the stack's.
MARKS = ("missyou.app/stack", "missyou.app/cluster", "missyou.app/uid")
#: The types without tags of their own: parts of others.
_PARTS = {
    "ec2.SecurityGroupRule",
    "elbv2.Redirect",
    "elbv2.AccessLogs",
    "secretsmanager.SecretVersion",
    "secretsmanager.StagedPassword",
    "autoscaling.ScalingPolicy",
    "route53.Alias",
    "route53.Claim",
    "rds.DBSnapshot",
    "rds.BackupCopy",
    "route53.Validation",
    "wafv2.WebACLAssociation",
    "sns.EmailSubscriptions",
}


Rows = Any
#: By service, the call that reads the tags of a resource: of a client, its ID and its ARN.
_READ: dict[str, Callable[[Any, str, str], Rows]] = {
    "ec2": lambda c, id_, _: c.describe_tags(Filters=[{"Name": "resource-id", "Values": [id_]}])["Tags"],
    "elbv2": lambda c, _, arn: c.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"],
    "rds": lambda c, _, arn: c.list_tags_for_resource(ResourceName=arn)["TagList"],
    "ecr": lambda c, _, arn: c.list_tags_for_resource(resourceArn=arn)["tags"],
    "ecs": lambda c, _, arn: c.list_tags_for_resource(resourceArn=arn)["tags"],
    "secretsmanager": lambda c, _, arn: c.describe_secret(SecretId=arn).get("Tags", []),
    "logs": lambda c, _, arn: c.list_tags_for_resource(resourceArn=arn)["tags"],
    "iam": lambda c, id_, _: c.list_role_tags(RoleName=id_)["Tags"],
    "acm": lambda c, _, arn: c.list_tags_for_certificate(CertificateArn=arn)["Tags"],
    "cloudwatch": lambda c, _, arn: c.list_tags_for_resource(ResourceARN=arn)["Tags"],
    "sns": lambda c, _, arn: c.list_tags_for_resource(ResourceArn=arn)["Tags"],
    "wafv2": lambda c, _, arn: c.list_tags_for_resource(ResourceARN=arn)["TagInfoForResource"]["TagList"],
    "s3": lambda c, id_, _: c.get_bucket_tagging(Bucket=id_)["TagSet"],
    "application-autoscaling": lambda c, _, arn: c.list_tags_for_resource(ResourceARN=arn)["Tags"],
}
#: By service, the call that removes tags: of a client, an ID, an ARN and the keys.
_REMOVE: dict[str, Callable[[Any, str, str, list[str]], Any]] = {
    "ec2": lambda c, id_, _, keys: c.delete_tags(Resources=[id_], Tags=[{"Key": key} for key in keys]),
    "elbv2": lambda c, _, arn, keys: c.remove_tags(ResourceArns=[arn], TagKeys=keys),
    "rds": lambda c, _, arn, keys: c.remove_tags_from_resource(ResourceName=arn, TagKeys=keys),
    "ecr": lambda c, _, arn, keys: c.untag_resource(resourceArn=arn, tagKeys=keys),
    "ecs": lambda c, _, arn, keys: c.untag_resource(resourceArn=arn, tagKeys=keys),
    "secretsmanager": lambda c, _, arn, keys: c.untag_resource(SecretId=arn, TagKeys=keys),
    "logs": lambda c, _, arn, keys: c.untag_resource(resourceArn=arn, tagKeys=keys),
    "iam": lambda c, id_, _, keys: c.untag_role(RoleName=id_, TagKeys=keys),
    "acm": lambda c, _, arn, keys: c.remove_tags_from_certificate(
        CertificateArn=arn, Tags=[{"Key": key} for key in keys]
    ),
    "cloudwatch": lambda c, _, arn, keys: c.untag_resource(ResourceARN=arn, TagKeys=keys),
    "sns": lambda c, _, arn, keys: c.untag_resource(ResourceArn=arn, TagKeys=keys),
    "wafv2": lambda c, _, arn, keys: c.untag_resource(ResourceARN=arn, TagKeys=keys),
    "s3": lambda c, id_, _, keys: _without(c, id_, keys),
    "application-autoscaling": lambda c, _, arn, keys: c.untag_resource(ResourceARN=arn, TagKeys=keys),
}


def tagged(app: App) -> list[Observed]:
    """Return the stack's resources that have tags of their own."""
    return [each for each in owned(app) if each.kind.TYPE not in _PARTS and not each.kind.EXTERNAL]


def tags_of(app: App, observed: Observed) -> dict[str, str]:
    """Return the tags of a resource as AWS has them."""
    service, arn = _service(observed), str(observed.attrs.get("arn") or "")
    rows = _READ[service](app.client(service), observed.id, arn)
    if isinstance(rows, Mapping):
        return dict(rows)
    return {row.get("Key") or row["key"]: row.get("Value") or row.get("value") or "" for row in rows}


def untag(app: App, observed: Observed, keys: Collection[str] | None = None) -> None:
    """Remove tags of a resource, all of them if no keys are named."""
    present = tags_of(app, observed)
    if names := sorted(present if keys is None else set(keys) & set(present)):
        service, arn = _service(observed), str(observed.attrs.get("arn") or "")
        _REMOVE[service](app.client(service), observed.id, arn, names)


def _service(observed: Observed) -> str:
    service = observed.kind.TYPE.partition(".")[0]
    return "application-autoscaling" if service == "autoscaling" else service


def _without(client: Any, bucket: str, keys: list[str]) -> None:
    left = [row for row in client.get_bucket_tagging(Bucket=bucket)["TagSet"] if row["Key"] not in keys]
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": left})


def tag_ec2(app: App, id_: str, **tags: str) -> None:
    """Set tags of an EC2 resource."""
    rows = [{"Key": key, "Value": value} for key, value in tags.items()]
    app.client("ec2").create_tags(Resources=[id_], Tags=rows)
