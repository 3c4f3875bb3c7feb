"""The meaning of an RDS instance's states, and of RDS errors that are nobody's fault.

States: Amazon RDS User Guide, "Viewing Amazon RDS DB instance status".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.api.kind import KIND
from missyou_operator.aws.errors import code_of, message_of
from missyou_operator.aws.identity import STACK_TAG
from missyou_operator.aws.rds.versions import major
from missyou_operator.engine.errors import FlakyError, NotYetError, RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, failed, pending

#: The database is available in these states; what RDS does meanwhile is only worth a note.
SERVING = {
    "available": "",
    "backing-up": "its backup is being taken",
    "storage-optimization": "its storage is being optimised, which may take hours",
    "storage-initialization": "its storage is being initialised",
    "configuring-log-exports": "its log exports are being set up",
    "configuring-enhanced-monitoring": "its monitoring is being set up",
    "configuring-iam-database-auth": "its IAM authentication is being set up",
}

#: RDS is at work in these states: what it does, and the seconds that this usually takes.
_BUSY = {
    "creating": ("is being created, which takes ten to fifteen minutes", 600.0),
    "modifying": ("is being changed", 300.0),
    "rebooting": ("is restarting", 60.0),
    "upgrading": ("is being upgraded to another version", 900.0),
    "maintenance": ("is under maintenance by AWS", 600.0),
    "renaming": ("is being renamed", 60.0),
    "resetting-master-credentials": ("is getting a new password", 30.0),
    "starting": ("is starting", 300.0),
    "stopping": ("is stopping", 120.0),
}

_DELETE = "aws rds delete-db-instance --db-instance-identifier {0} --skip-final-snapshot"
_RESTORE_ANOTHER = (
    "could not be restored from its backup. Name another in spec.database.restoreFromSnapshot or restoreToTime, and "
    f"delete this one, so that the operator restores that: {_DELETE}"
)
#: A person is needed in these states: what is wrong, and what to do. `{0}` is the instance's identifier, `{1}` the
#: command that changes the spec (`mending`).
_FAILED = {
    "failed": "has failed and RDS cannot recover it. Why: aws rds describe-events --source-type db-instance "
    "--source-identifier {0}. Delete it, its automated backups kept, and the operator offers what can be restored: "
    f"{_DELETE} --no-delete-automated-backups",
    "incompatible-restore": _RESTORE_ANOTHER,
    "restore-error": _RESTORE_ANOTHER,
    "incompatible-network": "has no network: free addresses in the database subnets, or enable DNS in the VPC, then "
    "start it (aws rds start-db-instance --db-instance-identifier {0})",
    "incompatible-parameters": "cannot start with its parameters: correct the parameter group, then restart it "
    "(aws rds reboot-db-instance --db-instance-identifier {0})",
    "incompatible-option-group": "cannot use its option group: set the default one (aws rds modify-db-instance "
    "--db-instance-identifier {0} --option-group-name GROUP --apply-immediately)",
    "incompatible-create": "could not be created with these settings. Why: aws rds describe-events "
    "--source-type db-instance --source-identifier {0}. Correct spec.database, and delete it, so that the operator "
    f"creates it again: {_DELETE}",
    "inaccessible-encryption-credentials": "has lost its KMS key for good: RDS can only restore it. Enable the key, "
    "which its backups need, too (aws kms enable-key --key-id KEY), and delete the database, its automated backups "
    f"kept: the operator then offers what can be restored. {_DELETE} --no-delete-automated-backups",
    "inaccessible-encryption-credentials-recoverable": "cannot use its KMS key: enable the key within seven days (aws "
    "kms enable-key --key-id KEY), then start the database (aws rds start-db-instance --db-instance-identifier {0})",
    "insufficient-capacity": "cannot start: AWS has no capacity for this class. Choose another "
    "spec.database.instanceClass: {1}",
    "storage-full": "has no storage left: raise spec.database.storageGiB, and maxStorageGiB to let AWS grow it: {1}",
    "stopped": "was stopped by someone: start it (aws rds start-db-instance --db-instance-identifier {0}). "
    "AWS starts it automatically after seven days",
}

#: The state of hours after a change of storage. RDS accepts all changes but the next one of storage.
OPTIMISING = "storage-optimization"
#: States in which RDS accepts changes.
CHANGEABLE = frozenset({"available", OPTIMISING, "storage-full", "incompatible-parameters", "insufficient-capacity"})

#: States in which RDS cannot take a snapshot, now or ever.
WITHOUT_SNAPSHOT = frozenset(
    {"failed", "incompatible-restore", "incompatible-network", "incompatible-create", "restore-error"}
    | {"inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable"}
)


#: The end of RDS's standard support for each major of PostgreSQL; after it, AWS charges for extended support. Source:
#: RDS release notes, "Release calendars for Amazon RDS for PostgreSQL".
_SUPPORT_ENDS = {
    "13": date(2026, 2, 28),
    "14": date(2027, 2, 28),
    "15": date(2028, 2, 29),
    "16": date(2029, 2, 28),
    "17": date(2030, 2, 28),
}
#: How long before that it is said.
_NEAR = timedelta(days=180)


def mending(observed: Observed) -> str:
    """Return the command that changes the spec so that a database in trouble serves again, "" where none does."""
    if observed.state == "storage-full":
        size = int(observed.attrs.get("storage_gib") or 20)
        limit = max(int(observed.attrs.get("max_storage_gib") or 0), 4 * size)
        return _patch(observed, f'{{"storageGiB":{2 * size},"maxStorageGiB":{limit}}}')
    return _patch(observed, '{"instanceClass":"CLASS"}') if observed.state == "insufficient-capacity" else ""


def _patch(observed: Observed, database: str) -> str:
    namespace, _, app = observed.tags.get(STACK_TAG, "").partition("/")
    patch = f'{{"spec":{{"database":{database}}}}}'
    return f"kubectl patch {KIND.lower()} {app} -n {namespace} --type merge -p '{patch}'"


def warning_of(observed: Observed, today: date) -> tuple[str, str]:
    """Return the reason and the text of what a person should do about a database that serves; "" twice for nothing."""
    if observed.attrs.get("parameter_status") == "pending-reboot":
        restart = f"aws rds reboot-db-instance --db-instance-identifier {observed.id}"
        return Reason.RESTART_PENDING, f"needs a restart to use its parameters: {restart}"
    if observed.attrs.get("standby_missing"):
        off, on = (_patch(observed, f'{{"multiAZ":{value}}}') for value in ("false", "true"))
        events = f"aws rds describe-events --source-type db-instance --source-identifier {observed.id} --duration 1440"
        text = (
            "has no standby, though it is Multi-AZ: if its zone fails, the app is away. RDS builds another standby as "
            "soon as it can, for which each database subnet needs a free address. What RDS did since yesterday: "
            f"{events}. If there is none after an hour, have it built anew, while the database serves: {off}, and "
            f"once that is done: {on}"
        )
        return Reason.STANDBY_MISSING, text
    present = str(observed.attrs.get("running_version") or "").partition(".")[0]
    ends = _SUPPORT_ENDS.get(present)
    if ends is not None and ends - today <= _NEAR:
        when = f"ends on {ends}" if today <= ends else f"has ended on {ends}"
        newer = _patch(observed, f'{{"engineVersion":"{int(present) + 1}"}}')
        text = (
            f"RDS's standard support for PostgreSQL {present} {when}, and AWS charges for extended support after it. "
            f"Try a newer major on a restored snapshot, then: {newer}"
        )
        return Reason.SUPPORT_ENDING, text
    return "", ""


def health_of(identifier: str, state: str, *, reachable: bool, mend: str = "") -> Health:
    """Return the health of a state. `reachable` is whether the instance has an endpoint yet; `mend`: see `mending`."""
    reason = "".join(word.capitalize() for word in state.split("-"))
    if state in SERVING and reachable:
        return Health("ready", message=f"{identifier}: {SERVING[state]}") if SERVING[state] else READY
    if state in _FAILED:
        return failed(reason, f"the database {identifier} {_FAILED[state].format(identifier, mend).rstrip(': ')}")
    words, typical_seconds = _BUSY.get(state, (f"is in the state {state}", 120.0))
    if state in SERVING:
        words, typical_seconds, reason = "exists, and gets its address next", 60.0, Reason.CREATING
    return pending(reason, f"the database {identifier} {words}", typical_seconds)


def notes_of(attrs: Mapping[str, Any], engine_version: str, *, insights: bool) -> list[str]:
    """Return notes on a database that is ready; `engine_version` and `insights` are the desired settings."""
    notes, running = [], attrs.get("running_version") or ""
    if running and major(running) > major(engine_version):
        notes.append(
            f"runs PostgreSQL {running}, newer than spec.database.engineVersion ({engine_version}): AWS upgrades by "
            f'force what it no longer supports. Set spec.database.engineVersion to "{major(running)}"'
        )
    elif "." in engine_version and running != engine_version:
        notes.append(f"runs PostgreSQL {running} (spec.database.engineVersion: {engine_version} or newer)")
    if insights and attrs.get("insights_offered") is False:
        notes.append(f"Performance Insights is off: AWS does not offer it for {attrs['instance_class']}")
    if attrs.get("pending"):
        notes.append(f"not applied yet: {', '.join(attrs['pending'])}")
    return notes


@contextmanager
def explained(identifier: str, instance_class: str) -> Iterator[None]:
    """Run a creating or changing call, and recognise errors that pass with time or have a known remedy.

    Errors: FlakyError while AWS lacks capacity, NotYetError during a storage change or while a new account gets its
    service-linked role, RefusedError if windows overlap; all others unchanged.
    """
    try:
        yield
    except ClientError as error:
        code, text = code_of(error), message_of(error).lower()
        if code == "InsufficientDBInstanceCapacity":
            message = (
                f"AWS has no {instance_class} available for {identifier} at the moment; the operator retries it. "
                "If this persists, choose another spec.database.instanceClass"
            )
            raise FlakyError("InsufficientCapacity", message, 120.0) from error
        if code == "InvalidParameterCombination" and "optimiz" in text:
            message = (
                f"{identifier}: AWS is still optimising its storage after the last change, which may take 6 to 24 hours"
            )
            raise NotYetError(Reason.STORAGE_OPTIMIZATION, message, 1800.0) from error
        if code in {"InvalidParameterValue", "InvalidParameterCombination"} and "must not overlap" in text:
            message = (
                f"{identifier}: the backup and the maintenance window must not overlap; AWS chose the one that is "
                "missing in the spec. Set both: spec.database.backupWindow and spec.database.maintenanceWindow"
            )
            raise RefusedError(Reason.INVALID_SPEC, message) from error
        if code == "InvalidParameterValue" and "linked role" in text.replace("-", " "):
            message = (
                f"{identifier} waits for RDS's service-linked role, which AWS creates with an account's first database"
            )
            raise NotYetError(Reason.PROPAGATING, message, 20.0) from error
        raise
