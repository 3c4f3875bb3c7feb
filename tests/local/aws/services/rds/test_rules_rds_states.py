"""What RDS refuses to change and delete, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps
from tests.local.aws.services.rds.rules_rds import COMBINATION, VALUE, create, delete


def _modify(**changes: Any) -> Act:
    return lambda s: s.aws.rds.modify_db_instance(DBInstanceIdentifier=s.name, ApplyImmediately=True, **changes)


def _ready(**changes: Any) -> Act:
    return lambda s: s.database(**changes)


def _wait(s: Place) -> None:
    s.aws.clock.advance(s.aws.timing.rds + s.aws.timing.rds_modify)


def _change(says: str, code: str, refused: dict[str, Any], accepted: dict[str, Any], **more: Any) -> Rule:
    """A change of an available database of 50 GiB that ModifyDBInstance refuses."""
    given = _ready(**{"AllocatedStorage": 50, "PreferredBackupWindow": "03:00-04:00", **more})
    return Rule(
        "rds:ModifyDBInstance", says, code, "API ModifyDBInstance", _modify(**refused), _modify(**accepted), given
    )


_LIMIT = {"MaxAllocatedStorage": 100}
_LARGE = {"AllocatedStorage": 400}
_GROWN = {"AllocatedStorage": 500, "Iops": 12000, "StorageThroughput": 500}
_UPGRADE = {"EngineVersion": "16", "AllowMajorVersionUpgrade": True}
RULES = [
    _change("less storage", COMBINATION, {"AllocatedStorage": 49}, {"AllocatedStorage": 50}),
    _change("a little more storage", COMBINATION, {"AllocatedStorage": 54}, {"AllocatedStorage": 55}),
    _change(
        "a limit that the new size exceeds", COMBINATION, {"AllocatedStorage": 95}, {"AllocatedStorage": 90}, **_LIMIT
    ),
    _change("a size without IOPS, where there are some", COMBINATION, {"AllocatedStorage": 500}, _GROWN, **_LARGE),
    _change("IOPS of the small size for the large one", COMBINATION, {"AllocatedStorage": 400}, _GROWN),
    _change("IOPS for a small size", COMBINATION, {"AllocatedStorage": 100, "Iops": 3000}, {"AllocatedStorage": 100}),
    _change(
        "a class that does not support the version that still runs",
        COMBINATION,
        {**_UPGRADE, "DBInstanceClass": "db.m8g.large"},
        {**_UPGRADE, "DBInstanceClass": "db.m7g.large"},
    ),
    _change("an older version", COMBINATION, {"EngineVersion": "15.15"}, {"EngineVersion": "15.17"}),
    _change(
        "a major version without leave",
        COMBINATION,
        {"EngineVersion": "16"},
        {"EngineVersion": "16", "AllowMajorVersionUpgrade": True},
    ),
    _change(
        "a maintenance window over the backup window",
        VALUE,
        {"PreferredMaintenanceWindow": "sun:03:30-sun:04:30"},
        {"PreferredMaintenanceWindow": "sun:04:00-sun:04:30"},
    ),
    _change("a bad password", VALUE, {"MasterUserPassword": "p@ssword-p@ss"}, {"MasterUserPassword": "p-ssword-p-ss"}),
    _change("an unknown security group", VALUE, {"VpcSecurityGroupIds": ["sg-0"]}, {"BackupRetentionPeriod": 2}),
    _change("a port that is not allowed", VALUE, {"DBPortNumber": 80}, {"DBPortNumber": 5433}),
    Rule(
        "rds:ModifyDBInstance",
        "it is being created",
        "InvalidDBInstanceState",
        "API ModifyDBInstance",
        _modify(BackupRetentionPeriod=3),
        steps(_wait, _modify(BackupRetentionPeriod=3)),
        create(),
    ),
    Rule(
        "rds:ModifyDBInstance",
        "it is being modified",
        "InvalidDBInstanceState",
        "API ModifyDBInstance",
        _modify(BackupRetentionPeriod=3),
        steps(_wait, _modify(BackupRetentionPeriod=3)),
        steps(_ready(), _modify(DBInstanceClass="db.t3.small")),
    ),
    Rule(
        "rds:ModifyDBInstance",
        "it is stopped",
        "InvalidDBInstanceState",
        "RDS guide, Stopping an Amazon RDS DB instance temporarily",
        _modify(DBInstanceClass="db.t3.small"),
        steps(
            lambda s: s.aws.rds.start_db_instance(DBInstanceIdentifier=s.name), _modify(DBInstanceClass="db.t3.small")
        ),
        steps(_ready(), lambda s: s.aws.rds.stop_db_instance(DBInstanceIdentifier=s.name)),
    ),
    Rule(
        "rds:StopDBInstance",
        "it is stopped",
        "InvalidDBInstanceState",
        "API StopDBInstance",
        lambda s: s.aws.rds.stop_db_instance(DBInstanceIdentifier=s.name),
        lambda s: s.aws.rds.start_db_instance(DBInstanceIdentifier=s.name),
        steps(_ready(), lambda s: s.aws.rds.stop_db_instance(DBInstanceIdentifier=s.name)),
    ),
    Rule(
        "rds:RebootDBInstance",
        "it is stopped",
        "InvalidDBInstanceState",
        "API RebootDBInstance",
        lambda s: s.aws.rds.reboot_db_instance(DBInstanceIdentifier=s.name),
        lambda s: s.aws.rds.start_db_instance(DBInstanceIdentifier=s.name),
        steps(_ready(), lambda s: s.aws.rds.stop_db_instance(DBInstanceIdentifier=s.name)),
    ),
    Rule(
        "rds:CreateDBSnapshot",
        "the database is being created",
        "InvalidDBInstanceState",
        "API CreateDBSnapshot",
        lambda s: s.aws.rds.create_db_snapshot(DBInstanceIdentifier=s.name, DBSnapshotIdentifier=s.name),
        steps(
            _wait,
            lambda s: s.aws.rds.create_db_snapshot(DBInstanceIdentifier=s.name, DBSnapshotIdentifier=s.name),
        ),
        create(),
    ),
    Rule(
        "rds:DeleteDBInstance",
        "it is being created",
        "InvalidDBInstanceState",
        "API DeleteDBInstance; aws-behaviour 3.3, the stricter reading",
        delete,
        steps(_wait, delete),
        create(),
    ),
    Rule(
        "rds:DeleteDBInstance",
        "it is being deleted",
        "InvalidDBInstanceState",
        "API DeleteDBInstance",
        delete,
        lambda s: s.aws.rds.describe_db_instances(DBInstanceIdentifier=s.name),
        steps(_ready(), delete),
    ),
    Rule(
        "rds:DeleteDBInstance",
        "it is protected",
        COMBINATION,
        "API DeleteDBInstance",
        delete,
        steps(_modify(DeletionProtection=False), delete),
        _ready(DeletionProtection=True),
        words="Cannot delete protected",
    ),
    Rule(
        "rds:DeleteDBInstance",
        "no word on the final snapshot",
        COMBINATION,
        "API DeleteDBInstance",
        lambda s: s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name),
        delete,
        _ready(),
    ),
    Rule(
        "rds:DeleteDBInstance",
        "a final snapshot, and none",
        COMBINATION,
        "API DeleteDBInstance",
        lambda s: s.aws.rds.delete_db_instance(
            DBInstanceIdentifier=s.name, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier=s.name
        ),
        lambda s: s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, FinalDBSnapshotIdentifier=s.name),
        _ready(),
    ),
    Rule(
        "rds:DeleteDBInstance",
        "the final snapshot's name is no name",
        VALUE,
        "API DeleteDBInstance",
        lambda s: s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, FinalDBSnapshotIdentifier=s.name + "--x"),
        lambda s: s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, FinalDBSnapshotIdentifier=s.name + "-x"),
        _ready(),
    ),
    Rule(
        "rds:DeleteDBInstance",
        "the final snapshot's name is taken",
        "DBSnapshotAlreadyExists",
        "API DeleteDBInstance",
        lambda s: s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, FinalDBSnapshotIdentifier=s.name + "-s"),
        lambda s: s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, FinalDBSnapshotIdentifier=s.name + "-t"),
        steps(
            _ready(),
            lambda s: s.aws.rds.create_db_snapshot(DBInstanceIdentifier=s.name, DBSnapshotIdentifier=s.name + "-s"),
            _wait,
        ),
    ),
    Rule(
        "rds:DeleteDBInstance",
        "there is none",
        "DBInstanceNotFound",
        "API DeleteDBInstance",
        delete,
        lambda s: s.aws.rds.describe_db_instances(),
        status=404,
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
