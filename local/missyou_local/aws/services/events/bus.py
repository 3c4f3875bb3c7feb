"""The default event bus: events arrive after a while, and go to the queues of the rules that match.

moto matches the patterns. Source for the rest: EventBridge User Guide, "Using resource-based policies for Amazon
EventBridge": a queue gets what its policy lets `events.amazonaws.com` send for the rule; the rest is dropped unseen.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Regional, checks
from missyou_local.aws.errors import AwsError

#: EventBridge User Guide, "Amazon EventBridge quotas".
_PATTERN, _TARGETS = 2048, 5
_under_way: Regional[list[tuple[float, dict[str, Any]]]] = Regional(list)
"""The events that have not arrived yet, each with its time."""


def has_rules(account: str, region: str) -> bool:
    """Return whether an account has any rule in a region."""
    return account in backends.accounts_of("events") and bool(_rules(account, region))


def send(account: str, region: str, event: Mapping[str, Any], at: float, arrives: float) -> None:
    """Send an event (`source`, `detail-type`, `resources`, `detail`) of a time; it arrives at another."""
    whole = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "account": account,
        "region": region,
        "time": at,
        "resources": [],
        **event,
    }
    _under_way.at(account, region).append((arrives, whole))


def deliver(account: str, region: str, now: float) -> None:
    """Give the events that have arrived to the targets of the rules that match."""
    waiting = _under_way.at(account, region)
    due = sorted((each for each in waiting if each[0] <= now), key=lambda each: each[0])
    waiting[:] = [each for each in waiting if each[0] > now]
    for _, event in due:
        for rule in _rules(account, region):
            if rule.state != "DISABLED" and rule.event_pattern.matches_event(event) and _reads(rule, event):
                for target in rule.targets:
                    _put(account, region, target["Arn"], rule.arn, event)


def _rules(account: str, region: str) -> Sequence[Any]:
    return list(backends.backend("events", account, region).event_buses["default"].rules.values())


def _reads(rule: Any, event: Mapping[str, Any]) -> bool:
    """Return whether a rule gets a call: one that only reads needs a state of its own.

    Source: EventBridge User Guide, "Receiving read-only management events from AWS services".
    """
    return event["detail"].get("readOnly") is not True or rule.state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


def _put(account: str, region: str, queue_arn: str, rule_arn: str, event: Mapping[str, Any]) -> None:
    queues, name = backends.backend("sqs", account, region), queue_arn.rpartition(":")[2]
    queue = queues.queues.get(name)
    if queue is not None and _lets_in(queue.policy, rule_arn):
        time = datetime.fromtimestamp(event["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        queues.send_message(queue_name=name, message_body=json.dumps({**event, "time": time}))


def _lets_in(policy: Any, rule_arn: str) -> bool:
    document = json.loads(policy) if isinstance(policy, str) and policy else policy or {}
    for statement in document.get("Statement", ()):
        sources = [
            value
            for operator, keys in statement.get("Condition", {}).items()
            if operator in {"ArnEquals", "ArnLike", "StringEquals"}
            for value in _listed(keys.get("aws:SourceArn", ()))
        ]
        if (
            statement["Effect"] == "Allow"
            and "events.amazonaws.com" in _listed(statement["Principal"].get("Service", ()))
            and "sqs:SendMessage" in _listed(statement["Action"])
            and (not statement.get("Condition") or any(fnmatchcase(rule_arn, each) for each in sources))
        ):
            return True
    return False


def _listed(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else list(value)


@checks("events:PutRule")
def pattern_is_short(call: Call) -> None:
    """Refuse a pattern of more than 2,048 characters."""
    if len(call.params.get("EventPattern") or "") > _PATTERN:
        message = f"Event pattern is not valid. Reason: Event pattern exceeds {_PATTERN} characters"
        raise AwsError("InvalidEventPatternException", message)


@checks("events:PutTargets")
def targets_are_few(call: Call) -> None:
    """Refuse more than five targets of a rule."""
    rule = call.moto("events").event_buses["default"].rules.get(call.params["Rule"])
    ids = {target["Id"] for target in (*(rule.targets if rule else ()), *call.params["Targets"])}
    if len(ids) > _TARGETS:
        raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


@checks("events:DeleteRule")
def rule_has_no_targets(call: Call) -> None:
    """Refuse to delete a rule that has targets. Source: EventBridge API reference, DeleteRule."""
    rule = call.moto("events").event_buses["default"].rules.get(call.params["Name"])
    if rule is not None and rule.targets:
        raise AwsError("ValidationException", "Rule can't be deleted since it has targets.")
