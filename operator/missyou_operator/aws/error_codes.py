"""What AWS's error codes mean: one class for each code of every operation in use.

Sources: the modelled errors of the operations (botocore; tests/aws/test_error_codes.py compares), "Common errors" in
the API references, "Error codes for the Amazon EC2 API", and "Error responses" in the S3 API reference. EC2 and S3
model hardly any of their errors, so the families of their codes are known by pattern.
"""

from __future__ import annotations

import functools
import re
from enum import Enum, auto


class ErrorKind(Enum):
    """Why AWS refuses, which decides what helps and who has to do it."""

    THROTTLED = auto()
    BROKEN = auto()
    NOT_YET = auto()
    EXISTS = auto()
    ABSENT = auto()
    DENIED = auto()
    CREDENTIALS = auto()
    CLOCK = auto()
    ACCOUNT = auto()
    ORGANIZATION = auto()
    QUOTA = auto()
    CAPACITY = auto()
    KEY = auto()
    UNSUPPORTED = auto()
    REQUEST = auto()
    INVALID = auto()


#: The codes by kind, without the suffixes Exception and Fault: some protocols send a code with, others without them.
#: `INVALID` is what a field of the spec can cause, `REQUEST` what only the operator (or a proxy) can.
CODES: dict[ErrorKind, str] = {
    ErrorKind.THROTTLED: """
        Throttling Throttled RequestThrottled RequestLimitExceeded EC2Throttled BandwidthLimitExceeded
        PriorRequestNotComplete TooManyRequests SlowDown
        ProvisionedThroughputExceeded RateExceeded""",
    ErrorKind.BROKEN: """
        InternalFailure InternalError InternalServer InternalServerError InternalService InternalServiceError
        ServiceUnavailable Unavailable Server ServiceFailure HealthUnavailable WAFInternalError RequestTimeout
        WAFTagOperationInternalError RequestAborted IDPCommunicationError ServiceUnavailableError""",
    ErrorKind.NOT_YET: """
        StaleTag ConcurrentTagAccess DependencyViolation ResourceInUse TargetGroupInUse SubnetAlreadyInUse
        InvalidDBInstanceState InvalidDBSnapshotState InvalidDBSubnetGroupState InvalidDBParameterGroupState
        InvalidDBClusterState InvalidDBClusterEndpointState InvalidDBSecurityGroupState InvalidDBSubnetState
        InvalidDBInstanceAutomatedBackupState InvalidDBCapacityReservationState DBUpgradeDependencyFailure
        CapacityReservationPending
        ClusterContainsCapacityProvider ClusterContainsContainerInstances ClusterContainsServices ClusterContainsTasks
        UpdateInProgress ConcurrentUpdate ConcurrentModification ConcurrentAccess Conflict ConditionalRequestConflict
        ResourceConflict OperationAborted DeleteConflict BucketNotEmpty RepositoryNotEmpty InvalidState
        IncorrectState IncorrectInstanceState InvalidVpcState Gateway.NotAttached Resource.AlreadyAssociated
        UnmodifiableEntity ServiceNotActive TrustStoreNotReady PreconditionFailed InvalidBucketState
        PaginationTokenExpired
        WAFOptimisticLock WAFUnavailableEntity WAFAssociatedItem WAFTagOperation""",
    ErrorKind.EXISTS: """
        EntityAlreadyExists ResourceAlreadyExists RepositoryAlreadyExists ResourceExists RouteAlreadyExists
        DBInstanceAlreadyExists DBParameterGroupAlreadyExists DBSnapshotAlreadyExists DBSubnetGroupAlreadyExists
        DuplicateListener DuplicateLoadBalancerName DuplicateTargetGroupName WAFDuplicateItem BucketAlreadyExists
        BucketAlreadyOwnedByYou ConflictingDomainExists IdempotentParameterMismatch""",
    ErrorKind.ABSENT: """
        NotFound NoSuchEntity NoSuchHostedZone NoSuchHealthCheck NoSuchDelegationSet NoSuchUpload NoSuchBucket NoSuchKey
        NoSuchVersion NoSuchTagSet NoSuchBucketPolicy NoSuchLifecycleConfiguration
        NoSuchPublicAccessBlockConfiguration ServerSideEncryptionConfigurationNotFoundError
        OwnershipControlsNotFoundError ResourceNotFound ObjectNotFound AllocationIdNotFound AuthorizationNotFound
        BackupPolicyNotFound BlueGreenDeploymentNotFound CertificateNotFound ClusterNotFound
        DBCapacityReservationNotFound DBClusterNotFound DBClusterSnapshotNotFound DBInstanceNotFound
        DBParameterGroupNotFound DBProxyEndpointNotFound DBProxyNotFound DBProxyTargetGroupNotFound
        DBSecurityGroupNotFound DBShardGroupNotFound DBSnapshotNotFound DBSnapshotTenantDatabaseNotFound
        DBInstanceAutomatedBackupNotFound
        DBSubnetGroupNotFound DomainNotFound ImageNotFound IntegrationNotFound LifecyclePolicyNotFound ListenerNotFound
        LoadBalancerNotFound NamespaceNotFound OptionGroupNotFound RepositoryNotFound RuleNotFound ServiceNotFound
        SubnetNotFound TargetGroupNotFound TenantDatabaseNotFound TrustStoreNotFound WAFNonexistentItem
        DashboardNotFoundError""",
    ErrorKind.DENIED: """
        AccessDenied UnauthorizedOperation UnauthorizedAccess AuthorizationError NotAuthorized
        FailedResourceAccess""",
    ErrorKind.CREDENTIALS: """
        ExpiredToken InvalidAccessKeyId InvalidClientTokenId UnrecognizedClient InvalidToken
        InvalidIdentityToken IDPRejectedClaim AuthFailure MissingAuthenticationToken IncompleteSignature
        SignatureDoesNotMatch InvalidSignature InvalidSecurity RequestExpired AuthorizationHeaderMalformed
        TokenRefreshRequired MissingSecurityHeader CredentialsNotSupported""",
    ErrorKind.CLOCK: """
        RequestTimeTooSkewed""",
    ErrorKind.ACCOUNT: """
        OptInRequired SubscriptionRequired NotSignedUp PendingVerification Blocked AccountProblem AllAccessDisabled
        RegionDisabled AccountDisabled AccountSuspended WAFSubscriptionNotFound
        WAFFeatureNotIncludedInPricingPlan""",
    ErrorKind.ORGANIZATION: """
        TagPolicy TagPolicyViolation VpcEncryptionControlViolation OrganizationNotInAllFeaturesMode""",
    ErrorKind.QUOTA: """
        LimitExceeded LimitsExceeded DBInstanceAutomatedBackupQuotaExceeded DBParameterGroupQuotaExceeded
        DBSubnetGroupQuotaExceeded DBSubnetQuotaExceeded InstanceQuotaExceeded SnapshotQuotaExceeded
        StorageQuotaExceeded TenantDatabaseQuotaExceeded FilterPolicyLimitExceeded ReplayLimitExceeded
        SubscriptionLimitExceeded TagLimitExceeded TopicLimitExceeded TargetGroupAssociationLimit TooManyActions
        TooManyBuckets TooManyCertificates TooManyListeners TooManyLoadBalancers TooManyRegistrationsForTargetId
        TooManyTags TooManyTargetGroups TooManyTargets TooManyUniqueTargetGroupsPerLoadBalancer WAFLimitsExceeded
        PackedPolicyTooLarge""",
    ErrorKind.CAPACITY: """
        InsufficientDBInstanceCapacity InsufficientAddressCapacity InsufficientCapacity InsufficientInstanceCapacity
        InsufficientHostCapacity InsufficientFreeAddressesInSubnet InsufficientNetworkInterfaceCapacity
        ProvisionedIopsNotAvailableInAZ""",
    ErrorKind.KEY: """
        KMSKeyNotAccessible Kms KmsAccessDenied KMSDisabled KMSInvalidState KMSNotFound KMSOptInRequired KMSThrottling
        KMSAccessDenied KMS.Disabled KMS.NotFound DecryptionFailure EncryptionFailure
        InvalidKmsKey KmsKeyNotFound""",
    ErrorKind.UNSUPPORTED: """
        AvailabilityZoneNotSupported ALPNPolicyNotFound ALPNPolicyNotSupported NetworkTypeNotSupported
        StorageTypeNotSupported PlatformTaskDefinitionIncompatibility PlatformUnknown SSLPolicyNotFound
        Unsupported UnsupportedOperation UnsupportedFeature UnsupportedCommand
        UnsupportedProtocol UnknownOperation InvalidAction NotImplemented MethodNotAllowed OperationNotPermitted
        OperationDisabled WAFExpiredManagedRuleGroupVersion WAFConfigurationWarning""",
    ErrorKind.REQUEST: """
        InvalidNextToken InvalidPaginationToken InvalidArn InvalidArgs MissingAction MissingParameter
        MalformedQueryString MalformedHttpRequest MalformedXML MalformedPolicyDocument MalformedPolicy
        InvalidQueryParameter Serialization RequestEntityTooLarge PermanentRedirect TemporaryRedirect Redirect
        IllegalLocationConstraint UnknownParameter DryRunOperation InvalidTag DuplicateTagKeys DelegationSetNotReusable
        PublicZoneVPCAssociation InvalidTarget""",
    ErrorKind.INVALID: """
        Client DBSubnetGroupDoesNotCoverEnoughAZs IncompatibleProtocols InvalidChangeBatch InvalidConfigurationRequest
        InvalidDomainValidationOptions InvalidInput InvalidLoadBalancerAction InvalidParameter InvalidParameterInput
        InvalidParameterValue InvalidParameterCombination InvalidRequest InvalidRestore InvalidScheme
        InvalidSecurityGroup InvalidSubnet InvalidTagParameter InvalidVPCId InvalidVPCNetworkState PolicyNotAttachable
        PointInTimeRestoreNotEnabled
        PreconditionNotMet Validation ValidationError WAFInvalidOperation WAFInvalidParameter WAFInvalidResource
        InvalidBucketName InvalidSubnet.Range InvalidSubnet.Conflict InvalidVpcRange ZonesMismatched
        DashboardInvalidInputError""",
}
#: Codes of EC2, S3 and of services yet to come, by their form. The first match counts.
FAMILIES: tuple[tuple[re.Pattern[str], ErrorKind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"^5\d\d$", ErrorKind.BROKEN),
        (r"^403$", ErrorKind.DENIED),
        (r"^404$|MISSING", ErrorKind.ABSENT),
        (r"^KMS|Kms", ErrorKind.KEY),
        (r"Throttl|RequestLimitExceeded|TooManyRequests|SlowDown", ErrorKind.THROTTLED),
        (r"AccessDenied|NotAuthorized|Unauthorized", ErrorKind.DENIED),
        (r"Token|Signature|Credential", ErrorKind.CREDENTIALS),
        (r"Insufficient|Capacity", ErrorKind.CAPACITY),
        (r"Limits?(Exceeded|Reached)|Quota|^TooMany|^Maximum|LimitExceed", ErrorKind.QUOTA),
        (r"AlreadyExists|Duplicate", ErrorKind.EXISTS),
        (r"NotFound|NoSuch|Non[eE]xist|Unknown$|DoesNotExist", ErrorKind.ABSENT),
        (r"InUse|InProgress|Concurrent|Conflict|(Incorrect|Invalid)\w*State", ErrorKind.NOT_YET),
        (r"Internal|Unavailable$|ServerException|Timeout", ErrorKind.BROKEN),
        (r"Unsupported|NotSupported", ErrorKind.UNSUPPORTED),
        (r"Malformed|^Missing|Serialization", ErrorKind.REQUEST),
    )
)
_SUFFIX = re.compile(r"(Exception|Fault)$")
_SIDE = re.compile(r"^(Client|Server)\.(?=.)")


def bare(code: str) -> str:
    """Return a code without the suffixes and prefixes that depend on the protocol."""
    return _SUFFIX.sub("", _SIDE.sub("", code.rpartition("#")[2]))


_KINDS = {bare(code): kind for kind, codes in CODES.items() for code in codes.split()}


@functools.cache
def kind_of(code: str) -> ErrorKind:
    """Return the kind of a wire code; `INVALID` where neither the table nor a family knows it."""
    found = _KINDS.get(bare(code))
    return found or next((kind for pattern, kind in FAMILIES if pattern.search(code)), ErrorKind.INVALID)


def is_listed(code: str) -> bool:
    """Return whether the table names a code, so that its kind was chosen on purpose."""
    return bare(code) in _KINDS
