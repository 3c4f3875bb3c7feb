"""Who is notified by alarms: a topic of the stack's own with its e-mail addresses, a given topic, or both."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.components import Component
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.sns.emails import EmailSubscriptions
from missyou_operator.aws.sns.topic import GivenTopic, Topic
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context


def notifications(ctx: Context) -> tuple[str | Ref, ...]:
    """Declare the topics; return their ARNs."""
    add, named, emails = ctx.graph.add, ctx.named(Component.MONITORING), ctx.app.monitoring.notifications.emails
    arns: list[str | Ref] = []
    if emails:
        topic = add(Topic(**named(naming.TOPIC), policy=publishing(ctx.stack)))
        arn, sorted_ = topic.ref("arn"), tuple(sorted(email.lower() for email in emails))
        add(EmailSubscriptions(**named.untagged(naming.TOPIC), topic_arn=arn, emails=sorted_))
        arns.append(arn)
    if given := given_topic(ctx.app):
        # By its name and not by reference: a missing topic is reported, and keeps no alarm from being created.
        arns.append(add(given).name)
    return tuple(arns)


def given_topic(app: AppSpec) -> GivenTopic | None:
    """Declare the topic that the spec names, if it names one."""
    arn = app.monitoring.notifications.topic_arn
    return GivenTopic(name=arn, component=Component.MONITORING.value) if arn else None


def publishing(stack: StackIdentity) -> Mapping[str, Any]:
    """Return the topic's policy: CloudWatch may publish, for alarms of this stack only (no confused deputy).

    Source: CloudWatch user guide, "Notifying users on alarm changes", topic policies. IAM decides what others in the
    account may do: a topic's policy need not allow it as well.
    """
    ours = stack.fill(naming.ALARMS)
    # Alarms that are older than the stack may have any name.
    older = [name for name in map(stack.fill, naming.AlarmName) if not fnmatchcase(name, ours)]
    alarms = tuple(stack.arn("cloudwatch", f"alarm:{name}") for name in (ours, *older))
    statement = {
        "Sid": "AlarmsOfTheStack",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": stack.arn("sns", stack.fill(naming.TOPIC)),
        "Condition": {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": alarms[0] if len(alarms) == 1 else alarms},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
