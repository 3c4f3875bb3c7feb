"""The permissions of `DBInstance`, in a module of their own because of their length.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon RDS"; RDS User Guide,
"Permission policies to create, modify and delete resources".
"""

from __future__ import annotations

from missyou_operator.aws.permissions import OURS, Condition, Grant, Part, change, linked_role, make, observe
from missyou_operator.aws.secretsmanager.values import READ_PASSWORD

_DATABASE, _FINAL = "rds:db:{rds.DBInstance}", "rds:snapshot:{rds.DBInstance}-final-*"
_SUBNETS, _PARAMETERS = "rds:subgrp:{rds.DBSubnetGroup}", "rds:pg:{rds.DBParameterGroup}"
_OPTIONS = "every instance has an option group, AWS's default one if none is named: RDS User Guide"
_SNAPSHOT = (
    "RDS takes and tags a final snapshot in the caller's name: RDS's notice of August 2024, as quoted in "
    "github.com/aws-solutions/instance-scheduler-on-aws/issues/572"
)

PERMISSIONS: tuple[Grant, ...] = (
    observe("rds:DescribeDBInstances", "rds:DescribeDBEngineVersions", "rds:DescribeOrderableDBInstanceOptions"),
    make("rds:CreateDBInstance", "rds:AddTagsToResource", on=(_DATABASE,)),
    change("rds:CreateDBInstance", on=(_SUBNETS, _PARAMETERS)),
    make("rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime", on=(_DATABASE,)),
    # The spec may name a snapshot that is older than the stack, or belongs to another account.
    make("rds:RestoreDBInstanceFromDBSnapshot", on=("rds:snapshot:{snapshot}",)),
    make("rds:RestoreDBInstanceFromDBSnapshot", on=("rds:snapshot:*",), also=(OURS,)),
    # The backups of a database that is gone have no name, and bear its tags: the operator judges whose they are.
    Grant(Part.CHANGE, ("rds:RestoreDBInstanceToPointInTime",), ("rds:auto-backup:*",)),
    change("rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime", on=(_SUBNETS, _PARAMETERS)),
    change("rds:ModifyDBInstance", on=(_DATABASE, _PARAMETERS)),
    change("rds:DeleteDBInstance", "rds:StartDBInstance", "rds:RemoveTagsFromResource", on=(_DATABASE,)),
    # What is left of a database that others deleted.
    observe("rds:DescribeDBSnapshots", "rds:DescribeDBInstanceAutomatedBackups"),
    make("rds:AddTagsToResource", on=(_SUBNETS,)),
    READ_PASSWORD,
    Grant(
        Part.MAKE,
        ("rds:CreateDBInstance", "rds:ModifyDBInstance", "rds:RestoreDBInstanceFromDBSnapshot"),
        ("rds:og:default:postgres*",),
        implied=_OPTIONS,
    ),
    Grant(Part.CHANGE, ("rds:RestoreDBInstanceToPointInTime",), ("rds:og:default:postgres*",), implied=_OPTIONS),
    Grant(Part.CHANGE, ("rds:CreateDBSnapshot",), (_DATABASE,), (OURS,), implied=_SNAPSHOT),
    Grant(Part.MAKE, ("rds:CreateDBSnapshot",), (_FINAL,), implied=_SNAPSHOT),
    Grant(
        Part.MAKE,
        ("rds:AddTagsToResource",),
        (_FINAL,),
        # Only tags that are copied from the instance.
        (Condition("BoolIfExists", "rds:TagsFromRequest", ("false",)),),
        implied=_SNAPSHOT,
    ),
    linked_role("rds.amazonaws.com", 'RDS User Guide, "Using service-linked roles for Amazon RDS"'),
)
