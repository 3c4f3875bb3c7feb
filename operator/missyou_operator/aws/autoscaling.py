"""Application Auto Scaling of the service: the bounds of its task count, and what scales it out and in.

AWS creates and maintains the alarms named `TargetTracking-…`. Source: Application Auto Scaling API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import gone, message_of
from missyou_operator.aws.informer import SLOW, TAGS, Alone, Source
from missyou_operator.aws.permissions import Condition, Grant, Part, change, linked_role, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Health, Observed, Resource

_SERVICE = "application-autoscaling"
#: A service of ECS has this dimension alone. A list is not narrowed by it: AWS wants a resource then, too.
_ECS = {"ServiceNamespace": "ecs"}
#: What a service has that is scaled: the number of its tasks.
DIMENSION: Mapping[str, str] = {**_ECS, "ScalableDimension": "ecs:service:DesiredCount"}
_TARGETS = Source(_SERVICE, "describe_scalable_targets", "ScalableTargets", "ResourceId", _ECS)
#: A page has ten, so that a thousand stacks are two hundred pages.
_POLICIES = Source(
    _SERVICE,
    "describe_scaling_policies",
    "ScalingPolicies",
    "ResourceId",
    _ECS,
    SLOW,
    alone=Alone(1, lambda services: {"ResourceId": services[0]}),
)
#: A target's ARN ends in an id that AWS chooses.
_ANY = ("application-autoscaling:scalable-target/*",)
_OF_ECS = (Condition("StringEquals", "application-autoscaling:service-namespace", ("ecs",)),)


def scaled_service(cluster: str, service: str) -> str:
    """Return the id of a service in auto scaling."""
    return f"service/{cluster}/{service}"


@dataclass(frozen=True, kw_only=True)
class ScalableTarget(Resource):
    """The bounds of a service's desired count. Registering moves the count into them at once."""

    TYPE: ClassVar[str] = "autoscaling.ScalableTarget"
    COMPARED = compare("minimum", "maximum", "suspended")
    # It can outlive a service that someone deleted, but not the cluster, which a stack deletes after it.
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Cluster",)
    # AWS would delete its policies with it; in sequence, neither call hits what the other has just deleted.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("autoscaling.ScalingPolicy",)
    EFFECTS = Effects(
        Effect("RegisterScalableTarget"),
        Effect("DeregisterScalableTarget"),
        update=Effect("RegisterScalableTarget", 90),
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("application-autoscaling:DescribeScalableTargets"),
        observe("application-autoscaling:ListTagsForResource", on=_ANY),
        make("application-autoscaling:RegisterScalableTarget", on=_ANY, also=_OF_ECS),
        make("application-autoscaling:TagResource", on=_ANY),
        change(
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:DeregisterScalableTarget",
            on=_ANY,
            also=_OF_ECS,
        ),
        change("application-autoscaling:UntagResource", on=_ANY),
        linked_role(
            "ecs.application-autoscaling.amazonaws.com",
            'Application Auto Scaling user guide, "Service-linked roles"',
        ),
    )

    resource_id: str
    minimum: int
    maximum: int

    @property
    def suspended(self) -> tuple[()]:
        """The kinds of scaling that do not happen."""
        return ()

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the target by the service's id; an untagged one in our cluster is ours."""
        if not reader.found("ecs.Cluster"):
            return []
        scaled = scaled_service(reader.name("ecs.Cluster"), reader.name("ecs.Service"))
        return [cls._observed(reader, row) for row in reader.listed(_TARGETS, scaled)]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        arn = row["ScalableTargetARN"]
        tags = reader.detail(TAGS, _SERVICE, "list_tags_for_resource", ResourceARN=arn).get("Tags") or {}
        attrs = {
            "id": arn,
            "arn": arn,
            "resource_id": row["ResourceId"],
            "minimum": row["MinCapacity"],
            "maximum": row["MaxCapacity"],
            "suspended": tuple(sorted(kind for kind, off in (row.get("SuspendedState") or {}).items() if off)),
        }
        ours = {key: value for key, value in tags.items() if not key.startswith("aws:")}
        return reader.observed(cls, reader.name(cls.TYPE), arn, attrs, ours, adopt=True)

    def create(self, cloud: Cloud) -> Observed:
        """Register it."""
        arn = self._register(cloud, Tags=dict(self.tags))
        return self.as_created(arn, arn=arn, resource_id=self.resource_id)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Register it again with other bounds."""
        # Tags first: the operator's policy allows changes only to what bears them.
        if "tags" in changed:
            client = cloud.client(_SERVICE)
            retag(
                self,
                observed,
                lambda keys: client.untag_resource(ResourceARN=observed.id, TagKeys=keys),
                lambda: client.tag_resource(ResourceARN=observed.id, Tags=dict(self.tags)),
            )
        if changed - {"tags"}:
            resumed = {"SuspendedState": dict.fromkeys(observed.attrs["suspended"], False)}
            self._register(cloud, **(resumed if "suspended" in changed else {}))
        return self.as_desired(observed)

    def _register(self, cloud: Cloud, **more: Any) -> str:
        try:
            answer = cloud.client(_SERVICE).register_scalable_target(
                ResourceId=self.resource_id, MinCapacity=self.minimum, MaxCapacity=self.maximum, **DIMENSION, **more
            )
        except ClientError as error:
            if "service doesn't exist" in message_of(error):
                text = f"{self.address}: auto scaling does not see the new service {self.resource_id} yet"
                raise NotYetError(Reason.CREATING, text, 5.0) from error
            raise
        return str(answer.get("ScalableTargetARN") or self.resource_id)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Deregister it; the service keeps its current task count."""
        client, resource_id = cloud.client(_SERVICE), observed.attrs["resource_id"]
        return gone(lambda: client.deregister_scalable_target(ResourceId=resource_id, **DIMENSION))


