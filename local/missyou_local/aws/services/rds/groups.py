"""Refusals of DB subnet groups and parameter groups that moto lacks."""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2 import interfaces
from missyou_local.aws.services.rds import catalogue as rds_catalogue
from missyou_local.aws.services.rds.model import DATABASES


@handles("rds:CreateDBSubnetGroup")
def create_db_subnet_group(call: Call) -> Result:
    """Create a group of a lower-cased name; refuse a known name, unknown subnets, several VPCs, a single zone."""
    name = call.params["DBSubnetGroupName"].lower()
    if name in call.moto("rds").subnet_groups:
        raise AwsError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    _check_subnets(call)
    return call.forward({**call.params, "DBSubnetGroupName": name})


@handles("rds:ModifyDBSubnetGroup")
def modify_db_subnet_group(call: Call) -> Result:
    """Modify a group (moto loses it in doing so); refuse an unknown group and bad subnets."""
    name = call.params["DBSubnetGroupName"].lower()
    group = call.moto("rds").subnet_groups.get(name)
    if group is None:
        raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
    _check_subnets(call)
    _check_databases_stay(call, group)
    result = call.forward({**call.params, "DBSubnetGroupName": name})
    call.moto("rds").subnet_groups[name] = group
    return result


def _check_subnets(call: Call) -> None:
    wanted = call.params["SubnetIds"]
    known = {subnet.id: subnet for subnet in call.moto("ec2").describe_subnets()}
    subnets = [known[subnet] for subnet in wanted if subnet in known]
    if len(subnets) < len(wanted) or len({subnet.vpc_id for subnet in subnets}) > 1:
        raise AwsError("InvalidSubnet", f"Some input subnets in :[{', '.join(wanted)}] are invalid.")
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise AwsError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{subnets[0].availability_zone}. Add subnets to cover at least 2 AZs.",
        )


def _check_databases_stay(call: Call, group: Any) -> None:
    """Refuse to take a subnet away in which a database of the group has an interface."""
    members = {f"rds/{name}" for name, model in call.moto("rds").databases.items() if _group_of(model) is group}
    for interface in interfaces._interfaces.of(call):
        subnet = interface.eni.subnet.id
        if interface.owner in members and subnet not in call.params["SubnetIds"]:
            raise AwsError("SubnetAlreadyInUse", f"The subnet {subnet} is in use by a database of the group.")


def _group_of(database: Any) -> Any:
    return getattr(database, "db_subnet_group", None)


@checks("rds:DeleteDBSubnetGroup")
def subnet_group_is_unused(call: Call) -> None:
    """Refuse while a database, be it in deletion, is in the group."""
    name = call.params["DBSubnetGroupName"].lower()
    for database in call.moto("rds").databases.values():
        group = _group_of(database)
        if group is not None and group.name == name:
            raise AwsError(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{name}' because at least one database instance: "
                f"{database.db_instance_identifier} is still using it.",
            )


@handles("rds:CreateDBParameterGroup")
def create_db_parameter_group(call: Call) -> Result:
    """Create a group of a lower-cased name; refuse a family that does not exist."""
    family = call.params["DBParameterGroupFamily"]
    if family not in [f"postgres{major}" for major in rds_catalogue.CREATABLE]:
        raise AwsError("InvalidParameterValue", f"ParameterGroupFamily {family} is not a valid parameter group family")
    return call.forward({**call.params, "DBParameterGroupName": call.params["DBParameterGroupName"].lower()})


_STATIC = frozenset(
    (
        *("autovacuum_freeze_max_age", "autovacuum_max_workers", "huge_pages", "max_connections"),
        *("max_locks_per_transaction", "max_prepared_transactions", "max_replication_slots", "max_wal_senders"),
        *("max_worker_processes", "rds.logical_replication", "shared_buffers", "shared_preload_libraries"),
        *("track_activity_query_size", "wal_buffers", "wal_level"),
    )
)
"""Parameters that PostgreSQL reads at its start only (PostgreSQL manual, "Server Configuration")."""


@checks("rds:ModifyDBParameterGroup")
def parameters_can_change(call: Call) -> None:
    """Refuse to change a default group, and a static parameter at once."""
    name = call.params["DBParameterGroupName"]
    if name.startswith("default."):
        raise AwsError("InvalidParameterValue", f"A default DB Parameter Group cannot be modified: {name}")
    for parameter in call.params["Parameters"]:
        if parameter["ParameterName"] in _STATIC and parameter.get("ApplyMethod") == "immediate":
            message = f"cannot use immediate apply method for static parameter: {parameter['ParameterName']}"
            raise AwsError("InvalidParameterCombination", message)


@handles("rds:ModifyDBParameterGroup")
def modify_db_parameter_group(call: Call) -> Result:
    """Change parameters; databases of the group wait for a restart to use those that do not apply at once.

    Source: RDS User Guide, "Parameter groups for Amazon RDS", `pending-reboot`.
    """
    result = call.forward(call.params)
    if any(parameter.get("ApplyMethod") == "pending-reboot" for parameter in call.params["Parameters"]):
        for name, model in call.moto("rds").databases.items():
            if model.db_parameter_group_name == call.params["DBParameterGroupName"] and name in DATABASES.of(call):
                DATABASES.of(call)[name].parameters_pending = True
    return result


@checks("rds:DeleteDBParameterGroup")
def parameter_group_is_unused(call: Call) -> None:
    """Refuse a default group, and one that a database has."""
    name = call.params["DBParameterGroupName"]
    if name.startswith("default."):
        raise AwsError("InvalidParameterValue", f"A default DB Parameter Group cannot be deleted: {name}")
    if any(database.db_parameter_group_name == name for database in call.moto("rds").databases.values()):
        raise AwsError(
            "InvalidDBParameterGroupState", "One or more database instances are still members of this parameter group"
        )
