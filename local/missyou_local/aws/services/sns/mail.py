"""The mails of SNS, stored instead of sent, and the state of the subscriptions that they are about.

Sources: AWS news of May 2023 (unconfirmed subscriptions go after 48 hours); Ansible's pull request 20086 (one that was
ended is listed with the ARN `Deleted`; for about 72 hours, as users report); CloudWatch user guide, topic policies.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import Call, Regional

_HOUR = 3600.0
PENDING_FOR, DELETED_FOR = 48 * _HOUR, 72 * _HOUR


@dataclass(slots=True)
class Box:
    """One account's mails in a region. `pending`: ARN of a subscription -> its topic, and when it goes."""

    mails: list[dict[str, str]] = field(default_factory=list)
    pending: dict[str, tuple[str, float]] = field(default_factory=dict)
    _ended: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    @property
    def ended(self) -> Sequence[Mapping[str, str]]:
        """The subscriptions that somebody ended, as they are listed."""
        return [row for row, _ in self._ended]

    def ask(self, arn: str, topic: str, to: str, now: float) -> None:
        """Send the mail that asks for a confirmation."""
        self.pending.setdefault(arn, (topic, now + PENDING_FOR))
        self._ended = [entry for entry in self._ended if (entry[0]["TopicArn"], entry[0]["Endpoint"]) != (topic, to)]
        self.mails.append({"to": to, "topic": topic, "subject": "Subscription Confirmation", "token": _token(arn)})

    def confirm(self, topic: str, token: str) -> str | None:
        """Confirm the subscription of a token and return its ARN, None for an unknown token."""
        for arn, (of, _) in self.pending.items():
            if of == topic and _token(arn) == token:
                del self.pending[arn]
                return arn
        return None

    def end(self, row: Mapping[str, str], now: float) -> None:
        """Remember a subscription that somebody ended."""
        self._ended.append((row, now + DELETED_FOR))

    def expire(self, now: float) -> Sequence[str]:
        """Forget what is too old; return the pending subscriptions among it."""
        late = [arn for arn, (_, until) in self.pending.items() if until <= now]
        for arn in late:
            del self.pending[arn]
        self._ended = [entry for entry in self._ended if entry[1] > now]
        return late

    def forget(self, topic: str) -> None:
        """Forget the subscriptions of a topic."""
        self.pending = {arn: entry for arn, entry in self.pending.items() if entry[0] != topic}
        self._ended = [entry for entry in self._ended if entry[0]["TopicArn"] != topic]

    def deliver(self, topic: str, subject: str, to: Iterable[tuple[str, str]]) -> None:
        """Send a message to the subscriptions that are confirmed, each an ARN and an address."""
        self.mails += [
            {"to": address, "topic": topic, "subject": subject} for arn, address in to if arn not in self.pending
        ]


_boxes: Regional[Box] = Regional(Box)


def box(call: Call) -> Box:
    """Return the mails of the call's account and region."""
    return _boxes.of(call)


def all_mails() -> list[dict[str, str]]:
    """Return the mails of all accounts and regions, oldest first in each."""
    return [mail for each in _boxes.states() for mail in each.mails]


def lets_through(topic: Any, source: str, account: str) -> bool:
    """Return whether policy and encryption key of a topic let CloudWatch publish for an alarm.

    The policy that AWS gives a topic lets all of its own account publish.
    """
    if topic.kms_master_key_id.endswith("alias/aws/sns"):
        return False
    statements = json.loads(topic.policy)["Statement"]
    return any(
        _allows(each, source, account) for each in (statements if isinstance(statements, list) else [statements])
    )


def _allows(statement: Mapping[str, Any], source: str, account: str) -> bool:
    conditions = statement.get("Condition", {})
    known = {"aws:sourceaccount": account, "aws:sourceowner": account, "aws:sourcearn": source}
    holds = all(
        fnmatch.fnmatchcase(known.get(key.lower(), ""), str(value))
        for condition in conditions.values()
        for key, value in condition.items()
    )
    principal = statement.get("Principal")
    named = principal in ("*", {"AWS": "*"}) or (
        isinstance(principal, dict) and "cloudwatch.amazonaws.com" in principal.get("Service", ())
    )
    actions = statement.get("Action", [])
    may = {action.lower() for action in ([actions] if isinstance(actions, str) else actions)}
    return statement.get("Effect") == "Allow" and named and holds and bool(may & {"sns:publish", "sns:*"})


def _token(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()
