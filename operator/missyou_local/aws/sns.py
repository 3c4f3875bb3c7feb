"""SNS: a topic is made with one set of attributes, and a person has to confirm a subscription by e-mail."""

from __future__ import annotations

from missyou_local.aws.call import Call, Regional, Result, checks, plays
from missyou_local.aws.errors import AwsError

_CONFIRMED_BY_HAND = ("email", "email-json", "http", "https")
_PENDING = "PendingConfirmation"

_pending: Regional[set[str]] = Regional(set)
"""ARNs of the subscriptions that nobody has confirmed: nobody ever does here."""
_attributes: Regional[dict[str, dict[str, str]]] = Regional(dict)
"""ARN of a topic -> the attributes that it was created with."""


@plays("sns:CreateTopic")
def create_topic(call: Call) -> Result:
    """Create a topic, or return the one of this name if it has the attributes and tags that the call names."""
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


@plays("sns:SetTopicAttributes")
def set_topic_attributes(call: Call) -> Result:
    """Set an attribute of a topic."""
    result = call.forward()
    known = _attributes.of(call).setdefault(call.params["TopicArn"], {})
    known[call.params["AttributeName"]] = call.params.get("AttributeValue", "")
    return result


@plays("sns:DeleteTopic")
def delete_topic(call: Call) -> Result:
    """Delete a topic."""
    _attributes.of(call).pop(call.params["TopicArn"], None)
    return call.forward()


@plays("sns:Subscribe")
def subscribe(call: Call) -> Result:
    """Subscribe; e-mail and HTTP wait for a confirmation."""
    result = call.forward()
    if call.params["Protocol"] not in _CONFIRMED_BY_HAND:
        return result
    _pending.of(call).add(result["SubscriptionArn"])
    return result if call.params.get("ReturnSubscriptionArn") else {"SubscriptionArn": "pending confirmation"}


@plays("sns:ListSubscriptions", "sns:ListSubscriptionsByTopic")
def list_subscriptions(call: Call) -> Result:
    """List subscriptions; one that is pending shows no ARN."""
    result = call.forward()
    for subscription in result.get("Subscriptions", []):
        if subscription["SubscriptionArn"] in _pending.of(call):
            subscription["SubscriptionArn"] = _PENDING
    return result


@checks("sns:Unsubscribe")
def subscription_is_confirmed(call: Call) -> None:
    """Refuse to end a subscription that is pending: it ends by itself after two days."""
    arn = call.params["SubscriptionArn"]
    if arn in _pending.of(call) or not arn.startswith("arn:"):
        raise _parameter("SubscriptionArn Reason: the subscription is pending confirmation")


def _parameter(message: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {message}")
