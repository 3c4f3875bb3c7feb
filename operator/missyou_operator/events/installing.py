"""Putting the declaration into an account, and taking it away. Each step is made only where something differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Clients, pages
from missyou_operator.aws.identity import CLUSTER_TAG
from missyou_operator.aws.policy_documents import as_policy
from missyou_operator.events.declaration import Declaration

_NO_QUEUE = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
_NO_RULE = "ResourceNotFoundException"


class NotOursError(Exception):
    """Something has the name and not the tag: the message says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change, in words, and what makes it."""

    text: str
    make: Callable[[], Any]


def install(clients: Clients, declared: Declaration) -> Iterator[Step]:
    """Yield the steps that are missing: the caller makes each before it asks for the next, or none of them.

    Errors: NotOursError, ClientError.
    """
    sqs, events = clients.client("sqs"), clients.client("events")
    url = _queue(sqs, declared)
    if url is None:
        yield Step(
            f"create the queue {declared.queue}",
            lambda: sqs.create_queue(
                QueueName=declared.queue, Attributes=dict(declared.attributes), tags=dict(declared.tags)
            ),
        )
    else:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes", {})
        differing = {key: value for key, value in declared.attributes.items() if not _same(found.get(key, ""), value)}
        if differing:
            yield Step(
                f"set {', '.join(sorted(differing))} of the queue {declared.queue}",
                lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes=differing),
            )
    for name, pattern in declared.rules.items():
        yield from _rule(events, declared, name, json.dumps(pattern, separators=(",", ":")))


def uninstall(clients: Clients, declared: Declaration) -> Iterator[Step]:
    """Yield the steps that take away what `install` makes, and nothing else. Errors: NotOursError, ClientError."""
    sqs, events = clients.client("sqs"), clients.client("events")
    for name in declared.rules:
        if _existing_rule(events, declared, name) is None:
            continue
        targets = [target["Id"] for target in pages(events, "list_targets_by_rule", "Targets", Rule=name)]
        yield Step(f"delete the rule {name}", _deletion(events, name, targets))
    if (url := _queue(sqs, declared)) is not None:
        yield Step(f"delete the queue {declared.queue}", lambda: sqs.delete_queue(QueueUrl=url))


def _deletion(events: Any, name: str, targets: list[str]) -> Callable[[], Any]:
    def make() -> None:
        if targets:
            events.remove_targets(Rule=name, Ids=targets)
        events.delete_rule(Name=name)

    return make


def _rule(events: Any, declared: Declaration, name: str, pattern: str) -> Iterator[Step]:
    tags = [{"Key": key, "Value": value} for key, value in declared.tags.items()]
    found = _existing_rule(events, declared, name)
    if found is None:
        yield Step(
            f"create the rule {name}",
            lambda: events.put_rule(Name=name, EventPattern=pattern, State="ENABLED", Tags=tags),
        )
        targets: list[Mapping[str, Any]] = []
    else:
        if not _same(found.get("EventPattern", ""), pattern) or found.get("State") == "DISABLED":
            yield Step(
                f"change the rule {name}",
                lambda: events.put_rule(Name=name, EventPattern=pattern, State="ENABLED"),
            )
        targets = pages(events, "list_targets_by_rule", "Targets", Rule=name)
    known = {(target["Id"], target["Arn"]) for target in targets}
    if missing := [target for target in declared.targets if (target["Id"], target["Arn"]) not in known]:
        yield Step(f"have the rule {name} feed the queue", lambda: events.put_targets(Rule=name, Targets=missing))


def _queue(sqs: Any, declared: Declaration) -> str | None:
    """Return the URL of the queue, None where there is none."""
    try:
        url = str(sqs.get_queue_url(QueueName=declared.queue)["QueueUrl"])
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_QUEUE:
            return None
        raise
    _check(f"the queue {declared.queue}", sqs.list_queue_tags(QueueUrl=url).get("Tags", {}), declared)
    return url


def _existing_rule(events: Any, declared: Declaration, name: str) -> Mapping[str, Any] | None:
    try:
        row: Mapping[str, Any] = events.describe_rule(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == _NO_RULE:
            return None
        raise
    tags = events.list_tags_for_resource(ResourceARN=row["Arn"]).get("Tags", ())
    _check(f"the rule {name}", {tag["Key"]: tag["Value"] for tag in tags}, declared)
    return row


def _check(what: str, tags: Mapping[str, str], declared: Declaration) -> None:
    if tags.get(CLUSTER_TAG) != declared.cluster:
        raise NotOursError(
            f"{what} is not this cluster's: its tag {CLUSTER_TAG} is {tags.get(CLUSTER_TAG, 'missing')!r}, not "
            f"{declared.cluster!r}. If nobody needs it, delete it, and run this again"
        )


def _same(found: str, wanted: str) -> bool:
    """Return whether two attributes mean the same: policies and patterns are JSON."""
    if not wanted.startswith("{"):
        return found == wanted
    try:
        return as_policy(json.loads(wanted), json.loads(found))
    except ValueError:
        return False


def why_no_calls(clients: Clients, region: str) -> str:
    """Return why EventBridge gets no events of calls in a region, "" if a trail logs them.

    Sources: EventBridge User Guide, "AWS service events delivered via AWS CloudTrail"; CloudTrail API reference,
    DescribeTrails, GetTrailStatus, GetEventSelectors.
    """
    trail = clients.client("cloudtrail")
    try:
        rows = trail.describe_trails(includeShadowTrails=True).get("trailList", ())
        here = [row for row in rows if row.get("IsMultiRegionTrail") or row.get("HomeRegion") == region]
        for row in here:
            logging = trail.get_trail_status(Name=row["TrailARN"]).get("IsLogging")
            if logging and _logs_changes(trail.get_event_selectors(TrailName=row["TrailARN"])):
                return ""
    except ClientError as error:
        return f"whether a trail logs management events in {region} cannot be told ({error.response['Error']['Code']})"
    return f"no trail of this account logs changing management events in {region}"


def _logs_changes(answer: Mapping[str, Any]) -> bool:
    """Return whether the selectors of a trail take management events that change something."""
    for plain in answer.get("EventSelectors") or ():
        if plain.get("IncludeManagementEvents", True) and plain.get("ReadWriteType", "All") != "ReadOnly":
            return True
    for advanced in answer.get("AdvancedEventSelectors") or ():
        fields = {field["Field"]: field.get("Equals") for field in advanced.get("FieldSelectors", ())}
        if fields.get("eventCategory") == ["Management"] and fields.get("readOnly") != ["true"]:
            return True
    return False
