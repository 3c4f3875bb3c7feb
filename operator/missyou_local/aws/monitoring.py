"""CloudWatch alarms start without data; log groups take only the retentions that CloudWatch Logs knows."""

from __future__ import annotations

from missyou_local.aws.call import Call, Result, checks, plays
from missyou_local.aws.errors import AwsError

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


@plays("cloudwatch:PutMetricAlarm")
def put_metric_alarm(call: Call) -> Result:
    """Put an alarm: a new one knows nothing yet, a changed one keeps its state."""
    alarms = call.moto("cloudwatch").alarms
    name = call.params["AlarmName"]
    former = alarms.get(name)
    result = call.forward()
    alarms[name].state_value = former.state_value if former else "INSUFFICIENT_DATA"
    return result


@checks("logs:PutRetentionPolicy")
def known_retention(call: Call) -> None:
    """Refuse a number of days that is not one of CloudWatch's."""
    days = call.params["retentionInDays"]
    if days not in RETENTION_DAYS:
        raise AwsError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {list(RETENTION_DAYS)}",
        )
