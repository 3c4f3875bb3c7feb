"""Refusals of the lesser options of a database: monitoring, insights, logs, port, network, snapshots.

Sources: RDS API reference, CreateDBInstance, ModifyDBInstance and RestoreDBInstanceFromDBSnapshot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.rds.refusals import combination, value

_CHANGES = ("rds:CreateDBInstance", "rds:ModifyDBInstance")
_ALL = (*_CHANGES, "rds:RestoreDBInstanceFromDBSnapshot")
_INTERVALS = (0, 1, 5, 10, 15, 30, 60)
_RETENTIONS = {7, 731, *range(31, 31 * 23 + 1, 31)}
_LOGS = {"postgresql", "upgrade", "iam-db-auth-error"}
_SNAPSHOT = re.compile(r"[A-Za-z](?:[A-Za-z0-9]|-(?!-)){0,254}(?<!-)")
_MASTER_USER_LENGTH = 16
"""The API reference says 1 to 16; whether PostgreSQL takes more is not known for sure."""


@checks("rds:CreateDBInstance")
def user_is_short(call: Call) -> None:
    """Refuse long names of the master user."""
    if len(call.params.get("MasterUsername", "")) > _MASTER_USER_LENGTH:
        raise value(f"The parameter MasterUsername must be 1 to {_MASTER_USER_LENGTH} letters, numbers or underscores")


@checks(*_CHANGES)
def monitoring_has_a_role(call: Call) -> None:
    """Refuse intervals that are not offered, an interval without a role, and a role that is not there."""
    interval, role = call.params.get("MonitoringInterval"), call.params.get("MonitoringRoleArn")
    if interval is not None and interval not in _INTERVALS:
        raise value(f"Invalid monitoring interval: {interval}. Valid values are {', '.join(map(str, _INTERVALS))}")
    if interval and call.operation == "CreateDBInstance" and role is None:
        raise combination(
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        )
    roles = backends.backend("iam", call.account, "global").get_roles() if role is not None else ()
    if role is not None and role not in [known.arn for known in roles]:
        message = "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING"
        raise value(message)


@checks(*_CHANGES)
def insights_are_kept_as_offered(call: Call) -> None:
    """Refuse retentions of Performance Insights that are not offered, and a retention without insights."""
    days = call.params.get("PerformanceInsightsRetentionPeriod")
    if days is None:
        return
    if days not in _RETENTIONS:
        raise value(f"Invalid Performance Insights retention period: {days}. Valid are 7, 731 and multiples of 31")
    if call.operation == "CreateDBInstance" and not call.params.get("EnablePerformanceInsights"):
        raise combination("To set a retention of insights, EnablePerformanceInsights must be set to 'true'")


@checks(*_ALL)
def logs_are_known(call: Call) -> None:
    """Refuse kinds of logs that PostgreSQL has not."""
    changes = call.params.get("CloudwatchLogsExportConfiguration", {})
    wanted = {*call.params.get("EnableCloudwatchLogsExports", []), *changes.get("EnableLogTypes", [])}
    if unknown := sorted(wanted - _LOGS):
        raise combination(f"You cannot use the log types '{', '.join(unknown)}' with engine version postgres")


@checks(*_ALL)
def port_is_allowed(call: Call) -> None:
    """Refuse ports outside 1150-65535."""
    port = call.params.get("Port", call.params.get("DBPortNumber"))
    if port is not None and not 1150 <= int(port) <= 65_535:
        raise value(f"Invalid port {port}: valid values are 1150-65535")


@checks(*_ALL)
def groups_are_of_the_network(call: Call) -> None:
    """Refuse security groups of another VPC than that of the subnet group."""
    subnet_group = _subnet_group(call)
    for group_id in call.params.get("VpcSecurityGroupIds", []) if subnet_group is not None else ():
        group = call.moto("ec2").get_security_group_from_id(group_id)
        if group is not None and group.vpc_id != subnet_group.vpc_id:
            raise combination(
                "The DB instance and EC2 security group are in different VPCs. The DB instance is in "
                f"{subnet_group.vpc_id} and the EC2 security group is in {group.vpc_id}"
            )


def _subnet_group(call: Call) -> Any:
    rds = call.moto("rds")
    if name := call.params.get("DBSubnetGroupName"):
        return rds.subnet_groups.get(name.lower())
    return getattr(_database(call), "db_subnet_group", None)


def _database(call: Call) -> Any:
    databases: Mapping[str, Any] = call.moto("rds").databases
    return databases.get(call.params["DBInstanceIdentifier"].lower())


@checks("rds:ModifyDBInstance", "rds:RebootDBInstance")
def database_is_running(call: Call) -> None:
    """Refuse to modify or restart a stopped database."""
    if getattr(_database(call), "status", None) == "stopped":
        name = call.params["DBInstanceIdentifier"]
        raise AwsError("InvalidDBInstanceState", f"Database instance {name} is not in available state: it is stopped.")


_SNAPSHOT_PARAMETERS = {
    "DeleteDBInstance": "FinalDBSnapshotIdentifier",
    "CreateDBSnapshot": "DBSnapshotIdentifier",
}


@checks("rds:DeleteDBInstance", "rds:CreateDBSnapshot")
def snapshot_name_is_well_formed(call: Call) -> None:
    """Refuse malformed names of snapshots."""
    parameter = _SNAPSHOT_PARAMETERS[call.operation]
    name = call.params.get(parameter)
    if name is not None and not _SNAPSHOT.fullmatch(name):
        raise value(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two hyphens in a row."
        )
