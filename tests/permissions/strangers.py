"""The same requests, about what is somebody else's; and what the policy cannot keep apart, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from missyou_operator.aws.iam_policy import declared
from missyou_operator.aws.identity import CLUSTER_TAG
from missyou_operator.aws.permissions import Part
from missyou_operator.stack.naming import NAMES

from .authorization import Check
from .life import NAME
from .places import ACCOUNT, REGION

_OURS, _ASKED = f"aws:ResourceTag/{CLUSTER_TAG}", f"aws:RequestTag/{CLUSTER_TAG}"
_BOUNDARY = "iam:PermissionsBoundary"
#: What only takes rights from a role is allowed whatever boundary the role has: it may be older than the boundary.
_TAKING_AWAY = {"iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy"}
#: Tags of somebody who has never heard of us.
_THEIRS = {"aws:ResourceTag/Name": "billing", "aws:ResourceTag/team": "billing"}
#: Condition keys that say what a request is for: another value of each, None for leaving it out.
_PURPOSES = {
    "iam:PassedToService": "ec2.amazonaws.com",
    "iam:AWSServiceName": "spot.amazonaws.com",
    _BOUNDARY: "arn:aws:iam::aws:policy/AdministratorAccess",
    "application-autoscaling:service-namespace": "dynamodb",
    "ec2:CreateAction": None,
    "ecs:CreateAction": None,
    "elasticloadbalancing:CreateAction": None,
    "rds:TagsFromRequest": "true",
    "route53:ChangeResourceRecordSetsRecordTypes": "MX",
}

_ONE_TAGGING = (
    "the service has no condition that tells tagging in the creating call from tagging what is there already, so that "
    "tagging is bound to the name, and to our tags in the request"
)
_UPSERT = "one action creates and overwrites, and AWS has no condition that tells both apart"
_SUBSCRIPTION = "a subscription bears no tags, so that ending one is bound to the topic's name"
_NOT_BY_WAF = "AWS WAF knows no tags of load balancers; Elastic Load Balancing, which is asked as well, does"
_NO_TAGS = "S3 looks at a bucket's tags only where attribute-based access control was enabled for that bucket"
_UNTAGGED = "the alarms that target tracking makes bear no tags"
_EMPTIED = "a VPC's default group is emptied, and bears no tags: rules of any group without them may be taken away"
_NOTHING_YET = "a copy has no name beforehand, and AWS no condition for it; the database that is copied has to be ours"
#: Actions that the policy allows on a stranger's resource of a name of the same form, and why.
BY_NAME_ONLY: Mapping[str, str] = {
    "acm:AddTagsToCertificate": _ONE_TAGGING,
    "application-autoscaling:RegisterScalableTarget": _UPSERT,
    "application-autoscaling:TagResource": _ONE_TAGGING,
    "cloudwatch:DeleteAlarms": _UNTAGGED,
    "cloudwatch:PutDashboard": _UPSERT,
    "cloudwatch:PutMetricAlarm": _UPSERT,
    "cloudwatch:TagResource": _ONE_TAGGING,
    "ec2:RevokeSecurityGroupEgress": _EMPTIED,
    "ec2:RevokeSecurityGroupIngress": _EMPTIED,
    "ecr:TagResource": _ONE_TAGGING,
    "iam:PassRole": "IAM's user guide warns of tags as a condition of PassRole: they do not work reliably there",
    "iam:TagRole": _ONE_TAGGING,
    "logs:TagResource": _ONE_TAGGING,
    "rds:AddTagsToResource": _ONE_TAGGING,
    "rds:RestoreDBInstanceFromDBSnapshot": "the spec may name any snapshot: it need not be one of ours",
    "rds:RestoreDBInstanceToPointInTime": "the backups may be those of an app that this one is the heir of",
    "rds:StartDBInstanceAutomatedBackupsReplication": _NOTHING_YET,
    "s3:AbortMultipartUpload": _NO_TAGS,
    "s3:DeleteBucket": _NO_TAGS,
    "s3:DeleteObject": _NO_TAGS,
    "s3:DeleteObjectVersion": _NO_TAGS,
    "s3:PutBucketOwnershipControls": _NO_TAGS,
    "s3:PutBucketPolicy": _NO_TAGS,
    "s3:PutBucketPublicAccessBlock": _NO_TAGS,
    "s3:PutBucketTagging": _NO_TAGS,
    "s3:PutEncryptionConfiguration": _NO_TAGS,
    "s3:PutLifecycleConfiguration": _NO_TAGS,
    "route53:ChangeResourceRecordSets": "zones are somebody else's, and AWS knows records by neither tags nor owners",
    "secretsmanager:TagResource": _ONE_TAGGING,
    "sns:CreateTopic": _UPSERT,
    "sns:TagResource": _ONE_TAGGING,
    "sns:Unsubscribe": _SUBSCRIPTION,
    "wafv2:AssociateWebACL": _NOT_BY_WAF,
    "wafv2:DisassociateWebACL": _NOT_BY_WAF,
    "wafv2:TagResource": _ONE_TAGGING,
}
#: Those of them whose resources have no names but ids of AWS's, or any name, so that narrowing to a stack's name does
#: not help.
NAMELESS = frozenset(
    {
        "acm:AddTagsToCertificate",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:TagResource",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
        "rds:RestoreDBInstanceToPointInTime",
        "rds:StartDBInstanceAutomatedBackupsReplication",
    }
)
#: Those of them whose resources lie in another region than the stack by their nature.
ELSEWHERE = frozenset({"rds:AddTagsToResource", "rds:StartDBInstanceAutomatedBackupsReplication"})
#: Changing actions that AWS binds to no resource at all.
UNBOUND: Mapping[str, str] = {
    "elasticloadbalancing:SetWebAcl": "AWS knows neither resources nor tags for it",
    "acm:RequestCertificate": "AWS knows no resource for it; what it makes bears our tags from the first moment",
    "ecs:DeregisterTaskDefinition": "AWS knows neither resources nor tags for it",
    "route53:AssociateVPCWithHostedZone": "the zone is AWS's own, and nobody knows its ID beforehand",
}

Variants = Iterator[tuple[str, Check]]


def changing() -> frozenset[str]:
    """Return the actions that make, change or delete something, or read a secret."""
    return frozenset(action for grant in declared(NAMES) if grant.part is not Part.OBSERVE for action in grant.actions)


def of_a_like_name(check: Check) -> Variants:
    """Return the request about a stranger's resource whose name has the form of ours."""
    if check.exists:
        yield "without tags", _retagged(check, {})
        yield "with other tags", _retagged(check, _THEIRS)
    if check.made and BY_NAME_ONLY.get(check.action) in {_UPSERT, _UNTAGGED}:
        yield "there already, without tags", check
    if check.made and _ASKED in check.context and not _within_a_call(check):
        yield "new, and not to be tagged as ours", replace(check, context=_without(check.context, "aws:RequestTag/"))
    yield from _for_another_purpose(check)


