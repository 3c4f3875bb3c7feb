"""A snapshot of the database that somebody asks for, by the annotation missyou.app/snapshot."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from missyou_operator.aws.rds_restore import DATABASE_TAG
from missyou_operator.aws.rds_snapshot import DBSnapshot
from missyou_operator.aws.stack import Stack
from missyou_operator.engine.plan import World
from missyou_operator.stack.context import Component, Context
from missyou_operator.stack.database import Database

ANNOTATION = "missyou.app/snapshot"
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
        annotations, status = body["metadata"].get("annotations") or {}, body.get("status") or {}
        return cls(str(annotations.get(ANNOTATION, "")), str(status.get("lastHandledSnapshot", "")))

    def wanted(self, stack: Stack, world: World) -> str:
        """Give the value, unless somebody has deleted the snapshot since: it is not taken a second time."""
        there = bool(self.value) and f"{DBSnapshot.TYPE}/{snapshot_name(stack, self.value)}" in world
        return self.value if there or self.value != self.handled else ""

    def begun(self, world: World) -> str:
        """Give the value for which a snapshot was last begun, as the status keeps it."""
        there = any(rows[0].owned for rows in world.values() if rows and rows[0].kind is DBSnapshot)
        return self.value if there else self.handled


def snapshot_name(stack: Stack, value: str) -> str:
    """Name the snapshot for a value: what of it can be in a name, and a hash where that is not all."""
    slug = re.sub("[^a-z0-9]+", "-", value.lower())[:_KEPT].strip("-")
    digest = hashlib.sha256(value.encode()).hexdigest()[:8]
    parts = (f"{stack.name}-db", slug, "" if slug == value else digest)
    return "-".join(filter(None, parts))


def backups(site: Context, db: Database) -> None:
    """Declare the snapshot, if one is asked for."""
    if not site.facts.snapshot:
        return
    named = site.named(Component.DATABASE, full=snapshot_name(site.stack, site.facts.snapshot))
    # Tags that a snapshot is given take the place of those that it would copy.
    named["tags"] = {**named["tags"], DATABASE_TAG: site.app.database.name}
    site.graph.add(DBSnapshot(**named, instance=db.instance.ref(ready=True)))
