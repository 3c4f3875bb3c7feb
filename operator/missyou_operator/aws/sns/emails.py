"""The e-mail subscriptions of the stack's topic. Only the recipient can confirm a subscription or end it.

Sources: SNS API reference, Subscribe (a repetition sends another e-mail), Unsubscribe, ListSubscriptionsByTopic; AWS
news of May 2023 (unconfirmed ones end after 48 hours); Ansible's pull request 20086 (those that ended read "Deleted").
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import gone
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.informer import Rhythm
from missyou_operator.aws.permissions import Grant, Part, change, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.sns.topic import TOPIC
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import Ref

#: A person confirms one by a link in a mail, which is waited for.
_CONFIRMED = Rhythm(per_stack=18.0, least=60.0, most=1800.0, closely=True)

#: A tag of the topic: the addresses that have been asked to confirm, each as eight hex digits.
ASKED_TAG = "missyou.app/asked"


@dataclass(frozen=True, kw_only=True)
class EmailSubscriptions(Resource):
    """All e-mail subscriptions of a topic; subscriptions by other protocols are left alone.

    Each address is asked once, even if its owner ignores the e-mail or unsubscribes. A tag of the topic records the
    addresses, since an ended subscription leaves no trace. An address that is removed from the list is forgotten, and
    asked again when it is added again.

    A pending subscription cannot be ended, so it is no difference. If it is confirmed after all, it is ended then.
    `emails` are in lower case, which makes no difference to mail servers.
    """

    TYPE: ClassVar[str] = "sns.EmailSubscriptions"
    COMPARED = compare("emails")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("sns.Topic",)
    EFFECTS = Effects(Effect("Subscribe"), Effect("Unsubscribe"), update=Effect("Subscribe, Unsubscribe"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("sns:ListSubscriptionsByTopic", on=(TOPIC,)),
        change("sns:Subscribe", "sns:TagResource", on=(TOPIC,)),
        # A subscription has an ARN, and no tags.
        Grant(Part.CHANGE, ("sns:Unsubscribe",), (TOPIC, f"{TOPIC}:*")),
    )

    topic_arn: str | Ref
    emails: tuple[str, ...]

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the subscriptions of the stack's topic, and the addresses that have been asked."""
        found = []
        for topic in reader.found("sns.Topic", whole=True):
            operation, result = "list_subscriptions_by_topic", "Subscriptions"
            rows = reader.detail_rows(_CONFIRMED, "sns", operation, result, TopicArn=topic.id)
            mails = {row["Endpoint"].lower(): row["SubscriptionArn"] for row in rows if row["Protocol"] == "email"}
            confirmed = {email: arn for email, arn in mails.items() if arn.startswith("arn:")}
            pending = frozenset(email for email, arn in mails.items() if arn == "PendingConfirmation")
            asked = frozenset(topic.tags.get(ASKED_TAG, "").split())
            if confirmed or pending or asked:
                attrs = {"topic_arn": topic.id, "confirmed": confirmed, "pending": pending, "asked": asked}
                attrs |= {"id": _id(topic.name), "emails": _all(confirmed, pending)}
                observed = reader.observed(cls, topic.name, _id(topic.name), attrs, {}, adopt=True)
                found.append(replace(observed, component=topic.component))
        return found

    def matches(self, name: str, observed: Observed) -> bool:  # noqa: ARG002 - there is one field only
        """Return whether no address is missing or surplus, and the topic's tag records exactly the desired ones."""
        return not (self._missing(observed) or self._surplus(observed)) and observed.attrs["asked"] == self._marks()

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Name the addresses to add and to remove."""
        after, before = ", ".join(self._missing(observed)) or "(none)", ", ".join(self._surplus(observed)) or "(none)"
        return tuple(replace(change, before=before, after=after) for change in super().diff(observed))

    def _missing(self, observed: Observed) -> Sequence[str]:
        """Return the addresses that are still to be asked."""
        known = {*observed.attrs["confirmed"], *observed.attrs["pending"]}
        return [email for email in self.emails if email not in known and _mark(email) not in observed.attrs["asked"]]

    def _surplus(self, observed: Observed) -> Sequence[str]:
        return sorted(observed.attrs["confirmed"].keys() - set(self.emails))

    def _marks(self) -> frozenset[str]:
        return frozenset(map(_mark, self.emails))

    def health(self, observed: Observed) -> Health:
        """Return ready, with notes on addresses that get no e-mails: that is their owners' choice."""
        pending = [email for email in self.emails if email in observed.attrs["pending"]]
        known = {*observed.attrs["confirmed"], *pending}
        lost = [email for email in self.emails if email not in known and _mark(email) in observed.attrs["asked"]]
        notes = []
        if pending:
            notes.append(f"{', '.join(pending)}: not confirmed; the link in AWS's e-mail is valid for 48 hours")
        if lost:
            notes.append(
                f"{', '.join(lost)}: not subscribed (never confirmed, or unsubscribed). To ask again, remove from "
                "spec.monitoring.notifications.emails, wait until Ready, and add again"
            )
        return replace(READY, message="; ".join(notes))

    def create(self, cloud: Cloud) -> Observed:
        """Ask all addresses."""
        empty: dict[str, Any] = {"confirmed": {}, "pending": frozenset(), "asked": frozenset()}
        observed = self.as_created(_id(self.name), topic_arn=self.topic_arn, **empty)
        return self.update(cloud, observed, frozenset())

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Ask new addresses, end surplus subscriptions, then record the addresses in the tag.

        The order matters: a pending subscription is listed for two days, so nothing is lost if the last step fails.
        """
        sns, topic = cloud.client("sns"), observed.attrs["topic_arn"]
        confirmed, pending = dict(observed.attrs["confirmed"]), set(observed.attrs["pending"])
        for email in self._missing(observed):
            arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=email)["SubscriptionArn"]
            if arn.startswith("arn:"):
                confirmed[email] = arn
            else:
                pending.add(email)
        for email in self._surplus(observed):
            gone(partial(sns.unsubscribe, SubscriptionArn=confirmed.pop(email)))
        marks = self._marks()
        if observed.attrs["asked"] != marks:
            sns.tag_resource(ResourceArn=topic, Tags=tag_list({ASKED_TAG: " ".join(sorted(marks))}))
        emails = _all(confirmed, pending)
        return observed.with_attrs(emails=emails, confirmed=confirmed, pending=frozenset(pending), asked=marks)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:  # noqa: ARG003
        """Do nothing: deleting the topic ends all subscriptions, and is the only way to end pending ones."""
        return READY


def _mark(email: str) -> str:
    """Return eight hex digits for an address, which itself does not belong in a tag."""
    return hashlib.sha256(email.encode()).hexdigest()[:8]


def _id(name: str) -> str:
    return f"{name}/email"


def _all(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({email for group in groups for email in group}))
