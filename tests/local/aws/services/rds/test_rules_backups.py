"""Automated backups and their copies in another region: what RDS refuses, what it accepts, and what stays how long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused
from tests.local.aws.rules_support import ACCOUNT, Act, Place, Rule, each, hold, steps
from tests.local.aws.services.rds.rules_rds import COMBINATION, VALUE, delete

OTHER, THIRD = "eu-central-1", "eu-west-1"
KEY = f"arn:aws:kms:{OTHER}:{ACCOUNT}:alias/aws/rds"
STATE, STATE_OF_BACKUP = "InvalidDBInstanceState", "InvalidDBInstanceAutomatedBackupState"
START, STOP = "StartDBInstanceAutomatedBackupsReplication", "StopDBInstanceAutomatedBackupsReplication"
RESTORE, FORGET = "RestoreDBInstanceToPointInTime", "DeleteDBInstanceAutomatedBackup"
DAY = 86_400.0


def _arn(s: Place, suffix: str = "") -> str:
    return f"arn:aws:rds:us-east-1:{ACCOUNT}:db:{s.name}{suffix}"


def start(region: str = OTHER, suffix: str = "", **params: Any) -> Act:
    def act(s: Place) -> object:
        rds = s.aws.client("rds", region)
        return rds.start_db_instance_automated_backups_replication(SourceDBInstanceArn=_arn(s, suffix), **params)

    return act


def stop(region: str = OTHER) -> Act:
    return lambda s: s.aws.client("rds", region).stop_db_instance_automated_backups_replication(
        SourceDBInstanceArn=_arn(s)
    )


def _ready(**changes: Any) -> Act:
    return lambda s: s.database(**{"BackupRetentionPeriod": 7, **changes})


def _wait(seconds: float = 0.0) -> Act:
    return lambda s: s.aws.clock.advance(seconds or s.aws.timing.rds + s.aws.timing.rds_delete)


def _delete(**params: Any) -> Act:
    return lambda s: s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, SkipFinalSnapshot=True, **params)


def _identify(s: Place) -> None:
    [row] = s.aws.rds.describe_db_instances(DBInstanceIdentifier=s.name)["DBInstances"]
    s.keep("id", row["DbiResourceId"])


def _forget(region: str = "us-east-1") -> Act:
    return lambda s: s.aws.client("rds", region).delete_db_instance_automated_backup(DbiResourceId=s.kept["id"])


def _restore(seconds_ago: float | None = None, **params: Any) -> Act:
    def act(s: Place) -> object:
        when: dict[str, Any] = {"UseLatestRestorableTime": True}
        if seconds_ago is not None:
            when = {"RestoreTime": datetime.fromtimestamp(s.aws.clock.now - seconds_ago, UTC)}
        given = {"TargetDBInstanceIdentifier": f"{s.name}-2", "SourceDBInstanceIdentifier": s.name, **when, **params}
        return s.aws.rds.restore_db_instance_to_point_in_time(
            **{key: value for key, value in given.items() if value is not None}
        )

    return act


def _start(  # noqa: PLR0917 - the order of Rule's
    says: str, code: str, source: str, refused: Act, accepted: Act, given: Act | None = None, **more: Any
) -> Rule:
    return Rule(f"rds:{START}", says, code, source, refused, accepted, given or _ready(), **more)


def _point(says: str, code: str, refused: Act, accepted: Act, **more: Any) -> Rule:
    """A refusal to restore the database of 20 GiB that has lived for two hours."""
    given = steps(_ready(), _wait(7200.0))
    return Rule(f"rds:{RESTORE}", says, code, f"API {RESTORE}", refused, accepted, given, **more)


_COPIED = steps(_ready(StorageEncrypted=True), _identify, start(KmsKeyId=KEY))
RULES = [
    _start("the database is in the same region", VALUE, "boto/boto3, issue 3201", start("us-east-1"), start(),
           words="Feature is not available in region us-east-1"),
    _start("there is no such database", "DBInstanceNotFound", f"API {START}", start(suffix="-x"), start(), status=404),
    _start("the database is being created", STATE, f"API {START}", start(), steps(_wait(), start()),
           lambda s: building.database(s.aws, s.name, BackupRetentionPeriod=7)),
    _start("the database has no automated backups", STATE, f"API {START}, the stricter reading of the code", start(),
           steps(lambda s: s.aws.rds.modify_db_instance(DBInstanceIdentifier=s.name, BackupRetentionPeriod=1),
                 _wait(), start()), _ready(BackupRetentionPeriod=0)),
    _start("it is encrypted, and no key is given", COMBINATION,
           "aws-cloudformation/cloudformation-coverage-roadmap, issue 2019", start(), start(KmsKeyId=KEY),
           _ready(StorageEncrypted=True), words="Encrypted instances require a valid KMS key ID"),
    _start("a key of another region", "KMSKeyNotAccessibleFault", f"API {START}: KmsKeyId",
           start(KmsKeyId=KEY.replace(OTHER, "us-east-1")), start(KmsKeyId=KEY), _ready(StorageEncrypted=True)),
    _start("a key other than that of what is retained there", COMBINATION,
           "aws-cloudformation/aws-cloudformation-resource-providers-rds, pull request 516; the code is a guess",
           start(KmsKeyId=KEY + "2"), start(KmsKeyId=KEY), steps(_COPIED, stop(), _wait())),
    _start("36 days", VALUE, "RDS guide, Backup retention period: the limit of a database's, the stricter reading",
           start(BackupRetentionPeriod=36), start(BackupRetentionPeriod=35)),
    _start("no days", VALUE, "RDS guide, Backup retention period: 0 switches backups off, the stricter reading",
           start(BackupRetentionPeriod=0), start(BackupRetentionPeriod=1)),
    _start("it is copied already, be it to another region", STATE, f"API {START}, the stricter reading", start(THIRD),
           steps(stop(), _wait(), start(THIRD)), steps(_ready(), start())),
    _start("an earlier copy is being stopped", STATE_OF_BACKUP, f"API {START}", start(), steps(_wait(), start()),
           steps(_ready(), start(), stop())),
    Rule(f"rds:{STOP}", "nothing is copied to this region", STATE,
         "hashicorp/terraform-provider-aws, instance_automated_backups_replication.go", stop(THIRD), stop(),
         steps(_ready(), start()), words="not replicating to the current region"),
    Rule(f"rds:{STOP}", "there is no such database", "DBInstanceNotFound", f"API {STOP}", stop(),
         steps(_ready(), start(), stop()), status=404),
    Rule(f"rds:{FORGET}", "the database is there", STATE_OF_BACKUP, f"API {FORGET}", _forget(),
         steps(_delete(DeleteAutomatedBackups=False), _wait(), _forget()), steps(_ready(), _identify)),
    Rule(f"rds:{FORGET}", "it is still copied", STATE_OF_BACKUP, f"API {FORGET}", _forget(OTHER),
         steps(stop(), _wait(), _forget(OTHER)), _COPIED),
    Rule(f"rds:{FORGET}", "the backups went with the database", "DBInstanceAutomatedBackupNotFound",
         "API DeleteDBInstance: DeleteAutomatedBackups", _forget(),
         steps(_ready(), _identify, _delete(DeleteAutomatedBackups=False), _wait(), _forget()),
         steps(_ready(), _identify, delete, _wait()), status=404),
    _point("before the first backup", VALUE, _restore(3 * 3600.0), _restore(3600.0)),
    _point("the last five minutes", VALUE, _restore(60.0), _restore(360.0)),
    _point("a time, and the latest", COMBINATION, _restore(3600.0, UseLatestRestorableTime=True), _restore(3600.0)),
    _point("no time", COMBINATION, _restore(UseLatestRestorableTime=None), _restore()),
    _point("there are no such backups", "DBInstanceAutomatedBackupNotFound",
           _restore(SourceDBInstanceIdentifier=None, SourceDbiResourceId="db-X"), _restore(), status=404),
    _point("the name is taken", "DBInstanceAlreadyExists",
           lambda s: _restore(TargetDBInstanceIdentifier=s.name)(s), _restore()),
    _point("less storage than the backup has", VALUE, _restore(AllocatedStorage=19), _restore(AllocatedStorage=30)),
]  # fmt: skip


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def _backups(aws: Aws, name: str, region: str = "us-east-1") -> list[dict[str, Any]]:
    filters = [{"Name": "db-instance-id", "Values": [name]}]
    rds = aws.client("rds", region)
    return list(rds.describe_db_instance_automated_backups(Filters=filters)["DBInstanceAutomatedBackups"])


def _shown(aws: Aws, name: str) -> list[str]:
    [row] = aws.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    copied = row.get("DBInstanceAutomatedBackupsReplications", ())
    return [each["DBInstanceAutomatedBackupsArn"].split(":")[3] for each in copied]


def test_backups_go_with_their_database_unless_they_are_retained_and_then_for_their_days(aws: Aws, name: str) -> None:
    """RDS User Guide, "Retaining automated backups"; API DeleteDBInstance (DeleteAutomatedBackups is the default)."""
    place = Place(aws, name)
    place.database(BackupRetentionPeriod=3)
    aws.clock.advance(3600.0)
    [active] = _backups(aws, name)
    assert active["Status"] == "active"
    assert aws.clock.now - active["RestoreWindow"]["LatestTime"].timestamp() == 300.0
    _delete(DeleteAutomatedBackups=False)(place)
    _wait()(place)
    [kept] = _backups(aws, name)
    assert (kept["Status"], kept["DbiResourceId"]) == ("retained", active["DbiResourceId"])
    place.database(BackupRetentionPeriod=3)
    assert sorted(row["Status"] for row in _backups(aws, name)) == ["active", "retained"]
    delete(place)
    _wait()(place)
    assert [row["DbiResourceId"] for row in _backups(aws, name)] == [active["DbiResourceId"]]
    aws.clock.advance(3 * DAY)
    assert _backups(aws, name) == []


def test_a_copy_that_ends_takes_its_time_and_stays_for_its_days(aws: Aws, name: str, refused: Refused) -> None:
    """RDS User Guide, "Stopping automated backup replication": what is copied stays for the copy's own days."""
    place = Place(aws, name)
    place.database(BackupRetentionPeriod=3, StorageEncrypted=True)
    tags = [{"Key": "a", "Value": "b"}]
    start(KmsKeyId=KEY, BackupRetentionPeriod=5, Tags=tags)(place)
    [copy] = _backups(aws, name, OTHER)
    assert (copy["Status"], copy["Region"], copy["BackupRetentionPeriod"]) == ("replicating", "us-east-1", 5)
    assert (copy["TagList"], copy["KmsKeyId"]) == (tags, KEY)
    assert _shown(aws, name) == [OTHER]
    stop()(place)
    # Until it has ended, the source shows it, and a second stop finds nothing to stop.
    assert _shown(aws, name) == [OTHER]
    with refused(STATE, "not replicating"):
        stop()(place)
    aws.clock.advance(aws.timing.backup_copy)
    assert _shown(aws, name) == []
    assert [row["Status"] for row in _backups(aws, name, OTHER)] == ["retained"]
    aws.clock.advance(5 * DAY + 1000.0)
    assert _backups(aws, name, OTHER) == []


def test_a_copy_outlives_its_database(aws: Aws, name: str) -> None:
    """RDS User Guide, "Replicating automated backups": to restore from a copy needs nothing of the first region."""
    place = Place(aws, name)
    place.database(BackupRetentionPeriod=3)
    start(BackupRetentionPeriod=5)(place)
    aws.clock.advance(3600.0)
    delete(place)
    _wait()(place)
    assert _backups(aws, name) == []
    [copy] = _backups(aws, name, OTHER)
    assert copy["Status"] == "retained"
    made = aws.client("rds", OTHER).restore_db_instance_to_point_in_time(
        TargetDBInstanceIdentifier=name,
        SourceDBInstanceAutomatedBackupsArn=copy["DBInstanceAutomatedBackupsArn"],
        UseLatestRestorableTime=True,
    )["DBInstance"]
    assert (made["DBInstanceStatus"], made["MasterUsername"]) == ("creating", "missyou")
