"""Parameters of a database that RDS takes only together.

Sources: API reference, ModifyDBInstance (`AllocatedStorage`, `DBInstanceClass`, `EngineVersion`) and
RestoreDBInstanceFromDBSnapshot (`Iops`); hashicorp/terraform-provider-aws issues 28382, 28589 and 33512.
"""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call
from missyou_local.aws.services.rds import catalogue
from missyou_local.aws.services.rds.refusals import combination

_PROVISIONED = {"io1", "io2"}
_ADJUSTABLE, _IOPS, _THROUGHPUT = 400, 12_000, 500


def performance(kind: str, storage: int, iops: int | None, throughput: int | None) -> dict[str, int]:
    """Return what DescribeDBInstances shows of a database's performance."""
    if kind != "gp3":
        return {"Iops": iops} if kind in _PROVISIONED and iops else {}
    if storage < _ADJUSTABLE:
        return {"Iops": 3000, "StorageThroughput": 125}
    return {"Iops": max(iops or 0, _IOPS), "StorageThroughput": max(throughput or 0, _THROUGHPUT)}


def check_modify(call: Call, model: Any) -> None:
    """Refuse a ModifyDBInstance that names one of several parameters which belong together."""
    params, now = call.params, model.allocated_storage
    size, kind = params.get("AllocatedStorage", now), params.get("StorageType", model.storage_type)
    has_iops = model.storage_type in _PROVISIONED or (model.storage_type == "gp3" and now >= _ADJUSTABLE)
    if has_iops and ("AllocatedStorage" in params) != ("Iops" in params):
        raise combination(
            "You must specify both the storage size and iops when modifying the storage size or iops on a DB instance "
            "that has iops."
        )
    if size != now or kind != model.storage_type:
        check_iops(kind, size, params.get("Iops"), 3000)
    limit = params.get("MaxAllocatedStorage", model.max_allocated_storage)
    if limit is not None and limit != size and limit * 10 < size * 11:
        raise combination("Max storage size must be greater than storage size by at least 10 percent")
    if "DBInstanceClass" in params and "EngineVersion" in params:
        class_, version = params["DBInstanceClass"], catalogue.parse(model.engine_version)
        if not catalogue.supports(class_, version):
            raise combination(f"RDS does not support {class_} with PostgreSQL {model.engine_version}, which is running")


def check_restore(call: Call, snapshot: Any) -> None:
    """Refuse a restore to gp3 that takes over IOPS which gp3 of that size cannot have."""
    params, origin = call.params, snapshot.database.storage_type
    size, kind = params.get("AllocatedStorage", snapshot.allocated_storage), params.get("StorageType", origin)
    if kind == "gp3" and origin in _PROVISIONED and size < _ADJUSTABLE and params.get("Iops") != 0:
        raise combination("Invalid iops value for engine name postgres and storage type gp3: that of the snapshot")
    if kind == "gp3":
        check_iops(kind, size, params.get("Iops"), _IOPS)


def check_iops(kind: str, size: int, given: int | None, kept: int) -> None:
    """Refuse IOPS of gp3 below its baseline; `kept` are those that stay where none are given."""
    if kind == "gp3" and size >= _ADJUSTABLE and (given or kept) < _IOPS:
        raise combination(f"Invalid iops value for engine name postgres and storage type gp3: {given or kept}")
