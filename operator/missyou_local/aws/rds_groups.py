"""DB subnet groups and parameter groups: what AWS refuses of them and moto accepts."""

from __future__ import annotations

from missyou_local.aws import rds_catalogue
from missyou_local.aws.call import Call, Result, checks, plays
from missyou_local.aws.errors import AwsError


@plays("rds:CreateDBSubnetGroup")
def create_db_subnet_group(call: Call) -> Result:
    """Create a group of a lower-cased name; refuse a known name, unknown subnets, several VPCs, a single zone."""
    name = call.params["DBSubnetGroupName"].lower()
    if name in call.moto("rds").subnet_groups:
        raise AwsError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    _check_subnets(call)
    return call.forward({**call.params, "DBSubnetGroupName": name})


@plays("rds:ModifyDBSubnetGroup")
def modify_db_subnet_group(call: Call) -> Result:
    """Modify a group (moto loses it in doing so); refuse an unknown group and bad subnets."""
    name = call.params["DBSubnetGroupName"].lower()
    group = call.moto("rds").subnet_groups.get(name)
    if group is None:
        raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
    _check_subnets(call)
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


@checks("rds:DeleteDBSubnetGroup")
def subnet_group_is_unused(call: Call) -> None:
    """Refuse while a database, be it in deletion, is in the group."""
    name = call.params["DBSubnetGroupName"].lower()
    for database in call.moto("rds").databases.values():
        group = getattr(database, "db_subnet_group", None)
        if group is not None and group.name == name:
            raise AwsError(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{name}' because at least one database instance: "
                f"{database.db_instance_identifier} is still using it.",
            )


@plays("rds:CreateDBParameterGroup")
def create_db_parameter_group(call: Call) -> Result:
    """Create a group of a lower-cased name; refuse a family that does not exist."""
    family = call.params["DBParameterGroupFamily"]
    if family not in [f"postgres{major}" for major in rds_catalogue.CREATABLE]:
        raise AwsError("InvalidParameterValue", f"ParameterGroupFamily {family} is not a valid parameter group family")
    return call.forward({**call.params, "DBParameterGroupName": call.params["DBParameterGroupName"].lower()})


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
