"""Databases: their states by the clock, refusals by state, and settings that read back as they were set.

moto keeps the record. `model.Database` holds what a database is busy with, what waits to be applied, and the
fields that moto drops. Each call first advances what has come due. With a data plane
(`rds_servers`) a database is created once its server is, and has that server's endpoint.
"""

from __future__ import annotations

import uuid
from typing import Any

from missyou_local.aws.call import Call, Result, advances, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2 import interfaces
from missyou_local.aws.services.rds import catalogue as rds_catalogue
from missyou_local.aws.services.rds import copies, forced, refusals, retained, together
from missyou_local.aws.services.rds import servers as rds_servers
from missyou_local.aws.services.rds import snapshots as rds_snapshots
from missyou_local.aws.services.rds import windows as rds_windows
from missyou_local.aws.services.rds.model import DATABASES, Database

_SLOW = {
    "DBInstanceClass": "db_instance_class",
    "AllocatedStorage": "allocated_storage",
    "MultiAZ": "multi_az",
    "EngineVersion": "engine_version",
    "StorageType": "storage_type",
    "Iops": "iops",
    "StorageThroughput": "storage_throughput",
}
"""Parameters that wait for the maintenance window without ApplyImmediately -> the attribute of moto's model."""
_STORAGE = {"AllocatedStorage", "StorageType", "Iops", "StorageThroughput"}
"""Parameters that change the storage, which is then optimised for hours."""
_SILENT = {
    "DBInstanceIdentifier",
    "ApplyImmediately",
    "DeletionProtection",
    "CopyTagsToSnapshot",
    "MaxAllocatedStorage",
}
"""Parameters that change a database without the state `modifying`."""
_DROPPED = (
    *("PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId", "DatabaseInsightsMode"),
    *("EngineLifecycleSupport", "NetworkType", "CACertificateIdentifier"),
)
"""Parameters that moto does not keep, and DescribeDBInstances shows as they were given."""
_ENDPOINT_SHOWS_AFTER = 0.8


@advances("rds", "ec2")
def advance(call: Call) -> None:
    """Finish what has come due: deletions, and modifications under way."""
    if not DATABASES.of(call):
        return
    rds = call.moto("rds")
    for name, database in list(DATABASES.of(call).items()):
        if database.apply_at is not None and database.apply_at <= call.now:
            _apply(call, name, database)
        if database.busy is None or database.until > call.now:
            continue
        if database.busy == "creating" and not rds_servers.exists(call, name):
            continue
        if database.busy != "deleting" and rds_servers.at_work(call, name):
            continue
        if database.busy == "deleting":
            rds.delete_db_instance(name, skip_final_snapshot=True)
            del DATABASES.of(call)[name]
            interfaces.release(call, f"rds/{name}", at=database.until)
            interfaces.advance(call)
        database.busy = None


def _apply(call: Call, name: str, database: Database) -> None:
    """Apply what has waited; a change of storage is optimised from then on."""
    model = call.moto("rds").databases[name]
    for parameter, new in database.pending.items():
        setattr(model, _SLOW[parameter], new)
    if "MultiAZ" in database.pending:
        database.without_standby = False
        _attach(call, name, model)
    if database.pending.keys() & _STORAGE:
        database.optimised_at = (database.apply_at or call.now) + call.timing.rds_optimise
    database.pending, database.apply_at = {}, None


@handles("rds:CreateDBInstance")
def create_db_instance(call: Call) -> Result:
    """Start the creation of a database."""
    name = call.params["DBInstanceIdentifier"].lower()
    if name in call.moto("rds").databases:
        raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
    version = call.params.get("EngineVersion")
    if call.params["Engine"] == "postgres":
        refusals.check_create(call)
        version = rds_catalogue.resolve(version)
        check_family(call, version)
    params = {"StorageType": "gp3", **call.params, "DBInstanceIdentifier": name}
    if version:
        params["EngineVersion"] = version
    result = call.forward(params)
    model = call.moto("rds").databases[name]
    key = call.arn("kms", f"key/{uuid.uuid4()}")
    begin(call, name, model, call.params.get("KmsKeyId", key), call.params.get("MasterUserPassword", ""))
    rds_servers.create(call, name)
    return {"DBInstance": shown(call, result["DBInstance"])}


def begin(call: Call, name: str, model: Any, kms_key: str, password: str) -> None:
    """Track a new database of moto's; it is `creating` for a while."""
    rds_windows.choose(call, model)
    takes = call.timing.rds + (call.timing.rds_standby if call.params.get("MultiAZ") else 0.0)
    DATABASES.of(call)[name] = database = Database(
        resource_id=f"db-{uuid.uuid4().hex[:26].upper()}",
        busy="creating",
        until=call.now + takes,
        endpoint_at=call.now + takes * _ENDPOINT_SHOWS_AFTER,
        port=int(call.params.get("Port", model.port)),
        kms_key=kms_key,
        password=password,
        created=call.now,
    )
    _remember(database, call)
    _attach(call, name, model)


