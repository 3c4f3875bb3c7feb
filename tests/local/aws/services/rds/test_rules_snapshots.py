"""Snapshots, and databases made from them: what RDS refuses, the nearest that it accepts, and how long it takes."""

from __future__ import annotations

from typing import Any

from missyou_local.aws.services.rds.model import DATABASES
from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused
from tests.local.aws.rules_support import ACCOUNT, Act, Place, Rule, each, hold, steps
from tests.local.aws.services.rds.rules_rds import COMBINATION, VALUE, delete

TAKEN, RESTORE = "API CreateDBSnapshot", "API RestoreDBInstanceFromDBSnapshot"


def _snapshot(suffix: str = "-s") -> Act:
    return lambda s: s.aws.rds.create_db_snapshot(DBInstanceIdentifier=s.name, DBSnapshotIdentifier=f"{s.name}{suffix}")


def _restore(suffix: str = "-s", **changes: Any) -> Act:
    def act(s: Place) -> dict[str, Any]:
        given = {"DBInstanceIdentifier": f"{s.name}-2", "DBSnapshotIdentifier": f"{s.name}{suffix}", **changes}
        return dict(s.aws.rds.restore_db_instance_from_db_snapshot(**given)["DBInstance"])

    return act


def _wait(s: Place) -> None:
    s.aws.clock.advance(s.aws.timing.rds + s.aws.timing.rds_snapshot + s.aws.timing.rds_delete)


def _ready(**changes: Any) -> Act:
    return lambda s: s.database(**changes)


def _group(family: str) -> Act:
    return lambda s: s.aws.rds.create_db_parameter_group(
        DBParameterGroupName=f"{s.name}-{family}", DBParameterGroupFamily=family, Description="x"
    )


def _in_group(family: str) -> Act:
    return lambda s: _restore(DBParameterGroupName=f"{s.name}-{family}")(s)


def _forget(suffix: str) -> Act:
    return lambda s: s.aws.rds.delete_db_snapshot(DBSnapshotIdentifier=f"{s.name}{suffix}")


def _of(says: str, code: str, refused: Act, accepted: Act, **more: Any) -> Rule:
    """A refusal to restore from a snapshot of a database of 20 GiB, 15.16."""
    operation = "rds:RestoreDBInstanceFromDBSnapshot"
    return Rule(operation, says, code, RESTORE, refused, accepted, steps(_ready(), _snapshot(), _wait), **more)


RULES = [
    Rule("rds:CreateDBSnapshot", "the name is taken", "DBSnapshotAlreadyExists", TAKEN, _snapshot(), _snapshot("-t"),
         steps(_ready(), _snapshot(), _wait)),
    Rule("rds:CreateDBSnapshot", "another is being taken", "InvalidDBInstanceState", TAKEN, _snapshot("-t"),
         steps(_wait, _snapshot("-t")), steps(_ready(), _snapshot())),
    Rule("rds:CreateDBSnapshot", "the name is no name", VALUE, TAKEN, _snapshot("--s"), _snapshot("-s"), _ready()),
    Rule("rds:CreateDBSnapshot", "there is no such database", "DBInstanceNotFound", TAKEN, _snapshot(),
         steps(_ready(), _snapshot()), status=404),
    Rule("rds:DeleteDBInstance", "its snapshot is being taken", "InvalidDBInstanceState", "API DeleteDBInstance",
         delete, steps(_wait, delete), steps(_ready(), _snapshot())),
    Rule("rds:DescribeDBSnapshots", "there is none of that name", "DBSnapshotNotFound", "API DescribeDBSnapshots",
         lambda s: s.aws.rds.describe_db_snapshots(DBSnapshotIdentifier=s.name),
         lambda s: s.aws.rds.describe_db_snapshots(), status=404),
    Rule("rds:DeleteDBSnapshot", "it is being taken", "InvalidDBSnapshotState", "API DeleteDBSnapshot", _forget("-s"),
         steps(_wait, _forget("-s")), steps(_ready(), _snapshot())),
    Rule("rds:RestoreDBInstanceFromDBSnapshot", "the snapshot is being taken", "InvalidDBSnapshotState", RESTORE,
         _restore(), steps(_wait, _restore()), steps(_ready(), _snapshot())),
    _of("there is no such snapshot", "DBSnapshotNotFound", _restore("-t"), _restore(), status=404),
    _of("the snapshot is in another region", "DBSnapshotNotFound",
        lambda s: _restore(DBSnapshotIdentifier=f"arn:aws:rds:eu-west-1:{ACCOUNT}:snapshot:{s.name}-s")(s),
        lambda s: _restore(DBSnapshotIdentifier=f"arn:aws:rds:us-east-1:{ACCOUNT}:snapshot:{s.name}-s")(s),
        status=404),
    _of("the database is there", "DBInstanceAlreadyExists", lambda s: _restore(DBInstanceIdentifier=s.name)(s),
        _restore()),
    _of("less storage than the snapshot has", VALUE, _restore(AllocatedStorage=19), _restore(AllocatedStorage=30)),
    _of("a class that there is not", VALUE, _restore(DBInstanceClass="db.t3.tiny"),
        _restore(DBInstanceClass="db.t3.small")),
    _of("a backup window that is too short", VALUE, _restore(PreferredBackupWindow="03:00-03:20"),
        _restore(PreferredBackupWindow="03:00-03:30")),
    Rule("rds:RestoreDBInstanceFromDBSnapshot", "a parameter group of another major", COMBINATION, RESTORE,
         _in_group("postgres16"), _in_group("postgres15"),
         steps(_ready(), _snapshot(), _wait, _group("postgres15"), _group("postgres16"))),
]  # fmt: skip


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def described(aws: Aws, name: str) -> dict[str, Any]:
    [row] = aws.rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
    return dict(row)


