"""What is reported when AWS refuses a request: the true cause, and what helps, by the kind of the refusal. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.blame import field_of
from missyou_operator.aws.error_codes import ErrorKind, bare
from missyou_operator.aws.quotas import quota_of
from missyou_operator.engine.resource import Health, failed, pending

#: boto3 signs for a service under a name which IAM does not always use.
_PREFIXES = {"monitoring": "cloudwatch"}
#: S3's operations whose permission has another name ("Required permissions for Amazon S3 API operations").
_ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
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
#: EC2's encoded message can be read by nobody without sts:DecodeAuthorizationMessage, and is a kilobyte long.
_ENCODED = re.compile(r"\s*Encoded authorization failure message:\s*\S+", re.IGNORECASE)
#: IAM User Guide, "Troubleshoot access denied error messages".
_NOT_AUTHORIZED = re.compile(
    r"(?:User: (?P<user>\S+) )?is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on (?:the )?resource: (?P<resource>\S+))?"
)
#: Why IAM denies, as its messages word it -> what helps.
_FORBIDDERS = (
    (
        "service control policy",
        "A service control policy of the organization forbids it: its administrators can allow it",
    ),
    (
        "resource control policy",
        "A resource control policy of the organization forbids it: its administrators can allow it",
    ),
    ("permissions boundary", "The permissions boundary of that role does not allow it: extend the boundary"),
    ("session policy", "The session policy of the operator's credentials does not allow it: issue them without one"),
    ("VPC endpoint policy", "The policy of a VPC endpoint between the operator and AWS does not allow it: extend it"),
    ("explicit deny in an identity-based policy", "A policy of that role denies it explicitly: remove that statement"),
    (
        "explicit deny in a resource-based policy",
        "The resource's own policy denies it explicitly: remove that statement",
    ),
)
#: What a policy may allow for roles with a permissions boundary only.
_BOUNDED = frozenset(
    {"iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"}
)
_CLOCK = (
    "The clock of the operator's node is wrong: set it by NTP (AWS allows 5 minutes of difference, S3 15), and the "
    "operator goes on by itself"
)
_SKEWED = re.compile(r"Signature (expired|not yet current)|too skewed|time.*(differ|skew)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """AWS's answer to a request. `service` is the name that the request was signed for, "" where it is not known."""

    service: str
    operation: str
    code: str
    message: str

    @property
    def text(self) -> str:
        """AWS's answer, as people read it."""
        return f"{self.operation}: {_ENCODED.sub('', self.message).rstrip('. ')} ({self.code})"

    @property
    def action(self) -> str:
        """The permission that the request needs."""
        if not self.service:
            return self.operation
        action = f"{_PREFIXES.get(self.service, self.service)}:{self.operation}"
        return _ACTIONS.get(action, action)


def explain(kind: ErrorKind, refusal: Refusal) -> Health:
    """Return the health to report for a refusal."""
    return _EXPLANATIONS[kind](refusal)


def _throttled(refusal: Refusal) -> Health:
    return failed(
        "Throttled",
        f"AWS throttles {refusal.operation}; the operator retries it",
        stalled=False,
        typical_seconds=20.0,
    )


def _broken(refusal: Refusal) -> Health:
    return failed("AWSError", f"{refusal.text}; the operator retries it", stalled=False, typical_seconds=20.0)


def _exists(refusal: Refusal) -> Health:
    message = f"{refusal.text}: it was created a moment ago, or somebody else uses the name; it is read again"
    return failed("AlreadyExists", message, stalled=False, typical_seconds=20.0)


def _denied(refusal: Refusal) -> Health:
    found = _NOT_AUTHORIZED.search(refusal.message)
    action = found["action"] if found else refusal.action
    resource = ((found and found["resource"]) or "").rstrip(".,")
    user = ((found and found["user"]) or "the operator's role").rstrip(".,")
    return failed(Reason.ACCESS_DENIED, f"{refusal.text}. {_permit(refusal.message, user, action, resource)}")


def _permit(message: str, user: str, action: str, resource: str) -> str:
    """Return what makes a denied action possible."""
    if action in {"sts:AssumeRole", "AssumeRole"}:
        role = resource or "the role of spec.credentials.roleARN or spec.domain.credentials.roleARN"
        return (
            f"The trust policy of {role} must allow {user} sts:AssumeRole (with the externalID beside its roleARN in "
            f"the spec as sts:ExternalId, if one is set), and {user} must be allowed sts:AssumeRole on it"
        )
    for words, advice in _FORBIDDERS:
        if words in message:
            return f"{advice} ({action})"
    if action in _BOUNDED:
        unbounded = "; if it demands a permissions boundary, the operator's setting --permissions-boundary must name it"
    else:
        unbounded = ""
    where = f" on {resource}" if resource else ""
    return f"Allow {action}{where} for {user}: missyou iam-policy prints the policy that the operator needs{unbounded}"


def _credentials(refusal: Refusal) -> Health:
    return failed("InvalidCredentials", f"{refusal.text}. {_renew(refusal)}")


