"""What changes of the database mean to the app.

Source, unless another is named: RDS User Guide, "Settings for DB instances", which tells of each setting when it
applies and whether there is an outage. The operator applies everything at once, not in the maintenance window.
"""

from __future__ import annotations

from missyou_operator.engine.effects import Effect, Effects

_MODIFY = "ModifyDBInstance"
#: With a standby: the time of a failover. Source: RDS User Guide, "Multi-AZ DB instance deployments": 60-120 seconds.
_FAILOVER = "the database is away for one to two minutes, while the standby takes over; open connections break"
WITH_STANDBY = "with a standby"
_QUIET = Effect(_MODIFY, 60)
#: Of a change that RDS works on for minutes while the database serves.
_BUSY = Effect(_MODIFY, 600, "the database may answer more slowly meanwhile")
_UPGRADE = "RDS User Guide, Upgrading the PostgreSQL DB engine: both instances of a pair are upgraded at once"

EFFECTS = Effects(
    Effect("CreateDBInstance", 420),
    Effect("CreateDBSnapshot, DeleteDBInstance", 420, "the database is gone; a final snapshot is taken before"),
    fields={
        "instance_class": Effect(
            _MODIFY, 600, "the database is away for about 5 minutes; open connections break", restarts=True
        ),
        "engine_version": Effect(
            _MODIFY,
            900,
            "the database is away for about 5 to 15 minutes; open connections break",
            restarts=True,
            source=_UPGRADE,
        ),
        "multi_az": _BUSY,
        "storage_gib": _BUSY,
        "storage_type": _BUSY,
        **dict.fromkeys(
            (
                "backup_retention_days",
                "performance_insights",
                "deletion_protection",
                "publicly_accessible",
                "copy_tags_to_snapshots",
                "auto_minor_upgrades",
                "backup_window",
                "maintenance_window",
                "iam_logins",
                "monitoring_seconds",
                "max_storage_gib",
                "security_group_ids",
                "log_exports",
            ),
            _QUIET,
        ),
        # Dynamic parameters apply at once, others with the next restart.
        "parameter_group": Effect(_MODIFY, 120, source="RDS User Guide, Working with parameter groups"),
        "password": Effect(_MODIFY, 60, "new connections need the new password; open ones stay"),
        # Only a new, empty database is as these ask for: see `replace`.
        **dict.fromkeys(("database_name", "username", "storage_shrink", "major_downgrade"), Effect(_MODIFY)),
    },
    replace=Effect(
        "CreateDBSnapshot, DeleteDBInstance, CreateDBInstance",
        840,
        "the database is away for about 15 minutes, and then it is empty",
        restarts=True,
    ),
    cases={WITH_STANDBY: {"instance_class": Effect(_MODIFY, 900, _FAILOVER, restarts=True)}},
)
