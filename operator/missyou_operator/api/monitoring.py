"""The section `spec.monitoring`: logs, alarms, whom they notify, and the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from missyou_operator.api import cross_rules as cross
from missyou_operator.api import field_rules as rules
from missyou_operator.api.base import WireModel
from missyou_operator.api.rules import OneOf

#: What CloudWatch Logs accepts (PutRetentionPolicy), in days.
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
#: Addresses of one topic: what the operator remembers of them has to fit into a tag. More people take a mailing list.
MOST_EMAILS = 20

Percent = Annotated[int, Field(ge=1, le=100)]


class Alarms(WireModel):
    """When CloudWatch raises an alarm."""

    service_error_percent: Percent = 5
    """Requests that end in a 5xx, in percent, above which an alarm is raised; below 20 requests a minute none is."""
    service_cpu_percent: Percent = 80
    """CPU use of the tasks, in percent, above which an alarm is raised."""
    database_cpu_percent: Percent = 80
    """CPU use of the database, in percent, above which an alarm is raised."""
    database_free_storage_gib: Annotated[int, Field(ge=1, le=cross.STORAGE_MAX)] = 2
    """Free storage of the database, in GiB, below which an alarm is raised."""
    database_connections_percent: Percent = 80
    """Connections to the database, in percent of what its class takes by default, above which an alarm is raised."""
    database_free_memory_percent: Annotated[int, Field(ge=1, le=50)] = 5
    """Free memory of the database, in percent of what its class has, below which an alarm is raised."""


class Notifications(WireModel):
    """Whom alarms tell that they ring, and that they ring no more."""

    emails: (
        Annotated[
            Sequence[Annotated[str, Field(max_length=254), rules.EMAIL]],
            Field(min_length=0, max_length=MOST_EMAILS),
            rules.EMAILS_DIFFER,
        ]
        | None
    ) = None
    """E-mail addresses. Each gets a mail from AWS first, and nothing more before the link in it is followed."""
    topic_arn: Annotated[str, Field(max_length=400), rules.TOPIC_ARN] | None = None
    """An SNS topic that exists, in the stack's region, which alarms notify as well. It is left as it is: its policy has
    to let CloudWatch publish."""


class Monitoring(WireModel):
    """Logs, alarms and whom they notify."""

    log_retention_days: Annotated[int, OneOf(RETENTION_DAYS)] = 7
    """Days that the logs of tasks and database are kept, one of those that CloudWatch offers."""
    alarms: Alarms = Field(default_factory=Alarms)
    """When CloudWatch raises an alarm."""
    notifications: Notifications = Field(default_factory=Notifications)
    """Whom alarms tell that they ring, and that they ring no more."""
    dashboard: bool | None = None
    """A CloudWatch dashboard of the whole stack. Default: true in Production, false in Development."""
