"""What AWS checks for a request: which actions on which resources, in which context. A model, made for these tests.

One request may be several checks: the new thing and what it is made in, the tags in the same call, and what AWS does in
the caller's name. Source: Service Authorization Reference; the implied ones as the resource classes cite them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import reference
from .places import Seen, arn, creates, places, reads

#: botocore's names of services -> those of IAM's actions, where they differ.
PREFIXES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas", "resourcegroupstaggingapi": "tag"}
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
        """Return what tells checks apart that are decided alike."""
        return (self.action, self.resource, repr(sorted(self.context.items())), self.exists, self.made)


def action_of(service: str, operation: str) -> str:
    action = f"{PREFIXES.get(service, service)}:{operation}"
    return RENAMED.get(action, action)


def checks(service: str, operation: str, params: Mapping[str, Any], seen: Seen) -> Iterator[Check]:
    """Return all that IAM decides for one request."""
    action = action_of(service, operation)
    given = request_tags(params)
    asked = {f"aws:RequestTag/{key}": value for key, value in given.items()}
    asked |= {**of_request(action, params), **_of_role(action, params, seen)}
    if given:
        asked["aws:TagKeys"] = sorted(given)
    found = [_check(action, place, asked, seen, new=new) for place, new in places(action, params, seen).items()]
    yield from found
    if given:
        made = [_MADE[action](params)] if action in _MADE else [check.resource for check in found if check.made]
        yield from _tagging(action, made, asked, seen)
    yield from implied(action, params, seen)


def _check(action: str, resource: str, context: Mapping[str, Any], seen: Seen, *, new: bool) -> Check:
    tags = None if new or reads(action) or resource == "*" else seen.tags(resource)
    found = {f"aws:ResourceTag/{key}": value for key, value in (tags or {}).items()}
    # Rule groups that AWS manages are there always, without tags.
    there = resource == "*" or tags is not None or ":regional/managedruleset/" in resource
    return Check(action, resource, {**context, **found}, tags is not None, new or (not there and creates(action)))


#: The action that a creating call with tags is checked for too, where it is not called TagResource.
_TAGGING = {
    "ec2": "CreateTags",
    "elasticloadbalancing": "AddTags",
    "rds": "AddTagsToResource",
    "iam": "TagRole",
    "acm": "AddTagsToCertificate",
}
#: What a call makes, where it is not among the resources that it is checked for.
_MADE = {
    "acm:RequestCertificate": lambda _: arn("acm:certificate/new"),
    "elasticloadbalancing:CreateListener": lambda params: (
        params["LoadBalancerArn"].replace(":loadbalancer/", ":listener/") + "/new"
    ),
}
_BOUNDARY = "iam:PermissionsBoundary"
_RECORD_TYPES = "route53:ChangeResourceRecordSetsRecordTypes"


def _tagging(action: str, made: Iterable[str], asked: Mapping[str, Any], seen: Seen) -> Iterator[Check]:
    service, _, operation = action.partition(":")
    tagging = f"{service}:{_TAGGING.get(service, 'TagResource')}"
    context = {key: value for key, value in asked.items() if key.startswith("aws:")}
    if reference.knows_key(tagging, f"{service}:CreateAction"):
        context[f"{service}:CreateAction"] = operation
    for resource in made if action != tagging else ():
        yield _check(tagging, resource, context, seen, new=True)


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
    """Return the condition keys that a request sets, besides tags."""
    if action.startswith("application-autoscaling:") and "ServiceNamespace" in params:
        return {"application-autoscaling:service-namespace": params["ServiceNamespace"]}
    if action == "route53:ChangeResourceRecordSets":
        types = sorted({change["ResourceRecordSet"]["Type"] for change in params["ChangeBatch"]["Changes"]})
        return {_RECORD_TYPES: types}
    if action == "ecs:ListTasks":
        return {"ecs:cluster": params["cluster"]}
    return {}


def _of_role(action: str, params: Mapping[str, Any], seen: Seen) -> dict[str, str]:
    """Return the permissions boundary that a request is for: the one that it names or, if none, that the role has.

    Source: Service Authorization Reference, AWS IAM, condition key iam:PermissionsBoundary.
    """
    if not action.startswith("iam:") or not reference.knows_key(action, _BOUNDARY):
        return {}
    arn = params.get("PermissionsBoundary") or seen.boundary(params["RoleName"])
    return {_BOUNDARY: arn} if arn else {}


#: An action, its resource (what begins with "new " is made by the request), and what its context has.
Consequence = tuple[str, str, Mapping[str, Any]]
Implied = Callable[[Mapping[str, Any], Seen], Iterable[Consequence]]


def _linked(service: str) -> Consequence:
    role = f"new iam:role/aws-service-role/{service}/AWSServiceRoleForIt"
    return "iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": service}


def _passed(params: Mapping[str, Any], seen: Seen) -> Iterator[Consequence]:
    for role in {params["executionRoleArn"], params["taskRoleArn"]}:
        yield "iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


def _handed_over(params: Mapping[str, Any], seen: Seen) -> Iterator[Consequence]:
    yield "iam:PassRole", params["DeliverLogsPermissionArn"], {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}


def _final(params: Mapping[str, Any], seen: Seen) -> Iterator[Consequence]:
    if name := params.get("FinalDBSnapshotIdentifier"):
        yield "rds:CreateDBSnapshot", f"rds:db:{params['DBInstanceIdentifier']}", {}
        yield "rds:CreateDBSnapshot", f"new rds:snapshot:{name}", {}
        yield "rds:AddTagsToResource", f"new rds:snapshot:{name}", {"rds:TagsFromRequest": "false"}


def _tracking(params: Mapping[str, Any], seen: Seen) -> Iterator[Consequence]:
    alarm = f"new cloudwatch:alarm:TargetTracking-{params['ResourceId']}-AlarmHigh-0b5b"
    yield "cloudwatch:PutMetricAlarm", alarm, {}
    yield "cloudwatch:DeleteAlarms", alarm, {}


def _named_privately(params: Mapping[str, Any], seen: Seen) -> Iterator[Consequence]:
    if params.get("PrivateDnsEnabled"):
        yield "route53:AssociateVPCWithHostedZone", "*", {}


def _looked_at(params: Mapping[str, Any], seen: Seen) -> Iterator[Consequence]:
    """Return what is checked when AWS WAF is asked for the web ACL in front of a load balancer: that it may be read."""
    yield "elasticloadbalancing:GetLoadBalancerWebACL", params["ResourceArn"], {}
    if found := seen.web_acl(params["ResourceArn"]):
        yield "wafv2:GetWebACL", found, {}


def _fronted(action: str) -> Implied:
    """Return what Elastic Load Balancing checks when AWS WAF is asked about a load balancer."""

    def fronted(params: Mapping[str, Any], _: Seen) -> Iterator[Consequence]:
        yield f"elasticloadbalancing:{action}", params["ResourceArn"], {}
        yield "elasticloadbalancing:SetWebAcl", "*", {}

    return fronted


def _versions(params: Mapping[str, Any], _: Seen) -> Iterator[Consequence]:
    for row in params["Delete"]["Objects"]:
        yield "s3:DeleteObjectVersion", f"s3:{params['Bucket']}/{row['Key']}", {}


IMPLIED: Mapping[str, Implied] = {
    "s3:DeleteObject": _versions,
    "wafv2:AssociateWebACL": _fronted("CreateWebACLAssociation"),
    "wafv2:DisassociateWebACL": _fronted("DeleteWebACLAssociation"),
    "wafv2:GetWebACLForResource": _looked_at,
    "ec2:CreateVpcEndpoint": _named_privately,
    "ec2:CreateFlowLogs": _handed_over,
    "ecs:RegisterTaskDefinition": _passed,
    "ecs:CreateCluster": lambda *_: [_linked("ecs.amazonaws.com")],
    "elasticloadbalancing:CreateLoadBalancer": lambda *_: [
        _linked("elasticloadbalancing.amazonaws.com"),
        ("ec2:DescribeAccountAttributes", "*", {}),
        ("ec2:GetSecurityGroupsForVpc", "ec2:vpc/vpc-any", {}),
    ],
    "rds:CreateDBInstance": lambda *_: [
        _linked("rds.amazonaws.com"),
        ("rds:CreateDBInstance", "new rds:og:default:postgres-15", {}),
    ],
    "rds:ModifyDBInstance": lambda *_: [("rds:ModifyDBInstance", "new rds:og:default:postgres-15", {})],
    "rds:RestoreDBInstanceFromDBSnapshot": lambda params, _: [
        (
            "rds:RestoreDBInstanceFromDBSnapshot",
            "new rds:og:default:postgres-15",
            {f"aws:RequestTag/{key}": value for key, value in request_tags(params).items()},
        ),
    ],
    "rds:RestoreDBInstanceToPointInTime": lambda *_: [
        ("rds:RestoreDBInstanceToPointInTime", "new rds:og:default:postgres-15", {}),
    ],
    "rds:DeleteDBInstance": _final,
    "application-autoscaling:RegisterScalableTarget": lambda *_: [_linked("ecs.application-autoscaling.amazonaws.com")],
    "application-autoscaling:PutScalingPolicy": _tracking,
}


def implied(action: str, params: Mapping[str, Any], seen: Seen) -> Iterator[Check]:
    """Return what AWS checks besides, although the request is for something else."""
    for other, place, context in IMPLIED.get(action, lambda *_: ())(params, seen):
        yield _check(other, arn(place.removeprefix("new ")), context, seen, new=place.startswith("new "))
