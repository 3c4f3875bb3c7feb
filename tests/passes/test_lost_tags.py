"""Somebody removes our tags: what is ours is told, tagged again, and neither made twice nor moved."""

from __future__ import annotations

import pytest

from missyou_operator.engine.resource import Observed
from tests.sim.app import App, changes
from tests.sim.foreign import owned
from tests.sim.tags import MARKS, tagged, tags_of, untag

#: Calls that set tags, by the last part of their names.
_TAGGING = ("CreateTags", "AddTags", "AddTagsToResource", "TagResource", "TagRole", "AddTagsToCertificate")
_TAGGING += ("PutBucketTagging",)


@pytest.fixture(scope="module")
def settled(aws) -> App:
    """A stack with every type of resource, settled."""
    aws.reset()
    app = App(
        aws,
        "crash",
        environment="Production",
        network={"endpoints": {"interfaces": True}, "flowLogs": {"enabled": True}},
        loadBalancer={"accessLogs": {"enabled": True}, "deletionProtection": False},
        database={"deletionProtection": False},
        waf={"enabled": True},
        monitoring={"notifications": {"emails": ["a@example.com"]}},
        domain={"name": "app.example.com"},
    )
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="crash")
    app.settle()
    return app


def one(app: App, type_: str) -> Observed:
    return next(observed for observed in owned(app) if type_ == observed.kind.TYPE)


def forget(app: App, *, status: bool) -> None:
    app.restart()
    if status:
        app.body["status"] = {"observedGeneration": -1}


def healed(app: App) -> dict[str, int]:
    """Run passes until the stack is settled again, and return the changing calls."""

    def work() -> None:
        app.observe_now()
        app.settle()

    calls = changes(app.calls(work))
    for known_by_tags in ("route53:ChangeResourceRecordSets", "rds:ModifyDBInstance"):
        # The zone of a certificate's records, and which password a database has: the same are set again.
        calls.pop(known_by_tags, None)
    return calls


def only_tags(calls: dict[str, int]) -> bool:
    return all(name.partition(":")[2] in _TAGGING for name in calls)


TYPES = (
    "ec2.Vpc",
    "ec2.Subnet",
    "ec2.InternetGateway",
    "ec2.RouteTable",
    "ec2.NatGateway",
    "ec2.Address",
    "ec2.SecurityGroup",
    "ec2.VpcEndpoint",
    "ec2.FlowLog",
    "rds.DBSubnetGroup",
    "rds.DBParameterGroup",
    "rds.DBInstance",
    "secretsmanager.Secret",
    "ecr.Repository",
    "elbv2.LoadBalancer",
    "elbv2.TargetGroup",
    "elbv2.Listener",
    "acm.Certificate",
    "ecs.Cluster",
    "ecs.TaskDefinition",
    "ecs.Service",
    "iam.Role",
    "autoscaling.ScalableTarget",
    "logs.LogGroup",
    "sns.Topic",
    "cloudwatch.Alarm",
    "cloudwatch.Dashboard",
    "wafv2.WebACL",
    "s3.Bucket",
)


def test_every_type_with_tags_is_tried(settled):
    assert {observed.kind.TYPE for observed in tagged(settled)} == set(TYPES)


@pytest.mark.parametrize("type_", TYPES)
def test_what_has_lost_its_tags_is_tagged_again(aws, settled, type_):
    app, before = settled, settled.everything()
    lost = one(app, type_)
    tags = tags_of(app, lost)
    untag(app, lost)
    calls = healed(app)
    assert only_tags(calls), calls
    assert tags_of(app, lost) == tags
    assert app.everything() == before
    told = [entry["resource"] for entry in app.body["status"]["drift"]]
    assert lost.address in told


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize(
    "keys", [None, MARKS, MARKS[:1], MARKS[1:2], MARKS[2:]], ids=["all", "marks", "stack", "cluster", "uid"]
)
def test_tags_of_everything_at_once(aws, settled, keys, restarted):
    app, before = settled, settled.everything()
    for observed in tagged(app):
        untag(app, observed, keys)
    if restarted:
        forget(app, status=False)
    calls = healed(app)
    assert only_tags(calls), calls
    assert app.everything() == before
    assert app.condition("Ready")["status"] == "True"


def test_the_vpc_is_known_by_what_is_in_it(aws, settled):
    """Status, memory and its tags are lost: its children bear ours."""
    app, before = settled, settled.everything()
    vpc = one(app, "ec2.Vpc")
    untag(app, vpc)
    forget(app, status=True)
    calls = healed(app)
    assert only_tags(calls), calls
    assert app.everything() == before
