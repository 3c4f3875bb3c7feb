"""Rotations of the database's password: the annotation missyou.app/rotate-database-password, and the schedule.

docs/rotation.md has the order of the steps, and why no request fails during them. Where a rotation stands, AWS says:
the record on the instance, and the label AWSPENDING in the secret. Nothing else is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.annotations import ROTATE_PASSWORD, annotation
from missyou_operator.api.status import DatabasePassword, previous_password
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.ecs.taskdefinition import TaskDefinition
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.rds.password import PasswordRecord, digest, next_rotation, secret_suffix
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.aws.secretsmanager.values import staged
from missyou_operator.aws.secretsmanager.versions import SecretVersion, StagedPassword
from missyou_operator.engine.plan import Action, ObservedState, Plan
from missyou_operator.engine.resource import Observed
from missyou_operator.stack import naming
from missyou_operator.stack.context import PasswordLookup


@dataclass(frozen=True, slots=True)
class RotationRequest:
    """The annotation's value ("" for none), and the one that was last carried out, as far as the status knows it."""

    value: str = ""
    handled: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> RotationRequest:
        """Read the request from a MissYouApp object."""
        return cls(annotation(body, ROTATE_PASSWORD), previous_password(body).last_handled)

    def lookup(
        self, app: AppSpec, stack: StackIdentity, world: ObservedState, database: Observed | None, now: datetime
    ) -> PasswordLookup:
        """Return which password the database is to have: its own, the one of a rotation under way, or of a due one."""
        request = digest(self.value)
        secret = _credentials(stack, world)
        if database is None or database.state == "creating" or secret is None:
            return PasswordLookup(request=request)
        record = PasswordRecord.of(database)
        if record.secret != secret_suffix(secret.attrs["arn"]):
            # Restored, or the secret is another one: it gets the current password first.
            return PasswordLookup(request=request)
        upcoming, versions = next_rotation(database), {*secret.attrs["versions"], *_staged(stack, world)}
        if record.rotation and staged(stack.salt, record.rotation) in versions:
            return PasswordLookup(record.rotation, request, under_way=True)
        asked = bool(request) and request != record.handled
        if asked or staged(stack.salt, upcoming) in versions or _overdue(app, database, now):
            return PasswordLookup(upcoming, request, under_way=True)
        return PasswordLookup(record.rotation, request)

    @property
    def is_open(self) -> bool:
        """Whether a rotation is asked for that the status does not know as carried out."""
        return bool(self.value) and self.value != self.handled

    def status(self, app: AppSpec, database: Observed | None) -> DatabasePassword | None:
        """Return what the status says of the password, None where nothing was asked for and nothing has happened."""
        record = PasswordRecord.of(database) if database else PasswordRecord()
        handled = self.value if self.value and digest(self.value) == record.handled else self.handled
        due = _due(app, database) if database else None
        if not handled and record.rotated_at is None and due is None:
            return None
        return DatabasePassword(last_handled=handled or None, last_rotated_at=record.rotated_at, next_rotation_at=due)


def only_rotates(plan: Plan) -> bool:
    """Return whether a plan is that of a rotation from its beginning, and nothing else."""
    begun = [change for change in plan.of(Action.CREATE) if change.type == StagedPassword.TYPE]
    steps = {
        DBInstance.TYPE: {"password"},
        TaskDefinition.TYPE: {"secret_versions"},
        Service.TYPE: {"task_definition"},
    }
    rest = [change for change in plan.changes if change not in begun]
    versions = {f"{SecretVersion.TYPE}/{change.address.partition('/')[2]}" for change in begun}
    return bool(versions) and all(
        change.action is Action.UPDATE
        and not change.destroys
        and (change.address in versions or {item.field for item in change.fields} <= steps.get(change.type, set()))
        for change in rest
    )


def _credentials(stack: StackIdentity, world: ObservedState) -> Observed | None:
    rows = world.get(f"{Secret.TYPE}/{stack.fill(naming.CREDENTIALS)}", ())
    return next((row for row in rows if row.owned), None)


def _staged(stack: StackIdentity, world: ObservedState) -> list[str]:
    """Return the version with the label AWSPENDING: the secret itself may be remembered as it was before."""
    rows = world.get(f"{StagedPassword.TYPE}/{stack.fill(naming.CREDENTIALS)}", ())
    return [str(row.attrs["version"]) for row in rows]


def _due(app: AppSpec, database: Observed) -> datetime | None:
    """Return when the next rotation by schedule is due, None without a schedule."""
    days = app.database.password_rotation_days
    since = PasswordRecord.of(database).rotated_at or database.attrs.get("created")
    return since + timedelta(days=days) if days and since else None


def _overdue(app: AppSpec, database: Observed, now: datetime) -> bool:
    due = _due(app, database)
    return due is not None and due <= now
