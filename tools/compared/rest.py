"""The answers of CloudWatch, ECR, IAM, S3, Secrets Manager, SNS and WAF."""

from __future__ import annotations

from tools.compared.account import Answer

_FIXED = "cannot change after the creation"
_TOLD = "AWS's own account of it"
_SECRET = {
    "compared": {
        "description": "Description",
        "key": "KmsKeyId",
        "rotation": "RotationEnabled",
        "tags": "Tags",
    },
    "read": "ARN Name DeletedDate",
    "told": "LastRotatedDate LastChangedDate LastAccessedDate NextRotationDate CreatedDate",
    "rotation": (
        "RotationLambdaARN RotationRules Type ExternalSecretRotationMetadata ExternalSecretRotationRoleArn "
        "OwningService"
    ),
}

ANSWERS: tuple[Answer, ...] = (
    Answer(
        type="cloudwatch.Alarm",
        service="cloudwatch",
        operation="DescribeAlarms",
        path="MetricAlarms[]",
        compared={
            "namespace": "Namespace",
            "metric": "MetricName",
            "dimensions": "Dimensions",
            "statistic": "Statistic ExtendedStatistic",
            "period": "Period",
            "unit": "Unit",
            "expression": "Metrics.Expression",
            "operands": "Metrics.Id Metrics.MetricStat",
            "operand_dimensions": "Metrics.MetricStat",
            "threshold": "Threshold",
            "comparison": "ComparisonOperator",
            "evaluation_periods": "EvaluationPeriods",
            "datapoints": "DatapointsToAlarm",
            "treat_missing": "TreatMissingData",
            "description": "AlarmDescription",
            "actions_enabled": "ActionsEnabled",
            "notified": "AlarmActions",
            "notified_of_recovery": "OKActions",
            "notified_of_missing_data": "InsufficientDataActions",
        },
        read="AlarmName AlarmArn StateValue",
        aws={
            _TOLD: (
                "AlarmConfigurationUpdatedTimestamp StateReason StateReasonData StateUpdatedTimestamp EvaluationState "
                "StateTransitionedTimestamp"
            ),
            "follows from the expression": "Metrics.Label Metrics.ReturnData Metrics.Period Metrics.AccountId",
        },
        others={
            "of alarms on percentiles, anomalies and queries, which compare as another metric": (
                "EvaluateLowSampleCountPercentile ThresholdMetricId EvaluationCriteria EvaluationInterval"
            ),
            "AWS's newer options, of which the defaults are right": (
                "EvaluationWindow WarmUpConfiguration ActionConfiguration"
            ),
        },
    ),
    Answer(
        type="cloudwatch.Dashboard",
        service="cloudwatch",
        operation="GetDashboard",
        compared={"body": "DashboardBody"},
        read="DashboardName DashboardArn",
    ),
    Answer(
        type="logs.LogGroup",
        service="logs",
        operation="DescribeLogGroups",
        path="logGroups[]",
        compared={"retention_days": "retentionInDays"},
        read="logGroupName arn",
        aws={_FIXED: "creationTime logGroupArn logGroupClass", _TOLD: "metricFilterCount storedBytes"},
        others={
            "a key, masking or protection that the company's rules ask for; the app goes on without its log": (
                "kmsKeyId dataProtectionStatus inheritedProperties deletionProtectionEnabled "
                "bearerTokenAuthenticationEnabled retentionPolicyName"
            )
        },
    ),
    Answer(
        type="ecr.Repository",
        service="ecr",
        operation="DescribeRepositories",
        path="repositories[]",
        compared={
            "immutable_tags": "imageTagMutability imageTagMutabilityExclusionFilters",
            "scan_on_push": "imageScanningConfiguration",
        },
        read="repositoryArn repositoryName repositoryUri",
        aws={_FIXED: "registryId createdAt encryptionConfiguration"},
    ),
    Answer(
        type="ecr.Repository",
        service="ecr",
        operation="GetLifecyclePolicy",
        compared={"keep_images": "lifecyclePolicyText", "keep_tags": "lifecyclePolicyText"},
        read="repositoryName",
        aws={_FIXED: "registryId", _TOLD: "lastEvaluatedAt"},
    ),
    Answer(
        type="ecr.Image",
        service="ecr",
        operation="DescribeImages",
        path="imageDetails[]",
        read="imageDigest",
        aws={
            "the image is a person's": (
                "registryId repositoryName imageTags imageSizeInBytes imagePushedAt imageScanStatus "
                "imageScanFindingsSummary imageManifestMediaType artifactMediaType lastRecordedPullTime "
                "subjectManifestDigest imageStatus lastArchivedAt lastActivatedAt"
            )
        },
    ),
    Answer(
        type="iam.Role",
        service="iam",
        operation="GetAccountAuthorizationDetails",
        path="RoleDetailList[]",
        compared={
            "trust": "AssumeRolePolicyDocument",
            "policy": "RolePolicyList AttachedManagedPolicies",
            "permissions_boundary": "PermissionsBoundary",
            "tags": "Tags",
        },
        read="RoleName Arn CreateDate",
        aws={_FIXED: "Path RoleId", _TOLD: "RoleLastUsed"},
        others={
            "lets EC2 instances use the role, which its trust policy forbids": "InstanceProfileList",
        },
    ),
    Answer(
        type="s3.Bucket",
        service="s3",
        operation="GetBucketPolicy",
        compared={"policy": "Policy"},
    ),
    Answer(
        type="s3.Bucket",
        service="s3",
        operation="GetBucketEncryption",
        path="ServerSideEncryptionConfiguration.Rules[]",
        compared={"encryption": "ApplyServerSideEncryptionByDefault"},
        others={"means nothing without KMS keys": "BucketKeyEnabled BlockedEncryptionTypes"},
    ),
    Answer(
        type="s3.Bucket",
        service="s3",
        operation="GetPublicAccessBlock",
        path="PublicAccessBlockConfiguration",
        compared={"public_access": "BlockPublicAcls IgnorePublicAcls BlockPublicPolicy RestrictPublicBuckets"},
    ),
    Answer(
        type="s3.Bucket",
        service="s3",
        operation="GetBucketOwnershipControls",
        path="OwnershipControls.Rules[]",
        compared={"ownership": "ObjectOwnership"},
    ),
    Answer(
        type="s3.Bucket",
        service="s3",
        operation="GetBucketLifecycleConfiguration",
        compared={"retention_days": "Rules"},
        others={"of transitions, of which there are none": "TransitionDefaultMinimumObjectSize"},
    ),
    Answer(
        type="secretsmanager.Secret",
        service="secretsmanager",
        operation="ListSecrets",
        path="SecretList[]",
        compared={**_SECRET["compared"], "value": "SecretVersionsToStages"},  # type: ignore[dict-item]
        read=str(_SECRET["read"]),
        aws={_TOLD: str(_SECRET["told"])},
        others={
            "nothing while nothing rotates the value": str(_SECRET["rotation"]),
            "copies in other regions that a person has made": "PrimaryRegion",
        },
    ),
    Answer(
        type="secretsmanager.Secret",
        service="secretsmanager",
        operation="DescribeSecret",
        compared={**_SECRET["compared"], "value": "VersionIdsToStages"},  # type: ignore[dict-item]
        read=str(_SECRET["read"]),
        aws={_TOLD: str(_SECRET["told"])},
        others={
            "nothing while nothing rotates the value": str(_SECRET["rotation"]),
            "copies elsewhere that a person has made": (
                "PrimaryRegion ReplicationStatus CrossAccountPrimary CrossAccountReplicas"
            ),
        },
    ),
    Answer(
        type="sns.Topic",
        service="sns",
        operation="GetTopicAttributes",
        keys="GetTopicAttributesResponse.Attributes",
        compared={"policy": "Policy", "key": "KmsMasterKeyId"},
        read="TopicArn",
        aws={
            _FIXED: "Owner FifoTopic",
            _TOLD: "EffectiveDeliveryPolicy SubscriptionsConfirmed SubscriptionsDeleted SubscriptionsPending",
            "of FIFO topics": "ArchivePolicy BeginningArchiveTime ContentBasedDeduplication",
        },
        others={
            "how messages look and travel to subscribers whom a person has added": (
                "DeliveryPolicy DisplayName MaximumMessageSize SignatureVersion TracingConfig"
            )
        },
    ),
    Answer(
        type="sns.EmailSubscriptions",
        service="sns",
        operation="ListSubscriptionsByTopic",
        path="Subscriptions[]",
        compared={"emails": "Protocol Endpoint SubscriptionArn"},
        aws={_FIXED: "Owner TopicArn"},
    ),
    Answer(
        type="wafv2.WebACL",
        service="wafv2",
        operation="GetWebACL",
        path="WebACL",
        compared={
            "default_action": "DefaultAction",
            "rules": "Rules",
            "visibility": "VisibilityConfig",
        },
        read="Name Id ARN",
        aws={
            _FIXED: "LabelNamespace",
            _TOLD: "Capacity",
            "rule groups of Firewall Manager, which it keeps there itself": (
                "PreProcessFirewallManagerRuleGroups PostProcessFirewallManagerRuleGroups ManagedByFirewallManager "
                "RetrofittedByFirewallManager"
            ),
        },
        others={
            "a person's choice, sent back with each change as it was found": (
                "Description DataProtectionConfig CustomResponseBodies CaptchaConfig ChallengeConfig TokenDomains "
                "AssociationConfig OnSourceDDoSProtectionConfig ApplicationConfig MonetizationConfig"
            )
        },
    ),
    Answer(
        type="wafv2.WebACLAssociation",
        service="wafv2",
        operation="ListResourcesForWebACL",
        compared={"web_acl_arn": "ResourceArns", "load_balancer_arn": "ResourceArns"},
    ),
)
