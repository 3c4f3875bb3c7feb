"""The full life of a production stack: created, looked at, changed in all that can change, meddled with, deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from missyou_local.aws import Server, Timing, backends
from missyou_local.aws.control import Control
from missyou_local.aws.ledger import Ledger
from missyou_local.aws.middleware import Application
from missyou_operator.aws.errors import code_of
from tests.crash.stepped import Clock, Stepped
from tests.passes.harness import REGION, leads_to
from tests.permissions.authorization import Check, action_of
from tests.permissions.enforcing import Enforcing
from tests.permissions.hands import MEDDLINGS
from tests.permissions.recording import Look, Recorder

NAME = "crash"
#: Somebody else's topic.
PAGER = f"arn:aws:sns:{REGION}:123456789012:pager"


@dataclass(frozen=True, slots=True)
class Doors:
    """The two servers in front of one test AWS, and the clock that all go by."""

    own: Server
    others: Server
    enforcing: Enforcing
    clock: Clock


@dataclass(frozen=True, slots=True)
class Lived:
    """What a life leaves: the actions in the operator's ledger, those denied, and all that IAM decided."""

    actions: frozenset[str]
    denied: tuple[str, ...]
    checks: tuple[Check, ...]
    requests: int
    failures: tuple[str, ...]
    turned_away: str


def operators_door(clock: Clock) -> tuple[Server, Enforcing]:
    """Serve the test AWS of this process to the operator, with a ledger of its own."""
    backends.configure()
    control = Control(Timing(), Ledger(), clock)
    enforcing = Enforcing(Application(DomainDispatcherApplication(create_backend_app), control), action_of)
    return Server(make_server("127.0.0.1", 0, enforcing, threaded=True, request_handler=_Quiet), control), enforcing


class _Quiet(MotoRequestHandler):
    """Says nothing: the ledger does."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Permitted(Stepped):
    """An app whose operator has a policy, and whose person uses another door."""

    def __init__(self, doors: Doors, recorder: Recorder, **spec: Any) -> None:
        self.recorder, self.others = recorder, doors.others
        super().__init__(doors.own, doors.clock, NAME, **spec)

    def restart(self, *, ago: float = 3600.0) -> None:
        super().restart(ago=ago)
        self.recorder.watch(self.reconciler._world.accounts.get(REGION).session)

    def client(self, service: str) -> Any:
        return self.recorder.look.client(service)

    def reborn(self, **spec: Any) -> None:
        """Be applied again, after it was deleted."""
        self.clock.now += 60.0
        self.body["metadata"]["annotations"] = {}
        self.body["spec"], self.body["status"] = spec, {"observedGeneration": -1}
        self.restart()


def live(doors: Doors, policy: Mapping[str, Mapping[str, Any]], environ: pytest.MonkeyPatch) -> Lived:
    """Live the life, allowed no action but the policy's."""
    stranger = boto3.Session("test", "test", region_name=REGION)
    recorder = Recorder(Look(stranger, doors.others.url))
    key, secret = employ(recorder.look, policy)
    for name, value in {**leads_to(doors.own), "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}.items():
        environ.setenv(name, value)
    app = Permitted(doors, recorder, environment="Production", **everything())
    app.secrets = {"keys": {"google": "k1", "firebase": "{}"}}
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="life")
    app.client("sns").create_topic(Name="pager")
    settle(app)
    change(app)
    for meddling in MEDDLINGS:
        meddling(app)
        app.clock.now += 45.0
        app.look_now()
        settle(app)
    app.annotate("snapshot", "whole life")
    app.until(lambda _: "snapshotARN" in app.body["status"]["outputs"], "taken")
    arn = app.body["status"]["outputs"]["snapshotARN"]
    app.delete()
    app.reborn(environment="Development", database={"restoreFromSnapshot": arn.rpartition(":")[2]})
    settle(app)
    app.delete()
    denied = tuple(doors.enforcing.denied)
    return Lived(
        frozenset(action_of(*name.split(":", 1)) for name in doors.own.control.ledger.summary()["counts"]),
        denied,
        tuple(recorder.checks.values()),
        recorder.requests,
        tuple(recorder.failures),
        at_the_door(recorder.look, doors.own),
    )


def at_the_door(look: Look, own: Server) -> str:
    """Ask something at the operator's door as a user without a policy; give the code of the answer."""
    look.client("iam").create_user(UserName="nobody")
    found = look.client("iam").create_access_key(UserName="nobody")["AccessKey"]
    session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], region_name=REGION)
    try:
        session.client("ec2", endpoint_url=own.url).describe_vpcs()
    except ClientError as error:
        return code_of(error)
    return ""


def everything() -> dict[str, Any]:
    """Give what a production stack can have."""
    return {
        "secrets": {
            "googleAPIKey": {"secretKeyRef": {"name": "keys", "key": "google"}},
            "firebaseServiceAccount": {"secretKeyRef": {"name": "keys", "key": "firebase"}},
        },
        "network": {"endpoints": {"interfaces": True}},
        "waf": {"enabled": True},
        "loadBalancer": {"accessLogs": {"enabled": True}},
        "domain": {"name": "app.example.com"},
        "monitoring": {"notifications": {"emails": ["ann@example.com"], "topicARN": PAGER}},
        "tags": {"team": "a"},
    }


def employ(look: Look, policy: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Make a user that may do the policy's actions, on anything: more moto does not check. Give its access key."""
    iam = look.client("iam")
    iam.create_user(UserName="operator")
    for name, document in policy.items():
        # As it stands: moto refuses what is no policy.
        iam.create_policy(PolicyName=f"missyou-{name}", PolicyDocument=json.dumps(document))
        actions = sorted({action for statement in document["Statement"] for action in statement["Action"]})
        bare = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_user_policy(UserName="operator", PolicyName=name, PolicyDocument=json.dumps(bare))
    found = iam.create_access_key(UserName="operator")["AccessKey"]
    return found["AccessKeyId"], found["SecretAccessKey"]


def settle(app: Stepped) -> None:
    """Run passes until Ready and in sync, and on until the clock is past what lingers."""
    app.grow()
    app.until(lambda _: app.condition("InSync")["status"] == "True", "in sync")
    app.clock.now += 60.0
    app.look_now()
    app.grow()


def change(app: Stepped) -> None:
    """Change all that can be, what replaces things included, and the tags, which every resource has."""
    app.secrets["keys"] = {"google": "k2", "firebase": '{"a": 1}'}
    app.edit(
        tags={"team": "b"},
        service={"port": 9000, "replicas": {"min": 3, "max": 6}, "healthCheck": {"path": "/h"}},
        network={"natGateways": 1},
        database={"backupRetentionDays": 9},
        registry={"keepImages": 3, "scanOnPush": False},
        monitoring={
            "logRetentionDays": 14,
            "alarms": {"serviceCPUPercent": 70},
            "notifications": {"emails": ["bob@example.com"]},
        },
        waf={"rateLimit": 500},
    )
    settle(app)
