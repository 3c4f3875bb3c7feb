"""CloudWatch."""

from __future__ import annotations

from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.cloudwatch.dashboard import Dashboard
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (Alarm, Dashboard)
