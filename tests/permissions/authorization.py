"""What AWS checks for a request: which actions on which resources, in which context. A model, made for these tests.

One request may be several checks: the new thing and what it is made in, the tags in the same call, and what AWS does in
the caller's name. Source: Service Authorization Reference; the implied ones as the resource classes cite them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.permissions.places import PLACES, Place, new, old

ACCOUNT, REGION = "123456789012", "us-east-1"
#: botocore's names of services -> those of IAM's actions, where they differ.
PREFIXES = {"elbv2": "elasticloadbalancing"}
#: Operations of S3 -> IAM's actions, where they are called otherwise.
RENAMED = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:DeleteObjects": "s3:DeleteObject",
}
Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Check:
    """One decision of IAM.

    `exists`: the resource was there before; `made`: the request makes it; neither for `*`, and for what has vanished.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    exists: bool = False
    made: bool = False

    def key(self) -> tuple[Any, ...]:
        """Give what tells checks apart that are decided alike."""
        return (self.action, self.resource, repr(sorted(self.context.items())), self.exists, self.made)


class Seen(Protocol):
    """What was in AWS at the moment of a request."""

    def tags(self, arn: str) -> Mapping[str, str] | None:
        """Give the tags of a resource, None if there is none."""

    def target(self, resource_id: str) -> str:
        """Give the ARN of a scalable target, "" if there is none."""

    def association(self, id_: str) -> tuple[str, str]:
        """Give the route table and the subnet of an association, "" for what is not there."""

    def secret(self, name: str) -> str:
        """Give the ARN of a secret, or what AWS checks where there is none."""

    def web_acl(self, resource: str) -> str:
        """Give the ARN of the web ACL of a load balancer, "" if it has none."""


def action_of(service: str, operation: str) -> str:
    action = f"{PREFIXES.get(service, service)}:{operation}"
    return RENAMED.get(action, action)


def arn(place: str) -> str:
    """Complete `<service>:<rest>` to an ARN; what is one already, and `*`, stay."""
    if place == "*" or place.startswith("arn:"):
        return place
    service, _, rest = place.partition(":")
    if service == "s3":
        return f"arn:aws:s3:::{rest}"
    if service == "route53":
        return f"arn:aws:route53:::{rest}"
    everywhere = service == "iam" or place.startswith("cloudwatch:dashboard/")
    return f"arn:aws:{service}:{'' if everywhere else REGION}:{ACCOUNT}:{rest}"


def checks(service: str, operation: str, params: Mapping[str, Any], seen: Seen) -> Iterator[Check]:
    """Give all that IAM decides for one request."""
    action = action_of(service, operation)
    given = request_tags(params)
    asked = {**{f"aws:RequestTag/{key}": value for key, value in given.items()}, **of_request(action, params)}
    if given:
        asked["aws:TagKeys"] = sorted(given)
    places = PLACES.get(action, lambda *_: [old("*")])(params, seen)
    for place in places:
        yield _check(action, place, asked, seen)
    if given:
        yield from _tagging(action, places, asked, seen)
    yield from implied(action, params, seen)


def _check(action: str, place: Place, context: Mapping[str, Any], seen: Seen) -> Check:
    resource = arn(place.resource)
    reads = action.partition(":")[2].startswith(("Describe", "List"))
    tags = None if reads or place.new or resource == "*" else seen.tags(resource)
    found = {f"aws:ResourceTag/{key}": value for key, value in (tags or {}).items()}
    made = place.new or (place.may_be_new and tags is None)
    return Check(action, resource, {**context, **found}, tags is not None, made)


#: The action that a creating call with tags is checked for too. Those of the first three know the creating call.
_TAGGING = {
    "ec2": "ec2:CreateTags",
    "ecs": "ecs:TagResource",
    "elasticloadbalancing": "elasticloadbalancing:AddTags",
    "rds": "rds:AddTagsToResource",
    "iam": "iam:TagRole",
    "ecr": "ecr:TagResource",
    "logs": "logs:TagResource",
    "secretsmanager": "secretsmanager:TagResource",
    "cloudwatch": "cloudwatch:TagResource",
    "application-autoscaling": "application-autoscaling:TagResource",
    "wafv2": "wafv2:TagResource",
    "s3": "s3:TagResource",
    "acm": "acm:AddTagsToCertificate",
    "sns": "sns:TagResource",
}
_RECORD_TYPES = "route53:ChangeResourceRecordSetsRecordTypes"
_KNOW_THE_CALL = ("ec2", "ecs", "elasticloadbalancing")


def _tagging(action: str, places: Iterable[Place], asked: Mapping[str, Any], seen: Seen) -> Iterator[Check]:
    service, _, operation = action.partition(":")
    tagging = _TAGGING[service]
    if action == tagging:
        return
    context = {key: value for key, value in asked.items() if key.startswith("aws:")}
    if service in _KNOW_THE_CALL:
        context[f"{service}:CreateAction"] = operation
    if action == "acm:RequestCertificate":
        places = [new("acm:certificate/new")]
    if action == "elasticloadbalancing:CreateListener":
        balancer = next(iter(places)).resource
        places = [new(balancer.replace(":loadbalancer/", ":listener/") + "/new")]
    for place in places:
        if place.new or place.may_be_new:
            yield _check(tagging, place, context, seen)


