"""What the ECS resource types share: tags (ECS spells their keys in lower case), and refusals that pass with time.

ECS has a handful of error codes for dozens of conditions, so only the message distinguishes them. Source: ECS API
reference, and the retry rules of the AWS provider of Terraform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws import tags
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import message_of
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.permissions import ROLES, Condition, Grant, Part
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.engine.values import redact

#: The service that assumes the role by which requests are shifted.
BALANCER = "ecs.amazonaws.com"
#: A revision names the roles of its tasks, a service the one for its load balancer. Which service may use which of them
#: is up to their trust policies; one grant for all keeps the operator's policies within AWS's limits, and there is room
#: for it in this part.
PASS_ROLES = Grant(
    Part.CHANGE,
    ("iam:PassRole",),
    ROLES,
    (Condition("StringEquals", "iam:PassedToService", ("ecs-tasks.amazonaws.com", BALANCER)),),
    implied='a revision and a service name roles: ECS developer guide, "IAM roles for Amazon ECS"',
)

#: Part of ECS's message -> reason, what it means, and the seconds that it usually lasts.
_TRANSIENT: tuple[tuple[str, str, str, float], ...] = (
    ("still Draining", "Draining", "the previous service of this name is still stopping its tasks", 30.0),
    (
        "does not have an associated load balancer",
        "WaitingForLoadBalancer",
        "ECS does not yet see a listener that forwards to the target group",
        10.0,
    ),
    ("service linked role", "WaitingForRole", "AWS is still creating its service-linked role for ECS", 15.0),
    ("ECS service role", "WaitingForRole", "AWS is still creating its service-linked role for ECS", 15.0),
    (
        "Role is not valid",
        "WaitingForRole",
        "ECS does not yet see a role of the tasks; if this lasts for minutes, make it trust ecs-tasks.amazonaws.com",
        10.0,
    ),
    ("not idempotent", Reason.CREATING, "a service of this name was created meanwhile; the next pass reads it", 3.0),
    ("deployments are active", Reason.DELETING, "ECS finishes the current deployment first", 20.0),
)


def ecs_tags(desired: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in ECS's list form."""
    return tag_list(desired, key="key", value="value")


def tags_of(rows: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return ECS's tag list as a mapping."""
    return tag_map(rows, key="key", value="value")


def retag(cloud: Cloud, desired: Resource, observed: Observed) -> None:
    """Set the tags of an ECS resource."""
    ecs, arn = cloud.client("ecs"), observed.id
    tags.retag(
        desired,
        observed,
        lambda keys: ecs.untag_resource(resourceArn=arn, tagKeys=keys),
        lambda: ecs.tag_resource(resourceArn=arn, tags=ecs_tags(desired.tags)),
    )


@contextmanager
def without_values(environment: Mapping[str, str]) -> Iterator[None]:
    """Put stars into AWS's message where a refusal quotes a value of a task's environment."""
    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        details["Message"] = redact(details.get("Message", ""), environment.values())
        raise


@contextmanager
def refusals_as_waits(address: str) -> Iterator[None]:
    """Turn ECS's transient refusals into NotYetError; `address` names the resource that the call is for."""
    try:
        yield
    except ClientError as error:
        for text, reason, meaning, typical_seconds in _TRANSIENT:
            if text in message_of(error):
                raise NotYetError(reason, f"{address}: {meaning}", typical_seconds) from error
        raise
