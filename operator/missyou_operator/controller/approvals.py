"""Approvals: each is for exactly one plan that was asked for, and is used once.

The ID of a plan covers its changes with the incarnations of what is lost, the UID of the app, and the last approval:
with each that is used, or that names a plan which nobody asks for any more, all IDs become others. So an annotation
that is still there approves nothing, whatever the spec goes back to. Without a status, an annotation that is there
counts as used, too: nobody knows what it was given for. Where every change needs approval, the ID covers the whole spec
as well: a plan shows neither what a new resource will be like nor the values of the environment. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.annotations import APPROVE, annotation
from missyou_operator.api.status import ApprovedPlan, Status
from missyou_operator.controller.permitted import in_words, is_due, permits, permitted
from missyou_operator.engine.plan import Change, Plan


@dataclass(frozen=True, slots=True)
class Approvals:
    """What one app's approvals are judged by.

    `uid`: the app's. `given`: the annotation's value. `asked`: the ID of the plan for which the status asks. `last_id`
    and `number`: of the approval that was last used, and how many there were. `open`: what was approved and is still to
    be made (`permitted`). `every`: whether each change needs approval, not only those that destroy data.
    `generation`: that of the spec; `approved_generation`: that of the plan which is under way, None where none is.
    `replaced`: whether the approval that was last used came for a plan that nobody asked for any more. `unrecorded`:
    whether an approval is used in this pass, and no status tells of it yet.
    """

    uid: str = ""
    given: str = ""
    asked: str = ""
    last_id: str = ""
    number: int = 0
    open: frozenset[str] = frozenset()
    every: bool = False
    spec: str = ""
    generation: int = 0
    approved_generation: int | None = None
    replaced: bool = False
    unrecorded: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any], before: Status, app: AppSpec | None = None) -> Approvals:
        """Read what the object and the status of the pass before say. Without `app`, it is about a deletion."""
        last = before.last_approved_plan or ApprovedPlan(id="", number=0)
        meta = body["metadata"]
        every = app is not None and app.change_policy == "Approve"
        return cls(
            uid=meta["uid"],
            given=annotation(body, APPROVE),
            asked=before.plan.id if before.plan else "",
            last_id=last.id,
            number=last.number,
            open=frozenset(last.changes),
            every=every,
            spec=json.dumps(app.model_dump(mode="json"), sort_keys=True) if app is not None and every else "",
            generation=meta.get("generation", 0),
            approved_generation=last.generation,
            replaced=last.replaced,
        )

    @property
    def is_new(self) -> bool:
        """Whether the annotation names a plan that has not been dealt with yet."""
        return self.given not in {"", self.last_id}

    @property
    def under_way(self) -> bool:
        """Whether the plan that was approved for this very spec is not carried out to its end yet."""
        return self.every and self.approved_generation == self.generation

    @property
    def came_late(self) -> bool:
        """Whether the annotation that is there names a plan that another had replaced when it came."""
        return self.replaced and self.given == self.last_id

    def id(self, what: str) -> str:
        """Return twelve hex digits for a text that stands for a plan."""
        parts = (self.uid, self.last_id, str(self.number), what, self.spec)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    def approves(self, id_: str) -> bool:
        """Return whether the annotation approves a plan, by its ID: somebody has asked for exactly that."""
        return self.given == id_ == self.asked

    def missing(self, plan: Plan) -> Plan:
        """Return the changes of a plan that need approval and have none."""
        # Of another spec than that which was approved, nothing but what destroys data is known to be the same.
        need = plan if self.every else plan.destructive()
        return Plan(tuple(change for change in need.changes if not permits(self.open, change, follows=self.under_way)))

    def used(self, plan: Plan | None) -> Approvals:
        """Use the annotation's approval up, for the changes of a plan; those approved before stay approved.

        None: it is for a plan that nobody asks for any more.
        """
        approved = permitted(plan, every=self.every) if plan else frozenset()
        before, generation = self.open, self.approved_generation
        if plan and self.every and generation != self.generation:
            before, generation = frozenset(entry for entry in before if not in_words(entry)), self.generation
        return replace(
            self,
            last_id=self.given,
            number=self.number + 1,
            open=before | approved,
            approved_generation=generation,
            replaced=plan is None,
            unrecorded=bool(plan and self.every),
        )

    def status(  # noqa: PLR0913 - all that ends an approval
        self,
        before: Status,
        due: Plan,
        done: tuple[Change, ...],
        now: datetime,
        *,
        whole: bool,
        complete: bool = False,
    ) -> ApprovedPlan | None:
        """Return `status.lastApprovedPlan` after a pass.

        What was made, and what is not due any more, is no longer approved. `due`: the changes of the pass, and those
        that are left after it. `whole`: whether everything that it rests on could be read. `complete`: whether AWS is
        as the spec says, so that no plan is under way.
        """
        if not self.number:
            return None
        made = {change.digest for change in done}
        still = {entry for entry in self.open if not whole or is_due(entry, due)} - made
        last = before.last_approved_plan
        at = last.at if last is not None and last.number == self.number else now
        return ApprovedPlan(
            id=self.last_id,
            number=self.number,
            at=at,
            replaced=self.replaced,
            generation=None if complete else self.approved_generation,
            changes=tuple(sorted(still)),
        )
