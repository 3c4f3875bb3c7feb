"""The tags of alarms and dashboards, which no list shows."""

from __future__ import annotations

from missyou_operator.aws import tags
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import TAGS, key_of
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed, Resource

_OPERATION = "list_tags_for_resource"


def still_ours(cloud: Cloud, observed: Observed) -> None:
    """Read the tags again before a write: those in an observation may be minutes old.

    Somebody may have deleted it and made another of its name since. Error: NotYetError, after which the next
    observation judges by the tags that were read here.
    """
    arn = observed.attrs["arn"]
    answer = cloud.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)
    now = tag_map(answer.get("Tags"))
    lost = observed.lost and not cloud.stack.disowned_by(now)
    if not (cloud.stack.owns(now) or lost):
        cloud.inventory.put(key_of("cloudwatch", _OPERATION, {"ResourceARN": arn}), {"Tags": answer.get("Tags")})
        text = f"the tags of {observed.address} have changed since they were read: it is read again first"
        raise NotYetError("OwnerChanged", text, 1.0)


def tags_of(reader: Reader, arn: str) -> dict[str, str]:
    """Read the tags of an alarm or a dashboard."""
    return reader.tags(arn, lambda: tag_map(reader.detail(TAGS, "cloudwatch", _OPERATION, ResourceARN=arn).get("Tags")))


def retag(cloud: Cloud, desired: Resource, observed: Observed) -> None:
    """Set the tags of an alarm or a dashboard."""
    client, arn = cloud.client("cloudwatch"), observed.attrs["arn"]
    tags.retag(
        desired,
        observed,
        lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        lambda: client.tag_resource(ResourceARN=arn, Tags=tag_list(desired.tags)),
    )
