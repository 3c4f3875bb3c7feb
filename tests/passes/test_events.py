"""Events: what others change is put right by the pass that the event wakes, and the status says who it was."""

from __future__ import annotations

import json
import random

import pytest

from missyou_operator.controller.hearing import Elsewhere
from missyou_operator.controller.listening import Listening
from missyou_operator.controller.place import Place
from missyou_operator.events.declaration import reading_policy
from missyou_operator.events.notice import CALL, parse
from tests.sim import events
from tests.sim.app import CLUSTER, App, changes
from tests.sim.aws import OPERATOR, REGION
from tests.sim.events import Ears
from tests.sim.seed import SEED

LOGS = "logs.LogGroup//ecs/heard"
RULES = frozenset({"ec2.SecurityGroup", "ec2.SecurityGroupRule"})
WORLD = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "heard", environment="Development")
    app.PATIENCE = 1200.0
    app.settle()
    events.install(app)
    Ears(app).listen()
    return app


def keep_logs(app: App, days: int, key: str = "somebody") -> None:
    app.aws.client("logs", key).put_retention_policy(logGroupName="/ecs/heard", retentionInDays=days)


def kept(app: App) -> int:
    [group] = app.client("logs").describe_log_groups(logGroupNamePrefix="/ecs/heard")["logGroups"]
    return group["retentionInDays"]


def group(app: App) -> str:
    groups = app.client("ec2").describe_security_groups()["SecurityGroups"]
    return next(each["GroupId"] for each in groups if each["GroupName"] == "heard-rds")


def drift(app: App, resource: str) -> dict:
    [entry] = [each for each in app.body["status"].get("drift", ()) if each["resource"] == resource]
    return entry


def message(app: App) -> str:
    """Give the text of the next message, which stays in the queue for others."""
    ears = Ears(app)
    [found] = app.client("sqs").receive_message(QueueUrl=ears.url, VisibilityTimeout=0)["Messages"]
    return found["Body"]


def test_drift_is_put_right_by_the_pass_that_the_event_wakes_and_the_status_says_who(app: App) -> None:
    ears = Ears(app)
    keep_logs(app, 30)
    assert ears.listen() == [{"logs.LogGroup"}]
    calls = app.calls(app.one_pass)
    assert kept(app) == 7
    # Nothing else was looked at.
    assert {name.partition(":")[0] for name in calls} <= {"logs", "sts"}
    entry = drift(app, LOGS)
    assert (entry["by"], entry["action"]) == ("somebody", "Corrected")
    assert entry["at"] <= entry["foundAt"]
    [event] = [each for each in app.reports[-1].events if each.reason == "ChangedOutside"]
    assert "logs.LogGroup//ecs/heard was changed by somebody at " in event.message
    # The operator's own correction is heard of, too.
    assert ears.listen() == []
    assert ears.counts["own"] == 1
    # For all that it does with the queue, `missyou iam-policy --events` is enough.
    [polling, trails] = reading_policy("aws", REGION, "123456789012", CLUSTER)["Statement"]
    called = {entry["operation"] for entry in app.aws.control.ledger.entries(caller=OPERATOR)}
    used = {name.replace("MessageBatch", "Message") for name in called if name.startswith(("sqs:", "cloudtrail:"))}
    assert used
    assert used <= {*polling["Action"], *trails["Action"]}


def test_what_somebody_has_added_is_known_by_its_id_and_what_is_gone_by_its_name(app: App) -> None:
    ears, ec2 = Ears(app), app.client("ec2")
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group(app)]}])
    [mine] = [rule["SecurityGroupRuleId"] for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    ec2.authorize_security_group_ingress(GroupId=group(app), IpPermissions=[WORLD])
    ec2.revoke_security_group_ingress(GroupId=group(app), SecurityGroupRuleIds=[mine])
    assert set(ears.listen()) == {RULES}
    app.one_pass()
    found = [each for each in app.body["status"]["drift"] if each["resource"].startswith("ec2.SecurityGroupRule/")]
    assert [each["by"] for each in found] == ["somebody", "somebody"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group(app)]}])
    [again] = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    assert "CidrIpv4" not in again


def test_who_calls_itself_the_operator_and_is_not_is_heard_and_so_is_a_person_with_its_identity(app: App) -> None:
    ears = Ears(app)
    keep_logs(app, 30, key=OPERATOR)
    assert ears.listen() == [{"logs.LogGroup"}]
    app.one_pass()
    assert kept(app) == 7
    assert ears.listen() == []
    keep_logs(app, 30)
    app.clock.now += 5.0
    forged = json.loads(message(app))
    forged["detail"]["userAgent"] = "[Boto3/1.44 missyou-operator]"
    app.client("sqs").purge_queue(QueueUrl=ears.url)
    app.client("sqs").send_message(QueueUrl=ears.url, MessageBody=json.dumps(forged))
    assert ears.listen() == [{"logs.LogGroup"}]


