"""The section `spec.database`, as users write it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from missyou_operator.api import cross_rules as cross
from missyou_operator.api import field_rules as rules
from missyou_operator.api import window_rules as windows
from missyou_operator.api.base import WireModel

StorageGiB = Annotated[int, Field(ge=20, le=cross.STORAGE_MAX)]


class Database(WireModel):
    """The PostgreSQL instance on RDS."""

    engine_version: Annotated[str, Field(max_length=32), rules.ENGINE_VERSION] = "15.4"
    """Minimum PostgreSQL version, in quotes. If AWS no longer offers it, the next newer minor version is used. A major
    version alone follows AWS's default minor version."""
    instance_class: Annotated[str, Field(max_length=40), rules.INSTANCE_CLASS] = "db.t3.micro"
    """RDS instance class. A change is applied at once and interrupts the database for some minutes."""
    storage_gib: StorageGiB = 20
    """Allocated gp3 storage, in GiB. RDS can only let it grow: a smaller value replaces the database with an empty one,
    after approval."""
    max_storage_gib: StorageGiB = 100
    """Upper limit for storage autoscaling, in GiB: 10 % above storageGiB or more, or equal to it for none."""
    multi_az: bool | None = None
    """Whether a standby runs in the other zone. Default: true in Production, false in Development."""
    backup_retention_days: Annotated[int, Field(ge=1, le=35)] = 7
    """Days for which automated backups are kept."""
    backup_copy_region: Annotated[str, Field(max_length=32), rules.REGION_NAME] | None = None
    """Region that automated backups are copied to, and kept for backupRetentionDays: restoreToTime restores them there.
    What was copied stays for those days when the field is removed, or the app is deleted. Default: no copy."""
    backup_window: Annotated[str, Field(max_length=11), windows.BACKUP_FORM, windows.BACKUP_LENGTH] | None = None
    """Time of the daily backup in UTC, at least 30 minutes, for example 03:00-04:00. Default: AWS chooses."""
    maintenance_window: (
        Annotated[str, Field(max_length=19), windows.MAINTENANCE_FORM, windows.MAINTENANCE_LENGTH] | None
    ) = None
    """Time of maintenance in UTC, at least 30 minutes and outside backupWindow, for example sun:04:30-sun:05:30.
    Default: AWS chooses."""
    performance_insights: bool = True
    """Whether Performance Insights is on, with 7 days of retention."""
    deletion_protection: bool | None = None
    """Whether AWS refuses to delete the database. The operator lifts the protection only for a deletion that
    deletionPolicy allows. Default: true in Production, false in Development."""
    final_snapshot: bool | None = None
    """Whether a snapshot is taken before the database is deleted. Default: true in Production, false in Development."""
    password_rotation_days: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Days after which the password of the database is replaced by a new one, without a failed request of an image in
    the stack's own repository. Default: only on request, by the annotation missyou.app/rotate-database-password."""
    ssl_mode: Literal["verify-full", "require"] | None = None
    """sslmode in DATABASE_URL. verify-full: the app verifies the server's certificate and name, for which its image
    needs the certificate authorities of RDS. require: encrypted, unverified. Default: verify-full for an image in the
    stack's own repository, require for others and in regions whose authorities the app does not have."""
    restore_from_snapshot: Annotated[str, Field(max_length=340), rules.SNAPSHOT] | None = None
    """Name or ARN of the snapshot from which the database is created. It is never restored into an existing database.
    name and username must be those of the snapshot."""
    restore_to_time: Annotated[str, Field(max_length=40), rules.RESTORE_TIME] | None = None
    """Point in time to which the database is created from the automated backups of a database of the same name, which
    was deleted or is replicated from another region: for example 2026-11-29T10:00:00Z, or latest. It is never restored
    into an existing database. Not together with restoreFromSnapshot."""
    name: Annotated[
        str,
        Field(max_length=63),
        rules.DATABASE_NAME,
        rules.DATABASE_NAME_FREE,
        rules.NOT_KEPT_PREFIX,
        rules.DATABASE_NAME_KEPT,
    ] = "missyou"
    """Name of the database on the instance. Immutable."""
    username: Annotated[
        str,
        Field(max_length=16),
        rules.DATABASE_NAME,
        rules.USERNAME_FREE,
        rules.NOT_KEPT_PREFIX,
        rules.USERNAME_KEPT,
    ] = "missyou"
    """Master user of the instance. Immutable."""