def check_family(call: Call, version: str) -> None:
    """Refuse a parameter group of another major than the database's."""
    group = call.params.get("DBParameterGroupName")
    model = call.moto("rds").db_parameter_groups.get(group) if group else None
    family = f"postgres{version.partition('.')[0]}"
    if model is not None and model.family != family:
        raise refusals.combination(
            f"The Parameter Group {group} with DBParameterGroupFamily {model.family} cannot be used for this instance. "
            f"Please use a Parameter Group with DBParameterGroupFamily {family}"
        )


def _attach(call: Call, name: str, model: Any) -> None:
    """Attach the database's interfaces: one, and one for the standby, in the zones of its subnet group."""
    interfaces.drop(call, f"rds/{name}")
    group = getattr(model, "db_subnet_group", None)
    for subnet in group._subnets[: 2 if model.multi_az else 1] if group else ():
        place = interfaces.Place(subnet.id, model.vpc_security_group_ids)
        interfaces.attach(call, f"rds/{name}", place, "RDSNetworkInterface")


def _remember(database: Database, call: Call) -> None:
    """Store the fields of a create or modify call that moto drops."""
    params = call.params
    if "EnablePerformanceInsights" in params:
        database.insights = params["EnablePerformanceInsights"]
    database.extra |= {parameter: params[parameter] for parameter in _DROPPED if parameter in params}


@handles("rds:DescribeDBInstances")
def describe_db_instances(call: Call) -> Result:
    """Describe the databases as they are by the clock."""
    params = dict(call.params)
    if "DBInstanceIdentifier" in params:
        params["DBInstanceIdentifier"] = params["DBInstanceIdentifier"].lower()
    filters = {row["Name"]: row["Values"] for row in params.pop("Filters", ())}
    # moto has IDs of its own.
    ids = filters.pop("dbi-resource-id", None)
    if filters:
        params["Filters"] = [{"Name": name, "Values": values} for name, values in filters.items()]
    result = call.forward(params)
    rows = [shown(call, entry) for entry in result.get("DBInstances", [])]
    return {**result, "DBInstances": [row for row in rows if ids is None or row["DbiResourceId"] in ids]}


def shown(call: Call, entry: dict[str, Any]) -> dict[str, Any]:
    """Correct moto's description of a database."""
    database = DATABASES.of(call).get(entry["DBInstanceIdentifier"])
    if database is None:
        return entry
    optimising = "storage-optimization" if call.now < database.optimised_at else ""
    entry["DBInstanceStatus"] = database.busy or optimising or entry["DBInstanceStatus"]
    entry["DbiResourceId"] = database.resource_id
    entry["LicenseModel"] = "postgresql-license"
    entry["CACertificateIdentifier"] = "rds-ca-rsa2048-g1"
    entry["PendingModifiedValues"] = dict(database.pending)
    entry["PerformanceInsightsEnabled"] = database.insights
    entry["NetworkType"] = "IPV4"
    if found := copies.of(call, database):
        entry["DBInstanceAutomatedBackupsReplications"] = found
    if database.insights:
        entry["PerformanceInsightsRetentionPeriod"] = 7
        entry["PerformanceInsightsKMSKeyId"] = database.kms_key
    if entry.get("StorageEncrypted"):
        entry["KmsKeyId"] = database.kms_key
    kind, size, throughput = entry["StorageType"], entry["AllocatedStorage"], entry.get("StorageThroughput")
    entry.update(together.performance(kind, size, entry.get("Iops"), throughput))
    entry.update(database.extra)
    forced.show(call, entry, database)
    entry.pop("Endpoint", None)
    if call.now >= database.endpoint_at and rds_servers.exists(call, entry["DBInstanceIdentifier"]):
        host = f"{entry['DBInstanceIdentifier']}.c{database.resource_id[3:14].lower()}.{call.region}.rds.amazonaws.com"
        host, port = rds_servers.address(call, entry["DBInstanceIdentifier"]) or (host, database.port)
        entry["Endpoint"] = {"Address": host, "Port": port, "HostedZoneId": "Z2R2ITUGPM61AM"}
    return entry


