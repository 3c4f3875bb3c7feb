"""The ECS service: Fargate tasks behind the load balancer, rolled out with circuit breaker and rollback.

`rollout` interprets a service's description, `causes` the failures of its tasks. Source: ECS API reference,
CreateService, UpdateService and DeleteService.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ecs.answers import PASS_ROLES, ecs_tags, refusals_as_waits, retag, tags_of
from missyou_operator.aws.ecs.causes import diagnosis
from missyou_operator.aws.ecs.deployments import deployment_details
from missyou_operator.aws.ecs.effects import SERVICE
from missyou_operator.aws.ecs.revisions import CONTAINER, versions_in_use
from missyou_operator.aws.ecs.rollout import (
    ROLLED_OUT,
    SETTINGS,
    TYPICAL_ROLLOUT,
    attributes,
    deployment_tag,
    digest,
    health_of,
    primary_of,
)
from missyou_operator.aws.ecs.strategy import ROLLING, advanced_configuration, alarm_configuration
from missyou_operator.aws.ecs.targets import healthy_among, targets_in
from missyou_operator.aws.errors import code_of, is_absent
from missyou_operator.aws.informer import FRESH
from missyou_operator.aws.permissions import Condition, Grant, Part, change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_set, at_least, compare, equal, if_observed
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import READY, Health, Observed, Resource, pending
from missyou_operator.engine.values import Ref

#: The settings that each are an argument of both CreateService and UpdateService.
_SENT_AS_THEY_ARE = ("propagateTags", "enableECSManagedTags", "enableExecuteCommand")
_PLATFORM = "platformVersion"
_PERCENTS = frozenset({"minimumHealthyPercent", "maximumPercent"})
_CLUSTER = "ecs:cluster/{ecs.Cluster}"
_NAME = "ecs:service/{ecs.Cluster}/{ecs.Service}"


@dataclass(frozen=True, kw_only=True)
class Service(Resource):
    """A service that keeps tasks running, each registered in all of `target_groups`.

    With a second group, the tasks are replaced by some that must pass the checks of both: so another health check is
    tried by new tasks first, and rolled back if they fail it. Sources: ECS API reference, UpdateService,
    `loadBalancers`; ECS developer guide, "Registering multiple target groups with an Amazon ECS service".

    With an `alternate_target_group`, ECS starts new tasks in the group that has no requests, and shifts them there by
    `listener_rule`, as `strategy` says. It needs `balancing_role` for that. `alarms` are those that end a deployment.

    The desired count belongs to auto scaling. It is set at creation, and later only if it is below `min_tasks`, where
    auto scaling never puts it (a person did, or the minimum was raised). `grace_seconds` is how long a new task may
    fail its health checks.
    """

    TYPE: ClassVar[str] = "ecs.Service"
    COMPARED = compare(
        "task_definition",
        "container_port",
        "settings",
        "alternate_target_group",
        "listener_rule",
        "balancing_role",
        strategy=if_observed(equal),
        alarms=if_observed(as_set),
        target_groups=as_set,
        subnet_ids=as_set,
        security_group_ids=as_set,
        grace_seconds=if_observed(equal),
        circuit_breaker=if_observed(equal),
        min_tasks=at_least,
        failed_rollout=equal,
    )
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("autoscaling.ScalableTarget",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Cluster",)
    EFFECTS = SERVICE
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ecs:DescribeServices", on=(_NAME,)),
        observe("ecs:DescribeTasks", on=("ecs:task/{ecs.Cluster}/*",)),
        # Its only resource type is the container instance, and Fargate has none.
        Grant(Part.OBSERVE, ("ecs:ListTasks",), when=(Condition("ArnLike", "ecs:cluster", (_CLUSTER,)),)),
        observe("elasticloadbalancing:DescribeTargetHealth"),
        observe("logs:GetLogEvents", on=("logs:log-group:{ecs.Log}:log-stream:*",)),
        observe("ecs:ListServiceDeployments", on=(_NAME,)),
        observe("ecs:DescribeServiceDeployments"),
        PASS_ROLES,
        make("ecs:CreateService", on=(_NAME,)),
        tag_new("ecs:TagResource", "CreateService", on=(_NAME,)),
        change("ecs:UpdateService", "ecs:DeleteService", "ecs:TagResource", "ecs:UntagResource", on=(_NAME,)),
    )

    cluster: str | Ref
    task_definition: str | Ref
    subnet_ids: tuple[str | Ref, ...]
    security_group_ids: tuple[str | Ref, ...]
    target_groups: tuple[str | Ref, ...]
    container: str = CONTAINER
    container_port: int
    min_tasks: int
    max_tasks: int
    grace_seconds: int
    alternate_target_group: str | Ref = ""
    listener_rule: str | Ref = ""
    balancing_role: str | Ref = ""
    strategy: Mapping[str, Any] = field(default_factory=lambda: ROLLING)
    alarms: tuple[str, ...] = ()
    #: Whether a deployment is under way that shifts requests in another way than the spec wants it.
    waits: bool = False
    circuit_breaker: bool = True
    #: None is desired: the record of one that failed is overwritten once the spec asks for what runs anyway.
    failed_rollout: str = ""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that the spec does not choose, as AWS spells them."""
        return SETTINGS

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the service in the stack's cluster. A deleted one stays listed as INACTIVE for hours."""
        found = []
        for cluster in reader.found("ecs.Cluster"):
            which = {"cluster": cluster.id, "services": list(reader.names(cls.TYPE)), "include": ["TAGS"]}
            answer = reader.detail(FRESH, "ecs", "describe_services", **which)
            found += [cls._observed(reader, row) for row in answer["services"] if row["status"] != "INACTIVE"]
        return found

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tags = tags_of(row.get("tags"))
        attrs = attributes(row, tags)
        state = "deleting" if row["status"] == "DRAINING" else row["status"]
        if state == "ACTIVE" and reader.owns(cls, row["serviceArn"], tags):
            attrs |= deployment_details(reader, row, attrs)
            attrs["versions"] = versions_in_use(reader, row, attrs)
            targets = targets_in(reader, attrs)
            healthy = attrs["healthy_in"] = {arn: healthy_among(rows) for arn, rows in targets.items()}
            # Of two groups that alternate, one serves; of others, each task is in all.
            enough = max if attrs["alternate_target_group"] else min
            attrs["healthy"] = enough(healthy.values(), default=None)
            if (
                cause := diagnosis(reader, row, attrs, [each for rows in targets.values() for each in rows])
            ) is not None:
                attrs |= {
                    "diagnosis": cause.text,
                    "diagnosis_reason": cause.reason,
                    "stopped_by_hand": cause.by_hand,
                }
        return reader.observed(cls, row["serviceName"], row["serviceArn"], attrs, tags, state)

    def matches(self, name: str, observed: Observed) -> bool:
        """Accept the fields of a rollout that ECS has tried and rolled back."""
        undone = self._is_undone(observed)
        if name == "failed_rollout":
            # A revision's ARN is no record of ours: it disappears with the deployment.
            recorded = observed.attrs.get("failed_rollout", "").isalnum()
            return undone or not recorded or self._digest() != digest(observed.attrs)
        return (undone and name in ROLLED_OUT) or super().matches(name, observed)

    def _is_undone(self, observed: Observed) -> bool:
        """Return whether ECS has tried what is desired, and rolled it back."""
        failed = observed.attrs.get("failed_rollout", "")
        return bool(failed) and failed in {self._digest(), self.task_definition}

    def _digest(self) -> str:
        return digest({name: getattr(self, name) for name in ROLLED_OUT})

    def health(self, observed: Observed) -> Health:
        """Return ready once the rollout is complete, the tasks run, and they serve through their only target group."""
        health = health_of(observed, self.min_tasks, undone=self._is_undone(observed))
        if health.status != "ready" or 1 in {len(self.target_groups), len(observed.attrs["target_groups"])}:
            return health
        return pending("RollingOut", "the tasks pass the new health check: the load balancer moves to it", 20.0)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with the fewest tasks that auto scaling will keep."""
        with refusals_as_waits(self.address):
            row = cloud.client("ecs").create_service(
                cluster=self.cluster,
                serviceName=self.name,
                clientToken=cloud.stack.token(self.address, str(self.task_definition))[:36],
                taskDefinition=self.task_definition,
                desiredCount=self.min_tasks,
                launchType=self.settings["launchType"],
                platformVersion=self.settings[_PLATFORM],
                schedulingStrategy="REPLICA",
                deploymentConfiguration=self._deployment(),
                networkConfiguration=self._network(),
                loadBalancers=self._load_balancers(),
                healthCheckGracePeriodSeconds=self.grace_seconds,
                **{key: self.settings[key] for key in _SENT_AS_THEY_ARE},
                tags=ecs_tags(self.tags),
            )["service"]
        return self._after(self.as_created(row["serviceArn"], row["status"]), row, self.tags)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Send what changed, which ECS rolls out. Record the deployment that this starts in a tag."""
        ecs, tags = cloud.client("ecs"), dict[str, str]()
        row: Mapping[str, Any] | None = None
        if self.waits and changed & {*ROLLED_OUT}:
            # By the present groups it would be one rollout more, which nobody asked for: also of a version that failed.
            raise self._later()
        if arguments := self._arguments(observed, changed):
            if "loadBalancers" in arguments and observed.attrs["alternate_target_group"]:
                self._check_no_shift(cloud, observed)
            with refusals_as_waits(self.address):
                row = ecs.update_service(cluster=self.cluster, service=self.name, **arguments)["service"]
            if primary_of(row).get("id") != observed.attrs["deployment"]:
                tags |= deployment_tag(attributes(row, {}), self._digest(), observed.attrs)
        elif "failed_rollout" in changed:
            tags |= deployment_tag(observed.attrs, self._digest(), observed.attrs)
        if tags:
            ecs.tag_resource(resourceArn=observed.id, tags=ecs_tags(tags))
        if "tags" in changed:
            retag(cloud, self, observed)
        after = self.as_desired(observed, **({"failed_definition": ""} if "failed_rollout" in changed else {}))
        return after if row is None else self._after(after, row, {**after.tags, **tags})

    def _check_no_shift(self, cloud: Cloud, observed: Observed) -> None:
        """Raise NotYetError if a deployment has begun since the service was read: requests may be elsewhere by now."""
        [row] = cloud.client("ecs").describe_services(cluster=self.cluster, services=[self.name])["services"]
        now = attributes(row, {})
        if now["deployment"] != observed.attrs["deployment"] or now["rollout_state"] == "IN_PROGRESS":
            raise self._later()

    def _later(self) -> NotYetError:
        text = f"{self.address}: its target groups change once the deployment under way is over"
        return NotYetError("RollingOut", text, TYPICAL_ROLLOUT)

    def _arguments(self, observed: Observed, changed: frozenset[str]) -> dict[str, Any]:
        shown = observed.attrs["settings"] if "settings" in changed else {}
        settings = {key for key, value in shown.items() if value != self.settings[key]}
        arguments: dict[str, Any] = {key: self.settings[key] for key in settings & {*_SENT_AS_THEY_ARE, _PLATFORM}}
        if "launchType" in settings:
            # Which ends a strategy of capacity providers: API reference, UpdateService.
            arguments["capacityProviderStrategy"] = []
        if "task_definition" in changed:
            arguments["taskDefinition"] = self.task_definition
        if changed & {"subnet_ids", "security_group_ids"} or "assignPublicIp" in settings:
            arguments["networkConfiguration"] = self._network()
        if changed & {"target_groups", "container_port", "alternate_target_group", "listener_rule", "balancing_role"}:
            arguments["loadBalancers"] = self._load_balancers()
        if "grace_seconds" in changed:
            arguments["healthCheckGracePeriodSeconds"] = self.grace_seconds
        if changed & {"circuit_breaker", "strategy", "alarms"} or settings & _PERCENTS:
            arguments["deploymentConfiguration"] = self._deployment()
        if "min_tasks" in changed:
            arguments["desiredCount"] = self.min_tasks
        return arguments

    def _after(self, observed: Observed, row: Mapping[str, Any], tags: Mapping[str, str]) -> Observed:
        """Return the service as AWS answered to a change; settings that the answer omits stay as sent."""
        answer = attributes(row, tags)
        sent = {
            key: observed.attrs[key] for key, value in answer.items() if value in (None, ()) and key in observed.attrs
        }
        return replace(observed, attrs={**observed.attrs, **answer, **sent}, tags=tags)

    def _deployment(self) -> dict[str, Any]:
        breaker = {"enable": self.circuit_breaker, "rollback": self.circuit_breaker}
        percents = {key: self.settings[key] for key in sorted(_PERCENTS)}
        alarms = alarm_configuration(self.alarms)
        return {"deploymentCircuitBreaker": breaker, **percents, "alarms": alarms, **self.strategy}

    def _network(self) -> dict[str, Any]:
        public = self.settings["assignPublicIp"]
        groups, subnets = list(self.security_group_ids), list(self.subnet_ids)
        return {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": groups, "assignPublicIp": public}}

    def _load_balancers(self) -> list[dict[str, Any]]:
        pair = advanced_configuration(self.alternate_target_group, self.listener_rule, self.balancing_role)
        return [
            {
                "targetGroupArn": arn,
                "containerName": self.container,
                "containerPort": self.container_port,
                **pair,
            }
            for arn in self.target_groups
        ]

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Stop its tasks and delete it. They drain for half a minute or more."""
        waiting = pending(Reason.DELETING, f"service {observed.name} is stopping its tasks", 60.0)
        if observed.state == "deleting":
            return waiting
        ecs, cluster = cloud.client("ecs"), observed.attrs["cluster"]
        try:
            with refusals_as_waits(observed.address):
                if observed.attrs["desired"] > 0:
                    ecs.update_service(cluster=cluster, service=observed.name, desiredCount=0)
                row = ecs.delete_service(cluster=cluster, service=observed.name, force=True)["service"]
        except ClientError as error:
            if is_absent(error):
                return READY
            if code_of(error) == "ServiceNotActiveException":
                return waiting
            raise
        return READY if row.get("status") == "INACTIVE" else waiting
