"""SNS: topics with their attributes at creation, and subscriptions that a person confirms by e-mail.

Mails are stored instead of sent (`sns_mail`), each with the token of its link.
"""

from __future__ import annotations

import re
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, advances, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.sns import mail as sns_mail
from missyou_local.aws.services.sns.mail import box

_CONFIRMED_BY_HAND = ("email", "email-json", "http", "https")
_PENDING, _DELETED = "PendingConfirmation", "Deleted"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")

_attributes: Regional[dict[str, dict[str, str]]] = Regional(dict)
"""ARN of a topic -> the attributes that it was created with."""


@handles("sns:CreateTopic")
def create_topic(call: Call) -> Result:
    """Create a topic, or return the one of this name if attributes and tags are the same."""
    arn = call.arn("sns", call.params["Name"])
    topic, made_with = call.moto("sns").topics.get(arn), _attributes.of(call)
    wanted = dict(call.params.get("Attributes", {}))
    if topic is not None and any(made_with.get(arn, {}).get(key) != value for key, value in wanted.items()):
        raise _parameter("Attributes Reason: Topic already exists with different attributes")
    tags = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags", [])}
    if topic is not None and tags and tags != dict(topic._tags):
        raise _parameter("Tags Reason: Topic already exists with different tags")
    result = call.forward()
    made_with.setdefault(arn, wanted)
    return result


@handles("sns:SetTopicAttributes")
def set_topic_attributes(call: Call) -> Result:
    """Set an attribute of a topic."""
    result = call.forward()
    known = _attributes.of(call).setdefault(call.params["TopicArn"], {})
    known[call.params["AttributeName"]] = call.params.get("AttributeValue", "")
    return result


@handles("sns:DeleteTopic")
def delete_topic(call: Call) -> Result:
    """Delete a topic with all its subscriptions, including pending ones."""
    arn = call.params["TopicArn"]
    _attributes.of(call).pop(arn, None)
    box(call).forget(arn)
    return call.forward()


@checks("sns:Subscribe")
def address_is_one(call: Call) -> None:
    """Refuse a malformed e-mail address."""
    if call.params["Protocol"].startswith("email") and not _ADDRESS.fullmatch(call.params.get("Endpoint", "")):
        raise _parameter("Email address")


@handles("sns:Subscribe")
def subscribe(call: Call) -> Result:
    """Subscribe. E-mail and HTTP wait for a confirmation; each call until then sends another mail."""
    subscriptions = call.moto("sns").subscriptions
    before = set(subscriptions)
    result = call.forward()
    arn, mails = result["SubscriptionArn"], box(call)
    if call.params["Protocol"] not in _CONFIRMED_BY_HAND or (arn in before and arn not in mails.pending):
        return result
    mails.ask(arn, call.params["TopicArn"], call.params.get("Endpoint", ""), call.now)
    return result if call.params.get("ReturnSubscriptionArn") else {"SubscriptionArn": "pending confirmation"}


@handles("sns:ConfirmSubscription")
def confirm_subscription(call: Call) -> Result:
    """Confirm a subscription by the token of its mail."""
    arn = box(call).confirm(call.params["TopicArn"], call.params["Token"])
    if arn is None:
        raise _parameter("Token")
    return {"SubscriptionArn": arn}


@advances("sns")
def pending_ones_go(call: Call) -> None:
    """Remove subscriptions that nobody confirmed within 48 hours, and those that were ended long ago."""
    for arn in box(call).expire(call.now):
        call.moto("sns").subscriptions.pop(arn, None)


@handles("sns:ListSubscriptions", "sns:ListSubscriptionsByTopic")
def list_subscriptions(call: Call) -> Result:
    """List subscriptions. A pending one shows no ARN, an ended one is listed as `Deleted` for some time."""
    result, mails = call.forward(), box(call)
    rows: list[dict[str, Any]] = result.setdefault("Subscriptions", [])
    for row in rows:
        if row["SubscriptionArn"] in mails.pending:
            row["SubscriptionArn"] = _PENDING
    if not result.get("NextToken"):
        topic = call.params.get("TopicArn")
        rows += [{**row, "SubscriptionArn": _DELETED} for row in mails.ended if topic in {None, row["TopicArn"]}]
    return result


@checks("sns:Unsubscribe")
def subscription_is_confirmed(call: Call) -> None:
    """Refuse to end a pending subscription, which ends by itself after two days."""
    arn = call.params["SubscriptionArn"]
    if arn in box(call).pending or not arn.startswith("arn:"):
        raise _parameter("SubscriptionArn Reason: the subscription is pending confirmation")


@handles("sns:Unsubscribe")
def unsubscribe(call: Call) -> Result:
    """End a subscription, which is listed as `Deleted` for some time."""
    ended = call.moto("sns").subscriptions.get(call.params["SubscriptionArn"])
    result = call.forward()
    if ended is not None:
        row = {"Owner": ended.owner, "Protocol": ended.protocol, "Endpoint": ended.endpoint}
        box(call).end({**row, "TopicArn": ended.topic.arn}, call.now)
    return result


def notify(call: Call, topic_arn: str, source: str, subject: str) -> None:
    """Send a message to a topic as CloudWatch; drop it where AWS would not let it through."""
    topic = call.moto("sns").topics.get(topic_arn)
    if topic is None or not sns_mail.lets_through(topic, source, call.account):
        return
    confirmed = [each for each in call.moto("sns").subscriptions.values() if each.topic.arn == topic_arn]
    box(call).deliver(topic_arn, subject, [(each.arn, each.endpoint) for each in confirmed if each.protocol == "email"])


def _parameter(message: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {message}")
