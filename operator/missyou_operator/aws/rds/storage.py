"""The arguments about storage, which RDS takes only together.

From 400 GiB on, gp3 storage of PostgreSQL has adjustable performance: RDS then wants `Iops` with each new size, the
baseline or more, and refuses it below. Sources: API reference, CreateDBInstance, ModifyDBInstance (`AllocatedStorage`)
and RestoreDBInstanceFromDBSnapshot (`Iops`); RDS User Guide, "gp3 storage"; hashicorp/terraform-provider-aws issues
28382, 28589 and 33512.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: GiB from which on gp3's performance can be set, and its baseline there: IOPS and MiB/s.
_ADJUSTABLE, _IOPS, _THROUGHPUT = 400, 12_000, 500
#: Storage types whose IOPS are bought one by one.
_PROVISIONED = frozenset({"io1", "io2"})


def performance(storage_gib: int, present: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Return the performance to ask for with a size of gp3: the baseline, or more if the present gp3 has more."""
    if storage_gib < _ADJUSTABLE:
        return {}
    had = present if present and present.get("storage_type") == "gp3" else {}
    return {
        "Iops": max(_IOPS, had.get("iops") or 0),
        "StorageThroughput": max(_THROUGHPUT, had.get("storage_throughput") or 0),
    }


def growth(storage_gib: int, limit_gib: int, present: Mapping[str, Any], changed: frozenset[str]) -> dict[str, Any]:
    """Return the arguments of ModifyDBInstance for a new size, type or limit. `present`: the instance's attributes."""
    grows = "storage_gib" in changed
    size = storage_gib if grows else int(present["storage_gib"])
    # The limit must stay above the size, so it goes along: the old one may be too low for the new size.
    arguments: dict[str, Any] = (
        {"MaxAllocatedStorage": max(limit_gib, size)} if grows or "max_storage_gib" in changed else {}
    )
    if "storage_type" in changed:
        if present.get("storage_type") in _PROVISIONED and size < _ADJUSTABLE:
            # A small size must not come with IOPS, nor without while there are some: the type changes first.
            return {"StorageType": "gp3"}
        arguments |= {"StorageType": "gp3"}
    elif not grows:
        return arguments
    together = performance(size, present)
    return {**arguments, **({"AllocatedStorage": size} if grows or together else {}), **together}


def restored(storage_gib: int, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of RestoreDBInstanceFromDBSnapshot for a snapshot, a row of DescribeDBSnapshots.

    RDS takes type and IOPS from the snapshot. 0 makes storage with provisioned IOPS ordinary again.
    """
    size = max(storage_gib, snapshot["AllocatedStorage"])
    larger = {"AllocatedStorage": size} if size > snapshot["AllocatedStorage"] else {}
    if snapshot.get("StorageType") in _PROVISIONED or size >= _ADJUSTABLE:
        return {**larger, "StorageType": "gp3", **(performance(size) or {"Iops": 0})}
    return larger