def _renew(refusal: Refusal) -> str:
    """Return what is wrong with the credentials, or with what signs with them."""
    code = bare(refusal.code)
    if _SKEWED.search(refusal.message):
        return _CLOCK
    if code in {"ExpiredToken", "RequestExpired", "TokenRefreshRequired"}:
        return (
            "The operator's credentials have expired: renew them where its Deployment gets them from (a role by IRSA "
            "or EKS Pod Identity renews itself). If they are fresh, the clock of its node is wrong"
        )
    if code in {"SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature"}:
        return (
            "The secret access key does not belong to the access key ID of the operator's credentials: set both anew. "
            "If they are right, a proxy changes requests on their way"
        )
    if code in {"InvalidIdentityToken", "IDPRejectedClaim"}:
        return (
            "The token of the operator's ServiceAccount is not accepted: the account needs the cluster's OIDC "
            "provider, and the role's trust policy that ServiceAccount"
        )
    return (
        "AWS does not accept the access key of the operator's credentials: check that it exists and is active, and "
        "that the region is enabled in its account (aws account list-regions)"
    )


def _account(refusal: Refusal) -> Health:
    advice = {
        "PendingVerification": "AWS is verifying the account, up to four hours long; the operator goes on by itself",
        "RegionDisabled": "Enable the region in the account (aws account enable-region), or choose another spec.region",
        "OptInRequired": "The account is not signed up for this service or region: enable it in the AWS console",
        "WAFSubscriptionNotFound": "Subscribe to the rule group in AWS Marketplace, or set spec.waf.enabled to false",
        "WAFFeatureNotIncludedInPricingPlan": "Change the pricing plan, or set spec.waf.enabled to false",
    }.get(
        bare(refusal.code),
        "AWS has restricted the account: its owner finds out why in the AWS console, or from AWS Support",
    )
    return failed("AccountNotReady", f"{refusal.text}. {advice}", typical_seconds=300.0)


def _organization(refusal: Refusal) -> Health:
    advice = "A policy of the AWS organization forbids it"
    if bare(refusal.code).startswith("TagPolicy"):
        advice += ": correct spec.tags as its tag policy wants them"
    else:
        advice += ": its administrators can allow it"
    return failed("ForbiddenByOrganization", f"{refusal.text}. {advice}")


def _quota(refusal: Refusal) -> Health:
    return failed(Reason.QUOTA_EXCEEDED, f"{refusal.text}. {quota_of(refusal.operation, bare(refusal.code)).advice}")


def _capacity(refusal: Refusal) -> Health:
    message = f"{refusal.text}. AWS has not enough of it there at the moment; the operator retries it"
    if bare(refusal.code) == "InsufficientFreeAddressesInSubnet":
        message = (
            f"{refusal.text}. The subnet has no free address: fewer spec.service.replicas need fewer, and so do fewer "
            "resources of others in it"
        )
    return failed("InsufficientCapacity", message, stalled=False, typical_seconds=120.0)


def _key(refusal: Refusal) -> Health:
    advice = "Enable the KMS key, and let its key policy allow the operator and the service to use it"
    return failed("KeyNotUsable", f"{refusal.text}. {advice}")


def _unsupported(refusal: Refusal) -> Health:
    if "protection" in refusal.message.lower():
        return failed("DeletionProtected", f"{refusal.text}. Switch its deletion protection off")
    if "currently does not support" in refusal.message:
        return failed("AccountNotReady", f"{refusal.text}. AWS Support enables it for the account")
    blamed = field_of(refusal.operation, refusal.message)
    advice = f"Choose another {blamed}" if blamed else "AWS does not offer it in this region, zone or account"
    return failed("Unsupported", f"{refusal.text}. {advice}")


def _request(refusal: Refusal) -> Health:
    return failed("InternalError", f"{refusal.text}. The operator's request is wrong, not the spec: please report this")


def _invalid(refusal: Refusal) -> Health:
    if blamed := field_of(refusal.operation, refusal.message):
        return failed("Rejected", f"{refusal.text}. Correct {blamed}")
    return failed(
        "Rejected",
        f"{refusal.text}. No field of the spec is known to cause this: if nothing in the account explains it, "
        "please report it",
    )


_EXPLANATIONS: Mapping[ErrorKind, Callable[[Refusal], Health]] = {
    ErrorKind.THROTTLED: _throttled,
    ErrorKind.BROKEN: _broken,
    ErrorKind.NOT_YET: lambda refusal: pending("WaitingForAWS", refusal.text),
    ErrorKind.EXISTS: _exists,
    ErrorKind.ABSENT: lambda refusal: pending("WaitingForAWS", f"{refusal.text}: AWS does not show it yet"),
    ErrorKind.DENIED: _denied,
    ErrorKind.CREDENTIALS: _credentials,
    ErrorKind.CLOCK: lambda refusal: failed("ClockSkewed", f"{refusal.text}. {_CLOCK}", typical_seconds=60.0),
    ErrorKind.ACCOUNT: _account,
    ErrorKind.ORGANIZATION: _organization,
    ErrorKind.QUOTA: _quota,
    ErrorKind.CAPACITY: _capacity,
    ErrorKind.KEY: _key,
    ErrorKind.UNSUPPORTED: _unsupported,
    ErrorKind.REQUEST: _request,
    ErrorKind.INVALID: _invalid,
}