def test_events_count_as_coming_while_the_queue_is_polled_and_a_trail_logs_calls(app: App) -> None:
    ears = Ears(app)
    assert not ears.hears()
    ears.listen()
    assert ears.hears()
    assert not ears.hears(account="210987654321")
    app.clock.now += 61.0
    assert not ears.hears()
    ears.listen()
    assert ears.hears()
    app.client("cloudtrail").stop_logging(Name="management")
    app.clock.now += 3600.0
    ears.listen()
    assert not ears.hears()


def test_a_look_that_comes_first_is_told_later_who_it_was_and_counts_once(app: App) -> None:
    ears = Ears(app)
    app.aws.tell(timing={"cloudtrail": 120.0})
    keep_logs(app, 30)
    assert ears.listen() == []
    app.observe_now()
    assert "by" not in drift(app, LOGS)
    assert kept(app) == 7
    assert ears.listen(120.0) == [{"logs.LogGroup"}]
    app.one_pass()
    assert drift(app, LOGS)["by"] == "somebody"
    assert len([each for each in app.body["status"]["drift"] if each["resource"] == LOGS]) == 1


def test_doubled_late_reordered_and_lost_events_are_harmless(app: App) -> None:
    ears, sqs = Ears(app), app.client("sqs")
    for days in (30, 60, 90):
        keep_logs(app, days)
    app.client("ec2").authorize_security_group_ingress(GroupId=group(app), IpPermissions=[WORLD])
    app.clock.now += 5.0
    bodies = []
    while found := sqs.receive_message(QueueUrl=ears.url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [each["Body"] for each in found]
    assert len(bodies) == 4
    draw = random.Random(SEED)
    sent = bodies[1:] * 3
    draw.shuffle(sent)
    for number, body in enumerate(sent):
        sqs.send_message(QueueUrl=ears.url, MessageBody=body)
        if number % 3 == 2:
            assert ears.listen()
            app.one_pass()
    app.observe_now()
    assert kept(app) == 7
    app.stays_in_sync()
    # An hour later, they are told once more.
    app.clock.now += 3600.0
    app.observe_now()
    for body in bodies:
        sqs.send_message(QueueUrl=ears.url, MessageBody=body)
    ears.listen()
    before = app.body["status"]["drift"]
    assert changes(app.calls(app.one_pass)) == {}
    assert app.body["status"]["drift"] == before


def test_the_calls_of_a_role_that_the_operator_takes_are_its_own(app: App) -> None:
    """What a tenant's role does in its account, as the queue there tells of it."""
    role, ears = "arn:aws:iam::210987654321:role/team/missyou", Ears(app)
    ears.place = Place("210987654321", REGION, role)
    for session, agent in (("shop", "missyou-operator"), ("jane", "aws-cli/2.31")):
        detail = {
            "eventSource": "logs.amazonaws.com",
            "eventName": "PutRetentionPolicy",
            "eventTime": "2027-01-15T08:00:00Z",
            "userAgent": f"[{agent}]",
            "userIdentity": {
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::210987654321:assumed-role/missyou/{session}",
            },
            "requestParameters": {"logGroupName": "/ecs/heard"},
        }
        body = {"account": "210987654321", "region": REGION, "detail-type": CALL, "detail": detail}
        app.client("sqs").send_message(QueueUrl=ears.url, MessageBody=json.dumps(body))
    assert ears.listen() == [{"logs.LogGroup"}]
    assert (ears.counts["own"], ears.counts["matched"]) == (1, 1)
    [deed] = app.memory.deeds
    assert deed.by == "jane (role missyou)"


GARBAGE = [
    "",
    "no JSON",
    "[" * 100_000,
    "null",
    "[]",
    "{}",
    '{"detail": 1, "detail-type": "AWS API Call via CloudTrail", "account": "123456789012", "region": "us-east-1"}',
    json.dumps({"detail": {}, "detail-type": {"a": []}, "source": [], "account": None, "region": {}, "time": 7}),
    json.dumps(
        {
            "account": "123456789012",
            "region": "us-east-1",
            "detail-type": "AWS API Call via CloudTrail",
            "detail": {
                "eventSource": "logs.amazonaws.com",
                "eventName": "DeleteLogGroup",
                "eventTime": "2027-01-15T08:00:00Z",
                "userIdentity": {"type": {}, "arn": [], "sessionContext": "x", "userName": 7},
                "requestParameters": [[[{"name": [None, 1, {"name": "x" * 5000}]}]]],
            },
        }
    ),
]


def test_what_anybody_writes_into_the_queue_causes_a_read_at_most(app: App) -> None:
    ears, sqs = Ears(app), app.client("sqs")
    keep_logs(app, 7)
    app.clock.now += 5.0
    real = json.loads(message(app))
    app.client("sqs").purge_queue(QueueUrl=ears.url)
    real["detail"]["eventName"] = "DeleteLogGroup"
    real["detail"]["userIdentity"] = {"type": "IAMUser", "userName": "\x1b[31mmallory\n" + "m" * 5000}
    sent = [*filter(None, GARBAGE), json.dumps(real)]
    for body in sent:
        sqs.send_message(QueueUrl=ears.url, MessageBody=body)
    ears.listen()
    assert {type_ for types in ears.heard for type_ in types} == {"logs.LogGroup"}
    before = dict(app.body["status"])
    assert changes(app.calls(app.one_pass)) == {}
    assert app.body["status"] == before
    # All were deleted.
    assert ears.listen(60.0) == []
    notice = parse(json.dumps(real))
    assert notice is not None
    assert len(notice.by) <= 128
    assert notice.by.isprintable()


def test_what_is_about_an_app_of_another_replica_is_passed_on_at_once(app: App) -> None:
    mine, others = Ears(app), Ears(app)
    elsewhere = Elsewhere(app.body)
    others.listening = Listening(
        app.accounts, [others.source], lambda: {("default", app.name): elsewhere}, others.deliver, others.count
    )
    keep_logs(app, 30)
    app.clock.now += 5.0
    assert others.listening.poll(others.source, others.url) == 1
    assert mine.listen(0.0) == [{"logs.LogGroup"}]
    # One that nobody takes is not passed on for ever.
    keep_logs(app, 7)
    app.clock.now += 5.0
    passes = 0
    while others.listening.poll(others.source, others.url):
        passes += 1
    assert passes == 20


def test_what_the_operator_cannot_take_any_more_comes_again_to_whoever_takes_over(app: App) -> None:
    first = Ears(app)
    first.turns = False
    keep_logs(app, 30)
    app.clock.now += 5.0
    first.listening.poll(first.source, first.url)
    name = "ApproximateNumberOfMessagesNotVisible"
    left = app.client("sqs").get_queue_attributes(QueueUrl=first.url, AttributeNames=[name])
    assert left["Attributes"][name] == "1"


def test_an_image_that_is_pushed_ends_the_wait_at_once(aws) -> None:
    app = App(aws, "pushed", environment="Development")
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "without an image")
    app.passes(3)
    events.install(app)
    ears = Ears(app)
    ears.listen()
    app.one_pass()
    assert app.reason("ServiceReady") == "ImageNotFound"
    app.push()
    heard = ears.listen()
    assert "ecr.Image" in {type_ for types in heard for type_ in types}
    app.one_pass()
    assert app.reason("ServiceReady") != "ImageNotFound"


