"""Refusals of the parameters of a database, at creation, restore and modification."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.rds import catalogue as rds_catalogue

_PASSWORD = re.compile(r"(?!.*[/\"@' ])[ -~]{8,128}")
_RESERVED_USERS = {"admin", "rdsadmin", "rds_superuser", "rdsrepladmin", "postgres_admin", "public", "user", "master"}
_RESERVED_TAGS = ("aws:", "rds:")
_SMALLEST, _LARGEST = 20, 65_536  # GiB, of gp2 and gp3


def value(message: str) -> AwsError:
    """Return an InvalidParameterValue."""
    return AwsError("InvalidParameterValue", message)


def combination(message: str) -> AwsError:
    """Return an InvalidParameterCombination."""
    return AwsError("InvalidParameterCombination", message)


@checks(
    "rds:AddTagsToResource",
    "rds:CreateDBInstance",
    "rds:CreateDBParameterGroup",
    "rds:CreateDBSnapshot",
    "rds:CreateDBSubnetGroup",
    "rds:RestoreDBInstanceFromDBSnapshot",
)
def no_reserved_tags(call: Call) -> None:
    """Refuse tags that RDS reserves. Source: RDS API reference, Tag."""
    for tag in call.params.get("Tags", []):
        for text in (tag.get("Key", ""), tag.get("Value", "")):
            if text.lower().startswith(_RESERVED_TAGS):
                raise value(f"The tag {text} is reserved: it must not start with aws: or rds:")


def check_create(call: Call) -> None:
    """Refuse a CreateDBInstance that AWS refuses, except for its version."""
    params = call.params
    _check_common(call, params)
    storage = params.get("AllocatedStorage")
    if storage is None or not _SMALLEST <= storage <= _LARGEST:
        kind = params.get("StorageType", "gp3")
        raise combination(f"Invalid storage size for engine name postgres and storage type {kind}: {storage}")
    _check_maximum(params.get("MaxAllocatedStorage"), storage)
    _check_performance(params, storage)
    user = params.get("MasterUsername", "")
    if user.lower() in _RESERVED_USERS:
        raise value(f"MasterUsername {user} cannot be used as it is a reserved word used by the engine")
    if not re.fullmatch(r"[A-Za-z]\w{0,62}", user):
        raise value("The parameter MasterUsername is not a valid identifier; it must begin with a letter.")
    if "MasterUserPassword" not in params and not params.get("ManageMasterUserPassword"):
        raise value("The parameter MasterUserPassword must be provided and must not be blank.")
    name = params.get("DBName", "missing")
    if name.lower() == "db" or not re.fullmatch(r"[A-Za-z]\w{0,62}", name):
        raise value(f"DBName {name} cannot be used: it is a reserved word or does not begin with a letter")
    if params.get("MultiAZ") and params.get("AvailabilityZone"):
        raise combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")


def check_restore(call: Call, least: int) -> None:
    """Refuse a RestoreDBInstanceFromDBSnapshot that AWS refuses; `least` is the snapshot's storage in GiB."""
    params = call.params
    _check_common(call, params)
    storage = params.get("AllocatedStorage", least)
    if storage < least:
        raise value("The allocated storage size can't be less than the source snapshot or backup size.")
    _check_performance(params, storage)
    if params.get("MultiAZ") and params.get("AvailabilityZone"):
        raise combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")


def check_modify(call: Call, current: Mapping[str, Any]) -> None:
    """Refuse a ModifyDBInstance that AWS refuses; `current` is the database as DescribeDBInstances shows it."""
    params = call.params
    _check_common(call, params)
    storage, now = params.get("AllocatedStorage"), current["AllocatedStorage"]
    if storage is not None and storage < now:
        raise combination(f"Storage size cannot be decreased: it is {now} GiB, and {storage} GiB were requested")
    if storage is not None and now < storage and storage * 10 < now * 11:
        raise combination(f"Storage must be increased by at least 10 percent: it is {now} GiB, requested are {storage}")
    if storage is not None and storage > _LARGEST:
        raise combination(f"Invalid storage size for engine name postgres and storage type gp3: {storage}")
    _check_performance({"StorageType": current["StorageType"], **params}, storage or now)
    if "MaxAllocatedStorage" in params:
        _check_maximum(params["MaxAllocatedStorage"], storage or now, off_allowed=True)
    if version := params.get("EngineVersion"):
        _check_upgrade(version, current["EngineVersion"], allow_major=params.get("AllowMajorVersionUpgrade", False))


def _check_common(call: Call, params: Mapping[str, Any]) -> None:
    password = params.get("MasterUserPassword")
    if password is not None and not _PASSWORD.fullmatch(password):
        raise value(
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' and quotation marks may be used."
        )
    retention = params.get("BackupRetentionPeriod", 1)
    if not 0 <= retention <= 35:
        raise value(f"Invalid backup retention period: {retention}. Retention period must be between 0 and 35")
    class_ = params.get("DBInstanceClass")
    if class_ is not None and class_ not in rds_catalogue.CLASSES:
        raise value(f"Invalid DB Instance class: {class_}")
    ec2 = call.moto("ec2")
    for group in params.get("VpcSecurityGroupIds", []):
        if ec2.get_security_group_from_id(group) is None:
            raise value(f"Invalid security group , groupId= {group}, groupName=.")


def _check_maximum(maximum: int | None, storage: int, *, off_allowed: bool = False) -> None:
    """Check the ceiling of storage autoscaling; on a modification, the present size turns it off."""
    if maximum is None or (off_allowed and maximum == storage):
        return
    if maximum * 10 < storage * 11:
        raise combination("Max storage size must be greater than storage size by at least 10 percent")
    if maximum > _LARGEST:
        raise combination(f"Invalid max storage size for engine name postgres and storage type gp3: {maximum}")


def _check_performance(params: Mapping[str, Any], storage: int) -> None:
    if (
        params.get("StorageType", "gp3") == "gp3"
        and storage < 400
        # 0 takes the IOPS away that a snapshot had.
        and (params.get("Iops") or "StorageThroughput" in params)
    ):
        raise combination(
            "You can't specify IOPS or storage throughput for engine postgres and a storage size less than 400."
        )


def _check_upgrade(wanted: str, current: str, *, allow_major: bool) -> None:
    if wanted == current or wanted == current.partition(".")[0]:
        return
    target = rds_catalogue.resolve(wanted)
    if rds_catalogue.parse(target) not in rds_catalogue.upgrades(rds_catalogue.parse(current)):
        raise combination(f"Cannot upgrade postgres from {current} to {wanted}")
    if target.partition(".")[0] != current.partition(".")[0] and not allow_major:
        raise combination("The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
