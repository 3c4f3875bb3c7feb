"""RDS."""

from __future__ import annotations

from missyou_operator.aws.rds.backup_copy import BackupCopy
from missyou_operator.aws.rds.groups import DBParameterGroup, DBSubnetGroup
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.rds.snapshot import DBSnapshot
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (DBSubnetGroup, DBParameterGroup, DBInstance, DBSnapshot, BackupCopy)
