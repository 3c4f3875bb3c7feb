"""A snapshot of the database on request: the annotation missyou.app/snapshot asks for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.api.annotations import SNAPSHOT, annotation
from missyou_operator.api.components import Component
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.rds.backup_copy import BackupCopy
from missyou_operator.aws.rds.restore import DATABASE_TAG
from missyou_operator.aws.rds.snapshot import DBSnapshot
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.database import Database

#: Characters of a value that go into a name, of which RDS allows 255.
_KEPT = 60


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """The annotation's value ("" for none), and the value for which a snapshot was last begun."""

    value: str = ""
    handled: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> SnapshotRequest:
        """Read the request from a MissYouApp object."""
        status = body.get("status") or {}
        return cls(annotation(body, SNAPSHOT), str(status.get("lastHandledSnapshot", "")))

    def wanted(self, stack: StackIdentity, world: ObservedState) -> str:
        """Return the value, or "" if somebody has deleted its snapshot since: it is not taken a second time."""
        return self.value if self._taken(stack, world) or self.value != self.handled else ""

    def begun(self, stack: StackIdentity, world: ObservedState) -> str:
        """Return the value for which a snapshot was last begun, as the status keeps it."""
        return self.value if any(row.owned for row in self._taken(stack, world)) else self.handled

    def _taken(self, stack: StackIdentity, world: ObservedState) -> Sequence[Observed]:
        # The world may also hold the snapshot of an earlier value.
        return world.get(f"{DBSnapshot.TYPE}/{snapshot_name(stack, self.value)}", ()) if self.value else ()


def snapshot_name(stack: StackIdentity, value: str) -> str:
    """Return the snapshot's name: what of the value can be in a name, and a hash where that is not all of it."""
    slug = re.sub("[^a-z0-9]+", "-", value.lower())[:_KEPT].strip("-")
    digest = hashlib.sha256(value.encode()).hexdigest()[:8]
    return stack.fill(naming.SNAPSHOT, "-".join(filter(None, (slug, "" if slug == value else digest))))


def backups(ctx: Context, db: Database) -> None:
    """Declare the snapshot, if one is requested, and the copy of automated backups in another region."""
    if ctx.app.database.backup_copy_region:
        named = ctx.named(Component.DATABASE)
        ctx.graph.add(
            BackupCopy(
                **named.untagged(naming.DATABASE),
                instance=db.instance.ref("arn", ready=True),
                region=ctx.app.database.backup_copy_region,
                retention_days=ctx.app.database.backup_retention_days,
                copy_tags={**named(naming.DATABASE)["tags"], DATABASE_TAG: ctx.app.database.name},
            )
        )
    if not ctx.lookups.snapshot:
        return
    # RDS copies no tags of the instance to a snapshot that is given tags of its own.
    tags = {DATABASE_TAG: ctx.app.database.name}
    common = ctx.named(Component.DATABASE)(snapshot_name(ctx.stack, ctx.lookups.snapshot), tags=tags)
    ctx.graph.add(DBSnapshot(**common, instance=db.instance.ref(ready=True)))
