"""Reading service deployments: their status, stage and alarms.

Source: ECS API reference, ListServiceDeployments, DescribeServiceDeployments and ServiceDeployment.
"""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ecs.model import Deployment, Service, moment
from missyou_local.aws.services.ecs.services import SERVICES, cluster_name

_MOST, _MOST_ARNS = 20, 20


@handles("ecs:ListServiceDeployments")
def list_service_deployments(call: Call) -> Result:
    """List the deployments of a service, newest first."""
    name = call.params["service"].rpartition("/")[2]
    service = SERVICES.of(call).get((cluster_name(call), name))
    if service is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    statuses = call.params.get("status") or ()
    listed = [each for each in service.history if not statuses or each.outcome in statuses]
    return {"serviceDeployments": [_brief(service, each) for each in listed[: call.params.get("maxResults", _MOST)]]}


@handles("ecs:DescribeServiceDeployments")
def describe_service_deployments(call: Call) -> Result:
    """Describe up to twenty deployments by their ARNs."""
    arns = call.params["serviceDeploymentArns"]
    if len(arns) > _MOST_ARNS:
        raise AwsError("InvalidParameterException", f"No more than {_MOST_ARNS} service deployments can be described.")
    known = {
        service.deployment_arn(each): _whole(service, each)
        for service in SERVICES.of(call).values()
        for each in service.history
    }
    missing = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
    return {"serviceDeployments": [known[arn] for arn in arns if arn in known], "failures": missing}


def _brief(service: Service, deployment: Deployment) -> dict[str, Any]:
    row: dict[str, Any] = {
        "serviceDeploymentArn": service.deployment_arn(deployment),
        "serviceArn": service.arn,
        "clusterArn": service.cluster_arn,
        "createdAt": moment(deployment.created),
        "startedAt": moment(deployment.created),
        "status": deployment.outcome,
        "statusReason": deployment.reason,
    }
    return {**row, "finishedAt": moment(deployment.finished)} if deployment.finished is not None else row


def _whole(service: Service, deployment: Deployment) -> dict[str, Any]:
    names = list(deployment.settings["deploymentConfiguration"].get("alarms", {}).get("alarmNames", ()))
    status = "TRIGGERED" if deployment.fired else "MONITORING" if deployment.watched else "DISABLED"
    return {
        **_brief(service, deployment),
        "lifecycleStage": deployment.stage,
        "deploymentConfiguration": deployment.settings["deploymentConfiguration"],
        "alarms": {"status": status, "alarmNames": names, "triggeredAlarmNames": list(deployment.fired)},
    }
