"""The full life of a production stack: created, observed, changed in all that can change, meddled with, deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.boundary import boundary
from missyou_operator.aws.errors import code_of
from missyou_operator.aws.scope import Scope
from missyou_operator.cli.policy import policy
from missyou_operator.stack.naming import NAMES
from tests.permissions.authorization import Check, action_of
from tests.permissions.enforcing import Enforcing
from tests.permissions.foreign import ROUNDS, their_revision_goes
from tests.permissions.places import ACCOUNT
from tests.permissions.recording import Outsider, Recorder
from tests.sim.app import CLUSTER, App
from tests.sim.aws import REGION, Aws
from tests.sim.process import Door

NAME = "crash"
#: Where the database's backups are copied to.
COPIES = "eu-west-1"
#: Somebody else's topic.
PAGER = f"arn:aws:sns:{REGION}:123456789012:pager"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/missyou-boundary"
#: The limits of the operator of this life, but for the zone, whose ID AWS chooses.
NARROW = Scope(region=REGION, account=ACCOUNT, stack=NAME, cluster=CLUSTER, snapshots=(), boundary=BOUNDARY)


@dataclass(frozen=True, slots=True)
class Lived:
    """What a life leaves: the actions in the operator's ledger, those denied, and all that IAM decided.

    `narrow` are the limits of the policy that it was lived under.
    """

    actions: frozenset[str]
    denied: tuple[str, ...]
    checks: tuple[Check, ...]
    requests: int
    failures: tuple[str, ...]
    turned_away: str
    narrow: Scope


class Permitted(App):
    """An app whose operator has a policy and a permissions boundary, and whose requests are recorded."""

    permissions_boundary = BOUNDARY

    def __init__(self, aws: Aws, door: Door, recorder: Recorder, **spec: Any) -> None:
        self._door, self._recorder = door, recorder
        super().__init__(aws, NAME, **spec)

    @property
    def door(self) -> Door:
        return self._door

    def restart(self, *, ago: float = 3600.0) -> None:
        super().restart(ago=ago)
        for region in (REGION, COPIES):
            self._recorder.watch(self.accounts.get(region).region.session)

    def reborn(self, **spec: Any) -> None:
        """Be applied again, after it was deleted."""
        self.clock.now += 60.0
        self.body["metadata"]["annotations"] = {}
        self.body["spec"], self.body["status"] = spec, {"observedGeneration": -1}
        self.restart()


def live(aws: Aws, environ: pytest.MonkeyPatch) -> Lived:
    """Live the life, allowed no action but the policy's, with roles that can do no more than their boundary allows."""
    somebody = aws.client("route53")
    zone = somebody.create_hosted_zone(Name="example.com", CallerReference="life")["HostedZone"]["Id"]
    narrow = replace(NARROW, zones=(zone.rpartition("/")[2],))
    limits = json.dumps(boundary(narrow, NAMES))
    aws.client("iam").create_policy(PolicyName="missyou-boundary", PolicyDocument=limits)
    key, secret = employ(aws, policy(narrow))
    environ.setenv("AWS_ACCESS_KEY_ID", key)
    environ.setenv("AWS_SECRET_ACCESS_KEY", secret)
    recorder, door = Recorder(Outsider(aws)), Enforcing(aws.answer, action_of)
    app = Permitted(aws, door, recorder, environment="Production", **everything())
    app.secrets = {"keys": {"google": "k1", "firebase": "{}"}}
    app.client("sns").create_topic(Name="pager")
    # Of the same addresses: what connects it is asked for, before the first creation.
    stranger = app.client("ec2").create_vpc(CidrBlock="10.0.128.0/20")["Vpc"]["VpcId"]
    app.one_pass()
    app.client("ec2").delete_vpc(VpcId=stranger)
    app.settle()
    change(app)
    version_goes_back(app)
    for foreign_changes in ROUNDS:
        for foreign_change in foreign_changes:
            foreign_change(app)
        app.clock.now += 45.0
        app.observe_now()
        app.settle()
    # The list of all that is tagged is for processes that have changed nothing for long.
    app.restart()
    app.one_pass()
    app.annotate("snapshot", "whole life")
    app.until(lambda _: "snapshotARN" in app.body["status"]["outputs"], "taken")
    arn = app.body["status"]["outputs"]["snapshotARN"]
    # Protected from deletion, it has to run for that.
    app.client("rds").stop_db_instance(DBInstanceIdentifier=f"{app.stack}-db")
    app.delete()
    their_revision_goes(app)
    app.reborn(environment="Development", database={"restoreFromSnapshot": arn.rpartition(":")[2]})
    app.settle()
    database_returns(app)
    app.delete()
    return Lived(
        frozenset(action_of(*entry["operation"].split(":", 1)) for entry in aws.control.ledger.entries(caller=key)),
        tuple(door.denied),
        tuple(recorder.checks.values()),
        recorder.requests,
        tuple(recorder.failures),
        at_the_door(aws, Enforcing(aws.answer, action_of)),
        narrow,
    )


