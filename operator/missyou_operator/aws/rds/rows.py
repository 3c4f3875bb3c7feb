"""Rows of DescribeDBInstances, as the fields of a desired instance.

A change in `PendingModifiedValues` counts as done: sending it again would not apply it any earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.aws import tags
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.identity import tag_list
from missyou_operator.engine.resource import Observed, Resource

#: The zone of the standby; absent where there is none. Source: API reference, DBInstance.
_STANDBY = "SecondaryAvailabilityZone"


def retag(cloud: Cloud, desired: Resource, observed: Observed) -> None:
    """Set the tags of a database or of one of its groups."""
    rds, arn = cloud.client("rds"), observed.attrs["arn"]
    tags.retag(
        desired,
        observed,
        lambda keys: rds.remove_tags_from_resource(ResourceName=arn, TagKeys=keys),
        lambda: rds.add_tags_to_resource(ResourceName=arn, Tags=tag_list(desired.tags)),
    )


def attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an instance. Those that AWS does not show (any key may be missing) are None.

    `running_version` is the version that runs, `engine_version` the one under way; `pending` names unapplied changes.
    """
    waiting = {key: value for key, value in row.get("PendingModifiedValues", {}).items() if key != "MasterUserPassword"}

    def current(key: str) -> Any:
        return waiting.get(key, row.get(key))

    storage, endpoint = current("AllocatedStorage"), row.get("Endpoint") or {}
    group: Mapping[str, Any] = next(iter(row.get("DBParameterGroups") or ()), {})
    return {
        "id": row["DBInstanceIdentifier"],
        "arn": row.get("DBInstanceArn"),
        "resource_id": row.get("DbiResourceId"),
        "created": row.get("InstanceCreateTime"),
        "endpoint": endpoint.get("Address"),
        "port": endpoint.get("Port"),
        "running_version": row.get("EngineVersion"),
        "engine_version": current("EngineVersion"),
        "instance_class": current("DBInstanceClass"),
        "storage_gib": storage,
        "storage_type": current("StorageType"),
        "iops": current("Iops"),
        "storage_throughput": current("StorageThroughput"),
        # Absent if autoscaling is off: the present storage is then the limit.
        "max_storage_gib": max(row.get("MaxAllocatedStorage") or 0, storage or 0),
        "multi_az": current("MultiAZ"),
        "standby_missing": bool(row.get("MultiAZ")) and "MultiAZ" not in waiting and not row.get(_STANDBY),
        "backup_retention_days": current("BackupRetentionPeriod"),
        "performance_insights": row.get("PerformanceInsightsEnabled"),
        "deletion_protection": row.get("DeletionProtection"),
        "database_name": row.get("DBName"),
        "username": row.get("MasterUsername"),
        "subnet_group": (row.get("DBSubnetGroup") or {}).get("DBSubnetGroupName"),
        "parameter_group": group.get("DBParameterGroupName"),
        "parameter_status": group.get("ParameterApplyStatus"),
        "security_group_ids": tuple(
            sorted(
                group["VpcSecurityGroupId"]
                for group in row.get("VpcSecurityGroups", ())
                if group.get("Status") != "removing"
            )
        ),
        "log_exports": _log_exports(row, waiting),
        "publicly_accessible": row.get("PubliclyAccessible"),
        "copy_tags_to_snapshots": row.get("CopyTagsToSnapshot"),
        "iam_logins": current("IAMDatabaseAuthenticationEnabled"),
        "monitoring_seconds": row.get("MonitoringInterval"),
        "auto_minor_upgrades": row.get("AutoMinorVersionUpgrade"),
        "backup_window": row.get("PreferredBackupWindow"),
        "maintenance_window": row.get("PreferredMaintenanceWindow"),
        "password_pending": "MasterUserPassword" in row.get("PendingModifiedValues", {}),
        "copied_to": copied_to(row),
        "pending": tuple(sorted(waiting)),
    }


def copied_to(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the regions that a row of DescribeDBInstances says its automated backups are copied to."""
    copies = row.get("DBInstanceAutomatedBackupsReplications") or ()
    return tuple(sorted(copy["DBInstanceAutomatedBackupsArn"].split(":")[3] for copy in copies))


def _log_exports(row: Mapping[str, Any], waiting: Mapping[str, Any]) -> tuple[str, ...]:
    coming = waiting.get("PendingCloudwatchLogsExports", {})
    enabled = {*row.get("EnabledCloudwatchLogsExports", ()), *coming.get("LogTypesToEnable", ())}
    return tuple(sorted(enabled - set(coming.get("LogTypesToDisable", ()))))