@handles("rds:ModifyDBInstance")
def modify_db_instance(call: Call) -> Result:
    """Change a database: at once, after a while in `modifying`, or without ApplyImmediately in a distant window."""
    name, database = available(call, "modified")
    params = call.params
    model = call.moto("rds").databases[name]
    refusals.check_modify(
        call,
        {
            "AllocatedStorage": model.allocated_storage,
            "EngineVersion": model.engine_version,
            "StorageType": model.storage_type,
        },
    )
    together.check_modify(call, model)
    slow = {key: params[key] for key in _SLOW if key in params and params[key] != getattr(model, _SLOW[key])}
    if slow.keys() & _STORAGE and call.now < database.optimised_at:
        raise refusals.combination(
            "You can't currently modify the storage of this DB instance because the previous storage change is being "
            "optimized."
        )
    if "EngineVersion" in slow and slow["EngineVersion"].isdecimal():
        slow["EngineVersion"] = _upgrade(slow["EngineVersion"], model.engine_version)
    fast = {key: given for key, given in params.items() if key not in _SLOW}
    if exports := fast.get("CloudwatchLogsExportConfiguration"):
        fast["CloudwatchLogsExportConfiguration"] = _effective(exports, model.enabled_cloudwatch_logs_exports)
    result = call.forward({**fast, "DBInstanceIdentifier": name})
    rds_servers.modify(call, name)
    _remember(database, call)
    database.password = params.get("MasterUserPassword", database.password)
    if "DBPortNumber" in params:
        database.port = int(params["DBPortNumber"])
    if "VpcSecurityGroupIds" in params:
        _attach(call, name, model)
    if renamed := params.get("NewDBInstanceIdentifier", "").lower():
        DATABASES.of(call)[renamed] = DATABASES.of(call).pop(name)
        interfaces.drop(call, f"rds/{name}")
        _attach(call, renamed, model)
    database.pending.update(slow)
    applies = bool(database.pending) and params.get("ApplyImmediately", False)
    if applies:
        database.apply_at = call.now + call.timing.rds_modify
    if applies or set(fast) - _SILENT:
        only_password = not applies and set(fast) - _SILENT == {"MasterUserPassword"}
        database.busy = "resetting-master-credentials" if only_password else "modifying"
        database.until = call.now + call.timing.rds_modify
    return {"DBInstance": shown(call, result["DBInstance"])}


def _upgrade(wanted: str, current: str) -> str:
    """Return the version that a bare major means: its default minor, but never one older than the present."""
    default = rds_catalogue.resolve(wanted)
    return max(default, current, key=rds_catalogue.parse)


def _effective(exports: dict[str, list[str]], enabled: list[str]) -> dict[str, list[str]]:
    """Return the effective part of a change of log exports; moto fails on the rest."""
    return {
        "EnableLogTypes": [kind for kind in exports.get("EnableLogTypes", []) if kind not in enabled],
        "DisableLogTypes": [kind for kind in exports.get("DisableLogTypes", []) if kind in enabled],
    }


@handles("rds:DeleteDBInstance")
def delete_db_instance(call: Call) -> Result:
    """Start the deletion; the database is visible as `deleting` meanwhile."""
    params = call.params
    snapshot = params.get("FinalDBSnapshotIdentifier")
    if params.get("SkipFinalSnapshot") and snapshot:
        raise refusals.combination("FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is true.")
    if not params.get("SkipFinalSnapshot") and not snapshot:
        raise refusals.combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    name, database = available(call, "deleted")
    rds = call.moto("rds")
    if rds.databases[name].deletion_protection:
        raise refusals.combination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    if snapshot and database.busy in forced.WITHOUT_FINAL_SNAPSHOT:
        raise AwsError("InvalidDBInstanceState", f"Cannot create a snapshot of {name}: it is {database.busy}.")
    if snapshot:
        rds_snapshots.begin(call, rds.databases[name], snapshot, database, call.timing.rds_delete)
    retained.retain(call, name, database)
    copies.source_goes(call, database)
    database.busy, database.until = "deleting", call.now + call.timing.rds_delete
    rds_servers.remove(call, name)
    result = call.ask("DescribeDBInstances", {"DBInstanceIdentifier": name})
    return {"DBInstance": shown(call, result["DBInstances"][0])}


#: The states in which RDS accepts a call all the same, since it is what ends them. Sources: RDS User Guide, "Viewing
#: Amazon RDS DB instance status" and "Troubleshooting for Amazon RDS"; API reference, DeleteDBInstance.
_ACCEPTED_IN = {
    "modified": forced.ENDED_BY_CHANGE,
    "deleted": forced.ENDED_BY_DELETION,
    "StartDBInstance": forced.ENDED_BY_START,
    "RebootDBInstance": forced.ENDED_BY_REBOOT,
}


def available(call: Call, verb: str) -> tuple[str, Database]:
    """Return the database that the call is about. Raises AwsError where it is unknown or busy."""
    name = call.params["DBInstanceIdentifier"].lower()
    database = DATABASES.of(call).get(name)
    if database is None:
        raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    if database.busy == "deleting":
        raise AwsError("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
    if database.busy and database.busy not in _ACCEPTED_IN.get(verb, ()):
        raise AwsError(
            "InvalidDBInstanceState",
            f"Database instance {name} is not in available state: it is {database.busy} and cannot be {verb}.",
        )
    return name, database


@handles("rds:StopDBInstance", "rds:StartDBInstance", "rds:RebootDBInstance")
def switch_db_instance(call: Call) -> Result:
    """Stop, start or restart a database, at once."""
    name, database = available(call, call.operation)
    if call.operation != "StopDBInstance":
        database.parameters_pending = False
    if database.busy:
        database.busy = None
        result = call.ask("DescribeDBInstances", {"DBInstanceIdentifier": name})
        return {"DBInstance": result["DBInstances"][0]}
    result = call.forward({**call.params, "DBInstanceIdentifier": name})
    rds_servers.switch(call, name)
    return {"DBInstance": shown(call, result["DBInstance"])}