def test_nothing_of_a_call_is_kept_but_names(app: App) -> None:
    ears, ecs = Ears(app), app.client("ecs")
    row = ecs.describe_task_definition(taskDefinition="heard")["taskDefinition"]
    kept_keys = ("family", "cpu", "memory", "networkMode", "executionRoleArn", "requiresCompatibilities")
    [container] = row["containerDefinitions"]
    container["environment"] = [{"name": "TOKEN", "value": "hunter2-hunter2"}]
    ecs.register_task_definition(containerDefinitions=[container], **{key: row[key] for key in kept_keys})
    app.client("secretsmanager").put_secret_value(SecretId="heard/db_credentials", SecretString="hunter2-hunter2")
    app.clock.now += 5.0
    body = message(app)
    assert "hunter2" in body
    notice = parse(body)
    assert notice is not None
    assert not any("hunter2" in each for each in notice.mentions)
    assert "heard" not in repr(notice)
    ears.listen()
    assert "hunter2" not in repr(list(app.memory.deeds))


def test_without_a_trail_calls_are_not_heard_of_and_tasks_are(aws) -> None:
    app = App(aws, "untrailed", environment="Development")
    app.settle()
    events.install(app, trail=False)
    cloudtrail = app.client("cloudtrail")
    for trail in cloudtrail.describe_trails()["trailList"]:
        cloudtrail.stop_logging(Name=trail["TrailARN"])
    ears = Ears(app)
    ears.listen()
    assert not ears.hears()
    app.client("logs").put_retention_policy(logGroupName="/ecs/untrailed", retentionInDays=30)
    ecs = app.client("ecs")
    [task] = ecs.list_tasks(cluster="untrailed-cluster")["taskArns"]
    ecs.stop_task(cluster="untrailed-cluster", task=task)
    heard = {type_ for types in ears.listen() for type_ in types}
    assert "ecs.Service" in heard
    assert "logs.LogGroup" not in heard
