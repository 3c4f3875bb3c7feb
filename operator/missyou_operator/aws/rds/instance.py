"""The database: an RDS instance. Behaviour: RDS API reference, CreateDBInstance to DeleteDBInstance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.informer import Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.rds import evidence as data
from missyou_operator.aws.rds import point_in_time, storage
from missyou_operator.aws.rds.deletion import delete
from missyou_operator.aws.rds.desired import ARGUMENTS, WINDOWS, DesiredInstance
from missyou_operator.aws.rds.effects import EFFECTS, WITH_STANDBY
from missyou_operator.aws.rds.password import PASSWORD_TAG, PasswordRecord, password_due, recorded
from missyou_operator.aws.rds.permissions import PERMISSIONS
from missyou_operator.aws.rds.restore import (
    DATABASE_TAG,
    RESTORED_TAG,
    common_arguments,
    origin_note,
    restore,
    unfinished,
)
from missyou_operator.aws.rds.restore import (
    check as check_snapshot,
)
from missyou_operator.aws.rds.rows import attributes, retag
from missyou_operator.aws.rds.states import CHANGEABLE, OPTIMISING, explained, health_of, mending, notes_of, warning_of
from missyou_operator.aws.rds.versions import Gap, gap, major, offers_insights, version_to_create, version_to_upgrade_to
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.secretsmanager.values import database_password, password_of
from missyou_operator.engine.resource import FieldChange, Health, Observed, Remains, World

#: The tag with the GiB and the version that the spec last asked for. It distinguishes a desired shrink from growth by
#: autoscaling, and a desired downgrade from AWS's own upgrades. One tag for both: AWS allows fifty.
ASKED_TAG = "missyou.app/asked"

#: Changes that take minutes. The instance is `modifying` meanwhile, though it may be `available` for the first minute.
_SLOW = frozenset({"instance_class", "storage_gib", "storage_type", "multi_az", "engine_version"})


def asked_tag(storage_gib: int, engine_version: str) -> str:
    """Return the value of `ASKED_TAG`."""
    return f"{storage_gib} {engine_version}"


def asked_before(observed: Observed) -> tuple[str, str]:
    """Return the GiB and the version that the spec last asked for, by the tag; "" for what it does not say."""
    storage_gib, _, version = observed.tags.get(ASKED_TAG, "").partition(" ")
    return storage_gib, version


@dataclass(frozen=True, kw_only=True)
class DBInstance(DesiredInstance, Named):
    """A PostgreSQL instance; its name is its identifier.

    Three differences have names that are not fields: `major_downgrade` and `storage_shrink`, which only a new, empty
    instance could satisfy, and `password` (see the module of that name).
    """

    TYPE = "rds.DBInstance"
    LISTING = Source("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier")
    FORCES_REPLACEMENT = frozenset({"database_name", "username", "major_downgrade", "storage_shrink"})
    # Running tasks would lose their database, and write while its final snapshot is taken.
    DELETE_AFTER = ("ecs.Service", "rds.BackupCopy")
    EVIDENCE = ("rds.DBSubnetGroup",)
    EFFECTS = EFFECTS
    PERMISSIONS = PERMISSIONS

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tags = tag_map(row.get("TagList"))
        attrs = attributes(row)
        if attrs["performance_insights"] is False and reader.owns(cls, attrs["id"], tags):
            offered = offers_insights(reader, attrs["running_version"], attrs["instance_class"])
            attrs["insights_offered"] = offered is True
        state = row.get("DBInstanceStatus", "creating")
        if state != "creating":
            # Without these, nothing can be said of what differs.
            attrs |= {
                "running_version": row["EngineVersion"],
                "storage_gib": attrs["storage_gib"] or row["AllocatedStorage"],
            }
        state = "deleting" if state == "delete-precheck" else state
        observed = reader.observed(cls, attrs["id"], attrs["id"], attrs, tags, state)
        return replace(observed, attrs={**attrs, "rotation": PasswordRecord.of(observed).rotation})

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare, except during creation: AWS then shows only some fields, and accepts no change."""
        if observed.state == "creating":
            return ()
        previous, version = asked_before(observed)
        shrinks = previous.isdecimal() and self.storage_gib < int(previous)
        asked = version or self.engine_version
        # Without the second condition, an upgrade that AWS forces would have the database replaced.
        downgrades = self._overtaken(observed) and major(self.engine_version) < major(asked)
        changes = list(super(DBInstance, self if shrinks or downgrades else self._tagged()).diff(observed))
        if shrinks:
            changes.append(FieldChange("storage_shrink", f"{previous} GiB", f"{self.storage_gib} GiB"))
        if downgrades:
            changes.append(FieldChange("major_downgrade", observed.attrs["engine_version"], self.engine_version))
        if RESTORED_TAG in observed.tags:
            # A replacement would be restored from the same snapshot, and be no different.
            changes = [change for change in changes if change.field not in {"database_name", "username"}]
        if password_due(observed, self.credentials, self.rotation):
            changes.append(FieldChange("password", "another", "that of db_credentials"))
        return tuple(changes)

    @classmethod
    def case(cls, observed: Observed) -> str:
        """Return whether there is a standby: a change that restarts the database is a failover then."""
        return WITH_STANDBY if observed.attrs["multi_az"] else ""

    def _tagged(self) -> DBInstance:
        return replace(self, tags={**self.tags, ASKED_TAG: asked_tag(self.storage_gib, self.engine_version)})

    def _overtaken(self, observed: Observed) -> bool:
        """Return whether a newer major runs than the desired one."""
        running = observed.attrs["engine_version"]
        return bool(running) and gap(self.engine_version, running) is Gap.DOWNGRADE

    def destroys_data(self, changes: Sequence[FieldChange]) -> bool:  # noqa: ARG002
        """Return True: a new instance is empty."""
        return True

    @classmethod
    def incarnation(cls, observed: Observed) -> str:
        """Return RDS's own ID, which no later instance of the name has."""
        return str(observed.attrs["resource_id"])

    @classmethod
    def holds_data(cls, observed: Observed) -> str:
        """Return what would be lost."""
        return (
            f"the database {observed.id} and everything in it "
            "(a final snapshot is taken first, unless spec.database.finalSnapshot is false)"
        )

    def evidence(self, observed: Observed, world: World) -> str:  # noqa: ARG002
        """Return the tag that its subnet group bears."""
        return data.evidence(observed, self.origin)

    def lost(self, world: World, recorded: str) -> str:
        """Return the resource ID of an instance that held data and was deleted by others."""
        return data.lost(world, recorded, self.origin)

    def remains(self, cloud: Cloud, incarnation: str) -> Remains:
        """List the snapshots that there are, and where to look for more."""
        return data.remains(cloud, self.name, incarnation, self.origin)

    def busy(self, observed: Observed) -> Health | None:
        """Return the health in a state in which AWS accepts no changes, or not those that are due, else None."""
        if observed.state not in CHANGEABLE:
            return self.health(observed)
        waits = self._possible(observed) != self and not self._possible(observed).diff(observed)
        return replace(self.health(observed), reason=Reason.STORAGE_OPTIMIZATION) if waits else None

    def _possible(self, observed: Observed) -> DBInstance:
        """Return what can be had now: no change of storage while AWS optimises the last one, for hours."""
        if observed.state != OPTIMISING:
            return self
        (asked, _), present = asked_before(observed), observed.attrs
        return replace(
            self,
            storage_gib=int(asked) if asked.isdecimal() else present["storage_gib"],
            max_storage_gib=present["max_storage_gib"],
            storage_type=present["storage_type"],
        )

    def health(self, observed: Observed) -> Health:
        """Return the health of the state, with notes on a database that is ready."""
        reachable, mend = bool(observed.attrs.get("endpoint")), mending(observed)
        health = health_of(observed.id, observed.state, reachable=reachable, mend=mend)
        if health.status != "ready":
            return health
        if obstacle := unfinished(self, observed):
            return obstacle
        notes = notes_of(observed.attrs, self.engine_version, insights=self.performance_insights)
        if self._possible(observed).storage_gib < self.storage_gib:
            notes.append(f"storageGiB {self.storage_gib} is asked for when that has ended")
        reason, warning = warning_of(observed, utc_now().date())
        message = "; ".join(filter(None, (health.message, *notes, warning, origin_note(self, observed))))
        reason = Reason.NEWER_MAJOR if self._overtaken(observed) else reason or health.reason
        return replace(health, message=message, reason=reason)

    def check_replacement(self, cloud: Cloud) -> None:
        """Raise what is wrong with the snapshot that the next database is to be restored from."""
        if self.restore_from:
            check_snapshot(cloud, self)
        elif self.restore_to:
            point_in_time.check(cloud, self)

    def create(self, cloud: Cloud) -> Observed:
        """Start its creation, which takes ten minutes or more."""
        password = recorded(self.credentials, "", self.rotation_request)
        tags = {**self._tagged().tags, DATABASE_TAG: self.database_name, PASSWORD_TAG: password}
        with creating(self.address), explained(self.name, self.instance_class):
            row = self._restore(cloud, tags) if self.origin else self._create_empty(cloud, tags)
        known = {name: value for name, value in attributes(row).items() if value is not None}
        known["rotation"] = ""
        return replace(self, tags=tags).as_created(self.name, row.get("DBInstanceStatus", "creating"), **known)

    def _restore(self, cloud: Cloud, tags: Mapping[str, str]) -> Mapping[str, Any]:
        return restore(cloud, self, tags) if self.restore_from else point_in_time.restore(cloud, self, tags)

    def _create_empty(self, cloud: Cloud, tags: Mapping[str, str]) -> Mapping[str, Any]:
        version = version_to_create(cloud, self.engine_version)
        insights = self.performance_insights and offers_insights(cloud, version, self.instance_class) is not False
        grows = {"MaxAllocatedStorage": self.max_storage_gib} if self.max_storage_gib > self.storage_gib else {}
        windows = {ARGUMENTS[name]: getattr(self, name) for name in WINDOWS if getattr(self, name)}
        row: Mapping[str, Any] = cloud.client("rds").create_db_instance(
            DBInstanceIdentifier=self.name,
            Engine="postgres",
            EngineVersion=version,
            DBInstanceClass=self.instance_class,
            StorageType=self.storage_type,
            AllocatedStorage=self.storage_gib,
            **storage.performance(self.storage_gib),
            **grows,
            **windows,
            StorageEncrypted=True,
            DBName=self.database_name,
            MasterUsername=self.username,
            MasterUserPassword=database_password(cloud, str(self.credentials)).reveal(),
            EnablePerformanceInsights=insights,
            **common_arguments(self, tags),
        )["DBInstance"]
        return row

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Change what differs, immediately rather than in the next maintenance window."""
        possible = self._possible(observed)
        if possible != self:
            return possible.update(cloud, observed, frozenset(change.field for change in possible.diff(observed)))
        rds, desired = cloud.client("rds"), self._tagged()
        if observed.lost and DATABASE_TAG not in observed.tags:
            desired = replace(desired, tags={**desired.tags, DATABASE_TAG: self.database_name})
        if {"engine_version", "instance_class"} <= changed and self._class_is_too_new(cloud, observed):
            # AWS takes both at once only if the class supports the version that still runs: API, ModifyDBInstance.
            changed, desired = (
                changed - {"instance_class"},
                replace(desired, instance_class=observed.attrs["instance_class"]),
            )
        arguments = self.modification(cloud, observed, changed)
        if arguments:
            with explained(self.name, self.instance_class):
                rds.modify_db_instance(DBInstanceIdentifier=self.name, ApplyImmediately=True, **arguments)
        if "password" in changed:
            # Only after the call above: until then the tags record that the password is still due.
            # Where the record was lost with the tags, this is no new password: the same one is set again.
            at = utc_now() if PASSWORD_TAG in observed.tags else None
            password = recorded(self.credentials, self.rotation, self.rotation_request, at)
            desired = replace(desired, tags={**desired.tags, PASSWORD_TAG: password})
        if changed & {"tags", "password"}:
            retag(cloud, desired, observed)
        after = desired.as_desired(observed)
        if "password" in changed:
            attrs = {**after.attrs, "rotation": self.rotation}
            return replace(after, attrs=attrs, state="resetting-master-credentials")
        return replace(after, state="modifying") if changed & _SLOW else after

    def _class_is_too_new(self, cloud: Cloud, observed: Observed) -> bool:
        return offers_insights(cloud, observed.attrs["running_version"], self.instance_class) is None

    def modification(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> dict[str, Any]:
        """Return the arguments of ModifyDBInstance: only changes, since AWS would apply all others as well."""
        arguments = {ARGUMENTS[name]: getattr(self, name) for name in ARGUMENTS if name in changed}
        running = observed.attrs["running_version"]
        if "engine_version" in changed:
            arguments["EngineVersion"] = version_to_upgrade_to(cloud, self.engine_version, running)
            if gap(self.engine_version, running) is Gap.MAJOR:
                arguments["AllowMajorVersionUpgrade"] = True
        if "password" in changed:
            arguments["MasterUserPassword"] = password_of(cloud, str(self.credentials), self.rotation).reveal()
        if "instance_class" in changed and self.performance_insights:
            offered = offers_insights(cloud, running, self.instance_class) is not False
            if offered != bool(observed.attrs.get("performance_insights")):
                arguments["EnablePerformanceInsights"] = offered
        arguments |= storage.growth(self.storage_gib, self.max_storage_gib, observed.attrs, changed)
        if "security_group_ids" in changed:
            arguments["VpcSecurityGroupIds"] = list(self.security_group_ids)
        if "log_exports" in changed:
            desired, actual = frozenset(self.log_exports), frozenset(observed.attrs["log_exports"])
            arguments["CloudwatchLogsExportConfiguration"] = {
                "EnableLogTypes": sorted(desired - actual),
                "DisableLogTypes": sorted(actual - desired),
            }
        return arguments

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed, now: Callable[[], datetime] = utc_now) -> Health:
        """Delete it after turning off its protection: callers make sure that it may be deleted.

        Errors: RefusedError if a final snapshot is required and cannot be taken.
        """
        return delete(cloud, observed, now())
