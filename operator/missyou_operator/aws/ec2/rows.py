"""What all EC2 resource types share: reading by tags, tagging in the creating call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from missyou_operator.aws.cloud import Cloud, Reader, pages
from missyou_operator.aws.identity import STACK_TAG, tag_list, tag_map
from missyou_operator.engine.resource import Observed, Resource


def tagged(reader: Reader, operation: str, result: str, *, filters: str = "Filters") -> list[Mapping[str, Any]]:
    """Read the rows that any stack owns from an EC2 describe call, and return this stack's.

    EC2 resources have no names: the tags, set by the creating call, are their identity.
    """
    rows = reader.shared(f"ec2.{operation}", lambda: tagged_by_any_stack(reader, operation, result, filters))
    return [row for row in rows if reader.stack.owns(tag_map(row.get("Tags")))]


def tagged_by_any_stack(cloud: Cloud, operation: str, result: str, filters: str) -> list[Mapping[str, Any]]:
    """Read the rows of an EC2 describe call that bear the tag of a stack."""
    return pages(cloud.client("ec2"), operation, result, **{filters: [{"Name": "tag-key", "Values": [STACK_TAG]}]})


def in_vpc(reader: Reader, operation: str, result: str, *, filters: str = "Filters") -> list[Mapping[str, Any]]:
    """Read resources that live in the VPC, as `tagged` does; without a VPC there are none, and no call is made."""
    return tagged(reader, operation, result, filters=filters) if reader.found("ec2.Vpc") else []


def specification(kind: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the `TagSpecifications` that tag a resource in the creating call."""
    return [{"ResourceType": kind, "Tags": tag_list(tags)}]


def retag(cloud: Cloud, observed: Observed, tags: Mapping[str, str]) -> None:
    """Set tags on an EC2 resource."""
    cloud.client("ec2").create_tags(Resources=[observed.id], Tags=tag_list(tags))


@dataclass(frozen=True, kw_only=True)
class TagsOnly(Resource):
    """An EC2 resource of which nothing but the tags can change in place."""

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Set the tags."""
        retag(cloud, observed, self.tags)
        return self.as_desired(observed)