def version_goes_back(app: App) -> None:
    """Have an alarm go off while a version is rolled out, and go back to the one before."""
    ecs, alarm = app.client("ecs"), {"AlarmName": f"{app.stack}-alb-5xx", "StateReason": "requests fail"}
    place = {"cluster": f"{app.stack}-cluster", "services": [f"{app.stack}-service"]}
    app.push("failing")
    app.edit(image={"tag": "failing"})
    app.until(lambda _: len(ecs.describe_services(**place)["services"][0]["deployments"]) > 1, "being rolled out")
    app.client("cloudwatch").set_alarm_state(**alarm, StateValue="ALARM")
    app.until(lambda _: app.reason("InSync") == "RolloutFailed", "rolled back")
    app.client("cloudwatch").set_alarm_state(**alarm, StateValue="OK")
    app.edit(image={"tag": "latest"}, database={"backupCopyRegion": None})
    app.settle()


def database_returns(app: App) -> None:
    """Have the database deleted by somebody else, who retains its automated backups, and restored from them."""
    app.client("rds").delete_db_instance(
        DBInstanceIdentifier=f"{app.stack}-db", SkipFinalSnapshot=True, DeleteAutomatedBackups=False
    )
    app.clock.now += 60.0
    app.observe_now()
    app.edit(database={"restoreFromSnapshot": None, "restoreToTime": "latest"})
    app.settle()


def at_the_door(aws: Aws, door: Door) -> str:
    """Ask something as a user without a policy; give the code of the answer."""
    iam = aws.client("iam")
    iam.create_user(UserName="nobody")
    found = iam.create_access_key(UserName="nobody")["AccessKey"]
    session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], region_name=REGION)
    session.events.register("before-send", door)
    try:
        session.client("ec2").describe_vpcs()
    except ClientError as error:
        return code_of(error)
    return ""


def everything() -> dict[str, Any]:
    """Return what a production stack can have."""
    return {
        "secrets": {
            "googleAPIKey": {"secretKeyRef": {"name": "keys", "key": "google"}},
            "firebaseServiceAccount": {"secretKeyRef": {"name": "keys", "key": "firebase"}},
        },
        "network": {"endpoints": {"interfaces": True}, "flowLogs": {"enabled": True}},
        "waf": {"enabled": True},
        "loadBalancer": {"accessLogs": {"enabled": True}},
        "domain": {"name": "app.example.com"},
        "monitoring": {"notifications": {"emails": ["ann@example.com"], "topicARN": PAGER}},
        "tags": {"team": "a", "phase": "one"},
    }


def employ(aws: Aws, policy: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Make a user that may do the policy's actions, on anything: more moto does not check. Give its access key."""
    iam = aws.client("iam")
    iam.create_user(UserName="operator")
    for name, document in policy.items():
        # As it stands: moto refuses what is no policy.
        iam.create_policy(PolicyName=f"missyou-{name}", PolicyDocument=json.dumps(document))
        allowed = [statement for statement in document["Statement"] if statement["Effect"] == "Allow"]
        actions = sorted({action for statement in allowed for action in statement["Action"]})
        if not actions:
            continue
        bare = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_user_policy(UserName="operator", PolicyName=name, PolicyDocument=json.dumps(bare))
    found = iam.create_access_key(UserName="operator")["AccessKey"]
    return found["AccessKeyId"], found["SecretAccessKey"]


def change(app: App) -> None:
    """Change all that can be, what replaces things included, and the tags, which every resource has: one goes."""
    app.secrets["keys"] = {"google": "k2", "firebase": '{"a": 1}'}
    app.body["spec"]["tags"] = {}
    app.edit(
        tags={"team": "b"},
        service={"port": 9000, "replicas": {"min": 3, "max": 6}, "healthCheck": {"path": "/h"}},
        network={"natGateways": 1},
        database={"backupRetentionDays": 9, "backupCopyRegion": COPIES},
        registry={"keepImages": 3, "scanOnPush": False},
        monitoring={
            "logRetentionDays": 14,
            "alarms": {"serviceCPUPercent": 70},
            "notifications": {"emails": ["bob@example.com"]},
        },
        waf={"rateLimit": 500},
    )
    app.settle()
