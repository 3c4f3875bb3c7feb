"""The tags of everything, by one list of what is tagged instead of a call for each resource.

Source: Resource Groups Tagging API reference, GetResources. What it shows is minutes behind, and it goes on showing
what is deleted. So it may say that something is a stack's while nobody has changed the stack for long; where it does
not say so, or something is to be changed, the resource's own service is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import pages
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import STACK_TAG, UID_TAG, tag_map
from missyou_operator.aws.informer import TAGS, Source
from missyou_operator.aws.permissions import observe

#: Seconds after a change of a stack until the list counts.
LAG = 900.0
#: The services whose own lists show no tags, and that have several resources in a stack.
_SERVICES = ("cloudwatch", "logs", "sns")
#: Not necessary: without it, or without a way to the service, each resource's tags are read by a call.
PERMISSION = observe("tag:GetResources")


def _list(client: Any) -> Sequence[Any]:
    filters = [{"Key": STACK_TAG}]
    try:
        return pages(
            client, "get_resources", "ResourceTagMappingList", TagFilters=filters, ResourceTypeFilters=[*_SERVICES]
        )
    except (EndpointConnectionError, ConnectTimeoutError):
        # A cluster without a way to this service has one to the others.
        return []
    except ClientError as error:
        if classify(error).reason != Reason.ACCESS_DENIED:
            raise
        return []


def _owner(row: Mapping[str, Any]) -> str:
    return tag_map(row["Tags"]).get(UID_TAG, "")


#: By the UIDs of apps.
TAGGED = Source("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", _owner, {}, TAGS, _list)
