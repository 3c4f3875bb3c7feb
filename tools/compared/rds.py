"""RDS's answers."""

from __future__ import annotations

from tools.compared.account import Answer

_FIXED = "cannot change after the creation, or only by AWS"
_TOLD = "AWS's own account of it"
_OTHER_ENGINES = "of engines, clusters and kinds of instances that no stack has"

ANSWERS: tuple[Answer, ...] = (
    Answer(
        type="rds.DBInstance",
        service="rds",
        operation="DescribeDBInstances",
        path="DBInstances[]",
        compared={
            "instance_class": "DBInstanceClass",
            "storage_gib": "AllocatedStorage",
            "max_storage_gib": "MaxAllocatedStorage",
            "storage_type": "StorageType",
            "multi_az": "MultiAZ",
            "engine_version": "EngineVersion",
            "backup_retention_days": "BackupRetentionPeriod",
            "backup_window": "PreferredBackupWindow",
            "maintenance_window": "PreferredMaintenanceWindow",
            "performance_insights": "PerformanceInsightsEnabled",
            "deletion_protection": "DeletionProtection",
            "parameter_group": "DBParameterGroups",
            "publicly_accessible": "PubliclyAccessible",
            "copy_tags_to_snapshots": "CopyTagsToSnapshot",
            "auto_minor_upgrades": "AutoMinorVersionUpgrade",
            "iam_logins": "IAMDatabaseAuthenticationEnabled",
            "monitoring_seconds": "MonitoringInterval",
            "security_group_ids": "VpcSecurityGroups",
            "log_exports": "EnabledCloudwatchLogsExports",
            "database_name": "DBName",
            "username": "MasterUsername",
            "tags": "TagList",
        },
        read="DBInstanceIdentifier DBInstanceArn DbiResourceId DBInstanceStatus Endpoint.Address "
        "Endpoint.Port PendingModifiedValues DBSubnetGroup DBInstanceAutomatedBackupsReplications",
        aws={
            _FIXED: (
                "Engine InstanceCreateTime AvailabilityZone SecondaryAvailabilityZone LicenseModel "
                "Endpoint.HostedZoneId StorageEncrypted StorageEncryptionType KmsKeyId PerformanceInsightsKMSKeyId "
                "DBSecurityGroups DbInstancePort BackupTarget"
            ),
            _TOLD: (
                "LatestRestorableTime StatusInfos EnhancedMonitoringResourceArn MonitoringRoleArn CertificateDetails "
                "AwsBackupRecoveryPointArn AutomaticRestartTime PercentProgress IsStorageConfigUpgradeAvailable "
                "UpgradeRolloutOrder StorageVolumeStatus StorageOperationStatus StorageOperationPercentProgress"
            ),
            "AWS renews it; the app asks for TLS without a certificate of its own": "CACertificateIdentifier",
            "AWS extends support for money when a version's own has ended; `engineVersion` ends that": (
                "EngineLifecycleSupport"
            ),
        },
        others={
            _OTHER_ENGINES: (
                "CharacterSetName NcharCharacterSetName TdeCredentialArn DBClusterIdentifier DomainMemberships "
                "PromotionTier Timezone ProcessorFeatures ListenerEndpoint AutomationMode ResumeFullAutomationModeTime "
                "CustomerOwnedIpEnabled CustomIamInstanceProfile DBSystemId MultiTenant ReplicaMode "
                "ReadReplicaDBClusterIdentifiers ReadReplicaSourceDBClusterIdentifier DBCapacityReservationIdentifier "
                "AdditionalStorageVolumes"
            ),
            "AWS raises them with the size, and a person may pay for more": "Iops StorageThroughput DedicatedLogVolume",
            "extensions that a person has set up": "OptionGroupMemberships AssociatedRoles",
            "replicas that a person has made": "ReadReplicaSourceDBInstanceIdentifier ReadReplicaDBInstanceIdentifiers",
            "set by whoever pays for longer insights": "PerformanceInsightsRetentionPeriod DatabaseInsightsMode",
            "an audit by the company's security team": (
                "ActivityStreamStatus ActivityStreamKmsKeyId ActivityStreamKinesisStreamName ActivityStreamMode "
                "ActivityStreamEngineNativeAuditFieldsIncluded ActivityStreamPolicyStatus"
            ),
            "the subnets have no IPv6 ranges": "NetworkType",
            "whoever lets RDS manage the password takes it from the operator on purpose": "MasterUserSecret",
        },
    ),
    Answer(
        type="rds.DBSubnetGroup",
        service="rds",
        operation="DescribeDBSubnetGroups",
        path="DBSubnetGroups[]",
        compared={"description": "DBSubnetGroupDescription", "subnet_ids": "Subnets"},
        read="DBSubnetGroupName DBSubnetGroupArn SubnetGroupStatus",
        aws={_FIXED: "VpcId SupportedNetworkTypes"},
    ),
    Answer(
        type="rds.DBParameterGroup",
        service="rds",
        operation="DescribeDBParameterGroups",
        path="DBParameterGroups[]",
        compared={"family": "DBParameterGroupFamily"},
        read="DBParameterGroupName DBParameterGroupArn",
        aws={_FIXED: "Description"},
    ),
    Answer(
        type="rds.DBParameterGroup",
        service="rds",
        operation="DescribeDBParameters",
        path="Parameters[]",
        compared={"parameters": "ParameterName ParameterValue Source"},
        aws={
            "the catalogue of parameters": (
                "Description ApplyType DataType AllowedValues IsModifiable MinimumEngineVersion ApplyMethod "
                "SupportedEngineModes"
            )
        },
    ),
    Answer(
        type="rds.DBSnapshot",
        service="rds",
        operation="DescribeDBSnapshots",
        path="DBSnapshots[]",
        compared={"tags": "TagList"},
        read="DBSnapshotIdentifier DBSnapshotArn DBInstanceIdentifier Status SnapshotType PercentProgress Engine "
        "EngineVersion AllocatedStorage MasterUsername Encrypted",
        aws={
            "what the database was like when it was taken": (
                "SnapshotCreateTime Port AvailabilityZone VpcId InstanceCreateTime LicenseModel Iops StorageThroughput "
                "OptionGroupName SourceRegion SourceDBSnapshotIdentifier StorageType TdeCredentialArn "
                "StorageEncryptionType BackupRetentionPeriod PreferredBackupWindow KmsKeyId Timezone "
                "IAMDatabaseAuthenticationEnabled ProcessorFeatures DbiResourceId SnapshotTarget "
                "OriginalSnapshotCreateTime SnapshotDatabaseTime DBSystemId MultiTenant DedicatedLogVolume "
                "AdditionalStorageVolumes SnapshotAvailabilityZone FullSnapshotSizeInBytes"
            )
        },
    ),
)
