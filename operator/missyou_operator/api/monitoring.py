"""The section `spec.monitoring`: logs, alarms, notifications, and the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from missyou_operator.api import cross_rules as cross
from missyou_operator.api import field_rules as rules
from missyou_operator.api.base import WireModel
from missyou_operator.api.rules import OneOf

#: What CloudWatch Logs accepts (PutRetentionPolicy), in days.
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
#: Addresses of one topic: the operator remembers them in a tag, which must hold them. More people need a mailing list.
MAX_EMAILS = 20

Percent = Annotated[int, Field(ge=1, le=100)]


class Alarms(WireModel):
    """Thresholds of the CloudWatch alarms."""

    service_error_percent: Percent = 5
    """Requests that fail with a 5xx, in percent, above which an alarm goes off, from 20 requests a minute."""
    service_cpu_percent: Percent = 80
    """CPU utilization of the tasks, in percent, above which an alarm goes off."""
    database_cpu_percent: Percent = 80
    """CPU utilization of the database, in percent, above which an alarm goes off."""
    database_free_storage_gib: Annotated[int, Field(ge=1, le=cross.STORAGE_MAX)] = 2
    """Free storage of the database, in GiB, below which an alarm goes off."""
    database_connections_percent: Percent = 80
    """Database connections, in percent of the default maximum of the instance class, above which an alarm goes off."""
    database_free_memory_percent: Annotated[int, Field(ge=1, le=50)] = 5
    """Free memory of the database, in percent of its instance class's memory, below which an alarm goes off."""


class Notifications(WireModel):
    """Who is notified when an alarm goes off, and when it recovers."""

    emails: (
        Annotated[
            Sequence[Annotated[str, Field(max_length=254), rules.EMAIL]],
            Field(min_length=0, max_length=MAX_EMAILS),
            rules.EMAILS_DIFFER,
        ]
        | None
    ) = None
    """E-mail addresses. AWS first asks each to confirm; only confirmed addresses are notified."""
    topic_arn: Annotated[str, Field(max_length=400), rules.TOPIC_ARN] | None = None
    """ARN of an existing SNS topic in the stack's region, notified as well. The operator never changes it; its policy
    must allow CloudWatch to publish."""


class Monitoring(WireModel):
    """Logs, alarms, notifications and dashboard."""

    log_retention_days: Annotated[int, OneOf(LOG_DAYS)] = 7
    """Days for which the logs of tasks and database are kept, a value that CloudWatch offers."""
    quote_logs: bool = True
    """Whether conditions quote the last lines of a failed task's log, without what looks like a secret. Whoever may
    read the MissYouApp reads them. If false, conditions show the command that reads the log instead."""
    alarms: Alarms = Field(default_factory=Alarms)
    """Thresholds of the CloudWatch alarms."""
    notifications: Notifications = Field(default_factory=Notifications)
    """Who is notified when an alarm goes off, and when it recovers."""
    dashboard: bool | None = None
    """Whether the stack has a CloudWatch dashboard. Default: true in Production, false in Development."""
