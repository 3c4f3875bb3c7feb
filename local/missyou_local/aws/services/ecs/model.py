"""Services, deployments and tasks, and their descriptions in ECS's API. Times in seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PLATFORM = "1.4.0"
"""What `LATEST` means for Fargate on Linux."""


def moment(seconds: float) -> datetime:
    """Return a time as the wire has it."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(slots=True)
class Task:
    """One task. `due`: when it starts or fails to; `healthy_at`: when its targets are healthy, once it has started.

    `groups`: the target groups (ARN, container port) that it registers in, those of its deployment.

    `stopping`: when it was told to stop; `stop_due`: when it will have stopped, or, where it is a process, when that is
    asked to end. `exit_code` is 0 for a task that is none.
    """

    id: str
    arn: str
    deployment: str
    definition: Any
    created: float
    due: float
    subnet: str
    zone: str
    eni: str
    address: str
    groups: tuple[tuple[str, int], ...] = ()
    started: float | None = None
    healthy_at: float = 0.0
    healthy: bool = False
    stopping: float | None = None
    stop_due: float | None = None
    stopped: float | None = None
    reason: str = ""
    code: str = ""
    exit_code: int = 0
    exit_reason: str = ""

    @property
    def alive(self) -> bool:
        """Return whether the task runs or is to run."""
        return self.stopping is None and self.stopped is None

    @property
    def running(self) -> bool:
        """Return whether the task runs and is to go on."""
        return self.alive and self.started is not None

    @property
    def status(self) -> str:
        """Return lastStatus."""
        if self.stopped is not None:
            return "STOPPED"
        if self.stopping is not None:
            return "DEACTIVATING"
        return "PENDING" if self.started is None else "RUNNING"


