"""Databases restored from snapshots: which snapshots are suitable.

A restored instance has the master password of its snapshot, which nobody may know any more: see `password`. Sources:
RDS API reference, DescribeDBSnapshots and RestoreDBInstanceFromDBSnapshot; hashicorp/terraform issue 9988 (the name of
the database comes from the snapshot).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import is_absent
from missyou_operator.aws.identity import CLUSTER_TAG, STACK_TAG, UID_TAG, tag_list, tag_map
from missyou_operator.aws.rds import storage
from missyou_operator.aws.rds.desired import DesiredInstance
from missyou_operator.aws.rds.password import NOBODYS, PASSWORD_TAG
from missyou_operator.aws.rds.versions import major
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import Health, Observed, failed, pending

#: On an instance: the snapshot that it was restored from.
RESTORED_TAG = "missyou.app/restored-from"
#: On an instance, and copied to its snapshots: the name of the database in it, which AWS does not show for snapshots.
DATABASE_TAG = "missyou.app/database-name"

#: The maximum length of a tag's value. Source: RDS User Guide, "Tagging Amazon RDS resources".
_TAG_MAX = 256
_FIELD = "spec.database.restoreFromSnapshot"
UNSUITABLE = "SnapshotUnsuitable"


def origin(given: str) -> str:
    """Return the value of `RESTORED_TAG` for a snapshot: the end of its name or ARN, which is the specific part."""
    return given[-_TAG_MAX:]


def unfinished(desired: DesiredInstance, observed: Observed) -> Health | None:
    """Return why a restored instance cannot be used yet, or ever, although it is available."""
    source, name = observed.tags.get(RESTORED_TAG), observed.attrs.get("database_name")
    if source and name and name != desired.database_name:
        return failed(
            UNSUITABLE,
            f"the database in {observed.id}, restored from {source}, is called {name} and cannot be renamed: delete "
            f"this MissYouApp and create it again with spec.database.name: {name}",
        )
    if observed.tags.get(PASSWORD_TAG) == NOBODYS or observed.attrs.get("password_pending"):
        return pending("SettingPassword", f"{observed.id} gets the password of db_credentials next", 30.0)
    return None


def origin_note(desired: DesiredInstance, observed: Observed) -> str:
    """Return a note on an instance's origin if it differs from the snapshot in the spec."""
    source = observed.tags.get(RESTORED_TAG)
    if not desired.origin or source == origin(desired.origin):
        return ""
    actual = f"was restored from {source}" if source else "was created empty"
    field = _FIELD if desired.restore_from else "spec.database.restoreToTime"
    return f"{actual}: {field} only takes effect when a database is created"


def check(cloud: Cloud, desired: DesiredInstance) -> Mapping[str, Any]:
    """Return the snapshot that the spec names. Errors: NotYetError, RefusedError where it cannot be restored."""
    row = _find(cloud, desired.restore_from)
    check_owner(cloud, desired.restore_from, row)
    if problems := unsuitable(row, desired):
        raise RefusedError(UNSUITABLE, f"{_FIELD}: {desired.restore_from} {'; '.join(problems)}")
    return row


def restore(cloud: Cloud, desired: DesiredInstance, tags: Mapping[str, str]) -> Mapping[str, Any]:
    """Start a restore with all settings that the call accepts; the others are set once the instance exists.

    Errors: NotYetError while the snapshot is missing or incomplete, RefusedError if it does not fit the spec.
    """
    row = check(cloud, desired)
    window = {"PreferredBackupWindow": desired.backup_window} if desired.backup_window else {}
    answer: Mapping[str, Any] = cloud.client("rds").restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=desired.name,
        DBSnapshotIdentifier=desired.restore_from,
        DBInstanceClass=desired.instance_class,
        **storage.restored(desired.storage_gib, row),
        **window,
        **common_arguments(desired, {**tags, RESTORED_TAG: origin(desired.restore_from), PASSWORD_TAG: NOBODYS}),
    )["DBInstance"]
    return answer


