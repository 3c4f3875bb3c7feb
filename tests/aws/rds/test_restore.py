"""Databases restored from snapshots: which are suitable, what is sent, and until when the password is due."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.rds.password import PASSWORD_TAG, password_due
from missyou_operator.aws.rds.restore import RESTORED_TAG
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import Observed
from missyou_operator.engine.values import UNKNOWN
from tests.aws.fake import FakeEc2, aws_error, cloud_of, reader_of
from tests.aws.rds.test_instance import DB, ROW, fake

HEIR = replace(DB, restore_from="gift")
SNAPSHOT: dict[str, Any] = {
    "DBSnapshotIdentifier": "gift",
    "Status": "available",
    "Engine": "postgres",
    "EngineVersion": "15.17",
    "MasterUsername": "missyou",
    "Encrypted": True,
    "AllocatedStorage": 20,
    "TagList": [],
}


def giving(**values: Any) -> FakeEc2:
    return FakeEc2(
        describe_db_snapshots={"DBSnapshots": [{**SNAPSHOT, **values}]},
        restore_db_instance_from_db_snapshot={
            "DBInstance": {"DBInstanceIdentifier": "missyou-db", "DBInstanceStatus": "creating"}
        },
        get_secret_value={"SecretString": '{"username": "missyou", "password": "s3cret"}'},
    )


def tagged(**tags: str) -> list[dict[str, str]]:
    return tag_list({f"missyou.app/{name.replace('_', '-')}": value for name, value in tags.items()})


def restored(**values: Any) -> Observed:
    """Return a restored instance whose password is still due."""
    ours = {PASSWORD_TAG: values.pop("password_of", "none"), RESTORED_TAG: "gift"}
    tags = [*(tag for tag in ROW["TagList"] if tag["Key"] not in ours), *tag_list(ours)]
    rds = fake(describe_db_instances={"DBInstances": [{**ROW, **values, "TagList": tags}]})
    [observed] = DBInstance.read(reader_of(cloud_of(rds)))
    return observed


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Status": "failed"}, "is in the state failed: name another"),
        ({"Engine": "mysql"}, "is a snapshot of mysql: name one of PostgreSQL"),
        ({"Encrypted": False}, "--target-db-snapshot-identifier gift-encrypted --kms-key-id alias/aws/rds"),
        ({"MasterUsername": "writer"}, "create the MissYouApp with spec.database.username: writer"),
        ({"TagList": tagged(database_name="letters")}, "create the MissYouApp with spec.database.name: letters"),
        ({"EngineVersion": "14.9"}, 'engineVersion to "14", and raise it when the stack is Ready'),
        ({"EngineVersion": "16.1"}, 'engineVersion to "16"'),
        ({"EngineVersion": "11.22-rds.20240418"}, 'engineVersion to "11"'),
        ({"TagList": tagged(stack="others/missyou")}, "belongs to others/missyou of cluster (unknown)"),
    ],
)
def test_an_unsuitable_snapshot_is_refused_with_a_remedy_and_nothing_is_restored(
    values: dict[str, Any], expected: str
) -> None:
    rds = giving(**values)
    with pytest.raises(RefusedError) as raised:
        HEIR.create(cloud_of(rds))
    assert expected in str(raised.value)
    assert "spec.database.restoreFromSnapshot: gift" in str(raised.value)
    assert rds.operations == ["describe_db_snapshots"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (aws_error("DBSnapshotNotFound"), "SnapshotNotFound"),
        ({"DBSnapshots": []}, "SnapshotNotFound"),
        ({"DBSnapshots": [{**SNAPSHOT, "Status": "creating"}]}, "SnapshotCreating"),
        ({"DBSnapshots": [{**SNAPSHOT, "Status": "copying"}]}, "SnapshotCreating"),
    ],
)
def test_a_missing_or_incomplete_snapshot_is_waited_for(answer: Any, reason: str) -> None:
    with pytest.raises(NotYetError) as raised:
        HEIR.create(cloud_of(FakeEc2(describe_db_snapshots=answer)))
    assert classify(raised.value).reason == reason


def test_a_snapshot_in_another_region_is_refused_with_the_command_to_copy_it() -> None:
    arn = "arn:aws:rds:us-east-1:123456789012:snapshot:gift"
    with pytest.raises(RefusedError, match="copy-db-snapshot --region eu-central-1 --source-region us-east-1"):
        replace(DB, restore_from=arn).create(cloud_of(FakeEc2()))


@pytest.mark.parametrize(("account", "shared"), [("123456789012", None), ("999999999999", True)])
def test_a_snapshot_of_another_account_is_read_as_a_shared_one(account: str, shared: bool | None) -> None:
    rds = giving()
    replace(DB, restore_from=f"arn:aws:rds:eu-central-1:{account}:snapshot:gift").create(cloud_of(rds))
    assert rds.arguments("describe_db_snapshots").get("IncludeShared") == shared


@pytest.mark.parametrize(("storage", "sent"), [(20, None), (10, None), (40, 40)])
def test_storage_is_sent_only_if_it_is_larger_than_the_snapshots(storage: int, sent: int | None) -> None:
    rds = giving()
    replace(HEIR, storage_gib=storage).create(cloud_of(rds))
    assert rds.arguments("restore_db_instance_from_db_snapshot").get("AllocatedStorage") == sent


@pytest.mark.parametrize(
    ("snapshot", "storage", "sent"),
    [
        ({"StorageType": "io1", "Iops": 1000, "AllocatedStorage": 100}, 20, {"StorageType": "gp3", "Iops": 0}),
        (
            {"StorageType": "io2", "Iops": 5000, "AllocatedStorage": 100},
            400,
            {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 500},
        ),
        (
            {"StorageType": "gp3", "AllocatedStorage": 500},
            20,
            {"StorageType": "gp3", "Iops": 12000, "StorageThroughput": 500},
        ),
        ({"StorageType": "gp2", "Port": 5433}, 20, {"Port": 5432}),
    ],
)
def test_a_snapshot_of_another_kind_of_storage_or_port_becomes_ours(
    snapshot: dict[str, Any], storage: int, sent: dict[str, Any]
) -> None:
    rds = giving(**snapshot)
    replace(HEIR, storage_gib=storage).create(cloud_of(rds))
    arguments = rds.arguments("restore_db_instance_from_db_snapshot")
    about = ("StorageType", "AllocatedStorage", "Iops", "StorageThroughput", *sent)
    assert {key: arguments[key] for key in about if key in arguments} == sent


def test_the_tags_of_a_restore_record_that_the_password_is_due() -> None:
    rds = giving()
    HEIR.create(cloud_of(rds))
    sent = rds.arguments("restore_db_instance_from_db_snapshot")
    assert {"Key": RESTORED_TAG, "Value": "gift"} in sent["Tags"]
    assert {"Key": PASSWORD_TAG, "Value": "none"} in sent["Tags"]
    observed = restored()
    assert [change.field for change in HEIR.diff(observed)] == ["password"]
    assert HEIR.health(observed).reason == "SettingPassword"


def test_the_tag_follows_the_password_and_only_then_it_is_ready() -> None:
    rds, observed = fake(), restored()
    after = HEIR.update(cloud_of(rds), observed, frozenset({"password"}))
    assert rds.operations == ["get_secret_value", "modify_db_instance", "add_tags_to_resource"]
    assert rds.arguments("modify_db_instance")["MasterUserPassword"] == "s3cret"
    [tag] = [each for each in rds.arguments("add_tags_to_resource")["Tags"] if each["Key"] == PASSWORD_TAG]
    assert tag["Value"].startswith("secret+++20")
    assert (password_due(after, HEIR.credentials, ""), HEIR.health(after).status) == (False, "pending")
    done = restored(password_of="secret")
    assert (HEIR.diff(done), HEIR.health(done).status) == ((), "ready")


def test_a_refused_password_leaves_no_tag() -> None:
    rds = fake(modify_db_instance=aws_error("InvalidDBInstanceState"))
    with pytest.raises(Exception, match="InvalidDBInstanceState"):
        HEIR.update(cloud_of(rds), restored(), frozenset({"password"}))
    assert "add_tags_to_resource" not in rds.operations


def test_a_secret_made_anew_has_its_password_set() -> None:
    """It may have been deleted for good: its successor bears another ARN, and another password."""
    there = restored(password_of="secret")
    anew = replace(HEIR, credentials="arn:aws:secretsmanager:eu-central-1:1:secret:missyou/db_credentials-AbCdEf")
    assert [change.field for change in anew.diff(there)] == ["password"]
    after = anew.update(cloud_of(fake()), there, frozenset({"password"}))
    assert anew.diff(after) == ()
    assert replace(HEIR, credentials=UNKNOWN).diff(there) == ()  # type: ignore[arg-type]


def test_a_password_that_aws_has_not_applied_yet_is_waited_for() -> None:
    observed = restored(password_of="secret", PendingModifiedValues={"MasterUserPassword": "****"})
    assert HEIR.health(observed).reason == "SettingPassword"


def test_the_longest_snapshot_name_fits_into_the_tag() -> None:
    longest = replace(DB, restore_from=f"arn:aws:rds:eu-central-1:123456789012:snapshot:{'g' * 255}")
    rds = giving()
    longest.create(cloud_of(rds))
    sent = rds.arguments("restore_db_instance_from_db_snapshot")
    tags = {tag["Key"]: tag["Value"] for tag in sent["Tags"]}
    assert len(tags[RESTORED_TAG]) == 256
    tags[PASSWORD_TAG] = "secret"
    there = fake(describe_db_instances={"DBInstances": [{**ROW, "TagList": tag_list(tags)}]})
    [observed] = DBInstance.read(reader_of(cloud_of(there)))
    assert "counts only when" not in longest.health(observed).message


def test_no_change_shows_the_password() -> None:
    [change] = HEIR.diff(restored())
    assert "s3cret" not in repr(change)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [(None, "was created empty"), ("another", "was restored from another"), ("gift", "")],
)
def test_an_origin_other_than_in_the_spec_is_noted(origin: str | None, expected: str) -> None:
    tags = [*ROW["TagList"]]
    tags += [{"Key": RESTORED_TAG, "Value": origin}] if origin else []
    rds = fake(describe_db_instances={"DBInstances": [{**ROW, "TagList": tags}]})
    [observed] = DBInstance.read(reader_of(cloud_of(rds)))
    message = HEIR.health(observed).message
    assert expected in message
    assert ("only takes effect when a database is created" in message) == bool(expected)


@pytest.mark.parametrize(
    ("stack", "cluster", "uid", "words"),
    [
        ("default/missyou", "another-cluster", "", "of cluster another-cluster"),
        ("default/other", "another-cluster", "", "of cluster another-cluster"),
        ("default/missyou", "", "of-another-time", "missyou.app/take-over=true"),
    ],
)
def test_a_snapshot_of_a_namesake_is_refused_and_nothing_is_told_of_it(
    stack: str, cluster: str, uid: str, words: str
) -> None:
    """A namespace's name is no proof: another cluster has one as well, and others may have had it before."""
    tags = tagged(**{"stack": stack, **({"cluster": cluster} if cluster else {}), **({"uid": uid} if uid else {})})
    rds = giving(TagList=tags, MasterUsername="sophie", EngineVersion="14.9")
    with pytest.raises(RefusedError) as raised:
        HEIR.create(cloud_of(rds))
    assert classify(raised.value).reason == "NotGranted"
    assert words in str(raised.value)
    assert "sophie" not in str(raised.value)
    assert "14" not in str(raised.value)
    assert rds.operations == ["describe_db_snapshots"]
