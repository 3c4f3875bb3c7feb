"""The events that services send when something of theirs changes: found by comparing what is with what was.

Sources: ECS Developer Guide, "Amazon ECS task state change events" and "Amazon ECS service deployment state change
events"; ECR User Guide, "Sample events from Amazon ECR"; RDS User Guide, "Monitoring Amazon RDS events"; ACM User
Guide, "Amazon EventBridge support for ACM"; CloudWatch User Guide, "Alarm events and EventBridge".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import ADVANCERS, Call, Regional, advances
from missyou_local.aws.services.ecs.services import SERVICES
from missyou_local.aws.services.events import bus
from missyou_local.aws.services.rds.model import DATABASES

_WATCHED = ("ecs", "rds", "acm", "cloudwatch")
_ROLLOUTS = {"IN_PROGRESS": "IN_PROGRESS", "COMPLETED": "COMPLETED", "FAILED": "FAILED"}


@dataclass(slots=True)
class _Seen:
    """What was there when it was last looked at: by kind and ID, the state and the event that tells of it."""

    states: dict[tuple[str, str], tuple[Any, Mapping[str, Any]]] = field(default_factory=dict)
    begun: bool = False


_seen: Regional[_Seen] = Regional(_Seen)


@advances("sqs")
def advance(call: Call) -> None:
    """Send what has changed since the last look, and deliver what has arrived, before each call of a queue."""
    if not bus.has_rules(call.account, call.region):
        return
    for service in _WATCHED:
        for bring_up in ADVANCERS.get(service, ()):
            bring_up(call)
    seen = _seen.of(call)
    now = {(kind, id_): (state, event) for kind, id_, state, event in _states(call)}
    for key, (state, event) in now.items():
        if seen.begun and seen.states.get(key, (None,))[0] != state:
            bus.send(call.account, call.region, event, call.now, call.now + call.timing.service_event)
    if seen.begun:
        for key, (_, event) in seen.states.items():
            if key not in now and key[0] in _ENDS:
                detail = {**event["detail"], **_ENDS[key[0]]}
                bus.send(
                    call.account,
                    call.region,
                    {**event, "detail": detail},
                    call.now,
                    call.now + call.timing.service_event,
                )
    seen.states, seen.begun = now, True
    bus.deliver(call.account, call.region, call.now)


#: What the event of something that is gone says.
_ENDS: Mapping[str, Mapping[str, Any]] = {
    "database": {"EventID": "RDS-EVENT-0003", "Message": "DB instance deleted"},
    "image": {"action-type": "DELETE"},
}


def _states(call: Call) -> Iterator[tuple[str, str, Any, Mapping[str, Any]]]:
    """Yield kind, ID, state, and the event of a change to it."""
    yield from _tasks_and_deployments(call)
    for name, database in DATABASES.of(call).items():
        message = f"DB instance {database.busy}" if database.busy else "DB instance available"
        arn = call.arn("rds", f"db:{name}")
        detail: dict[str, Any] = {
            "EventCategories": ["notification"],
            "SourceType": "DB_INSTANCE",
            "SourceArn": arn,
            "SourceIdentifier": name,
            "Message": message,
            "EventID": "RDS-EVENT-0001",
        }
        event = _event("rds", "RDS DB Instance Event", [arn], detail)
        yield "database", name, (database.busy, bool(database.pending)), event
    for repository in call.moto("ecr").repositories.values():
        for image in repository.images:
            for tag in image.image_tags or [""]:
                detail = {
                    "result": "SUCCESS",
                    "repository-name": repository.name,
                    "image-digest": image.get_image_digest(),
                    "action-type": "PUSH",
                    **({"image-tag": tag} if tag else {}),
                }
                event = _event("ecr", "ECR Image Action", [], detail)
                yield "image", f"{repository.name}:{tag or detail['image-digest']}", detail["image-digest"], event
    for alarm in call.moto("cloudwatch").alarms.values():
        detail = {"alarmName": alarm.name, "state": {"value": alarm.state_value}}
        event = _event("cloudwatch", "CloudWatch Alarm State Change", [alarm.alarm_arn], detail)
        yield "alarm", alarm.name, alarm.state_value, event
    for arn, certificate in call.moto("acm")._certificates.items():
        if certificate.status == "ISSUED":
            detail = {"Action": "ISSUANCE", "CommonName": certificate.common_name}
            yield "certificate", arn, "ISSUED", _event("acm", "ACM Certificate Available", [arn], detail)


def _tasks_and_deployments(call: Call) -> Iterator[tuple[str, str, Any, Mapping[str, Any]]]:
    for service in SERVICES.of(call).values():
        for task in service.tasks:
            detail = {
                "taskArn": task.arn,
                "clusterArn": service.cluster_arn,
                "group": f"service:{service.name}",
                "lastStatus": task.status,
                "taskDefinitionArn": task.definition.arn,
            }
            event = _event("ecs", "ECS Task State Change", [task.arn], detail)
            yield "task", task.arn, (task.status, task.healthy), event
        for deployment in service.deployments:
            name = f"SERVICE_DEPLOYMENT_{_ROLLOUTS.get(deployment.rollout, deployment.rollout)}"
            detail = {"eventType": "INFO", "eventName": name, "deploymentId": deployment.id, "reason": ""}
            event = _event("ecs", "ECS Deployment State Change", [service.arn], detail)
            yield "deployment", f"{service.arn}/{deployment.id}", deployment.rollout, event


def _event(service: str, kind: str, resources: list[str], detail: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"source": f"aws.{service}", "detail-type": kind, "resources": resources, "detail": detail}