def of_another_name(check: Check) -> Variants:
    """Return the request about a stranger's resource, for a policy of one stack in one cluster."""
    if check.exists:
        yield "without tags", _retagged(_renamed(check), {})
        yield "with other tags", _retagged(_renamed(check), _THEIRS)
        other = {**check.context, _OURS: "another-cluster"}
        yield "of another cluster", replace(_renamed(check), context=other)
    elif check.made and (NAME in check.resource or BY_NAME_ONLY.get(check.action) == _UPSERT):
        yield "new", _renamed(check)
    # AWS's default option group exists in every account and belongs to nobody.
    if check.made and _ASKED in check.context and not _within_a_call(check) and ":og:default:" not in check.resource:
        yield "new, for another cluster", replace(check, context={**check.context, _ASKED: "another-cluster"})


def in_another_account(check: Check) -> Variants:
    """Return the request about another account's resource."""
    if ACCOUNT in check.resource:
        yield "another account", replace(check, resource=check.resource.replace(ACCOUNT, "999999999999"))


def in_another_region(check: Check) -> Variants:
    """Return the request about another region's resource (a role's region is in its name)."""
    if REGION in check.resource:
        yield "another region", replace(check, resource=check.resource.replace(REGION, "eu-west-9"))


def _for_another_purpose(check: Check) -> Variants:
    for key, other in _PURPOSES.items():
        if key not in check.context or (other is None and check.exists):
            continue
        if key == _BOUNDARY and check.action in _TAKING_AWAY:
            continue
        kept = {name: value for name, value in check.context.items() if name != key}
        yield f"another {key}", replace(check, context=kept if other is None else {**kept, key: other})


def _within_a_call(check: Check) -> bool:
    """Return whether this is the tagging within a creating call, which stands and falls with that call."""
    return any(key.endswith(":CreateAction") for key in check.context)


def _renamed(check: Check) -> Check:
    resource = re.sub("hostedzone/.*", "hostedzone/Z0SOMEBODYS", check.resource)
    return replace(check, resource=resource.replace(NAME, "billing"))


def _retagged(check: Check, tags: Mapping[str, str]) -> Check:
    return replace(check, context={**_without(check.context, "aws:ResourceTag/"), **tags})


def _without(context: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key: value for key, value in context.items() if not key.startswith(prefix)}
