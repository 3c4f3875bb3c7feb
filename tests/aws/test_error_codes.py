"""The classes of AWS's error codes: every modelled error of every operation in use, and the ones that no model has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session

from missyou_operator.aws.ecs.revisions import described
from missyou_operator.aws.error_codes import CODES, ErrorKind, bare, is_listed, kind_of
from missyou_operator.aws.errors import classify, is_absent
from missyou_operator.aws.quotas import quota_of
from missyou_operator.aws.registry import KINDS
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.values import Sensitive
from tests.aws.fake import FakeEc2
from tests.permissions.authorization import PREFIXES, RENAMED

#: EC2's and S3's codes for the operations in use ("Error codes for the Amazon EC2 API", "Error responses"), and AWS's
#: common errors: no model has them.
UNMODELLED = {
    ErrorKind.THROTTLED: "RequestLimitExceeded Throttling ThrottlingException TooManyRequestsException SlowDown",
    ErrorKind.BROKEN: "InternalError InternalFailure Unavailable ServiceUnavailable 500 503 RequestTimeoutException",
    ErrorKind.NOT_YET: "DependencyViolation IncorrectState InvalidIPAddress.InUse InvalidGroup.InUse OperationAborted "
    "ConcurrentTagAccess VolumeInUse InvalidVpcState BucketNotEmpty",
    ErrorKind.EXISTS: "InvalidGroup.Duplicate InvalidPermission.Duplicate RouteAlreadyExists",
    ErrorKind.ABSENT: "InvalidVpcID.NotFound InvalidSubnetID.NotFound InvalidGroup.NotFound InvalidGroupId.NotFound "
    "InvalidAllocationID.NotFound InvalidAssociationID.NotFound InvalidInternetGatewayID.NotFound NatGatewayNotFound "
    "InvalidRouteTableID.NotFound InvalidRoute.NotFound InvalidPermission.NotFound InvalidVpcEndpointId.NotFound "
    "InvalidNetworkInterfaceID.NotFound NoSuchBucket NoSuchTagSet NoSuchTagSetError NoSuchBucketPolicy 404 "
    "ServerSideEncryptionConfigurationNotFoundError NoSuchLifecycleConfiguration OwnershipControlsNotFoundError",
    ErrorKind.DENIED: "UnauthorizedOperation AccessDenied AccessDeniedException NotAuthorized 403",
    ErrorKind.CREDENTIALS: "InvalidSignatureException SignatureDoesNotMatch InvalidAccessKeyId InvalidClientTokenId "
    "ExpiredToken ExpiredTokenException MissingAuthenticationToken MissingAuthenticationTokenException InvalidToken "
    "AuthFailure RequestExpired IncompleteSignature UnrecognizedClientException InvalidIdentityToken",
    ErrorKind.CLOCK: "RequestTimeTooSkewed",
    ErrorKind.ACCOUNT: "PendingVerification Blocked AccountProblem OptInRequired AllAccessDisabled NotSignedUp "
    "RegionDisabledException",
    ErrorKind.QUOTA: "VpcLimitExceeded NatGatewayLimitExceeded AddressLimitExceeded SecurityGroupLimitExceeded "
    "RulesPerSecurityGroupLimitExceeded InternetGatewayLimitExceeded SubnetLimitExceeded RouteTableLimitExceeded "
    "VpcEndpointLimitExceeded TooManyBuckets ServiceQuotaExceededException PrivateIpAddressLimitExceeded",
    ErrorKind.CAPACITY: "InsufficientAddressCapacity InsufficientFreeAddressesInSubnet InsufficientCapacity",
    ErrorKind.KEY: "KMS.NotFoundException KMS.DisabledException KMSAccessDeniedException KMSInvalidStateException",
    ErrorKind.UNSUPPORTED: "Unsupported UnsupportedOperation InvalidAction UnknownOperationException NotImplemented",
    ErrorKind.REQUEST: "MissingParameter MalformedQueryString MalformedXML PermanentRedirect SerializationException",
    ErrorKind.INVALID: "InvalidParameterValue InvalidParameterCombination InvalidSubnet.Range InvalidVpcRange "
    "InvalidSubnet.Conflict ValidationError InvalidBucketName",
}
_BOTO = {prefix: service for service, prefix in PREFIXES.items()}


def modelled() -> Iterator[tuple[str, str]]:
    """List the errors of every operation that a permission names, each by its code and by its shape's name."""
    session = get_session()
    operations = {new: old for old, new in RENAMED.items()}
    for action in {action for kind in KINDS for grant in kind.PERMISSIONS for action in grant.actions}:
        prefix, _, operation = operations.get(action, action).partition(":")
        model = session.get_service_model(_BOTO.get(prefix, prefix))
        if operation in model.operation_names:
            for shape in model.operation_model(operation).error_shapes:
                yield str(shape.metadata.get("error", {}).get("code") or shape.name), action
                yield shape.name, action