def request_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """Read the tags that a request gives, in any of AWS's spellings."""
    rows: Any = params.get("Tags") or params.get("tags") or ()
    rows = rows or (params.get("CreateBucketConfiguration") or {}).get("Tags") or ()
    for specification in params.get("TagSpecifications") or ():
        rows = specification["Tags"]
    if isinstance(rows, Mapping):
        return dict(rows)
    return {row.get("Key", row.get("key")): row.get("Value", row.get("value")) for row in rows}


def of_request(action: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Give the condition keys that a request sets, besides tags."""
    if action.startswith("application-autoscaling:") and "ServiceNamespace" in params:
        return {"application-autoscaling:service-namespace": params["ServiceNamespace"]}
    if action == "route53:ChangeResourceRecordSets":
        types = sorted({change["ResourceRecordSet"]["Type"] for change in params["ChangeBatch"]["Changes"]})
        return {_RECORD_TYPES: types}
    if action == "ecs:ListTasks":
        return {"ecs:cluster": params["cluster"]}
    return {}


Implied = Callable[[Mapping[str, Any], Seen], Iterable[tuple[str, Place, Mapping[str, Any]]]]


def _linked(service: str) -> tuple[str, Place, Mapping[str, Any]]:
    role = new(f"iam:role/aws-service-role/{service}/AWSServiceRoleForIt")
    return "iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": service}


def _passed(params: Mapping[str, Any], seen: Seen) -> Iterator[tuple[str, Place, Mapping[str, Any]]]:
    for role in {params["executionRoleArn"], params["taskRoleArn"]}:
        yield "iam:PassRole", old(role), {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


def _final(params: Mapping[str, Any], seen: Seen) -> Iterator[tuple[str, Place, Mapping[str, Any]]]:
    if name := params.get("FinalDBSnapshotIdentifier"):
        yield "rds:CreateDBSnapshot", old(f"rds:db:{params['DBInstanceIdentifier']}"), {}
        yield "rds:CreateDBSnapshot", new(f"rds:snapshot:{name}"), {}
        yield "rds:AddTagsToResource", new(f"rds:snapshot:{name}"), {"rds:TagsFromRequest": "false"}


def _tracking(params: Mapping[str, Any], seen: Seen) -> Iterator[tuple[str, Place, Mapping[str, Any]]]:
    alarm = new(f"cloudwatch:alarm:TargetTracking-{params['ResourceId']}-AlarmHigh-0b5b")
    yield "cloudwatch:PutMetricAlarm", alarm, {}
    yield "cloudwatch:DeleteAlarms", alarm, {}


def _named_privately(params: Mapping[str, Any], seen: Seen) -> Iterator[tuple[str, Place, Mapping[str, Any]]]:
    if params.get("PrivateDnsEnabled"):
        yield "route53:AssociateVPCWithHostedZone", old("*"), {}


def _fronted(action: str) -> Implied:
    """Give what Elastic Load Balancing checks when AWS WAF is asked about a load balancer."""

    def fronted(params: Mapping[str, Any], _: Seen) -> Iterator[tuple[str, Place, Mapping[str, Any]]]:
        yield f"elasticloadbalancing:{action}", old(params["ResourceArn"]), {}
        if not action.startswith("Get"):
            yield "elasticloadbalancing:SetWebAcl", old("*"), {}

    return fronted


def _versions(params: Mapping[str, Any], _: Seen) -> Iterator[tuple[str, Place, Mapping[str, Any]]]:
    for row in params["Delete"]["Objects"]:
        yield "s3:DeleteObjectVersion", old(f"s3:{params['Bucket']}/{row['Key']}"), {}


IMPLIED: Mapping[str, Implied] = {
    "s3:DeleteObject": _versions,
    "wafv2:AssociateWebACL": _fronted("CreateWebACLAssociation"),
    "wafv2:DisassociateWebACL": _fronted("DeleteWebACLAssociation"),
    "wafv2:GetWebACLForResource": _fronted("GetLoadBalancerWebACL"),
    "ec2:CreateVpcEndpoint": _named_privately,
    "ecs:RegisterTaskDefinition": _passed,
    "ecs:CreateCluster": lambda *_: [_linked("ecs.amazonaws.com")],
    "elasticloadbalancing:CreateLoadBalancer": lambda *_: [
        _linked("elasticloadbalancing.amazonaws.com"),
        ("ec2:DescribeAccountAttributes", old("*"), {}),
        ("ec2:GetSecurityGroupsForVpc", old("ec2:vpc/vpc-any"), {}),
    ],
    "rds:CreateDBInstance": lambda *_: [
        _linked("rds.amazonaws.com"),
        ("rds:CreateDBInstance", new("rds:og:default:postgres-15"), {}),
    ],
    "rds:ModifyDBInstance": lambda *_: [("rds:ModifyDBInstance", new("rds:og:default:postgres-15"), {})],
    "rds:RestoreDBInstanceFromDBSnapshot": lambda params, _: [
        (
            "rds:RestoreDBInstanceFromDBSnapshot",
            new("rds:og:default:postgres-15"),
            {f"aws:RequestTag/{key}": value for key, value in request_tags(params).items()},
        ),
    ],
    "rds:DeleteDBInstance": _final,
    "application-autoscaling:RegisterScalableTarget": lambda *_: [_linked("ecs.application-autoscaling.amazonaws.com")],
    "application-autoscaling:PutScalingPolicy": _tracking,
}


def implied(action: str, params: Mapping[str, Any], seen: Seen) -> Iterator[Check]:
    """Give what AWS checks besides, although the request is for something else."""
    for other, place, context in IMPLIED.get(action, lambda *_: ())(params, seen):
        yield _check(other, place, context, seen)
