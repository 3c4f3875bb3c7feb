"""The SNS topics that alarms notify: the stack's own, and foreign ones.

Sources: SNS API reference, CreateTopic (idempotent by name; refused where attributes or tags differ),
SetTopicAttributes, DeleteTopic; SNS developer guide, "Key management", compatibility between event sources from AWS
services and encrypted topics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws import tagged
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, gone, message_of
from missyou_operator.aws.idempotency import exists_already
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import SLOW, TAGS, Source
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.policy_documents import as_policy, json_text, readable
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource, failed

_TOPICS = Source("sns", "list_topics", "Topics", "TopicArn")

#: The stack's own topic, as a resource of `sns:` actions.
TOPIC = "sns:{sns.Topic}"
_KEY = "KmsMasterKeyId"
#: AWS's own key for SNS. Its policy does not allow CloudWatch, and cannot be changed.
_AWS_KEY = "alias/aws/sns"


@dataclass(frozen=True, kw_only=True)
class Topic(Resource):
    """A standard topic. `policy` lists who may publish; `key` is the KMS key that encrypts messages, "" for none."""

    TYPE: ClassVar[str] = "sns.Topic"
    COMPARED = compare("key", policy=as_policy)
    EFFECTS = Effects(Effect("CreateTopic"), Effect("DeleteTopic"), update=Effect("SetTopicAttributes"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("sns:ListTopics"),
        tagged.PERMISSION,
        observe("sns:GetTopicAttributes", "sns:ListTagsForResource", on=(TOPIC,)),
        make("sns:CreateTopic", "sns:TagResource", on=(TOPIC,)),
        change("sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource", "sns:DeleteTopic", on=(TOPIC,)),
    )

    policy: Mapping[str, Any]
    key: str = ""

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find it by its ARN among all topics. Its attributes and tags take a call each."""
        name = reader.name(cls.TYPE)
        arn = reader.stack.arn("sns", name)
        if not reader.listed(_TOPICS, arn):
            return []
        attributes = _attributes(reader, arn)
        if attributes is None:
            return []
        policy = json.loads(attributes.get("Policy") or "null")
        attrs = {"id": arn, "arn": arn, "policy": policy, "key": attributes.get(_KEY, "")}
        tags = reader.tags(
            arn, lambda: tag_map(reader.detail(TAGS, "sns", "list_tags_for_resource", ResourceArn=arn)["Tags"])
        )
        return [reader.observed(cls, name, arn, attrs, tags)]

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Describe the rights that a policy gains and loses, instead of printing two documents."""
        return tuple(
            readable(change, observed.attrs["policy"], self.policy) if change.field == "policy" else change
            for change in super().diff(observed)
        )

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its policy and tags. AWS refuses the name of a topic whose attributes or tags differ."""
        attributes = {"Policy": json_text(self.policy), **({_KEY: self.key} if self.key else {})}
        try:
            answer = cloud.client("sns").create_topic(Name=self.name, Attributes=attributes, Tags=tag_list(self.tags))
        except ClientError as error:
            if code_of(error) == "InvalidParameter" and "already exists" in message_of(error):
                raise exists_already(self.address) from error
            raise
        return self.as_created(answer["TopicArn"], arn=answer["TopicArn"])

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set what differs."""
        sns = cloud.client("sns")
        # Tags first: the operator may change only topics that have them.
        if "tags" in changed:
            retag(
                self,
                observed,
                lambda keys: sns.untag_resource(ResourceArn=observed.id, TagKeys=keys),
                lambda: sns.tag_resource(ResourceArn=observed.id, Tags=tag_list(self.tags)),
            )
        if "policy" in changed:
            text = json_text(self.policy)
            sns.set_topic_attributes(TopicArn=observed.id, AttributeName="Policy", AttributeValue=text)
        if "key" in changed:
            sns.set_topic_attributes(TopicArn=observed.id, AttributeName=_KEY, AttributeValue=self.key)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it, together with all of its subscriptions."""
        return gone(lambda: cloud.client("sns").delete_topic(TopicArn=observed.id))


@dataclass(frozen=True, kw_only=True)
class GivenTopic(External):
    """A foreign topic that alarms notify as well; its name is its ARN."""

    TYPE: ClassVar[str] = "sns.GivenTopic"
    # It may have any owner, even in another account.
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (observe("sns:GetTopicAttributes"),)

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the topics that the spec names."""
        return [
            observed for arn in reader.desired_names(cls.TYPE) if (observed := cls._observed(reader, arn)) is not None
        ]

    @classmethod
    def _observed(cls, reader: Reader, arn: str) -> Observed | None:
        try:
            attributes = _attributes(reader, arn)
        except ClientError as error:
            # It belongs to another account, which need not let us read it: CloudWatch may publish all the same.
            if not code_of(error).startswith("Authorization"):
                raise
            attributes = {}
        return None if attributes is None else Observed(cls, arn, arn, {"id": arn, "key": attributes.get(_KEY, "")})

    def health(self, observed: Observed) -> Health:
        """Report encryption with a key that CloudWatch cannot use: no notification would ever arrive."""
        if not observed.attrs["key"].endswith(_AWS_KEY):
            return READY
        return failed(
            "TopicUnusable",
            f"{self.name} is encrypted with {_AWS_KEY}, which CloudWatch cannot use: no notification would arrive. "
            "Turn encryption off, or use a key of your own whose policy allows cloudwatch.amazonaws.com",
        )

    def missing(self) -> Health:
        """Report that alarms notify a topic that does not exist."""
        return failed(
            "TopicNotFound",
            f"there is no topic {self.name}: correct spec.monitoring.notifications.topicARN, or create it",
        )


def _attributes(reader: Reader, arn: str) -> Mapping[str, str] | None:
    answer = reader.if_present(SLOW, "sns", "get_topic_attributes", TopicArn=arn)
    return answer["Attributes"] if answer else None
