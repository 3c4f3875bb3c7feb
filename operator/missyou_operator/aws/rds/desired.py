"""What is desired of an RDS instance, and how that is compared with what RDS shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from missyou_operator.aws.rds.versions import as_version
from missyou_operator.engine.comparators import Comparator, as_set, at_least, compare, equal, if_desired, if_observed
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.engine.values import Ref

#: Fields that are changed by one argument of ModifyDBInstance, and its name.
ARGUMENTS = {
    "instance_class": "DBInstanceClass",
    "storage_gib": "AllocatedStorage",
    "storage_type": "StorageType",
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
}

WINDOWS = ("backup_window", "maintenance_window")


@dataclass(frozen=True, kw_only=True)
class DesiredInstance(Resource):
    """The settings of a PostgreSQL instance.

    `engine_version` means "at least this, of the same major"; a major alone means AWS's default minor. Storage that
    autoscaling has added is as desired. `credentials` is the ARN of the secret whose JSON key `password` a new
    instance gets. `restore_from` names a snapshot that a new instance is restored from. Windows that are None are
    AWS's choice.
    """

    COMPARED: ClassVar[Mapping[str, Comparator]] = {
        # What AWS does not show (of an instance that is new, say) is as desired.
        name: if_observed(comparator)
        for name, comparator in compare(
            *ARGUMENTS,
            "max_storage_gib",
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
    backup_window: str | None = None
    maintenance_window: str | None = None
    restore_from: str = ""

    def matches(self, name: str, observed: Observed) -> bool:
        """Accept storage that has grown to its limit and beyond, and insights that AWS does not offer."""
        if name == "max_storage_gib":
            return equal(self.storage_limit(observed), observed.attrs[name])
        if name == "performance_insights" and observed.attrs.get("insights_offered") is False:
            return True
        return super().matches(name, observed)

    def storage_limit(self, observed: Observed) -> int:
        """Return how many GiB the storage may grow to: not less than it has now, which means not at all."""
        return max(self.max_storage_gib, int(observed.attrs["storage_gib"]))