def refusal(code: str, operation: str = "CreateThing", message: str = "no", service: str = "ec2") -> ClientError:
    error = {"Code": code, "Message": message, "Service": service}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation)


def test_every_modelled_error_of_every_operation_in_use_is_classified_on_purpose() -> None:
    every = dict(modelled())
    assert len(every) > 180
    assert {code: action for code, action in every.items() if not is_listed(code)} == {}


def test_no_code_is_in_two_classes() -> None:
    every = [bare(code) for codes in CODES.values() for code in codes.split()]
    assert sorted(every) == sorted(set(every))


@pytest.mark.parametrize("kind", UNMODELLED)
def test_errors_that_no_model_has_are_classified(kind: ErrorKind) -> None:
    assert {code: kind_of(code) for code in UNMODELLED[kind].split()} == dict.fromkeys(UNMODELLED[kind].split(), kind)


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.INVALID])
def test_only_what_a_field_can_cause_is_blamed_on_the_spec(kind: ErrorKind) -> None:
    for code in CODES[kind].split():
        health = classify(refusal(code))
        assert "Correct" not in health.message or "spec.tags" in health.message, (code, health)
        assert health.reason != "Rejected", code


def test_not_found_is_absence_in_every_spelling() -> None:
    absent = ["WAFNonexistentItemException", "NatGatewayNotFound", "DBInstanceNotFoundFault", "NoSuchEntity", "404"]
    assert all(is_absent(refusal(code)) for code in absent)
    assert not is_absent(refusal("InvalidParameterValue"))


#: Code, operation, AWS's message; reason, and what the advice must name.
ADVICE = [
    (
        "RequestTimeTooSkewed",
        "PutBucketPolicy",
        "The difference is too large.",
        "ClockSkewed",
        "clock of the operator's node",
    ),
    (
        "InvalidSignatureException",
        "CreateCluster",
        "Signature expired: 20261129T000000Z is now earlier than 20261129T001500Z",
        "InvalidCredentials",
        "clock of the operator's node",
    ),
    (
        "SignatureDoesNotMatch",
        "CreateRole",
        "The request signature we calculated does not match the signature you provided.",
        "InvalidCredentials",
        "secret access key",
    ),
    ("ExpiredTokenException", "CreateCluster", "The security token is expired", "InvalidCredentials", "renew"),
    ("InvalidClientTokenId", "GetCallerIdentity", "The token is invalid", "InvalidCredentials", "region is enabled"),
    ("PendingVerification", "AllocateAddress", "Your account is being verified", "AccountNotReady", "four hours"),
    ("OptInRequired", "CreateVpc", "You are not subscribed", "AccountNotReady", "enable it"),
    ("InsufficientAddressCapacity", "AllocateAddress", "Not enough", "InsufficientCapacity", "retries it"),
    ("VpcLimitExceeded", "CreateVpc", "The maximum number of VPCs", "QuotaExceeded", "L-F678F1CE"),
    ("LimitExceeded", "CreateRole", "Cannot exceed quota", "QuotaExceeded", "L-FE177D64"),
    ("TooManyTags", "AddTags", "50", "QuotaExceeded", "spec.tags"),
    ("TagPolicyException", "RequestCertificate", "The tag policy", "ForbiddenByOrganization", "spec.tags"),
    ("KMSKeyNotAccessibleFault", "CreateDBInstance", "The key is disabled", "KeyNotUsable", "key policy"),
    (
        "InvalidParameterValue",
        "CreateDBInstance",
        "Invalid DB Instance class: db.t9.micro",
        "Rejected",
        "Correct spec.database.instanceClass",
    ),
    (
        "InvalidParameterValue",
        "CreateVpc",
        "Value (x) for cidrBlock is invalid",
        "Rejected",
        "Correct spec.network.cidr",
    ),
    (
        "PolicyNotAttachable",
        "PutRolePermissionsBoundary",
        "AWS service role policies can only be attached to the service-linked role for that service.",
        "Rejected",
        "Correct the operator's setting --permissions-boundary",
    ),
    ("InvalidParameterValue", "CreateNatGateway", "something new", "Rejected", "No field of the spec is known"),
    ("MissingParameter", "CreateVpc", "no X", "InternalError", "please report"),
    ("OperationNotPermitted", "DeleteLoadBalancer", "deletion protection is enabled", "DeletionProtected", "off"),
    (
        "OperationNotPermitted",
        "CreateLoadBalancer",
        "This AWS account currently does not support creating load balancers.",
        "AccountNotReady",
        "AWS Support",
    ),
]


