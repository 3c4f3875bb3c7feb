"""Calls on databases that several tests of rules need."""

from __future__ import annotations

from typing import Any

from tests.local.aws import building
from tests.local.aws.rules_support import Act, Place


def create(**changes: Any) -> Act:
    return lambda s: building.database(s.aws, s.name, **changes)


def delete(s: Place) -> None:
    s.aws.rds.delete_db_instance(DBInstanceIdentifier=s.name, SkipFinalSnapshot=True)


VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"
