"""The database, from rows as AWS returns them: what counts as a difference, what is sent, how it is deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.rds.evidence import DATA_TAG, GONE
from missyou_operator.aws.rds.instance import ASKED_TAG, DBInstance, asked_tag
from missyou_operator.aws.rds.password import PASSWORD_TAG
from missyou_operator.engine.errors import FlakyError, NotYetError, RefusedError
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, make_plan
from missyou_operator.engine.resource import Observed
from missyou_operator.engine.values import UNKNOWN
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

NOW = datetime(2026, 11, 23, 3, 0, 7, tzinfo=UTC)
DB = DBInstance(
    name="missyou-db",
    component="Database",
    tags=tags("missyou-db"),
    engine_version="15.4",
    instance_class="db.t3.micro",
    storage_gib=20,
    max_storage_gib=100,
    multi_az=True,
    backup_retention_days=7,
    performance_insights=True,
    deletion_protection=True,
    database_name="missyou",
    username="missyou",
    credentials="arn:secret",
    subnet_group="missyou-db",
    parameter_group="missyou-postgres15",
    security_group_ids=("sg-1",),
)
ROW: dict[str, Any] = {
    "DBInstanceIdentifier": "missyou-db",
    "DBInstanceArn": "arn:db",
    "DbiResourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "DBInstanceStatus": "available",
    "DBInstanceClass": "db.t3.micro",
    "Engine": "postgres",
    "EngineVersion": "15.17",
    "AllocatedStorage": 20,
    "MaxAllocatedStorage": 100,
    "StorageType": "gp3",
    "MultiAZ": True,
    "SecondaryAvailabilityZone": "eu-central-1b",
    "BackupRetentionPeriod": 7,
    "PerformanceInsightsEnabled": True,
    "DeletionProtection": True,
    "DBName": "missyou",
    "MasterUsername": "missyou",
    "Endpoint": {"Address": "missyou-db.abc.eu-central-1.rds.amazonaws.com", "Port": 5432},
    "DBSubnetGroup": {"DBSubnetGroupName": "missyou-db"},
    "DBParameterGroups": [{"DBParameterGroupName": "missyou-postgres15", "ParameterApplyStatus": "in-sync"}],
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
    "EnabledCloudwatchLogsExports": ["postgresql"],
    "PubliclyAccessible": False,
    "CopyTagsToSnapshot": True,
    "AutoMinorVersionUpgrade": True,
    "PendingModifiedValues": {},
    "TagList": [
        *row_tags("missyou-db"),
        *tag_list({ASKED_TAG: asked_tag(20, "15.4"), PASSWORD_TAG: "secret"}),
    ],
}
VERSIONS = {
    "DBEngineVersions": [
        {"EngineVersion": "15.15"},
        {"EngineVersion": "15.17", "ValidUpgradeTarget": [{"EngineVersion": "15.18"}, {"EngineVersion": "16.12"}]},
    ]
}


def orderable(*, insights: bool) -> dict[str, Any]:
    return {"OrderableDBInstanceOptions": [{"SupportsPerformanceInsights": insights}]}


def fake(*, insights: bool = True, **answers: Any) -> FakeEc2:
    return FakeEc2(
        describe_db_engine_versions=VERSIONS,
        describe_orderable_db_instance_options=orderable(insights=insights),
        get_secret_value={"SecretString": '{"username": "missyou", "password": "s3cret"}'},
        create_db_instance={"DBInstance": {"DBInstanceIdentifier": "missyou-db", "DBInstanceStatus": "creating"}},
        **answers,
    )


def instance(*, insights: bool = True, storage_tag: str = "20", engine_tag: str = "15.4", **values: Any) -> Observed:
    ours = {ASKED_TAG: f"{storage_tag} {engine_tag}", PASSWORD_TAG: "secret"}
    row = {**ROW, **values, "TagList": [*row_tags("missyou-db"), *tag_list(ours)]}
    rds = fake(insights=insights, describe_db_instances={"DBInstances": [row]})
    [observed] = DBInstance.read(reader_of(cloud_of(rds)))
    return observed


def fields(desired: DBInstance, observed: Observed) -> list[str]:
    return [change.field for change in desired.diff(observed)]


def test_an_untouched_instance_is_as_desired_in_one_call() -> None:
    rds = fake(describe_db_instances={"DBInstances": [ROW, {**ROW, "DBInstanceIdentifier": "other-db"}]})
    [observed] = DBInstance.read(reader_of(cloud_of(rds)))
    assert observed.owned
    assert rds.operations == ["describe_db_instances"]
    assert DB.diff(observed) == ()
    assert (observed.attrs["endpoint"], observed.attrs["port"]) == (ROW["Endpoint"]["Address"], 5432)
    assert observed.attrs["running_version"] == "15.17"


@pytest.mark.parametrize(
    "values",
    [
        {"EngineVersion": "15.19"},
        {"AllocatedStorage": 60},
        {"AllocatedStorage": 120, "MaxAllocatedStorage": 120},
        {"AllocatedStorage": 120, "MaxAllocatedStorage": None},
        {"PendingModifiedValues": {"DBInstanceClass": "db.t3.micro"}, "DBInstanceClass": "db.t3.large"},
        {"PendingModifiedValues": {"MultiAZ": True}, "MultiAZ": False},
        {"PendingModifiedValues": {"MasterUserPassword": "****"}},
        {
            "EnabledCloudwatchLogsExports": [],
            "PendingModifiedValues": {"PendingCloudwatchLogsExports": {"LogTypesToEnable": ["postgresql"]}},
        },
        {"VpcSecurityGroups": [*ROW["VpcSecurityGroups"], {"VpcSecurityGroupId": "sg-2", "Status": "removing"}]},
        {"DBInstanceStatus": "creating", "EnabledCloudwatchLogsExports": [], "Endpoint": None},
        {"PerformanceInsightsEnabled": None},
    ],
)
def test_what_aws_may_change_is_no_difference(values: dict[str, Any]) -> None:
    assert fields(DB, instance(**values)) == []


@pytest.mark.parametrize(
    ("values", "differs"),
    [
        ({"EngineVersion": "15.3"}, "engine_version"),
        ({"DBInstanceClass": "db.t3.large"}, "instance_class"),
        ({"MaxAllocatedStorage": 50}, "max_storage_gib"),
        ({"MaxAllocatedStorage": None}, "max_storage_gib"),
        ({"MultiAZ": False}, "multi_az"),
        ({"PubliclyAccessible": True}, "publicly_accessible"),
        ({"DeletionProtection": False}, "deletion_protection"),
        ({"PerformanceInsightsEnabled": False}, "performance_insights"),
        ({"EnabledCloudwatchLogsExports": ["postgresql", "upgrade"]}, "log_exports"),
        ({"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-9", "Status": "active"}]}, "security_group_ids"),
        ({"DBParameterGroups": [{"DBParameterGroupName": "default.postgres15"}]}, "parameter_group"),
        ({"StorageType": "gp2"}, "storage_type"),
    ],
)
def test_drift_is_a_difference_that_is_changed_in_place(values: dict[str, Any], differs: str) -> None:
    observed = instance(**values)
    assert fields(DB, observed) == [differs]
    assert differs not in DB.FORCES_REPLACEMENT
    rds = fake()
    after = DB.update(cloud_of(rds), observed, frozenset({differs}))
    [sent] = [arguments for operation, arguments in rds.calls if operation == "modify_db_instance"]
    assert sent["ApplyImmediately"]
    assert len(sent) == 3
    assert DB.diff(after) == ()


def test_desired_growth_is_requested_and_recorded_in_the_tag() -> None:
    desired = replace(DB, storage_gib=50)
    [growth, note] = desired.diff(instance())
    assert (growth.field, growth.before, growth.after) == ("storage_gib", "20", "50")
    assert (note.field, note.before, note.after) == ("tags", f"{ASKED_TAG}=20 15.4", f"{ASKED_TAG}=50 15.4")
    rds = fake()
    after = desired.update(cloud_of(rds), instance(), frozenset({"storage_gib", "tags"}))
    assert rds.arguments("modify_db_instance")["AllocatedStorage"] == 50
    assert {"Key": ASKED_TAG, "Value": "50 15.4"} in rds.arguments("add_tags_to_resource")["Tags"]
    assert after.state == "modifying"
    assert desired.diff(after) == ()


def test_a_size_that_autoscaling_has_outgrown_is_only_recorded_in_the_tag() -> None:
    assert fields(replace(DB, storage_gib=50), instance(AllocatedStorage=60)) == ["tags"]


def change_of(desired: DBInstance, observed: Observed) -> tuple[Action, str]:
    flat = replace(desired, after=())
    [change] = make_plan(Graph([flat]), {flat.address: (observed,)}).changes
    return change.action, change.destroys


def test_a_desired_shrink_replaces_the_database_and_names_what_is_lost() -> None:
    observed = instance(AllocatedStorage=60, storage_tag="50")
    assert fields(DB, observed) == ["storage_shrink"]
    action, lost = change_of(DB, observed)
    assert action is Action.REPLACE
    assert "the database missyou-db and everything in it" in lost


def test_without_the_tag_larger_storage_counts_as_growth() -> None:
    assert fields(DB, instance(AllocatedStorage=60, storage_tag="garbage")) == ["tags"]


def test_a_major_version_cannot_be_downgraded() -> None:
    observed = instance(EngineVersion="16.12", engine_tag="16")
    assert fields(DB, observed) == ["major_downgrade"]
    assert change_of(DB, observed)[0] is Action.REPLACE
    assert change_of(replace(DB, engine_version="16", multi_az=False), observed)[0] is Action.UPDATE


def test_a_major_that_aws_forced_is_told_and_replaces_nothing() -> None:
    observed = instance(EngineVersion="16.12")
    assert fields(DB, observed) == []
    health = DB.health(observed)
    assert (health.status, health.reason) == ("ready", "NewerMajor")
    assert 'Set spec.database.engineVersion to "16"' in health.message
    assert change_of(replace(DB, multi_az=False), observed)[0] is Action.UPDATE
    assert fields(replace(DB, engine_version="14.9"), observed) == ["major_downgrade"]


def test_a_major_upgrade_takes_the_parameter_group_along() -> None:
    desired = replace(DB, engine_version="16", parameter_group="missyou-postgres16")
    observed = instance()
    assert set(fields(desired, observed)) == {"engine_version", "parameter_group", "tags"}
    sent = desired.modification(cloud_of(fake()), observed, frozenset(fields(desired, observed)))
    assert sent == {
        "EngineVersion": "16.12",
        "AllowMajorVersionUpgrade": True,
        "DBParameterGroupName": "missyou-postgres16",
    }


def test_a_minor_upgrade_goes_to_the_lowest_that_aws_offers() -> None:
    sent = replace(DB, engine_version="15.18").modification(cloud_of(fake()), instance(), frozenset({"engine_version"}))
    assert sent == {"EngineVersion": "15.18"}


def test_autoscaling_is_off_where_the_maximum_is_the_storage() -> None:
    desired = replace(DB, max_storage_gib=20)
    assert fields(desired, instance(MaxAllocatedStorage=None)) == []
    assert fields(desired, instance()) == ["max_storage_gib"]
    sent = desired.modification(cloud_of(fake()), instance(AllocatedStorage=30), frozenset({"max_storage_gib"}))
    assert sent == {"MaxAllocatedStorage": 30}


def test_performance_insights_is_off_if_the_class_lacks_it() -> None:
    observed = instance(insights=False, PerformanceInsightsEnabled=False)
    assert fields(DB, observed) == []
    assert "AWS does not offer it for db.t3.micro" in DB.health(observed).message
    rds = fake(insights=False)
    DB.create(cloud_of(rds))
    assert rds.arguments("create_db_instance")["EnablePerformanceInsights"] is False


def test_a_class_without_performance_insights_turns_it_off() -> None:
    desired = replace(DB, instance_class="db.t2.micro")
    sent = desired.modification(cloud_of(fake(insights=False)), instance(), frozenset({"instance_class"}))
    assert sent == {"DBInstanceClass": "db.t2.micro", "EnablePerformanceInsights": False}


def test_creation_sends_what_is_pinned_and_reads_the_password_only_then() -> None:
    rds = fake()
    created = DB.create(cloud_of(rds))
    sent = rds.arguments("create_db_instance")
    assert sent["EngineVersion"] == "15.15"
    assert sent["MasterUserPassword"] == "s3cret"
    assert (sent["StorageEncrypted"], sent["PubliclyAccessible"], sent["StorageType"]) == (True, False, "gp3")
    assert sent["EngineLifecycleSupport"] == "open-source-rds-extended-support-disabled"
    assert {"Key": ASKED_TAG, "Value": "20 15.4"} in sent["Tags"]
    assert "s3cret" not in repr(created)
    assert (created.state, created.attrs.get("endpoint")) == ("creating", None)
    assert DB.diff(created) == ()
    assert DB.health(created).typical_seconds == 600


def test_a_fixed_size_sends_no_maximum() -> None:
    rds = fake()
    replace(DB, max_storage_gib=20).create(cloud_of(rds))
    assert "MaxAllocatedStorage" not in rds.arguments("create_db_instance")


@pytest.mark.parametrize("secret", ["not json", "[]", '{"username": "x"}'])
def test_a_secret_without_a_password_is_refused(secret: str) -> None:
    rds = fake()
    rds.answers["get_secret_value"] = {"SecretString": secret}
    with pytest.raises(RefusedError, match="AWSCURRENT"):
        DB.create(cloud_of(rds))


@pytest.mark.parametrize(
    ("code", "message", "becomes"),
    [
        ("InsufficientDBInstanceCapacity", "", FlakyError),
        ("InvalidParameterCombination", "the previous storage change is being optimized", NotYetError),
        ("InvalidParameterValue", "permission to create service linked role", NotYetError),
        ("DBInstanceAlreadyExists", "", NotYetError),
    ],
)
def test_refusals_that_pass_with_time_are_recognised(code: str, message: str, becomes: type[Exception]) -> None:
    rds = fake()
    rds.answers["create_db_instance"] = aws_error(code, message)
    with pytest.raises(becomes):
        DB.create(cloud_of(rds))


@pytest.mark.parametrize(
    ("state", "endpoint", "status", "reason", "words"),
    [
        ("available", True, "ready", "Available", "runs PostgreSQL 15.17 (spec.database.engineVersion: 15.4 or newer)"),
        ("backing-up", True, "ready", "Available", "its backup is being taken"),
        ("backing-up", False, "pending", "Creating", "gets its address next"),
        ("creating", False, "pending", "Creating", "is being created"),
        ("modifying", True, "pending", "Modifying", "is being changed"),
        ("some-new-state", True, "pending", "SomeNewState", "is in the state some-new-state"),
        ("stopped", True, "failed", "Stopped", "aws rds start-db-instance --db-instance-identifier missyou-db"),
        ("storage-full", True, "failed", "StorageFull", "raise spec.database.storageGiB"),
        ("failed", False, "failed", "Failed", "cannot recover it"),
    ],
)
def test_states_have_health_and_message(state: str, endpoint: bool, status: str, reason: str, words: str) -> None:
    values = {} if endpoint else {"Endpoint": None}
    health = DB.health(instance(DBInstanceStatus=state, **values))
    assert (health.status, health.reason) == (status, reason)
    assert words in health.message
    assert health.stalled is (status == "failed")


def test_it_is_changed_only_in_states_that_accept_changes() -> None:
    assert DB.busy(instance()) is None
    assert DB.busy(instance(DBInstanceStatus="storage-full")) is None
    for state in ("modifying", "backing-up", "stopped"):
        assert DB.busy(instance(DBInstanceStatus=state)) is not None


def test_a_database_that_needs_a_restart_says_so() -> None:
    group = {"DBParameterGroupName": "missyou-postgres15", "ParameterApplyStatus": "pending-reboot"}
    assert "aws rds reboot-db-instance" in DB.health(instance(DBParameterGroups=[group])).message


def test_unknown_references_differ() -> None:
    desired = replace(DB, security_group_ids=(UNKNOWN,))  # type: ignore[arg-type]
    assert fields(desired, instance()) == ["security_group_ids"]


def deletion(rds: FakeEc2, observed: Observed, *, final_snapshot: bool = True) -> Any:
    cloud = cloud_of(rds)
    cloud.final_snapshot = final_snapshot
    return DBInstance.delete(cloud, observed, lambda: NOW)


def test_deletion_drops_the_protection_and_takes_a_snapshot() -> None:
    rds = FakeEc2()
    health = deletion(rds, instance())
    assert rds.operations == ["modify_db_instance", "add_tags_to_resource", "delete_db_instance"]
    # Before the deletion: whatever happens then, it is no loss.
    assert {"Key": DATA_TAG, "Value": GONE} in rds.arguments("add_tags_to_resource")["Tags"]
    assert rds.arguments("modify_db_instance")["DeletionProtection"] is False
    sent = rds.arguments("delete_db_instance")
    assert sent["FinalDBSnapshotIdentifier"] == "missyou-db-final-20261123-stuvwxyz"
    assert (sent["SkipFinalSnapshot"], sent["DeleteAutomatedBackups"]) == (False, True)
    assert (health.status, health.typical_seconds) == ("pending", 300)


def test_deletion_without_a_snapshot() -> None:
    rds = FakeEc2()
    deletion(rds, instance(DeletionProtection=False), final_snapshot=False)
    expected = {"DBInstanceIdentifier": "missyou-db", "DeleteAutomatedBackups": True, "SkipFinalSnapshot": True}
    assert rds.arguments("delete_db_instance") == expected
    assert "modify_db_instance" not in rds.operations


def test_a_snapshot_of_that_name_does_not_stop_the_deletion() -> None:
    names: list[str] = []

    def delete(**arguments: Any) -> dict[str, Any]:
        names.append(arguments["FinalDBSnapshotIdentifier"])
        if len(names) == 1:
            raise aws_error("DBSnapshotAlreadyExists")
        return {}

    deletion(FakeEc2(delete_db_instance=delete), instance())
    assert names[1] == f"{names[0]}-030007"


def test_a_deletion_under_way_is_left_alone_and_a_finished_one_is_done() -> None:
    for state in ("deleting", "delete-precheck"):
        rds = FakeEc2()
        assert deletion(rds, instance(DBInstanceStatus=state)).status == "pending"
        assert rds.calls == []
    assert deletion(FakeEc2(delete_db_instance=aws_error("DBInstanceNotFound")), instance()).status == "ready"


def refused(operation: str) -> FakeEc2:
    return FakeEc2(**{operation: aws_error("InvalidDBInstanceState", "is not in available state")})


def test_a_stopped_database_is_started_where_aws_lifts_no_protection() -> None:
    rds = refused("modify_db_instance")
    health = deletion(rds, instance(DBInstanceStatus="stopped"))
    assert rds.operations == ["modify_db_instance", "start_db_instance"]
    assert (health.status, "is being started" in health.message) == ("pending", True)


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("incompatible-parameters", "aws rds reboot-db-instance --db-instance-identifier missyou-db"),
        ("inaccessible-encryption-credentials-recoverable", "aws rds start-db-instance"),
        ("storage-full", "raise spec.database.storageGiB"),
    ],
)
def test_what_holds_a_deletion_up_is_told_with_the_remedy(state: str, remedy: str) -> None:
    with pytest.raises(RefusedError, match=remedy) as told:
        deletion(refused("modify_db_instance"), instance(DBInstanceStatus=state), final_snapshot=False)
    assert "Then it is deleted" in str(told.value)
    health = deletion(refused("modify_db_instance"), instance(DBInstanceStatus="backing-up"), final_snapshot=False)
    assert (health.status, "is deleted afterwards" in health.message) == ("pending", True)


@pytest.mark.parametrize(
    ("values", "wanted", "sent"),
    [
        # Across the threshold, and beyond it, where somebody has bought more.
        (
            {"AllocatedStorage": 100, "Iops": 3000, "StorageThroughput": 125},
            {"storage_gib": 400, "max_storage_gib": 1000},
            {"AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 500, "MaxAllocatedStorage": 1000},
        ),
        (
            {"AllocatedStorage": 400, "Iops": 20000, "StorageThroughput": 700, "MaxAllocatedStorage": 1000},
            {"storage_gib": 500, "max_storage_gib": 1000},
            {"AllocatedStorage": 500, "Iops": 20000, "StorageThroughput": 700, "MaxAllocatedStorage": 1000},
        ),
        # The limit goes along, also where it turns autoscaling off.
        ({}, {"storage_gib": 100}, {"AllocatedStorage": 100, "MaxAllocatedStorage": 100}),
        ({"StorageType": "gp2"}, {}, {"StorageType": "gp3"}),
        ({"StorageType": "io1", "Iops": 1000}, {"storage_gib": 60}, {"StorageType": "gp3"}),
        (
            {"StorageType": "io2", "Iops": 3000, "AllocatedStorage": 500, "MaxAllocatedStorage": 600},
            {"max_storage_gib": 600},
            {"StorageType": "gp3", "AllocatedStorage": 500, "Iops": 12000, "StorageThroughput": 500},
        ),
    ],
)
def test_what_aws_takes_only_together_is_sent_together(
    values: dict[str, Any], wanted: dict[str, int], sent: dict[str, Any]
) -> None:
    desired, observed = replace(DB, **wanted), instance(**values)
    assert desired.modification(cloud_of(fake()), observed, frozenset(fields(desired, observed)) - {"tags"}) == sent


def test_from_400_gib_on_a_new_database_has_its_performance_named() -> None:
    rds = fake()
    replace(DB, storage_gib=400, max_storage_gib=400).create(cloud_of(rds))
    sent = rds.arguments("create_db_instance")
    assert (sent["Iops"], sent["StorageThroughput"], sent["Port"]) == (12000, 500, 5432)


def test_a_class_that_does_not_support_the_running_version_follows_the_upgrade() -> None:
    desired = replace(DB, engine_version="16", instance_class="db.m8g.large", parameter_group="missyou-postgres16")
    rds = fake()
    rds.answers["describe_orderable_db_instance_options"] = {"OrderableDBInstanceOptions": []}
    after = desired.update(cloud_of(rds), instance(), frozenset(fields(desired, instance())))
    sent = rds.arguments("modify_db_instance")
    assert sent["EngineVersion"] == "16.12"
    assert "DBInstanceClass" not in sent
    assert fields(desired, after) == ["instance_class"]


def test_a_required_final_snapshot_is_never_skipped_silently() -> None:
    rds = FakeEc2()
    assert deletion(rds, instance(DBInstanceStatus="creating")).status == "pending"
    with pytest.raises(RefusedError, match="finalSnapshot to false"):
        deletion(rds, instance(DBInstanceStatus="failed"))
    assert rds.calls == []


def test_another_owners_database_is_not_ours() -> None:
    rds = fake(describe_db_instances={"DBInstances": [{**ROW, "TagList": []}]})
    cloud: Cloud = cloud_of(rds, STACK)
    [observed] = DBInstance.read(reader_of(cloud))
    assert not observed.owned