@pytest.mark.parametrize(("code", "operation", "message", "reason", "advice"), ADVICE)
def test_the_advice_fits_the_cause(code: str, operation: str, message: str, reason: str, advice: str) -> None:
    health = classify(refusal(code, operation, message))
    assert (health.reason, health.status != "ready") == (reason, True)
    assert advice.lower() in health.message.lower()


USER = "arn:aws:sts::123456789012:assumed-role/missyou-operator/session"
DATABASE = "arn:aws:rds:us-east-1:123456789012:db:shop-db"
#: AWS's message; who, what and where to allow it. IAM User Guide, "Troubleshoot access denied error messages".
DENIALS = [
    (
        f"User: {USER} is not authorized to perform: rds:CreateDBInstance on resource: {DATABASE} because of x",
        f"Allow rds:CreateDBInstance on {DATABASE} for {USER}",
    ),
    (
        f"{USER} is not authorized to perform: ec2:CreateVpc with an explicit deny in a service control policy",
        "A service control policy of the organization forbids it",
    ),
    (
        f"User: {USER} is not authorized to perform: ec2:CreateVpc because no permissions boundary allows it",
        "extend the boundary (ec2:CreateVpc)",
    ),
    ("Access Denied", "Allow s3:PutLifecycleConfiguration for the operator's role"),
    (
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/apps",
        f"The trust policy of arn:aws:iam::210987654321:role/apps must allow {USER}",
    ),
]


@pytest.mark.parametrize(("message", "advice"), DENIALS)
def test_a_denial_names_service_action_and_resource(message: str, advice: str) -> None:
    health = classify(refusal("AccessDenied", "PutBucketLifecycleConfiguration", message, "s3"))
    assert health.reason == "AccessDenied"
    assert advice in health.message


def test_an_encoded_message_is_left_out() -> None:
    message = "You are not authorized to perform this operation. Encoded authorization failure message: abcDEF123"
    assert "abcDEF123" not in classify(refusal("UnauthorizedOperation", "CreateVpc", message)).message


def test_an_unknown_quota_is_not_invented() -> None:
    assert "L-" not in quota_of("CreateSomething", "NewLimitExceeded").advice


def test_whoever_chooses_a_secret_does_not_decide_what_an_error_means() -> None:
    """Another tenant's value may be a phrase by which the operator knows what AWS means."""
    phrase, password = Sensitive("Unable to describe task definition"), Sensitive("hunter22")
    answer = {"Error": {"Code": "ClientException", "Message": "Unable to describe task definition, not hunter22"}}
    ecs = FakeEc2(describe_task_definition=ClientError(answer, "DescribeTaskDefinition"))
    assert described(ecs, "family") is None
    message = classify(ClientError(answer, "DescribeTaskDefinition")).message
    assert "********, not ********" in message
    assert not {phrase.reveal(), password.reveal()} & {*message.split()}
    refused = classify(RefusedError("InvalidSpec", "AWS says hunter22"))
    assert refused.message == "AWS says ********"
