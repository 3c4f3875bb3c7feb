"""Approvals: each is for exactly one plan that was asked for, and is used once.

The ID of a plan covers its changes with the incarnations of what is lost, the UID of the app, and the last approval:
with each that is used, or that names a plan which nobody asks for any more, all IDs become others. So an annotation
that is still there approves nothing, whatever the spec goes back to. Without a status, an annotation that is there
counts as used, too: nobody knows what it was given for. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from missyou_operator.api.annotations import APPROVE, annotation
from missyou_operator.api.status import ApprovedPlan, Status
from missyou_operator.engine.plan import Change, Plan


@dataclass(frozen=True, slots=True)
class Approvals:
    """What one app's approvals are judged by.

    `uid`: the app's. `given`: the annotation's value. `asked`: the ID of the plan for which the status asks. `last_id`
    and `number`: of the approval that was last used, and how many there were. `open`: the changes that were approved
    and are still to be made, by their digests.
    """

    uid: str = ""
    given: str = ""
    asked: str = ""
    last_id: str = ""
    number: int = 0
    open: frozenset[str] = frozenset()

    @classmethod
    def of(cls, body: Mapping[str, Any], before: Status) -> Approvals:
        """Read what the object and the status of the pass before say."""
        last = before.last_approved_plan or ApprovedPlan(id="", number=0)
        asked = before.plan.id if before.plan else ""
        given = annotation(body, APPROVE)
        return cls(body["metadata"]["uid"], given, asked, last.id, last.number, frozenset(last.changes))

    @property
    def is_new(self) -> bool:
        """Whether the annotation names a plan that has not been dealt with yet."""
        return self.given not in {"", self.last_id}

    def id(self, what: str) -> str:
        """Return twelve hex digits for a text that stands for a plan."""
        parts = (self.uid, self.last_id, str(self.number), what)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    def approves(self, id_: str) -> bool:
        """Return whether the annotation approves a plan, by its ID: somebody has asked for exactly that."""
        return self.given == id_ == self.asked

    def missing(self, plan: Plan) -> Plan:
        """Return the changes of a plan that destroy data and were not approved."""
        return Plan(tuple(change for change in plan.destructive().changes if change.digest not in self.open))

    def used(self, plan: Plan) -> Approvals:
        """Use the annotation's approval up, for the changes of a plan; those approved before stay approved."""
        approved = {change.digest for change in plan.destructive().changes}
        return replace(self, last_id=self.given, number=self.number + 1, open=self.open | approved)

    def status(
        self, before: Status, due: Plan, done: tuple[Change, ...], now: datetime, *, whole: bool
    ) -> ApprovedPlan | None:
        """Return `status.lastApprovedPlan` after a pass.

        What was made, and what is not due any more, is no longer approved. `due`: the plan of the pass. `whole`:
        whether everything that it rests on could be read.
        """
        if not self.number:
            return None
        made = {change.digest for change in done}
        asked_for = {change.digest for change in due.destructive().changes}
        still = (self.open & asked_for if whole else self.open) - made
        last = before.last_approved_plan
        at = last.at if last is not None and last.number == self.number else now
        return ApprovedPlan(id=self.last_id, number=self.number, at=at, changes=tuple(sorted(still)))
