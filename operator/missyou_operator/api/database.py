"""The section `spec.database`, as users write it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from missyou_operator.api import cross_rules as cross
from missyou_operator.api import field_rules as rules
from missyou_operator.api import window_rules as windows
from missyou_operator.api.base import WireModel

StorageGiB = Annotated[int, Field(ge=20, le=cross.STORAGE_MAX)]


class Database(WireModel):
    """The PostgreSQL instance on RDS."""

    engine_version: Annotated[str, Field(max_length=32), rules.ENGINE_VERSION] = "15.4"
    """PostgreSQL version, at least: where AWS no longer creates it, the next newer minor is taken. A major alone
    follows AWS's default minor. Write it in quotes."""
    instance_class: Annotated[str, Field(max_length=40), rules.INSTANCE_CLASS] = "db.t3.micro"
    """Instance class."""
    storage_gib: StorageGiB = 20
    """Storage in GiB (gp3). It can grow, never shrink."""
    max_storage_gib: StorageGiB = 100
    """Storage in GiB up to which AWS grows it by itself: 10 % above storageGiB or more, or equal to it to stay."""
    multi_az: bool | None = None
    """A standby in the other zone. Default: true in Production, false in Development."""
    backup_retention_days: Annotated[int, Field(ge=1, le=35)] = 7
    """Days that automated backups are kept."""
    backup_window: Annotated[str, Field(max_length=11), windows.BACKUP_FORM, windows.BACKUP_LENGTH] | None = None
    """When the daily backup is taken, in UTC, say 03:00-04:00; 30 minutes or more. Not given: AWS chooses."""
    maintenance_window: (
        Annotated[str, Field(max_length=19), windows.MAINTENANCE_FORM, windows.MAINTENANCE_LENGTH] | None
    ) = None
    """When AWS may do maintenance, in UTC, say sun:04:30-sun:05:30; 30 minutes or more, outside backupWindow. Not
    given: AWS chooses."""
    performance_insights: bool = True
    """Performance Insights, kept for 7 days."""
    deletion_protection: bool | None = None
    """AWS refuses to delete the database; the operator lifts it only in a deletion that deletionPolicy allows.
    Default: true in Production, false in Development."""
    final_snapshot: bool | None = None
    """Take a snapshot before the database is deleted. Default: true in Production, false in Development."""
    restore_from_snapshot: Annotated[str, Field(max_length=340), rules.SNAPSHOT] | None = None
    """Snapshot (name or ARN) that the database is made from, in place of an empty one. It counts when the stack's
    database is created, and never restores in place; name and username must be those of the snapshot."""
    name: Annotated[
        str,
        Field(max_length=63),
        rules.DATABASE_NAME,
        rules.DATABASE_NAME_FREE,
        rules.NOT_KEPT_PREFIX,
        rules.DATABASE_NAME_KEPT,
    ] = "missyou"
    """Name of the database in the instance. Immutable."""
    username: Annotated[
        str,
        Field(max_length=16),
        rules.DATABASE_NAME,
        rules.USERNAME_FREE,
        rules.NOT_KEPT_PREFIX,
        rules.USERNAME_KEPT,
    ] = "missyou"
    """Master user of the instance. Immutable."""