@dataclass(slots=True)
class Deployment:
    """One deployment; PRIMARY is the one that the service wants, ACTIVE ones are on their way out.

    `settings` are those that it was made with and that a rollback restores. `images` holds what its first task
    resolved each reference to: later tasks of the deployment run the same, also when the tag was pushed anew. Sources:
    ECS API reference, ServiceRevision; ECS developer guide, "Container image resolution".
    """

    id: str
    definition: str
    created: float
    updated: float
    desired: int
    settings: dict[str, Any]
    images: dict[str, Any] = field(default_factory=dict)
    status: str = "PRIMARY"
    failed: int = 0
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    is_rollback: bool = False
    #: Of a pair of target groups, the one that its tasks register in: ECS alternates between the two.
    side: str = ""
    #: The stage, and when the next one is due; `shifted` is the share of the requests that it gets, in percent.
    stage: str = ""
    stage_due: float | None = None
    shifted: float = 0.0
    #: The alarms that are looked at while it is under way, and those that ended it.
    watched: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()
    outcome: str = "IN_PROGRESS"
    finished: float | None = None

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Return the target groups (ARN, container port) that its tasks register in."""
        return tuple(
            (self.side if "advancedConfiguration" in entry else entry["targetGroupArn"], entry["containerPort"])
            for entry in self.settings["loadBalancers"]
            if "targetGroupArn" in entry
        )

    @property
    def pair(self) -> Mapping[str, Any]:
        """Return the load balancer of its settings that has two target groups; {} if there is none."""
        return next((entry for entry in self.settings["loadBalancers"] if "advancedConfiguration" in entry), {})

    @property
    def shifts(self) -> bool:
        """Return whether it moves the requests between two target groups, instead of replacing tasks in one."""
        strategy = self.settings["deploymentConfiguration"]["strategy"]
        return strategy != "ROLLING" and bool(self.pair) and not self.is_rollback


@dataclass(slots=True)
class Service:
    """One service. `settings` is the part of its description that calls set and nothing computes, in wire form."""

    name: str
    arn: str
    cluster: str
    cluster_arn: str
    created: float
    desired: int
    definition: str
    settings: dict[str, Any]
    token: str | None = None
    status: str = "ACTIVE"
    deployments: list[Deployment] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    retry_at: float | None = None
    steady: bool = False
    last_good: Deployment | None = None
    #: The deployments that have ended, newest first.
    history: list[Deployment] = field(default_factory=list)

    @property
    def primary(self) -> Deployment:
        """Return the deployment that the service wants."""
        return next(deployment for deployment in self.deployments if deployment.status == "PRIMARY")

    def tasks_of(self, deployment: Deployment) -> list[Task]:
        """Return the tasks of a deployment, the stopped ones included."""
        return [task for task in self.tasks if task.deployment == deployment.id]

    def count(self, *, running: bool, deployment: Deployment | None = None) -> int:
        """Return how many tasks run, or are still to start, in a deployment or all in all."""
        tasks = self.tasks if deployment is None else self.tasks_of(deployment)
        return sum(task.alive and task.running is running for task in tasks)

    def describe(self) -> dict[str, Any]:
        """Return the service as DescribeServices shows it, but for its tags.

        Its launch type shows only without a strategy of capacity providers: API reference, Service.
        """
        strategy = self.settings.get("capacityProviderStrategy")
        hidden = "launchType" if strategy else "capacityProviderStrategy"
        under_way = next((each for each in self.deployments if each.outcome.endswith("IN_PROGRESS")), None)
        current = {"currentServiceDeployment": self.deployment_arn(under_way)} if under_way else {}
        return {
            **current,
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": self.cluster_arn,
            "status": self.status,
            "desiredCount": self.desired,
            "runningCount": self.count(running=True),
            "pendingCount": self.count(running=False),
            "taskDefinition": self.definition,
            "deployments": [self._describe(deployment) for deployment in self.deployments],
            "events": list(self.events),
            "createdAt": moment(self.created),
            "platformFamily": "Linux",
            "placementConstraints": [],
            "placementStrategy": [],
            "schedulingStrategy": "REPLICA",
            **{key: value for key, value in self.settings.items() if key != hidden},
        }

    def deployment_arn(self, deployment: Deployment) -> str:
        """Return the ARN by which the API of service deployments names a deployment."""
        return f"{self.arn.replace(':service/', ':service-deployment/')}/{deployment.id.rpartition('/')[2]}"

    def _describe(self, deployment: Deployment) -> dict[str, Any]:
        return {
            "id": deployment.id,
            "status": deployment.status,
            "taskDefinition": deployment.definition,
            "desiredCount": deployment.desired,
            "runningCount": self.count(running=True, deployment=deployment),
            "pendingCount": self.count(running=False, deployment=deployment),
            "failedTasks": deployment.failed,
            "createdAt": moment(deployment.created),
            "updatedAt": moment(deployment.updated),
            "launchType": self.settings["launchType"],
            "platformVersion": PLATFORM,
            "platformFamily": "Linux",
            "networkConfiguration": deployment.settings["networkConfiguration"],
            "rolloutState": deployment.rollout,
            "rolloutStateReason": deployment.reason,
        }

    def describe_task(self, task: Task) -> dict[str, Any]:
        """Return one of its tasks as DescribeTasks shows it, but for its tags."""
        definition = task.definition
        shown: dict[str, Any] = {
            "taskArn": task.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": definition.arn,
            "group": f"service:{self.name}",
            "startedBy": task.deployment,
            "lastStatus": task.status,
            "desiredStatus": "RUNNING" if task.alive else "STOPPED",
            "availabilityZone": task.zone,
            "connectivity": "CONNECTED",
            "cpu": definition.cpu,
            "memory": definition.memory,
            "createdAt": moment(task.created),
            "launchType": self.settings["launchType"],
            "platformVersion": PLATFORM,
            "platformFamily": "Linux",
            "healthStatus": "UNKNOWN",
            "version": 1,
            "overrides": {"containerOverrides": []},
            "attachments": [_attachment(task)],
            "containers": [_container(task, container) for container in definition.container_definitions],
        }
        times = {"startedAt": task.started, "stoppingAt": task.stopping, "stoppedAt": task.stopped}
        shown.update({key: moment(at) for key, at in times.items() if at is not None})
        if not task.alive:
            shown.update(stoppedReason=task.reason, stopCode=task.code)
        return shown


def _attachment(task: Task) -> dict[str, Any]:
    details = {"subnetId": task.subnet, "networkInterfaceId": task.eni, "privateIPv4Address": task.address}
    return {
        "id": task.id,
        "type": "ElasticNetworkInterface",
        "status": "DELETED" if task.stopped is not None else "ATTACHED",
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def _container(task: Task, container: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "containerArn": task.arn.replace(":task/", ":container/") + f"/{container['name']}",
        "taskArn": task.arn,
        "name": container["name"],
        "image": container["image"],
        "lastStatus": task.status,
        "healthStatus": "UNKNOWN",
        "networkInterfaces": [{"attachmentId": task.id, "privateIpv4Address": task.address}],
    }
    if task.stopped is not None:
        shown["reason" if task.started is None else "exitCode"] = (
            task.reason if task.started is None else task.exit_code
        )
        if task.exit_reason:
            shown["reason"] = task.exit_reason
    return shown
