"""What a service's description says: its settings as desired fields, how its rollout stands, and whether ECS went back.

The rollback trap: once the circuit breaker has gone back to the former task definition, the service looks as if someone
had put that there, and deploying the wanted one again would fail again, for ever. The proof that it was tried survives
the operator's restart: each update tags the service with the deployment that it began (`missyou.app/deployment`:
deployment id and revision), and ECS's events name the deployments that failed. When the event is gone (only the newest
hundred are kept: days, for a service that scales a lot), the revision is tried once more. Pure.

Source: ECS API reference, Service and Deployment; ECS developer guide, "Deployment circuit breaker".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.ecs.taskdefinition import revision_of
from missyou_operator.engine.resource import READY, Health, Observed, failed, pending

Row = Mapping[str, Any]

#: Tag of a service: `<deployment id> <revision>` of the newest deployment that the operator began.
DEPLOYMENT_TAG = "missyou.app/deployment"
#: Usual seconds of a rollout: starting takes a minute, health checks and draining another.
TYPICAL_ROLLOUT = 120.0


def attributes(row: Row, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of DescribeServices in the shape of the desired fields, and how the rollout stands.

    A setting that the answer does not speak of is None. `min_tasks` is the desired count, whoever set it.
    `failed_definition` is the revision that ECS went back from, or "". `healthy` is how many targets the load balancer
    finds healthy, None while nobody asked.
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


def primary_of(row: Row) -> Row:
    """Return the deployment that the service wants."""
    return next((item for item in row.get("deployments") or () if item.get("status") == "PRIMARY"), {})


def failed_definition(row: Row, tags: Mapping[str, str]) -> str:
    """Return the ARN of the revision that ECS tried, gave up and went back from; "" when the newest one is in place."""
    primary = primary_of(row)
    current = primary.get("taskDefinition", "")
    for item in row.get("deployments") or ():
        tried = item.get("taskDefinition", "")
        if item.get("rolloutState") == "FAILED" and revision_of(tried) > revision_of(current):
            return str(tried)
    deployment, _, revision = tags.get(DEPLOYMENT_TAG, "").partition(" ")
    if not revision.isdecimal() or int(revision) <= revision_of(current):
        return ""
    told = any(deployment in text and "deployment failed" in text for text in event_texts(row))
    return f"{current.rpartition(':')[0]}:{revision}" if told else ""


def deployment_tag(row: Row) -> dict[str, str]:
    """Return the tag that remembers a service's PRIMARY deployment."""
    primary = primary_of(row)
    return {DEPLOYMENT_TAG: f"{primary.get('id', '')} {revision_of(primary.get('taskDefinition', ''))}"}


def event_texts(row: Row) -> Sequence[str]:
    """Return the messages of a service's events, newest first."""
    return [str(event.get("message", "")) for event in row.get("events") or ()]


def in_trouble(attrs: Mapping[str, Any]) -> bool:
    """Return whether it is worth asking why tasks stopped."""
    if attrs["failed_definition"] or attrs["rollout_state"] == "FAILED":
        return True
    settled = attrs["rollout_state"] == "COMPLETED" and attrs["running"] >= attrs["desired"]
    return not settled and (attrs["failed_tasks"] > 0 or attrs["rollout_state"] == "COMPLETED")


def judge(observed: Observed, min_tasks: int) -> Health:
    """Say how a service stands.

    Once its rollout is complete it stays ready as long as `min_tasks` run and the load balancer finds one healthy.
    """
    attrs = observed.attrs
    counts = f"{attrs['running']} of {attrs['desired']} tasks run"
    cause = attrs["diagnosis"] or "ECS no longer tells why: its stopped tasks are forgotten after an hour"
    wanted, current = _short(attrs["failed_definition"]), _short(attrs["task_definition"])
    if wanted:
        return failed(
            "RolloutFailed",
            f"The rollout of {wanted} failed, and ECS went back to {current}, of which {counts}. {cause}. It is not "
            "tried again until spec, image tag or a secret changes; to try the same again: aws ecs update-service "
            f"--cluster {attrs['cluster_name']} --service {observed.name} --task-definition {wanted} "
            "--force-new-deployment",
        )
    reason = attrs["diagnosis_reason"] or Reason.TASKS_FAILING
    if attrs["rollout_state"] == "FAILED":
        return failed(
            reason,
            f"ECS gave up on {current}: {counts}. {cause}. It is not tried again until spec, image tag or a secret "
            f"changes; to try the same again: aws ecs update-service --cluster {attrs['cluster_name']} "
            f"--service {observed.name} --force-new-deployment",
        )
    if attrs["rollout_state"] == "COMPLETED" and attrs["running"] >= min_tasks and attrs["healthy"] != 0:
        return READY
    said = f"{counts} of {current}" if attrs["deployments"] <= 1 else f"{current} is being rolled out; {counts}"
    said += f". {attrs['diagnosis']}" if attrs["diagnosis"] else ""
    # A target may be unhealthy while its app boots: nothing has failed before a task has.
    if attrs["diagnosis"] and (attrs["failed_tasks"] or attrs["rollout_state"] == "COMPLETED"):
        return failed(reason, said, stalled=False, typical_seconds=30.0)
    return pending("RollingOut" if attrs["deployments"] > 1 else "Starting", said, TYPICAL_ROLLOUT)


def _short(arn: str) -> str:
    """Return `family:revision` of an ARN."""
    return arn.rpartition("/")[2]
