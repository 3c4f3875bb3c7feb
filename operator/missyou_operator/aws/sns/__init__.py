"""SNS."""

from __future__ import annotations

from missyou_operator.aws.sns.emails import EmailSubscriptions
from missyou_operator.aws.sns.topic import GivenTopic, Topic
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (Topic, GivenTopic, EmailSubscriptions)
