"""What the load-balancing resource types share: tags, which no describe call returns, and attributes as lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws import tags
from missyou_operator.aws.answers import joined
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import TAGS, Batch
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed, Resource

#: Source: Elastic Load Balancing API reference, DescribeTags: at most 20 ARNs.
_TAGS = Batch(
    "elbv2", "describe_tags", "TagDescriptions", "ResourceArn", 20, lambda arns: {"ResourceArns": [*arns]}, TAGS
)


def with_tags(reader: Reader, rows: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    """Return the rows of load balancers, listeners or target groups with their `Tags`; `key` names the ARN."""
    found = reader.described(_TAGS, [row[key] for row in rows])
    tags = {arn: tag_map(described[0].get("Tags")) if described else {} for arn, described in found.items()}
    return [joined(row, Tags=tags[row[key]]) for row in rows]


def retag(cloud: Cloud, desired: Resource, observed: Observed) -> None:
    """Set the tags of a load balancer, listener or target group."""
    elb, arns = cloud.client("elbv2"), [observed.id]
    tags.retag(
        desired,
        observed,
        lambda keys: elb.remove_tags(ResourceArns=arns, TagKeys=keys),
        lambda: elb.add_tags(ResourceArns=arns, Tags=tag_list(desired.tags)),
    )


def attribute_map(rows: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return attributes as a mapping; all of AWS's values are strings."""
    return {row["Key"]: row.get("Value") or "" for row in rows or ()}


def known(attributes: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes that are compared. One that a region does not show has its default."""
    return {key: attributes.get(key, value) for key, value in defaults.items()}


def differing(desired: Mapping[str, str], observed: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes to set: AWS refuses those that it does not show."""
    return {key: value for key, value in desired.items() if observed[key] != value}


def word(value: bool) -> str:
    """Return a boolean as AWS spells it."""
    return "true" if value else "false"


@contextmanager
def duplicate_as_wait(address: str) -> Iterator[None]:
    """Turn the refusal of a name (or port) that is taken into NotYetError: the next pass reads its owner.

    AWS returns what exists with the same settings; it refuses only if a setting or a tag differs.
    """
    try:
        yield
    except ClientError as error:
        if not code_of(error).startswith("Duplicate"):
            raise
        text = f"{address} already exists with other settings; the next pass reads it"
        raise NotYetError(Reason.CREATING, text, 5.0) from error
