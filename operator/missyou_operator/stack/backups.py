"""A snapshot of the database that somebody asks for, by the annotation missyou.app/snapshot."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.api.annotations import SNAPSHOT, annotation
from missyou_operator.api.components import Component
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.rds.restore import DATABASE_TAG
from missyou_operator.aws.rds.snapshot import DBSnapshot
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.database import Database

#: What stays of a value in a name; a snapshot's name may have 255 characters.
_KEPT = 60


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """The value of the annotation ("" for none), and that for which a snapshot was last begun."""

    value: str = ""
    handled: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> SnapshotRequest:
        """Read it from a MissYouApp object."""
        status = body.get("status") or {}
        return cls(annotation(body, SNAPSHOT), str(status.get("lastHandledSnapshot", "")))

    def wanted(self, stack: StackIdentity, world: ObservedState) -> str:
        """Give the value, unless somebody has deleted the snapshot since: it is not taken a second time."""
        return self.value if self._taken(stack, world) or self.value != self.handled else ""

    def begun(self, stack: StackIdentity, world: ObservedState) -> str:
        """Give the value for which a snapshot was last begun, as the status keeps it."""
        return self.value if any(row.owned for row in self._taken(stack, world)) else self.handled

    def _taken(self, stack: StackIdentity, world: ObservedState) -> Sequence[Observed]:
        # The world may hold another one as well, for which was asked a moment ago.
        return world.get(f"{DBSnapshot.TYPE}/{snapshot_name(stack, self.value)}", ()) if self.value else ()


def snapshot_name(stack: StackIdentity, value: str) -> str:
    """Name the snapshot for a value: what of it can be in a name, and a hash where that is not all."""
    slug = re.sub("[^a-z0-9]+", "-", value.lower())[:_KEPT].strip("-")
    digest = hashlib.sha256(value.encode()).hexdigest()[:8]
    return stack.fill(naming.SNAPSHOT, "-".join(filter(None, (slug, "" if slug == value else digest))))


def backups(ctx: Context, db: Database) -> None:
    """Declare the snapshot, if one is asked for."""
    if not ctx.facts.snapshot:
        return
    named = ctx.named(Component.DATABASE, full=snapshot_name(ctx.stack, ctx.facts.snapshot))
    # Tags that a snapshot is given take the place of those that it would copy.
    named["tags"] = {**named["tags"], DATABASE_TAG: ctx.app.database.name}
    ctx.graph.add(DBSnapshot(**named, instance=db.instance.ref(ready=True)))
