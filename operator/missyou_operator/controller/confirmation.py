"""What a person has to say before a stack is deleted with its data. Pure.

Whose data it is follows from what was applied, not only from the spec: whoever sets the environment to Development and
deletes in one go has to confirm all the same. A database that was once a production app's says so until it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from missyou_operator.api.annotations import (
    CONFIRM_DELETION,
    annotation,
    approve_command,
    confirm_command,
    patch_command,
)
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.identity import PRODUCTION_TAG
from missyou_operator.controller.approvals import Approvals
from missyou_operator.engine.plan import Change, ObservedState, Plan
from missyou_operator.engine.resource import Health, Observed, failed

_DATABASE = "rds.DBInstance"
#: States in which something holds no data yet, or is being deleted already.
_WITHOUT_DATA = frozenset({"creating", "deleting"})
RETAIN = '{"spec":{"deletionPolicy":"Retain"}}'
_DELETE = '{"spec":{"deletionPolicy":"Delete"}}'
_FINAL_SNAPSHOT = '{"spec":{"database":{"finalSnapshot":true}}}'


@dataclass(frozen=True, slots=True)
class Question:
    """What a deletion waits for. `plan`: what an approval, under `id`, would allow; empty for a confirmation."""

    health: Health
    id: str = ""
    plan: Plan = field(default_factory=Plan)


def is_production(body: Mapping[str, Any], world: ObservedState) -> bool:
    """Return whether a stack is a production app's, by its spec (by default it is) or by what was applied."""
    spec = body.get("spec") or {}
    return spec.get("environment") != "Development" or any(_of_production(row) for row in _owned(world))


def _of_production(row: Observed) -> bool:
    tagged = PRODUCTION_TAG in row.tags or row.tags.get("Environment") == "Production"
    return tagged or (row.kind.TYPE == _DATABASE and bool(row.attrs.get("deletion_protection")))


def unconfirmed(body: Mapping[str, Any], world: ObservedState) -> Question | None:
    """Return what to ask before a production app's data is deleted, None where nothing is to be asked."""
    name, lost = body["metadata"]["name"], [row.kind.holds_data(row) for row in _holding(world)]
    if not lost or not is_production(body, world) or annotation(body, CONFIRM_DELETION) == name:
        return None
    return Question(
        failed(
            Reason.APPROVAL_REQUIRED,
            f"deleting {body['metadata']['namespace']}/{name} destroys {'; '.join(lost)}. Nothing is deleted before "
            f"you confirm: {confirm_command(body)}. To keep everything in AWS instead: {patch_command(body, RETAIN)}",
        )
    )


def uncounted(body: Mapping[str, Any], limit: str) -> Question | None:
    """Return what to ask before a stack is left to itself whose cost counts against a limit, "" where none does."""
    if not limit or annotation(body, CONFIRM_DELETION) == body["metadata"]["name"]:
        return None
    return Question(
        failed(
            Reason.APPROVAL_REQUIRED,
            f"deleting {body['metadata']['namespace']}/{body['metadata']['name']} with spec.deletionPolicy Retain "
            f"leaves its stack in AWS, where it goes on costing and is no longer counted by {limit}. The app waits "
            f"until you confirm: {confirm_command(body)} (needs the verb approve). To delete the stack as well: "
            f"{patch_command(body, _DELETE)}",
        )
    )


def without_copy(plan: Plan, body: Mapping[str, Any], world: ObservedState, *, final_snapshot: bool) -> Plan:
    """Return the deletions that take the last copy of a production database away: no final snapshot is taken."""
    if final_snapshot or not is_production(body, world):
        return Plan()
    held = {(row.address, row.id) for row in _holding(world) if row.kind.TYPE == _DATABASE}
    return Plan(tuple(_last_copy(change) for change in plan.changes if (change.address, change.id) in held))


def _last_copy(change: Change) -> Change:
    text = f"the database {change.id}, its automated backups, and the last copy of its data: no final snapshot is taken"
    return replace(change, destroys=text)


def unapproved(last_copies: Plan, body: Mapping[str, Any], approvals: Approvals) -> tuple[Approvals, Question | None]:
    """Return the approvals after this pass, and what to ask before last copies are taken away."""
    missing = approvals.missing(last_copies)
    if approvals.is_new:
        approved = bool(missing.changes) and approvals.approves(approvals.id(missing.digest))
        approvals = approvals.used(missing if approved else None)
        missing = approvals.missing(missing)
    if not missing.changes:
        return approvals, None
    id_ = approvals.id(missing.digest)
    lost = "; ".join(change.destroys for change in missing.changes)
    health = failed(
        Reason.APPROVAL_REQUIRED,
        f"deleting {body['metadata']['namespace']}/{body['metadata']['name']} destroys {lost}. Nothing is deleted "
        f"before you choose. To have a final snapshot taken: {patch_command(body, _FINAL_SNAPSHOT)}. To delete without "
        f"one: {approve_command(body, id_)}",
    )
    return approvals, Question(health, id_, missing)


def _owned(world: ObservedState) -> list[Observed]:
    # What bears another owner's tags is not deleted.
    return [row for rows in world.values() for row in rows if row.owned and not row.owner]


def _holding(world: ObservedState) -> list[Observed]:
    """List what holds data that a deletion would destroy."""
    return [row for row in _owned(world) if row.state not in _WITHOUT_DATA and row.kind.holds_data(row)]
