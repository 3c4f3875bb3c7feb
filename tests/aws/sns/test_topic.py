"""The life cycle of topics and their e-mail subscriptions on the test AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.sns.emails import ASKED_TAG, EmailSubscriptions
from missyou_operator.aws.sns.topic import GivenTopic, Topic
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, server, tags

ANN, BOB = "ann@example.com", "bob@example.com"


def topic(cloud: Cloud) -> Topic:
    name = f"{cloud.stack.name}-alarms"
    arn = cloud.stack.arn("sns", name)
    service = {"Service": "cloudwatch.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": service, "Action": "SNS:Publish", "Resource": arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return Topic(name=name, component="Monitoring", tags=tags(cloud, name, "Monitoring"), policy=document)


def emails(cloud: Cloud, *addresses: str) -> EmailSubscriptions:
    name = f"{cloud.stack.name}-alarms"
    arn = cloud.stack.arn("sns", name)
    return EmailSubscriptions(name=name, component="Monitoring", topic_arn=arn, emails=addresses)


def topics(cloud: Cloud) -> dict[str, list[Observed]]:
    return {"sns.Topic": list(read(Topic, cloud))}


def settled(desired: EmailSubscriptions, cloud: Cloud) -> Observed:
    """Create or update it, and read it."""
    found = read(EmailSubscriptions, cloud, topics(cloud))
    if not found:
        desired.create(cloud)
    elif names := changed(desired, found[0]):
        desired.update(cloud, found[0], frozenset(names))
    return observe(desired, cloud, topics(cloud))


def mails(to: str, arn: str) -> list[dict[str, str]]:
    found = json.loads(server().control.answer("GET", "/_control/mail", b"").body)
    return [mail for mail in found if (mail["to"], mail["topic"]) == (to, arn)]


def test_what_was_created_is_found_as_desired() -> None:
    cloud = live()
    desired = topic(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert (found.owned, found.id) == (True, created.id)


def test_an_equivalent_policy_is_no_difference() -> None:
    cloud = live()
    desired = topic(cloud)
    arn = desired.create(cloud).id
    [statement] = desired.policy["Statement"]
    other = {"Statement": {**statement, "Action": ["SNS:Publish"], "Resource": [arn]}, "Version": "2012-10-17"}
    client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(other))
    assert changed(desired, observe(desired, cloud)) == set()
    everybody = {**desired.policy, "Statement": [{**statement, "Principal": "*"}]}
    client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(everybody))
    [change] = desired.diff(observe(desired, cloud))
    assert ("by *" in change.before, "cloudwatch" in change.after) == (True, True)
    assert desired.diff(apply(desired, cloud)) == ()


def test_a_foreign_key_is_removed_and_a_lost_tag_is_restored() -> None:
    cloud = live()
    desired = topic(cloud)
    arn = desired.create(cloud).id
    client("sns").set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    client("sns").untag_resource(ResourceArn=arn, TagKeys=["Environment"])
    assert changed(desired, observe(desired, cloud)) == {"key", "tags"}
    assert desired.diff(apply(desired, cloud)) == ()


def test_a_namesake_is_neither_taken_nor_overwritten() -> None:
    cloud = live()
    client("sns").create_topic(Name=topic(cloud).name)
    with pytest.raises(NotYetError):
        topic(cloud).create(cloud)
    [found] = read(Topic, cloud)
    assert not found.owned
    assert read(EmailSubscriptions, cloud, {"sns.Topic": [found]}) == []
    other = live()
    topic(neighbour(other)).create(neighbour(other))
    assert [found.owned for found in read(Topic, other)] == [False]


def test_deleting_twice_is_fine() -> None:
    cloud = live()
    found = topic(cloud).create(cloud)
    for _ in range(2):
        assert Topic.delete(cloud, found).status == "ready"
    assert read(Topic, cloud) == []


def test_a_crash_before_the_tag_is_written_asks_nobody_twice() -> None:
    cloud = live()
    arn = topic(cloud).create(cloud).id
    client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint=ANN)
    found = settled(emails(cloud, ANN, BOB), cloud)
    assert emails(cloud, ANN, BOB).diff(found) == ()
    assert (len(mails(ANN, arn)), len(mails(BOB, arn))) == (1, 1)


def test_a_refused_address_does_not_cause_others_to_be_asked_again() -> None:
    cloud = live()
    arn = topic(cloud).create(cloud).id
    for _ in range(2):
        with pytest.raises(ClientError):
            settled(emails(cloud, ANN, "nobody"), cloud)
    settled(emails(cloud, ANN), cloud)
    assert len(mails(ANN, arn)) == 1


def test_the_tag_contains_no_addresses() -> None:
    cloud = live()
    arn = topic(cloud).create(cloud).id
    settled(emails(cloud, ANN, BOB), cloud)
    kept = {tag["Key"]: tag["Value"] for tag in client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]}
    assert len(kept[ASKED_TAG].split()) == 2
    assert "example.com" not in json.dumps(kept)


def test_the_longest_list_fits_into_the_tag() -> None:
    cloud = live()
    topic(cloud).create(cloud)
    found = settled(emails(cloud, *(f"a{number}@example.com" for number in range(20))), cloud)
    # SNS API reference, Tag: values have at most 256 characters.
    assert len(" ".join(found.attrs["asked"])) <= 256


def given(arn: str) -> GivenTopic:
    return GivenTopic(name=arn, component="Monitoring")


def test_a_given_topic_of_another_account_may_refuse_to_be_read() -> None:
    cloud = live()
    arn = client("sns").create_topic(Name=f"{cloud.stack.name}-given")["TopicArn"]
    assert given(arn).health(observe(given(arn), cloud)).status == "ready"
    assert read(GivenTopic, cloud, wanted=[arn + "x"]) == []
    rule: dict[str, Any] = {"match": "sns:GetTopicAttributes", "fail": {"code": "AuthorizationError", "status": 403}}
    server().control.answer("POST", "/_control", json.dumps({"rules": [rule]}).encode())
    try:
        assert given(arn).health(observe(given(arn), live())).status == "ready"
    finally:
        server().control.answer("POST", "/_control", b'{"rules": []}')


def test_a_given_topic_with_aws_s_own_key_is_unusable() -> None:
    cloud = live()
    arn = client("sns").create_topic(Name=f"{cloud.stack.name}-given")["TopicArn"]
    client("sns").set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    health = given(arn).health(observe(given(arn), cloud))
    assert (health.status, health.reason, health.stalled) == ("failed", "TopicUnusable", True)


def test_the_order_of_the_list_does_not_matter() -> None:
    cloud = live()
    desired = replace(emails(cloud, ANN, BOB), emails=(BOB, ANN))
    topic(cloud).create(cloud)
    settled(emails(cloud, ANN, BOB), cloud)
    assert desired.diff(observe(desired, cloud, topics(cloud))) == ()
