"""CloudWatch Logs: the retentions that log groups accept, and tags that end with their group."""

from __future__ import annotations

from missyou_local.aws.call import Call, Result, checks, handles
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


@handles("logs:DeleteLogGroup")
def delete(call: Call) -> Result:
    """Delete a group with its tags: moto would give them to the next group of that name."""
    logs = call.moto("logs")
    group = logs.groups.get(call.params["logGroupName"])
    result = call.forward()
    if group is not None:
        logs.tagger.delete_all_tags_for_resource(group.arn)
    return result
