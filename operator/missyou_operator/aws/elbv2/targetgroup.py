"""The target group: the tasks behind the load balancer, and how it checks them. Only ECS registers targets.

Source: Elastic Load Balancing v2 API reference, CreateTargetGroup and ModifyTargetGroup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.elbv2.effects import TARGET_GROUP
from missyou_operator.aws.elbv2.rows import attribute_map, differing, duplicate_as_wait, known, retag, with_tags
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.informer import SLOW, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import Grant, change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.resource import Health, Observed, pending
from missyou_operator.engine.values import Ref

_PROTOCOL, _TARGETS, _SAME_PORT, _MATCHER = "HTTP", "ip", "traffic-port", "200"
#: What the API wants to know and nothing uses: ECS registers each task with the port of its own container. Source:
#: ELBv2 API reference, CreateTargetGroup and TargetDescription, `Port`.
_UNUSED_PORT = 80
_DELAY = "deregistration_delay.timeout_seconds"
#: Attributes that decide which task gets a request, with AWS's defaults: API reference, TargetGroupAttribute.
_ATTRIBUTES = {
    _DELAY: "300",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
_NAME = "elasticloadbalancing:targetgroup/{elbv2.TargetGroup}"


def fingerprint(*, health_path: str, alternate: bool = False) -> str:
    """Return four hex digits of what never changes in place; in the name, they let a successor exist beside it.

    The path could be changed, but that would judge the running tasks by what only the next version may answer.
    `alternate`: of a pair between which ECS shifts the requests, the other one.
    """
    side = "|alternate" if alternate else ""
    return hashlib.sha256(f"{_PROTOCOL}|{_TARGETS}|{_MATCHER}|{health_path}{side}".encode()).hexdigest()[:4]


@dataclass(frozen=True, kw_only=True)
class TargetGroup(Named):
    """A target group for addresses of tasks. Times in seconds, thresholds in checks.

    ECS replaces a task that its target group finds unhealthy. A database failover takes one to two minutes (RDS User
    Guide, "Failover process"): `unhealthy_threshold` times the default interval of 30 s outlasts that, or every
    failover would restart every task.
    """

    TYPE: ClassVar[str] = "elbv2.TargetGroup"
    IDENTITY = "id"
    LISTING = Source("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName")
    COMPARED = compare(
        "vpc_id",
        "health_enabled",
        "health_protocol",
        "health_port",
        "health_path",
        "health_interval",
        "health_timeout",
        "healthy_threshold",
        "unhealthy_threshold",
        "matcher",
        "attributes",
    )
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"vpc_id"})
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("elbv2.Listener", "elbv2.LoadBalancer", "ecs.Service")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = TARGET_GROUP
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroupAttributes"),
        observe("elasticloadbalancing:DescribeTags"),
        make("elasticloadbalancing:CreateTargetGroup", on=(_NAME,)),
        tag_new("elasticloadbalancing:AddTags", "CreateTargetGroup", on=(_NAME,)),
        change(
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
            on=(_NAME,),
        ),
    )

    vpc_id: str | Ref
    health_path: str
    health_interval: int
    deregistration_delay: int = 30
    healthy_threshold: int = 2
    unhealthy_threshold: int = 5
    matcher: str = _MATCHER

    @property
    def health_timeout(self) -> int:
        """Return how long a check may take; AWS requires less than the interval."""
        return min(5, self.health_interval - 1)

    @property
    def health_enabled(self) -> bool:
        """Whether targets are checked."""
        return True

    @property
    def health_protocol(self) -> str:
        """The protocol of the checks: that of the requests."""
        return _PROTOCOL

    @property
    def health_port(self) -> str:
        """The port of the checks: the one at which a task serves."""
        return _SAME_PORT

    @property
    def attributes(self) -> Mapping[str, str]:
        """The attributes, as AWS spells them."""
        return {**_ATTRIBUTES, _DELAY: str(self.deregistration_delay)}

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read all of the stack's target groups by their names: the spec's, and those that running tasks still use.

        They live in the VPC; without it there are none.
        """
        return [cls._observed(reader, row) for row in with_tags(reader, cls._rows(reader), "TargetGroupArn")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        arn = row["TargetGroupArn"]
        answer = reader.detail(SLOW, "elbv2", "describe_target_group_attributes", TargetGroupArn=arn)
        attrs = {
            **_references(arn),
            "vpc_id": row.get("VpcId"),
            "health_enabled": row.get("HealthCheckEnabled", True),
            "health_protocol": row.get("HealthCheckProtocol", _PROTOCOL),
            "health_port": row.get("HealthCheckPort", _SAME_PORT),
            "health_path": row.get("HealthCheckPath"),
            "health_interval": row.get("HealthCheckIntervalSeconds"),
            "health_timeout": row.get("HealthCheckTimeoutSeconds"),
            "healthy_threshold": row.get("HealthyThresholdCount"),
            "unhealthy_threshold": row.get("UnhealthyThresholdCount"),
            "matcher": (row.get("Matcher") or {}).get("HttpCode"),
            "attributes": known(attribute_map(answer.get("Attributes")), _ATTRIBUTES),
        }
        return reader.observed(cls, row["TargetGroupName"], arn, attrs, row["Tags"])

    def create(self, cloud: Cloud) -> Observed:
        """Create it, and set the delay, which the creating call does not take."""
        with duplicate_as_wait(self.address):
            row = cloud.client("elbv2").create_target_group(
                Name=self.name,
                Protocol=_PROTOCOL,
                ProtocolVersion="HTTP1",
                Port=_UNUSED_PORT,
                VpcId=self.vpc_id,
                TargetType=_TARGETS,
                Tags=tag_list(self.tags),
                **self._health_check(),
            )["TargetGroups"][0]
        arn = row["TargetGroupArn"]
        self._set_attributes(cloud, arn, {_DELAY: self.attributes[_DELAY]})
        return self.as_created(arn, **_references(arn))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Change the health check and the attributes in place."""
        if changed - {"tags", "attributes"}:
            cloud.client("elbv2").modify_target_group(TargetGroupArn=observed.id, **self._health_check())
        if "attributes" in changed:
            self._set_attributes(cloud, observed.id, differing(self.attributes, observed.attrs["attributes"]))
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    def _health_check(self) -> dict[str, Any]:
        return {
            "HealthCheckProtocol": self.health_protocol,
            "HealthCheckPort": self.health_port,
            "HealthCheckEnabled": self.health_enabled,
            "HealthCheckPath": self.health_path,
            "HealthCheckIntervalSeconds": self.health_interval,
            "HealthCheckTimeoutSeconds": self.health_timeout,
            "HealthyThresholdCount": self.healthy_threshold,
            "UnhealthyThresholdCount": self.unhealthy_threshold,
            "Matcher": {"HttpCode": self.matcher},
        }

    @staticmethod
    def _set_attributes(cloud: Cloud, arn: str, attributes: Mapping[str, str]) -> None:
        cloud.client("elbv2").modify_target_group_attributes(TargetGroupArn=arn, Attributes=tag_list(attributes))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. For up to two minutes AWS still counts a deleted listener."""
        try:
            return gone(lambda: cloud.client("elbv2").delete_target_group(TargetGroupArn=observed.id))
        except ClientError as error:
            if code_of(error) != "ResourceInUse":
                raise
            return pending(Reason.DELETING, f"target group {observed.name} is still in use by a listener", 15.0)


def arn_suffix(arn: str) -> str:
    """Return the part of a target group's ARN by which metrics name it."""
    return arn.rpartition(":")[2]


def _references(arn: str) -> dict[str, str]:
    return {"id": arn, "arn": arn, "arn_suffix": arn_suffix(arn)}
