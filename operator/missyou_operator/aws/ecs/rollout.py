"""What a service's description means: its settings as desired fields, its rollout's state, and whether it rolled back.

The rollback trap: once the circuit breaker has restored the previous task definition, the service looks as if someone
had deployed that by hand, and deploying the desired one again would fail again, forever. The proof that it was tried
survives a restart of the operator: each update tags the service with the deployment that it started
(`missyou.app/deployment`: deployment id, revision, and a digest of all that was deployed), and ECS's events name the
failed deployments. Once the event is gone (only the newest hundred are kept: days, for a service that scales a lot), it
is tried once more. Pure.

Source: ECS API reference, Service, Deployment and ServiceRevision; ECS developer guide, "Deployment circuit breaker".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.ecs.revisions import revision_of
from missyou_operator.aws.ecs.strategy import observed_alarms, observed_strategy, pair_of
from missyou_operator.engine.resource import READY, Health, Observed, failed, pending

Row = Mapping[str, Any]

#: Tag of a service: `<deployment id> <revision> <digest>` of the newest deployment that the operator started, and the
#: revision that ECS goes back to if it fails, 0 if there is none.
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
#: The fields that belong to a deployment and are rolled back with it.
ROLLED_OUT = (
    "task_definition",
    "subnet_ids",
    "security_group_ids",
    "target_groups",
    "alternate_target_group",
    "listener_rule",
    "balancing_role",
    "container_port",
)
#: Usual seconds of a rollout: starting takes a minute, health checks and draining another.
TYPICAL_ROLLOUT = 120.0
#: The stages of a deployment that shifts requests, for a person. Source: API reference, ServiceDeployment.
_STAGES: Mapping[str, str] = {
    "PRODUCTION_TRAFFIC_SHIFT": "ECS moves the requests to it",
    "POST_PRODUCTION_TRAFFIC_SHIFT": "It gets all requests",
    "BAKE_TIME": "It gets all requests; the old tasks stay for the time of bakeMinutes, so that ECS can go back",
    "CLEAN_UP": "It gets all requests; the old tasks are being stopped",
}
_NO_RETRY = "It is not retried until the spec, the image tag or a secret changes; to retry it as it is"


def digest(fields: Mapping[str, Any]) -> str:
    """Return twelve hex digits that stand for the fields of a deployment, desired or observed.

    A desired one may refer to what does not exist yet: it is sorted by how it is written, like ARNs.
    """
    values = [fields.get(name) for name in ROLLED_OUT]
    text = json.dumps([sorted(value, key=str) if isinstance(value, tuple) else value for value in values], default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def attributes(row: Row, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of DescribeServices in the shape of the desired fields, with the state of the rollout.

    A setting that the answer omits is None. `min_tasks` is the desired count, whoever set it. `new` counts the running
    tasks of the newest deployment. `failed_rollout` stands for what ECS rolled back (see `rolled_back`), and
    `failed_definition` is its revision; both are "" if nothing was. `healthy_in` counts the healthy targets of each
    target group, and `healthy` those of the group with the fewest; they are empty and None until they are read.
    `returns_to` is the revision that ECS goes back to if the newest deployment fails: AWS shows it only while tasks of
    it run. `stage` is that of a deployment that shifts requests, `fired` are the alarms that ended the last one.
    """
    network = (row.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    balancers = [entry for entry in row.get("loadBalancers") or () if entry.get("targetGroupArn")]
    ports = {entry.get("containerPort") for entry in balancers}
    configuration = row.get("deploymentConfiguration")
    breaker = (configuration or {}).get("deploymentCircuitBreaker")
    primary, advanced = primary_of(row), pair_of(row).get("advancedConfiguration") or {}
    attrs = {
        "id": row["serviceArn"],
        "arn": row["serviceArn"],
        "service_name": row["serviceName"],
        "cluster": row["clusterArn"],
        "cluster_name": row["clusterArn"].rpartition("/")[2],
        "task_definition": primary.get("taskDefinition", row.get("taskDefinition", "")),
        "subnet_ids": tuple(sorted(network.get("subnets") or ())),
        "security_group_ids": tuple(sorted(network.get("securityGroups") or ())),
        "target_groups": tuple(sorted(entry["targetGroupArn"] for entry in balancers)),
        "alternate_target_group": advanced.get("alternateTargetGroupArn") or "",
        "listener_rule": advanced.get("productionListenerRule") or "",
        "balancing_role": advanced.get("roleArn") or "",
        "container_port": ports.pop() if len(ports) == 1 else None,
        "grace_seconds": row.get("healthCheckGracePeriodSeconds"),
        "settings": _settings(row, network),
        "circuit_breaker": bool(breaker.get("enable") and breaker.get("rollback")) if breaker is not None else None,
        "strategy": observed_strategy(configuration),
        "alarms": observed_alarms(configuration),
        "min_tasks": row.get("desiredCount", 0),
        "running": row.get("runningCount", 0),
        "new": primary.get("runningCount", 0),
        "pending": row.get("pendingCount", 0),
        "desired": row.get("desiredCount", 0),
        "deployment": primary.get("id", ""),
        "deployments": len(row.get("deployments") or ()),
        "rollout_state": primary.get("rolloutState", ""),
        "failed_tasks": primary.get("failedTasks", 0),
        "healthy": None,
        "healthy_in": {},
        "diagnosis": "",
        "diagnosis_reason": "",
        "stopped_by_hand": False,
        "returns_to": _returns_to(tags),
        "stage": "",
        "fired": (),
    }
    rollout, definition = rolled_back(row, tags, digest(attrs))
    return {**attrs, "failed_rollout": rollout, "failed_definition": definition}


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


def rolled_back(row: Row, tags: Mapping[str, str], present: str) -> tuple[str, str]:
    """Return what ECS tried and rolled back, and its revision's ARN; ("", "") if the newest deployment is in place.

    What was tried is a digest, or the revision's ARN as long as no tag names the deployment. `present` is the digest of
    what the service is now.
    """
    primary = primary_of(row)
    current = str(primary.get("taskDefinition", ""))
    gone = {
        item.get("id"): str(item.get("taskDefinition", "")) for item in row.get("deployments") or () if _gave_up(item)
    }
    deployment, revision, tried = [*tags.get(DEPLOYMENT_TAG, "").split(" "), "", ""][:3]
    if tried and revision.isdecimal() and deployment != primary.get("id") and tried != present:
        texts = event_texts(row)
        if deployment in gone or any(deployment in text and "deployment failed" in text for text in texts):
            return tried, f"{current.rpartition(':')[0]}:{revision}"
    newer = (arn for arn in gone.values() if revision_of(arn) > revision_of(current))
    definition = next(newer, "")
    return definition, definition


def _gave_up(deployment: Row) -> bool:
    return bool(deployment.get("rolloutState") == "FAILED" and deployment.get("status") != "PRIMARY")


def deployment_tag(attrs: Mapping[str, Any], tried: str, before: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the tag that records a service's PRIMARY deployment; `tried` is the digest of what it deploys.

    `before`: the attributes of the service before it: what completed last is what ECS goes back to.
    """
    good = 0
    if before is not None:
        completed = before["rollout_state"] == "COMPLETED"
        good = revision_of(before["task_definition"]) if completed else before["returns_to"]
    return {DEPLOYMENT_TAG: f"{attrs['deployment']} {revision_of(attrs['task_definition'])} {tried} {good}"}


def _returns_to(tags: Mapping[str, str]) -> int:
    last = tags.get(DEPLOYMENT_TAG, "").rpartition(" ")[2]
    return int(last) if last.isdecimal() else 0


def event_texts(row: Row) -> Sequence[str]:
    """Return the messages of a service's events, newest first."""
    return [str(event.get("message", "")) for event in row.get("events") or ()]


def in_trouble(attrs: Mapping[str, Any]) -> bool:
    """Return whether it is worth reading why tasks stopped."""
    if attrs["failed_definition"] or attrs["rollout_state"] == "FAILED":
        return True
    settled = attrs["rollout_state"] == "COMPLETED" and attrs["running"] >= attrs["desired"]
    return not settled and (attrs["failed_tasks"] > 0 or attrs["rollout_state"] == "COMPLETED")


def health_of(observed: Observed, min_tasks: int, *, undone: bool = False) -> Health:
    """Return a service's health. `undone`: ECS has rolled back what is desired.

    After a complete rollout it stays ready while the load balancer finds a task healthy and none is failing: AWS
    retires Fargate tasks for maintenance, and ECS starts others. Tasks above the desired count (of a rollout, or being
    stopped) are none that anybody waits for: they are not counted.
    """
    attrs = observed.attrs
    counts = f"{min(attrs['running'], attrs['desired'])} of {attrs['desired']} tasks running"
    cause = attrs["diagnosis"] or "ECS no longer shows why: it forgets stopped tasks after an hour"
    cause = f"The alarm {' and '.join(attrs['fired'])} went off while it was rolled out" if attrs["fired"] else cause
    retry = f"aws ecs update-service --cluster {attrs['cluster_name']} --service {observed.name}"
    tried, current = _short(attrs["failed_definition"]), _short(attrs["task_definition"])
    if undone:
        what = f"The rollout of {tried}" if tried != current else f"The new health check or network of {current}"
        return failed(
            Reason.ROLLOUT_FAILED,
            f"{what} failed, and ECS rolled back to {current} ({counts}): the version of the spec does not run. "
            f"{cause}. {_NO_RETRY}: aws ecs untag-resource --resource-arn {observed.id} --tag-keys {DEPLOYMENT_TAG}",
        )
    reason = attrs["diagnosis_reason"] or Reason.TASKS_FAILING
    if attrs["rollout_state"] == "FAILED":
        message = f"ECS gave up on {current}: {counts}. {cause}. {_NO_RETRY}: {retry} --force-new-deployment"
        return failed(reason, message)
    if (ready := _ready(attrs, min_tasks, f"{counts} {current}")) is not None:
        return ready
    several = attrs["deployments"] > 1
    new = min(attrs["new"], attrs["desired"])
    message = (
        f"{current} is being rolled out: {new} of {attrs['desired']} tasks running"
        if several
        else f"{counts} {current}"
    )
    if attrs["diagnosis"]:
        message += f". {attrs['diagnosis']}"
    elif attrs["stage"] in _STAGES:
        message += f". {_STAGES[attrs['stage']]}"
    elif attrs.get("healthy") == 0:
        message += ". Their health checks have not passed yet"
    # A target may be unhealthy while its app boots: nothing has failed until a task has.
    if attrs["diagnosis"] and (attrs["failed_tasks"] or attrs["rollout_state"] == "COMPLETED"):
        return failed(reason, message, stalled=False, typical_seconds=30.0)
    return pending("RollingOut" if several else "Starting", message, TYPICAL_ROLLOUT)


def _ready(attrs: Mapping[str, Any], min_tasks: int, what: str) -> Health | None:
    """Return a service's health if it serves what it is to serve, else None. `what` counts its tasks."""
    if attrs["rollout_state"] == "COMPLETED" and attrs.get("healthy") != 0:
        if attrs["running"] >= min_tasks:
            return READY
        if attrs["running"] and attrs.get("healthy") and (not attrs["diagnosis"] or attrs["stopped_by_hand"]):
            return replace(READY, message=f"{what}: ECS replaces those that have ended")
    if _bakes(attrs) and attrs["running"] >= min_tasks:
        return replace(READY, message=f"{what}: ECS goes back if an alarm goes off in the next minutes")
    return None


def _bakes(attrs: Mapping[str, Any]) -> bool:
    """Return whether a rolling deployment is over, but for the alarms that ECS still looks at."""
    rolling = (attrs["strategy"] or {}).get("strategy") == "ROLLING" and bool(attrs["alarms"])
    over = attrs["deployments"] == 1 and attrs["new"] >= attrs["desired"] and not attrs["failed_tasks"]
    served = bool(attrs.get("healthy")) and attrs["healthy"] >= attrs["desired"]
    return attrs["rollout_state"] == "IN_PROGRESS" and rolling and over and served and not attrs["diagnosis"]


def _short(arn: str) -> str:
    """Return `family:revision` of an ARN."""
    return arn.rpartition("/")[2]
