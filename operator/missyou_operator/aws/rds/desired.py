"""The desired settings of an RDS instance, and how they are compared with those that RDS shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from missyou_operator.aws.rds.versions import as_version
from missyou_operator.engine.comparators import Comparator, as_set, at_least, compare, equal, if_desired, if_observed
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.engine.values import Ref

#: Fields that a single argument of ModifyDBInstance changes, and the argument's name.
ARGUMENTS = {
    "instance_class": "DBInstanceClass",
    "multi_az": "MultiAZ",
    "backup_retention_days": "BackupRetentionPeriod",
    "performance_insights": "EnablePerformanceInsights",
    "deletion_protection": "DeletionProtection",
    "parameter_group": "DBParameterGroupName",
    "publicly_accessible": "PubliclyAccessible",
    "copy_tags_to_snapshots": "CopyTagsToSnapshot",
    "auto_minor_upgrades": "AutoMinorVersionUpgrade",
    "backup_window": "PreferredBackupWindow",
    "maintenance_window": "PreferredMaintenanceWindow",
    "iam_logins": "EnableIAMDatabaseAuthentication",
    "monitoring_seconds": "MonitoringInterval",
}

#: The port of every database: a snapshot's instance may have listened on another.
PORT = 5432
WINDOWS = ("backup_window", "maintenance_window")


#: The last moment that can be restored.
LATEST = "latest"


def origin_of(restore_from: str, restore_to: str) -> str:
    """Return what a database is restored from, as tags record it: a snapshot, a time, or "" for nothing."""
    return restore_from or (f"backups of {restore_to}" if restore_to else "")


@dataclass(frozen=True, kw_only=True)
class DesiredInstance(Resource):
    """The settings of a PostgreSQL instance.

    `engine_version` means "at least this, of the same major"; a major alone means AWS's default minor. Storage added
    by autoscaling counts as desired. `credentials` is the ARN of the secret whose JSON key `password` becomes a new
    instance's password, `rotation` the rotation that gives it a later one, for `rotation_request` (see `password`).
    `restore_from` names the snapshot that a new instance is restored from, `restore_to` the time (RFC 3339, or
    `LATEST`) whose data it gets from automated backups. AWS chooses windows that are None. `port` is not compared: the
    app learns the port from the endpoint, and a data plane has its own.
    """

    COMPARED: ClassVar[Mapping[str, Comparator]] = {
        # Settings that AWS does not show (for a new instance, say) count as desired.
        name: if_observed(comparator)
        for name, comparator in compare(
            *ARGUMENTS,
            "max_storage_gib",
            "storage_type",
            "database_name",
            "username",
            engine_version=as_version,
            storage_gib=at_least,
            security_group_ids=as_set,
            log_exports=as_set,
            **dict.fromkeys(WINDOWS, if_desired(equal)),
        ).items()
    }

    engine_version: str
    instance_class: str
    storage_gib: int
    max_storage_gib: int
    multi_az: bool
    backup_retention_days: int
    performance_insights: bool
    deletion_protection: bool
    database_name: str
    username: str
    credentials: str | Ref
    subnet_group: str | Ref
    parameter_group: str | Ref
    security_group_ids: tuple[str | Ref, ...]
    log_exports: tuple[str, ...] = ("postgresql",)
    storage_type: str = "gp3"
    publicly_accessible: bool = False
    copy_tags_to_snapshots: bool = True
    auto_minor_upgrades: bool = True
    iam_logins: bool = False
    monitoring_seconds: int = 0
    backup_window: str | None = None
    maintenance_window: str | None = None
    restore_from: str = ""
    restore_to: str = ""
    rotation: str = ""
    rotation_request: str = ""
    port: int = PORT

    @property
    def origin(self) -> str:
        """What a new instance is restored from, as tags record it; "" for nothing."""
        return origin_of(self.restore_from, self.restore_to)

    def matches(self, name: str, observed: Observed) -> bool:
        """Compare a field. Storage beyond its limit matches, and so do insights that AWS does not offer."""
        if name == "max_storage_gib":
            return equal(self.storage_limit(observed), observed.attrs[name])
        if name == "performance_insights" and observed.attrs.get("insights_offered") is False:
            return True
        return super().matches(name, observed)

    def storage_limit(self, observed: Observed) -> int:
        """Return the storage limit in GiB. It is at least the present storage, which then cannot grow."""
        return max(self.max_storage_gib, int(observed.attrs["storage_gib"]))
