"""What all EC2 resource types share: finding by tags, tagging in the call that creates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.aws.cloud import Cloud, Reader, pages
from missyou_operator.aws.identity import STACK_TAG, tag_list, tag_map
from missyou_operator.engine.resource import Observed


def tagged(reader: Reader, operation: str, result: str, *, filters: str = "Filters") -> list[Mapping[str, Any]]:
    """Read all rows of an EC2 describe that any stack owns, and give this stack's.

    EC2 things have no names: the tags, set by the call that creates them, are their identity.
    """
    rows = reader.shared(
        f"ec2.{operation}",
        lambda: pages(
            reader.client("ec2"), operation, result, **{filters: [{"Name": "tag-key", "Values": [STACK_TAG]}]}
        ),
    )
    return [row for row in rows if reader.stack.owns(tag_map(row.get("Tags")))]


def in_vpc(reader: Reader, operation: str, result: str, *, filters: str = "Filters") -> list[Mapping[str, Any]]:
    """Read as `tagged` does, of what lives in the VPC: while there is none there can be none, and no call is made."""
    return tagged(reader, operation, result, filters=filters) if reader.found("ec2.Vpc") else []


def specification(kind: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the `TagSpecifications` that tag something in the call that creates it."""
    return [{"ResourceType": kind, "Tags": tag_list(tags)}]


def retag(cloud: Cloud, observed: Observed, tags: Mapping[str, str]) -> None:
    """Set tags on an EC2 resource."""
    cloud.client("ec2").create_tags(Resources=[observed.id], Tags=tag_list(tags))
