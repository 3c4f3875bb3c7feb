"""`missyou events`: what it makes, that it makes it once, and that it takes away nothing but its own."""

from __future__ import annotations

import json
import warnings

import pytest

from missyou_operator.events import installing
from missyou_operator.events.declaration import Declaration, cloudformation
from missyou_operator.events.installing import NotOursError
from tests.sim import events
from tests.sim.app import App, changes
from tests.sim.aws import REGION

DECLARED = Declaration("11111111-aaaa", "123456789012", REGION)


@pytest.fixture
def app(aws) -> App:
    return App(aws, "anybody")


def steps(app: App) -> list[str]:
    return [step.text for step in installing.install(events.Clients(app.client), DECLARED)]


def queues(app: App) -> set[str]:
    return {url.rpartition("/")[2] for url in app.client("sqs").list_queues().get("QueueUrls", ())}


def rules(app: App) -> set[str]:
    return {rule["Name"] for rule in app.client("events").list_rules()["Rules"]}


def test_it_makes_what_is_missing_and_sets_right_what_differs(app: App) -> None:
    queue, calls, services = DECLARED.queue, *DECLARED.rules
    planned = steps(app)
    assert queue not in queues(app)
    assert events.install(app, DECLARED, trail=False) == planned
    assert planned == [
        f"create the queue {queue}",
        f"create the rule {calls}",
        f"have the rule {calls} feed the queue",
        f"create the rule {services}",
        f"have the rule {services} feed the queue",
    ]
    assert changes(app.calls(lambda: events.install(app, DECLARED, trail=False))) == {}
    url = app.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    app.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": "", "MessageRetentionPeriod": "60"})
    app.client("events").disable_rule(Name=calls)
    app.client("events").remove_targets(Rule=services, Ids=["queue"])
    assert events.install(app, DECLARED, trail=False) == [
        f"set MessageRetentionPeriod, Policy of the queue {queue}",
        f"change the rule {calls}",
        f"have the rule {services} feed the queue",
    ]
    assert steps(app) == []


def test_it_takes_away_its_own_and_nothing_else(app: App) -> None:
    other = Declaration("22222222-bbbb", "123456789012", REGION)
    before = (queues(app), rules(app))
    events.install(app, other, trail=False)
    kept = (queues(app), rules(app))
    events.install(app, DECLARED, trail=False)
    assert len(events.uninstall(app, DECLARED)) == 3
    assert (queues(app), rules(app)) == kept
    assert events.uninstall(app, DECLARED) == []
    events.uninstall(app, other)
    assert (queues(app), rules(app)) == before


def test_what_bears_the_name_and_not_the_tag_is_left_alone(app: App) -> None:
    url = app.client("sqs").create_queue(QueueName=DECLARED.queue)["QueueUrl"]
    for work in (events.install, events.uninstall):
        with pytest.raises(NotOursError, match="is not this cluster's"):
            work(app, DECLARED)
    app.client("sqs").delete_queue(QueueUrl=url)
    app.client("events").put_rule(Name=next(iter(DECLARED.rules)), EventPattern='{"source": ["mine"]}')
    with pytest.raises(NotOursError, match="the rule"):
        events.uninstall(app, DECLARED)
    assert next(iter(DECLARED.rules)) in rules(app)


def test_the_template_of_cloudformation_makes_the_same(app: App) -> None:
    with warnings.catch_warnings():
        # moto knows no AWS::SQS::QueuePolicy.
        warnings.simplefilter("ignore")
        body = json.dumps(cloudformation(DECLARED))
        app.client("cloudformation").create_stack(StackName="events", TemplateBody=body)
    assert steps(app) == [f"set Policy of the queue {DECLARED.queue}"]
    assert cloudformation(DECLARED)["Resources"]["QueuePolicy"]["Properties"]["PolicyDocument"] == DECLARED.policy


@pytest.mark.parametrize(
    ("multi", "logs", "selectors", "hears"),
    [
        (True, True, None, True),
        (False, True, None, True),
        (True, False, None, False),
        (True, True, [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}], False),
        (True, True, [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}], True),
        (True, True, [{"ReadWriteType": "All", "IncludeManagementEvents": False}], False),
    ],
)
def test_a_trail_that_logs_no_changes_is_told_of(app: App, multi, logs, selectors, hears) -> None:
    trail = app.client("cloudtrail")
    for each in trail.describe_trails()["trailList"]:
        trail.delete_trail(Name=each["Name"])
    clients = events.Clients(app.client)
    assert "no trail of this account" in installing.why_no_calls(clients, REGION)
    app.client("s3").create_bucket(Bucket="some-trails")
    trail.create_trail(Name="some", S3BucketName="some-trails", IsMultiRegionTrail=multi)
    if logs:
        trail.start_logging(Name="some")
    if selectors:
        trail.put_event_selectors(TrailName="some", EventSelectors=selectors)
    assert (installing.why_no_calls(clients, REGION) == "") is hears
