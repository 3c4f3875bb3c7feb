"""Why tasks fail, by what ECS reports: stopped tasks first, then the service's events, then target health. Pure.

ECS reports causes in prose; the table below knows the phrases. Sources: ECS developer guide, "Stopped tasks error
messages" and "Service event messages"; ELBv2 API reference, TargetHealth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.ecs.logs import without_controls

Row = Mapping[str, Any]

_MAX_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`reason` is a word for scripts, `message` AWS's text, `advice` what to do (both without a full stop).

    `task` is the ARN of the failed task, if it ran and may have logged the cause; `log` is the end of its log, and
    `look` the command that shows it.
    """

    reason: str
    message: str
    advice: str
    task: str = ""
    log: str = ""
    look: str = ""

    @property
    def text(self) -> str:
        """Return all sentences, without the last full stop."""
        text = f"{self.message}. {self.advice}"
        if self.log:
            return f"{text}. The end of its log: {self.log}"
        return f"{text}. Its log: {self.look}" if self.look else text


_FAILING = Reason.TASKS_FAILING
_NETWORK = (
    "The tasks cannot reach AWS: check the NAT gateways, the app subnets' routes and the ECS security group's egress"
)

_NOT_PUBLIC = (
    "The registry does not let this account pull it: an ECR repository of another account has to allow it "
    "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer (aws ecr set-repository-policy, there); from a registry with a "
    "password, copy the image into the stack's own repository"
)
#: ECS's text -> reason and advice. The first match counts.
_TABLE: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), reason, advice)
    for pattern, reason, advice in (
        (
            r"CannotPull.*(i/o timeout|deadline exceeded|connection refused|connection reset|no such host)",
            _FAILING,
            _NETWORK,
        ),
        (
            r"CannotPull.*(no matching manifest|(matching|specified) platform)",
            _FAILING,
            "The image is for another architecture: build it for linux/amd64",
        ),
        (
            r"permissions boundary",
            Reason.ACCESS_DENIED,
            "The roles' permissions boundary does not allow it: see missyou iam-policy --boundary --help",
        ),
        (
            r"CannotPull.*(no basic auth|pull access denied|may require|403 Forbidden|not authorized)",
            Reason.IMAGE_NOT_FOUND,
            _NOT_PUBLIC,
        ),
        (
            r"CannotPull.*(not found|manifest unknown|does not exist)",
            Reason.IMAGE_NOT_FOUND,
            "Push the image under that tag, or correct spec.image",
        ),
        (r"CannotPull", Reason.IMAGE_NOT_FOUND, "Check spec.image and that the execution role may pull it"),
        (
            r"AccessDenied.*(secretsmanager|kms|ssm)|(secretsmanager|kms).*not authorized",
            Reason.ACCESS_DENIED,
            "A task may not read a secret: check its own policy and its KMS key's (the execution role's allows it)",
        ),
        (
            r"ResourceNotFoundException.*secret|can't find the specified secret",
            _FAILING,
            "A secret was deleted or replaced: check the ARNs in spec.secrets (the stack's own are restored)",
        ),
        (r"did not contain json key", _FAILING, "Add that key to the secret's JSON value"),
        (
            r"ResourceInitializationError.*(i/o timeout|deadline exceeded|connection|unable to pull secrets)",
            _FAILING,
            _NETWORK,
        ),
        (
            r"validate logger args|log group does not exist",
            _FAILING,
            "The tasks' log group is missing: the next pass creates it again",
        ),
        (
            r"failed ELB health checks|is unhealthy in \(?target-group",
            _FAILING,
            "The app must answer 200 on spec.service.healthCheck.path at spec.service.port of 0.0.0.0; see its log",
        ),
        (r"failed container health checks", _FAILING, "The image's HEALTHCHECK fails; see the app's log"),
        (
            r"network interface provisioning|RESOURCE:ENI|insufficient.*addresses|no.*free.*addresses",
            _FAILING,
            "A subnet is out of addresses, or EC2 has trouble: fewer replicas need fewer addresses",
        ),
        (
            r"Capacity is unavailable",
            _FAILING,
            "Fargate has no capacity in a zone at the moment; ECS keeps trying, and smaller tasks fit in sooner",
        ),
        (
            r"limit on the number of vCPUs|vCPU.*limit",
            Reason.QUOTA_EXCEEDED,
            "Request a higher Fargate vCPU quota, or lower spec.service.cpu or spec.service.replicas",
        ),
        (
            r"unable to assume the role",
            Reason.ACCESS_DENIED,
            "A role of the tasks must trust ecs-tasks.amazonaws.com; a new role takes a minute to propagate",
        ),
        (r"unsupported.*(zone|AZ)", _FAILING, "Fargate is not available in that zone: choose others in a new stack"),
    )
)

