"""Whom alarms notify: a topic of the stack's own with its e-mail addresses, a topic that is given, or both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.components import Component
from missyou_operator.aws.sns.emails import EmailSubscriptions
from missyou_operator.aws.sns.topic import GivenTopic, Topic
from missyou_operator.engine.values import Ref
from missyou_operator.stack.context import Context


def notifications(ctx: Context) -> tuple[str | Ref, ...]:
    """Declare the topics; give their ARNs."""
    wanted = ctx.app.monitoring.notifications
    arns: list[str | Ref] = []
    if wanted.emails:
        topic = ctx.graph.add(Topic(**ctx.named(Component.MONITORING, "alarms"), policy=publishing(ctx)))
        ctx.graph.add(
            EmailSubscriptions(
                name=topic.name,
                component=Component.MONITORING.value,
                topic_arn=topic.ref("arn"),
                emails=tuple(sorted(email.lower() for email in wanted.emails)),
            )
        )
        arns.append(topic.ref("arn"))
    if given := given_topic(ctx.app):
        # By its name and not by reference: a missing topic is reported, and keeps no alarm from being created.
        arns.append(ctx.graph.add(given).name)
    return tuple(arns)


def given_topic(app: AppSpec) -> GivenTopic | None:
    """Declare the topic that the spec names, if it names one."""
    arn = app.monitoring.notifications.topic_arn
    return GivenTopic(name=arn, component=Component.MONITORING.value) if arn else None


def publishing(ctx: Context) -> Mapping[str, Any]:
    """Give the topic's policy: CloudWatch may publish, for alarms of this stack only (no confused deputy).

    Source: CloudWatch user guide, "Notifying users on alarm changes", topic policies. Who else of the account may do
    what is left to IAM: a topic's policy need not allow it as well.
    """
    stack = ctx.stack
    statement = {
        "Sid": "AlarmsOfTheStack",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": stack.arn("sns", f"{stack.name}-alarms"),
        "Condition": {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": stack.arn("cloudwatch", f"alarm:{stack.name}-*")},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