def instance(aws: Aws, name: str) -> dict[str, Any]:
    [row] = aws.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return dict(row)


def test_a_snapshot_takes_time_while_its_database_serves(aws: Aws, name: str) -> None:
    """RDS User Guide, "Viewing DB instance status" (backing-up), and API DBSnapshot (PercentProgress)."""
    place = Place(aws, name)
    place.database(StorageEncrypted=True)
    made = aws.rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=f"{name}-s")["DBSnapshot"]
    assert (made["Status"], made["PercentProgress"], made["SnapshotType"]) == ("creating", 0, "manual")
    assert instance(aws, name)["DBInstanceStatus"] == "backing-up"
    aws.clock.advance(aws.timing.rds_snapshot / 2)
    assert described(aws, f"{name}-s")["PercentProgress"] == 50
    aws.clock.advance(aws.timing.rds_snapshot / 2)
    row = described(aws, f"{name}-s")
    assert (row["Status"], row["PercentProgress"], row["Encrypted"]) == ("available", 100, True)
    assert (row["MasterUsername"], row["EngineVersion"], row["AllocatedStorage"]) == ("missyou", "15.16", 20)
    assert row["DbiResourceId"] == instance(aws, name)["DbiResourceId"]
    assert instance(aws, name)["DBInstanceStatus"] == "available"


def test_a_final_snapshot_is_complete_when_its_database_is_gone(aws: Aws, name: str, refused: Refused) -> None:
    """RDS User Guide, "Deleting a DB instance": manual snapshots stay, and so does the final one."""
    place = Place(aws, name)
    place.database()
    _snapshot()(place)
    _wait(place)
    aws.rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=f"{name}-final")
    assert described(aws, f"{name}-final")["Status"] == "creating"
    aws.clock.advance(aws.timing.rds_delete)
    with refused("DBInstanceNotFound"):
        instance(aws, name)
    assert {described(aws, f"{name}{end}")["Status"] for end in ("-final", "-s")} == {"available"}


def test_a_restored_database_has_what_its_snapshot_had_and_aws_defaults_otherwise(aws: Aws, name: str) -> None:
    """API RestoreDBInstanceFromDBSnapshot: Single-AZ, unprotected, the default parameter group, unless it is said."""
    place = Place(aws, name)
    place.database(
        StorageEncrypted=True,
        DBName="letters",
        MultiAZ=True,
        DeletionProtection=True,
        MaxAllocatedStorage=100,
        BackupRetentionPeriod=5,
        EnablePerformanceInsights=True,
        EnableCloudwatchLogsExports=["postgresql"],
        DBParameterGroupName=place.parameter_group,
    )
    _snapshot()(place)
    _wait(place)
    aws.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="changed-later-1", DBPortNumber=5432)
    made = _restore(Tags=[{"Key": "a", "Value": "b"}])(place)
    assert made["DBInstanceStatus"] == "creating"  # type: ignore[index]
    assert "Endpoint" not in instance(aws, f"{name}-2")
    _wait(place)
    row = instance(aws, f"{name}-2")
    kept = ("DBName", "MasterUsername", "EngineVersion", "AllocatedStorage", "BackupRetentionPeriod")
    assert [row[key] for key in kept] == ["letters", "missyou", "15.16", 20, 5]
    assert (row["DBInstanceStatus"], row["StorageEncrypted"], row["TagList"]) == (
        "available",
        True,
        [{"Key": "a", "Value": "b"}],
    )
    assert [row["MultiAZ"], row["DeletionProtection"], row["PerformanceInsightsEnabled"]] == [False] * 3
    assert "MaxAllocatedStorage" not in row
    assert row["EnabledCloudwatchLogsExports"] == []
    assert row["DBParameterGroups"][0]["DBParameterGroupName"] == "default.postgres15"
    assert row["DbiResourceId"] != instance(aws, name)["DbiResourceId"]
    assert password(f"{name}-2") == building.PASSWORD


def password(name: str) -> str:
    return next(databases[name].password for databases in DATABASES.states() if name in databases)


def test_a_new_password_shows_in_the_state(aws: Aws, name: str) -> None:
    """RDS User Guide, "Viewing DB instance status": resetting-master-credentials."""
    Place(aws, name).database()
    aws.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="another-one-1")
    assert instance(aws, name)["DBInstanceStatus"] == "resetting-master-credentials"
    aws.clock.advance(aws.timing.rds_modify)
    assert instance(aws, name)["DBInstanceStatus"] == "available"