#: Exit code -> what it means.
_EXITS: Mapping[int, str] = {
    0: "The app exited by itself, but a service must keep running; see its log",
    125: "The container could not be started: check the image's entry point and command",
    126: "The image's entry point or command is not executable",
    127: "The image's entry point or command was not found in it",
    134: "The app aborted; see its log",
    137: "The app was killed: it used more than spec.service.memory, or did not stop in time; see its log",
    139: "The app crashed (segmentation fault); see its log",
    143: "The app was told to stop",
}
_LOG = "See the app's log for why it stopped"

#: Reason of an unhealthy target -> advice.
_TARGETS: Mapping[str, str] = {
    "Target.ResponseCodeMismatch": "The app must answer 200 on spec.service.healthCheck.path",
    "Target.Timeout": "The app does not answer in time: it is slow, or the ECS security group does not admit the "
    "load balancer",
    "Target.FailedHealthChecks": "Nothing answers at spec.service.port: the app must listen there on 0.0.0.0",
    "Target.NotInUse": "The target group is not used by a listener, or a zone is not enabled on the load balancer",
    "Target.IpUnusable": "An address of a task cannot be used as a target",
}


def diagnose(stopped: Iterable[Row], events: Iterable[str], targets: Iterable[Row] = ()) -> Diagnosis | None:
    """Return why tasks fail, None if nothing shows it.

    `stopped` are rows of DescribeTasks, `events` the messages of DescribeServices, newest first, `targets` rows of
    DescribeTargetHealth.
    """
    tasks = sorted(stopped, key=lambda task: str(task.get("stoppedAt", "")), reverse=True)
    for task in tasks:
        if (found := _of_task(task)) is not None:
            return replace(found, task=str(task.get("taskArn", ""))) if task.get("startedAt") else found
    return _of_events(events) or _of_targets(targets)


def redacted(tasks: Iterable[Row], hide: Callable[[str], str]) -> list[Row]:
    """Return rows of DescribeTasks, their texts through `hide`: before they are cut, which may cut a secret in two."""
    return [
        {
            **task,
            "stoppedReason": hide(str(task.get("stoppedReason", ""))),
            "containers": [
                {**item, "reason": hide(str(item.get("reason", "")))} for item in task.get("containers") or ()
            ],
        }
        for task in tasks
    ]


def _of_task(task: Row) -> Diagnosis | None:
    """Diagnose one stopped task; None if it was stopped in the normal course of things."""
    containers: Sequence[Row] = task.get("containers") or ()
    reason = str(task.get("stoppedReason", ""))
    for text in (reason, *(str(item.get("reason", "")) for item in containers)):
        if (known := _match(text)) is not None:
            return known
    if task.get("stopCode") in {"ServiceSchedulerInitiated", "UserInitiated"}:
        return None
    for item in containers:
        if (code := item.get("exitCode")) is not None:
            killed = "OutOfMemory" in str(item.get("reason", ""))
            advice = "Raise spec.service.memory, or find why the app needs more" if killed else _EXITS.get(code, _LOG)
            detail = f" ({_trim(str(item['reason']))})" if item.get("reason") else ""
            message = f"container {item.get('name', '')} exited with code {code}{detail}"
            return Diagnosis("OutOfMemory" if killed else _FAILING, message, advice)
    return Diagnosis(_FAILING, f"a task stopped: {_trim(reason)}", _LOG) if reason else None


def _of_events(events: Iterable[str]) -> Diagnosis | None:
    for message in events:
        if "has reached a steady state" in message:
            return None
        if (known := _match(message)) is not None:
            return known
        if "unable to consistently start tasks" in message:
            return Diagnosis(_FAILING, _trim(message), "ECS starts tasks at ever longer intervals; see the app's log")
    return None


def _of_targets(targets: Iterable[Row]) -> Diagnosis | None:
    for target in targets:
        health = target.get("TargetHealth") or {}
        if health.get("State") in {"unhealthy", "unused"}:
            reason = str(health.get("Reason", ""))
            where = (target.get("Target") or {}).get("Id", "")
            message = _trim(f"target {where} is {health['State']}: {health.get('Description') or reason}")
            return Diagnosis(_FAILING, message, _TARGETS.get(reason, _LOG))
    return None


def _match(text: str) -> Diagnosis | None:
    for pattern, reason, advice in _TABLE:
        if text and pattern.search(text):
            return Diagnosis(reason, _trim(text), advice)
    return None


def _trim(text: str) -> str:
    """Return a message on one line without controls, cut to a readable length, without a full stop."""
    line = without_controls(text).rstrip(". ")
    return line if len(line) <= _MAX_LENGTH else line[: _MAX_LENGTH - 1] + "…"
