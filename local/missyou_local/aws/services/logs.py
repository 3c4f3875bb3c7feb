"""CloudWatch Logs: the retentions that log groups accept."""

from __future__ import annotations

from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


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
