"""Reads what only the API of service deployments shows: the stage of one under way, and the alarms that ended the last.

Source: ECS API reference, DescribeServiceDeployments, ListServiceDeployments and ServiceDeployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.aws.informer import FRESH
from missyou_operator.aws.reader import Reader

#: The statuses of a deployment that failed. Without a rollback it is STOPPED.
_FAILED = ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED"]
_ROLLING = "ROLLING"


def deployment_details(reader: Reader, row: Mapping[str, Any], attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `stage` and `fired` of a service (see `rollout.attributes`). Settled, it needs no call."""
    shifting = (attrs["strategy"] or {}).get("strategy") not in {None, _ROLLING}
    if shifting and attrs["rollout_state"] == "IN_PROGRESS" and (arn := row.get("currentServiceDeployment")):
        return {"stage": _described(reader, str(arn)).get("lifecycleStage") or ""}
    if attrs["failed_rollout"] and attrs["alarms"]:
        return {"fired": _fired(reader, attrs)}
    return {}


def _fired(reader: Reader, attrs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the alarms that ended the last deployment that failed; () if tasks did."""
    which = {"cluster": attrs["cluster"], "service": attrs["service_name"], "status": _FAILED}
    rows = reader.detail(FRESH, "ecs", "list_service_deployments", **which)
    newest = max(rows["serviceDeployments"], key=lambda each: each["createdAt"], default=None)
    alarms = _described(reader, newest["serviceDeploymentArn"]).get("alarms") or {} if newest else {}
    return tuple(alarms.get("triggeredAlarmNames") or ())


def _described(reader: Reader, arn: str) -> Mapping[str, Any]:
    answer = reader.detail(FRESH, "ecs", "describe_service_deployments", serviceDeploymentArns=[arn])
    rows = answer["serviceDeployments"]
    return rows[0] if rows else {}
