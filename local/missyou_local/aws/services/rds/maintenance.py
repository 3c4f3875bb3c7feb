"""Maintenance that RDS has planned for databases, until it is applied. moto has none.

Source: RDS API reference, DescribePendingMaintenanceActions and ApplyPendingMaintenanceAction.
"""

from __future__ import annotations

from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Regional, Result, handles
from missyou_local.aws.errors import AwsError

_planned: Regional[dict[str, list[dict[str, Any]]]] = Regional(dict)
"""By the ARN of a database."""


def plan(account: str, region: str, name: str, action: str, description: str) -> None:
    """Plan maintenance for a database."""
    with backends.LOCK:
        arn = f"arn:aws:rds:{region}:{account}:db:{name}"
        row = {"Action": action, "Description": description, "OptInStatus": "next-maintenance"}
        _planned.at(account, region).setdefault(arn, []).append(row)


@handles("rds:DescribePendingMaintenanceActions")
def describe(call: Call) -> Result:
    """Describe what is planned, of one resource or of all."""
    wanted = call.params.get("ResourceIdentifier")
    return {
        "PendingMaintenanceActions": [
            {"ResourceIdentifier": arn, "PendingMaintenanceActionDetails": rows}
            for arn, rows in _planned.of(call).items()
            if rows and wanted in {None, arn}
        ]
    }


@handles("rds:ApplyPendingMaintenanceAction")
def apply(call: Call) -> Result:
    """Apply what is planned, at once where that is asked."""
    arn, action = call.params["ResourceIdentifier"], call.params["ApplyAction"]
    rows = _planned.of(call).get(arn, [])
    if not any(row["Action"] == action for row in rows):
        raise AwsError("ResourceNotFoundFault", f"No pending maintenance action {action} for {arn}.", 404)
    if call.params["OptInType"] == "immediate":
        rows[:] = [row for row in rows if row["Action"] != action]
    return {"ResourcePendingMaintenanceActions": {"ResourceIdentifier": arn, "PendingMaintenanceActionDetails": rows}}