@dataclass(frozen=True, kw_only=True)
class ScalingPolicy(Resource):
    """Target tracking: keep a metric's average at `target` (percent). Cooldowns in seconds.

    Policies have no tags; all that act on the stack's target are the stack's.
    """

    TYPE: ClassVar[str] = "autoscaling.ScalingPolicy"
    COMPARED = compare("metric", "target", "scale_out_cooldown", "scale_in_cooldown", "scales_in")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("autoscaling.ScalableTarget",)
    EFFECTS = Effects(Effect("PutScalingPolicy"), Effect("DeleteScalingPolicy"), update=Effect("PutScalingPolicy"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("application-autoscaling:DescribeScalingPolicies"),
        change(
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DeleteScalingPolicy",
            on=_ANY,
            also=_OF_ECS,
        ),
        Grant(
            Part.CHANGE,
            ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
            ("cloudwatch:alarm:TargetTracking-service/{ecs.Cluster}/{ecs.Service}-*",),
            implied="target tracking maintains alarms in the caller's name: Application Auto Scaling user guide, "
            '"Permissions required for API actions on target services and CloudWatch"',
        ),
    )

    resource_id: str
    metric: str
    target: float
    scale_out_cooldown: int
    scale_in_cooldown: int

    @property
    def scales_in(self) -> bool:
        """Whether it also stops tasks that are no longer needed."""
        return True

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the policies of the stack's target."""
        found = []
        for target in reader.found("autoscaling.ScalableTarget"):
            rows = reader.listed(_POLICIES, target.attrs["resource_id"])
            found += [replace(cls._observed(reader, row), component=target.component) for row in rows]
        return found

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tracking = row.get("TargetTrackingScalingPolicyConfiguration") or {}
        attrs = {
            "id": row["PolicyARN"],
            "arn": row["PolicyARN"],
            "resource_id": row["ResourceId"],
            "metric": (tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType"),
            "target": tracking.get("TargetValue"),
            "scale_out_cooldown": tracking.get("ScaleOutCooldown"),
            "scale_in_cooldown": tracking.get("ScaleInCooldown"),
            "scales_in": not tracking.get("DisableScaleIn", False),
        }
        return reader.observed(cls, row["PolicyName"], row["PolicyARN"], attrs, {}, adopt=True)

    def create(self, cloud: Cloud) -> Observed:
        """Put it."""
        arn = self._put(cloud)
        return self.as_created(arn, arn=arn, resource_id=self.resource_id)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Put it again, which replaces all of it."""
        self._put(cloud)
        return self.as_desired(observed)

    def _put(self, cloud: Cloud) -> str:
        answer = cloud.client(_SERVICE).put_scaling_policy(
            PolicyName=self.name,
            PolicyType="TargetTrackingScaling",
            ResourceId=self.resource_id,
            TargetTrackingScalingPolicyConfiguration={
                "PredefinedMetricSpecification": {"PredefinedMetricType": self.metric},
                "TargetValue": self.target,
                "ScaleOutCooldown": self.scale_out_cooldown,
                "ScaleInCooldown": self.scale_in_cooldown,
                "DisableScaleIn": not self.scales_in,
            },
            **DIMENSION,
        )
        return str(answer["PolicyARN"])

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it, and its alarms with it."""
        client, resource_id = cloud.client(_SERVICE), observed.attrs["resource_id"]
        return gone(lambda: client.delete_scaling_policy(PolicyName=observed.name, ResourceId=resource_id, **DIMENSION))


KINDS: tuple[type[Resource], ...] = (ScalableTarget, ScalingPolicy)