def common_arguments(desired: DesiredInstance, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that creating an empty instance and restoring one have in common."""
    return {
        "Port": desired.port,
        "MultiAZ": desired.multi_az,
        "DBSubnetGroupName": desired.subnet_group,
        "DBParameterGroupName": desired.parameter_group,
        "VpcSecurityGroupIds": list(desired.security_group_ids),
        "PubliclyAccessible": desired.publicly_accessible,
        "BackupRetentionPeriod": desired.backup_retention_days,
        "CopyTagsToSnapshot": desired.copy_tags_to_snapshots,
        "AutoMinorVersionUpgrade": desired.auto_minor_upgrades,
        "EnableCloudwatchLogsExports": list(desired.log_exports),
        "DeletionProtection": desired.deletion_protection,
        # AWS's default is to continue, for a fee, after the community's support has ended.
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "Tags": tag_list(tags),
    }


def _find(cloud: Cloud, given: str) -> Mapping[str, Any]:
    """Read a complete snapshot by its name or ARN. Errors: NotYetError, RefusedError."""
    _, _, _, region, account, *_ = f"{given}:::::".split(":") if given.startswith("arn:") else [""] * 5
    if region not in {"", cloud.stack.region}:
        raise RefusedError(
            UNSUITABLE,
            f"{_FIELD}: {given} is in {region}, the stack in {cloud.stack.region}. Copy it (aws rds copy-db-snapshot "
            f"--region {cloud.stack.region} --source-region {region} --source-db-snapshot-identifier {given} "
            "--kms-key-id alias/aws/rds --target-db-snapshot-identifier …) and name the copy",
        )
    shared = {"IncludeShared": True} if account not in {"", cloud.stack.account} else {}
    try:
        rows = cloud.client("rds").describe_db_snapshots(DBSnapshotIdentifier=given, **shared)["DBSnapshots"]
    except ClientError as error:
        if not is_absent(error):
            raise
        rows = []
    if not rows:
        raise NotYetError(
            Reason.SNAPSHOT_NOT_FOUND,
            f"{_FIELD}: account {cloud.stack.account} has no access to a snapshot {given} in {cloud.stack.region}. "
            "The stack continues once it has; or name another (aws rds describe-db-snapshots "
            "--query DBSnapshots[].DBSnapshotIdentifier)",
            60.0,
        )
    row: Mapping[str, Any] = rows[0]
    if row["Status"] in {"creating", "copying"}:
        raise NotYetError("SnapshotCreating", f"{_FIELD}: the stack continues once {given} is complete", 60.0)
    return row


def check_owner(cloud: Cloud, given: str, row: Mapping[str, Any], field: str = _FIELD) -> None:
    """Refuse a snapshot, or automated backups, that is not the asker's, and say nothing of what is in it.

    Permission to write a MissYouApp in one namespace is no permission to read the data of another: nor that of a
    namespace of the same name in another cluster, nor that of who had the namespace before. Without tenants, a
    snapshot that names no owner is anybody's. Error: RefusedError.
    """
    stack, tags, grant = cloud.stack, tag_map(row.get("TagList")), cloud.grant
    if grant is not None and grant.covers_snapshot(given):
        return
    owner, cluster, uid = (tags.get(key, "") for key in (STACK_TAG, CLUSTER_TAG, UID_TAG))
    namespace, here = stack.app.partition("/")[0], {stack.cluster} if grant is not None else {stack.cluster, ""}
    inherited = cloud.inherits and owner == stack.app and (grant is None or cluster in here)
    if (owner or grant is not None) and not inherited:
        theirs = owner.partition("/")[0] != namespace or cluster not in here
        if theirs:
            raise RefusedError(Reason.NOT_GRANTED, f"{field}: {given} {_whose(cloud, owner, cluster, namespace)}")
    if uid and uid != stack.uid and not inherited and not cloud.lives(uid):
        raise RefusedError(
            Reason.NOT_GRANTED,
            f"{field}: {given} was taken of an app that the namespace {namespace} has no longer, perhaps of other "
            f"people's. If its data is to be this app's: {stack.take_over_command()}",
        )


def _whose(cloud: Cloud, owner: str, cluster: str, namespace: str) -> str:
    """Return why a snapshot is not a namespace's, and what to do."""
    whose = f"belongs to {owner} of cluster {cluster or '(unknown)'}" if owner else "names no owner in its tags"
    if cloud.grant is not None:
        asked = f"ask whoever administers MissYouTenant/{cloud.grant.tenant} to add it to spec.snapshots"
        return f"{whose}, and is not granted to the namespace {namespace}: {asked}"
    remedy = (
        f"{whose}, and not to the namespace {namespace} of this cluster ({cloud.stack.cluster}): ask someone who may "
        "read its data to copy it without its tags (aws rds copy-db-snapshot), and name the copy"
    )
    if owner == cloud.stack.app:
        heir = "If this app is that one's heir, in place of a cluster that is gone"
        remedy += f". {heir}: {cloud.stack.take_over_command()}"
    return remedy


def unsuitable(row: Mapping[str, Any], desired: DesiredInstance) -> list[str]:
    """List the reasons why a snapshot (a row of DescribeDBSnapshots) cannot become the database of the spec."""
    problems, tags = [], tag_map(row.get("TagList"))
    user, name, version = row["MasterUsername"], tags.get(DATABASE_TAG, desired.database_name), row["EngineVersion"]
    if row["Status"] != "available":
        problems.append(f"is in the state {row['Status']}: name another snapshot")
    if row["Engine"] != "postgres":
        return [f"is a snapshot of {row['Engine']}: name one of PostgreSQL"]
    if not row.get("Encrypted"):
        source = row["DBSnapshotIdentifier"]
        problems.append(
            "is not encrypted, so the database would not be either: make an encrypted copy (aws rds copy-db-snapshot "
            f"--source-db-snapshot-identifier {source} --target-db-snapshot-identifier {source}-encrypted "
            "--kms-key-id alias/aws/rds) and name that"
        )
    if user != desired.username:
        problems.append(f"keeps the user {user}: create the MissYouApp with spec.database.username: {user}")
    if name != desired.database_name:
        problems.append(f"keeps the database {name}: create the MissYouApp with spec.database.name: {name}")
    if major(version) != major(desired.engine_version):
        older = ", and raise it when the stack is Ready" if major(version) < major(desired.engine_version) else ""
        problems.append(f'holds PostgreSQL {version}: set spec.database.engineVersion to "{major(version)}"{older}')
    return problems
