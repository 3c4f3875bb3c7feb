"""Who gets the mails of the stack's topic. A person confirms a subscription, and ends it: neither can be done for them.

Sources: SNS API reference, Subscribe (again means another mail), Unsubscribe, ListSubscriptionsByTopic; AWS news of May
2023 (what nobody confirms goes after 48 hours); Ansible's pull request 20086 (what somebody ended reads "Deleted").
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from missyou_operator.aws.cloud import Cloud, Reader, pages
from missyou_operator.aws.errors import gone
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.permissions import Grant, Part, change, observe
from missyou_operator.aws.sns.topic import TOPIC
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import Ref

#: A tag of the topic: the addresses that have been asked, each as eight hex digits.
ASKED = "missyou.app/asked"


@dataclass(frozen=True, kw_only=True)
class EmailSubscriptions(Resource):
    """The e-mail subscriptions of a topic, all of them; what is subscribed by other protocols is left alone.

    Each address is asked once: who lets the mail lie, or ends the subscription, is not asked again and again. Whom we
    have asked stands in a tag of the topic, since a subscription that is over leaves no trace. Taken out of the list,
    an address is forgotten, and asked again when it comes back.

    What is pending cannot be ended. It is no difference: confirmed after all, it is ended then. `emails` are in lower
    case, as mail servers do not mind.
    """

    TYPE: ClassVar[str] = "sns.EmailSubscriptions"
    COMPARED = compare("emails")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("sns.Topic",)
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
        """Find the subscriptions of the stack's topic, and whom it has asked."""
        found = []
        for topic in reader.found("sns.Topic"):
            sns = reader.client("sns")
            rows = pages(sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic.id)
            mails = {row["Endpoint"].lower(): row["SubscriptionArn"] for row in rows if row["Protocol"] == "email"}
            confirmed = {email: arn for email, arn in mails.items() if arn.startswith("arn:")}
            pending = frozenset(email for email, arn in mails.items() if arn == "PendingConfirmation")
            asked = frozenset(topic.tags.get(ASKED, "").split())
            if confirmed or pending or asked:
                attrs = {"topic_arn": topic.id, "confirmed": confirmed, "pending": pending, "asked": asked}
                attrs |= {"id": _id(topic.name), "emails": _all(confirmed, pending)}
                observed = reader.observed(cls, topic.name, _id(topic.name), attrs, {}, adopt=True)
                found.append(replace(observed, component=topic.component))
        return found

    def matches(self, name: str, observed: Observed) -> bool:  # noqa: ARG002 - there is one field only
        """Return whether all have been asked, whom we no longer want is gone, and the topic remembers exactly that."""
        return not (self._missing(observed) or self._surplus(observed)) and observed.attrs["asked"] == self._asked()

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Name who comes and who goes."""
        comes, goes = ", ".join(self._missing(observed)), ", ".join(self._surplus(observed))
        return tuple(
            replace(change, before=goes or "(none)", after=comes or "(none)") for change in super().diff(observed)
        )

    def _missing(self, observed: Observed) -> Sequence[str]:
        """Return the addresses that are still to be asked."""
        known = {*observed.attrs["confirmed"], *observed.attrs["pending"]}
        return [email for email in self.emails if email not in known and _mark(email) not in observed.attrs["asked"]]

    def _surplus(self, observed: Observed) -> Sequence[str]:
        return sorted(observed.attrs["confirmed"].keys() - set(self.emails))

    def _asked(self) -> frozenset[str]:
        return frozenset(map(_mark, self.emails))

    def health(self, observed: Observed) -> Health:
        """Say who gets no mails, and why: that is up to them, and no trouble of the stack's."""
        pending = [email for email in self.emails if email in observed.attrs["pending"]]
        known = {*observed.attrs["confirmed"], *pending}
        lost = [email for email in self.emails if email not in known and _mark(email) in observed.attrs["asked"]]
        notes = []
        if pending:
            notes.append(f"{', '.join(pending)}: AWS waits until the link in its mail is followed, for 48 hours")
        if lost:
            notes.append(
                f"{', '.join(lost)}: not subscribed, either never confirmed or ended by themselves. To ask again, take "
                "out of spec.monitoring.notifications.emails, wait until Ready, and put back"
            )
        return replace(READY, message="; ".join(notes))

    def create(self, cloud: Cloud) -> Observed:
        """Ask all of them."""
        nobody: dict[str, Any] = {
            "topic_arn": self.topic_arn,
            "confirmed": {},
            "pending": frozenset(),
            "asked": frozenset(),
        }
        return self.update(cloud, self.as_created(_id(self.name)).with_attrs(**nobody), frozenset())

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Ask who is new, end what is confirmed and unwanted, then remember.

        In this order: whoever was asked shows for two days, so that nothing is lost when the last step is.
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
        if observed.attrs["asked"] != self._asked():
            sns.tag_resource(ResourceArn=topic, Tags=tag_list({ASKED: " ".join(sorted(self._asked()))}))
        return observed.with_attrs(
            emails=_all(confirmed, pending), confirmed=confirmed, pending=frozenset(pending), asked=self._asked()
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:  # noqa: ARG003
        """Leave it to the topic's deletion, which ends all subscriptions, and the pending ones only so."""
        return READY


def _mark(email: str) -> str:
    """Return eight hex digits that stand for an address: a tag is no place for the address itself."""
    return hashlib.sha256(email.encode()).hexdigest()[:8]


def _id(name: str) -> str:
    return f"{name}/email"


def _all(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({email for group in groups for email in group}))
