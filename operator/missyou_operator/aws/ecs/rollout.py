"""What a service's description means: its settings as desired fields, its rollout's state, and whether it rolled back.

The rollback trap: once the circuit breaker has restored the previous task definition, the service looks as if someone
had deployed that by hand, and deploying the desired one again would fail again, forever. The proof that it was tried
survives a restart of the operator: each update tags the service with the deployment that it started
(`missyou.app/deployment`: deployment id and revision), and ECS's events name the failed deployments. Once the event is
gone (only the newest hundred are kept: days, for a service that scales a lot), the revision is tried once more. Pure.

Source: ECS API reference, Service and Deployment; ECS developer guide, "Deployment circuit breaker".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.ecs.taskdefinition import revision_of
from missyou_operator.engine.resource import READY, Health, Observed, failed, pending

Row = Mapping[str, Any]

#: Tag of a service: `<deployment id> <revision>` of the newest deployment that the operator started.
DEPLOYMENT_TAG = "missyou.app/deployment"
#: Settings of a service that the spec does not choose, as DescribeServices shows them.
SETTINGS: Mapping[str, Any] = {
    "assignPublicIp": "DISABLED",
    "enableECSManagedTags": True,
    "enableExecuteCommand": False,
    "launchType": "FARGATE",
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "platformVersion": "LATEST",
    "propagateTags": "SERVICE",
}
#: Usual seconds of a rollout: starting takes a minute, health checks and draining another.
TYPICAL_ROLLOUT = 120.0
_NO_RETRY = "It is not retried until the spec, the image tag or a secret changes; to retry it as it is"


def attributes(row: Row, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of DescribeServices in the shape of the desired fields, with the state of the rollout.

    A setting that the answer omits is None. `min_tasks` is the desired count, whoever set it. `failed_definition` is
    the revision that ECS rolled back, or "". `healthy` counts the targets that the load balancer finds healthy; it is
    None until they are read.
    """
    network = (row.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    balancer = (row.get("loadBalancers") or [{}])[0]
    breaker = (row.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker")
    primary = primary_of(row)
    return {
        "id": row["serviceArn"],
        "arn": row["serviceArn"],
        "service_name": row["serviceName"],
        "cluster": row["clusterArn"],
        "cluster_name": row["clusterArn"].rpartition("/")[2],
        "task_definition": primary.get("taskDefinition", row.get("taskDefinition", "")),
        "subnet_ids": tuple(sorted(network.get("subnets") or ())),
        "security_group_ids": tuple(sorted(network.get("securityGroups") or ())),
        "target_group_arn": balancer.get("targetGroupArn"),
        "container_port": balancer.get("containerPort"),
        "grace_seconds": row.get("healthCheckGracePeriodSeconds"),
        "settings": _settings(row, network),
        "circuit_breaker": bool(breaker.get("enable") and breaker.get("rollback")) if breaker is not None else None,
        "min_tasks": row.get("desiredCount", 0),
        "running": row.get("runningCount", 0),
        "pending": row.get("pendingCount", 0),
        "desired": row.get("desiredCount", 0),
        "deployment": primary.get("id", ""),
        "deployments": len(row.get("deployments") or ()),
        "rollout_state": primary.get("rolloutState", ""),
        "failed_tasks": primary.get("failedTasks", 0),
        "failed_definition": failed_definition(row, tags),
        "healthy": None,
        "diagnosis": "",
        "diagnosis_reason": "",
    }


def _settings(row: Row, network: Row) -> dict[str, Any]:
    """Return the settings that the spec does not choose. One that the answer omits is as desired.

    Where capacity providers decide on what tasks run, they stand for the launch type, which AWS does not show then.
    """
    shown = {**row, **network, **(row.get("deploymentConfiguration") or {})}
    if providers := [each.get("capacityProvider", "") for each in row.get("capacityProviderStrategy") or ()]:
        shown["launchType"] = ", ".join(providers)
    return {key: shown.get(key, value) for key, value in SETTINGS.items()}


def primary_of(row: Row) -> Row:
    """Return the PRIMARY deployment, which the service is to run; {} if there is none."""
    return next((item for item in row.get("deployments") or () if item.get("status") == "PRIMARY"), {})


def failed_definition(row: Row, tags: Mapping[str, str]) -> str:
    """Return the ARN of the revision that ECS tried and rolled back; "" if the newest one is in place."""
    primary = primary_of(row)
    current = primary.get("taskDefinition", "")
    for item in row.get("deployments") or ():
        tried = item.get("taskDefinition", "")
        if item.get("rolloutState") == "FAILED" and revision_of(tried) > revision_of(current):
            return str(tried)
    deployment, _, revision = tags.get(DEPLOYMENT_TAG, "").partition(" ")
    if not revision.isdecimal() or int(revision) <= revision_of(current):
        return ""
    has_failed = any(deployment in text and "deployment failed" in text for text in event_texts(row))
    return f"{current.rpartition(':')[0]}:{revision}" if has_failed else ""


def deployment_tag(row: Row) -> dict[str, str]:
    """Return the tag that records a service's PRIMARY deployment."""
    primary = primary_of(row)
    return {DEPLOYMENT_TAG: f"{primary.get('id', '')} {revision_of(primary.get('taskDefinition', ''))}"}


def event_texts(row: Row) -> Sequence[str]:
    """Return the messages of a service's events, newest first."""
    return [str(event.get("message", "")) for event in row.get("events") or ()]


def in_trouble(attrs: Mapping[str, Any]) -> bool:
    """Return whether it is worth reading why tasks stopped."""
    if attrs["failed_definition"] or attrs["rollout_state"] == "FAILED":
        return True
    settled = attrs["rollout_state"] == "COMPLETED" and attrs["running"] >= attrs["desired"]
    return not settled and (attrs["failed_tasks"] > 0 or attrs["rollout_state"] == "COMPLETED")


def health_of(observed: Observed, min_tasks: int) -> Health:
    """Return a service's health.

    After a complete rollout it stays ready while `min_tasks` run and the load balancer finds one of them healthy.
    """
    attrs = observed.attrs
    counts = f"{attrs['running']} of {attrs['desired']} tasks running"
    cause = attrs["diagnosis"] or "ECS no longer shows why: it forgets stopped tasks after an hour"
    retry = f"aws ecs update-service --cluster {attrs['cluster_name']} --service {observed.name}"
    tried, current = _short(attrs["failed_definition"]), _short(attrs["task_definition"])
    if tried:
        return failed(
            "RolloutFailed",
            f"The rollout of {tried} failed, and ECS rolled back to {current} ({counts}). {cause}. {_NO_RETRY}: "
            f"{retry} --task-definition {tried} --force-new-deployment",
        )
    reason = attrs["diagnosis_reason"] or Reason.TASKS_FAILING
    if attrs["rollout_state"] == "FAILED":
        message = f"ECS gave up on {current}: {counts}. {cause}. {_NO_RETRY}: {retry} --force-new-deployment"
        return failed(reason, message)
    if attrs["rollout_state"] == "COMPLETED" and attrs["running"] >= min_tasks and attrs["healthy"] != 0:
        return READY
    message = f"{counts} {current}" if attrs["deployments"] <= 1 else f"{current} is being rolled out; {counts}"
    message += f". {attrs['diagnosis']}" if attrs["diagnosis"] else ""
    # A target may be unhealthy while its app boots: nothing has failed until a task has.
    if attrs["diagnosis"] and (attrs["failed_tasks"] or attrs["rollout_state"] == "COMPLETED"):
        return failed(reason, message, stalled=False, typical_seconds=30.0)
    return pending("RollingOut" if attrs["deployments"] > 1 else "Starting", message, TYPICAL_ROLLOUT)


def _short(arn: str) -> str:
    """Return `family:revision` of an ARN."""
    return arn.rpartition("/")[2]
