"""A stack is one app's: its namesake, made anew or in another cluster, gets it only by the annotation take-over."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes
from tests.sim.tags import tagged, tags_of

OTHERS = "uid-of-other-people"
_TAGGING = ("CreateTags", "AddTags", "AddTagsToResource", "TagResource", "TagRole", "AddTagsToCertificate")
_TAGGING += ("PutBucketTagging",)
#: The records of a domain name their owner by their values, not by tags.
_RECORDS = {"route53:ChangeResourceRecordSets"}


@pytest.fixture(scope="module")
def former(aws) -> App:
    """A production app with a bit of everything, settled."""
    app = App(
        aws,
        "heritage",
        domain={"name": "app.example.com"},
        loadBalancer={"accessLogs": {"enabled": True}},
        waf={"enabled": True},
        monitoring={"notifications": {"emails": ["a@example.com"]}},
        network={"endpoints": {"interfaces": True}, "flowLogs": {"enabled": True}},
    )
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="heritage")
    app.settle()
    return app


def successor(former: App, **spec: object) -> App:
    """Make an app of the same namespace, name and spec, as other people do after a deletion with Retain."""
    app = App(former.aws, former.name, **{**former.body["spec"], **spec})
    app.body["metadata"]["uid"] = OTHERS
    return app


def in_another_cluster(app: App, cluster: str = "rebuilt-cluster") -> None:
    app.cluster = cluster
    app.restart()


def written(app: App, passes: int = 20) -> dict[str, int]:
    return changes(app.calls(lambda: app.passes(passes)))


def only_tags(calls: dict[str, int]) -> bool:
    return all(name.partition(":")[2] in _TAGGING or name in _RECORDS for name in calls)


def refused(app: App) -> None:
    app.passes(3)
    assert app.reason("Stalled") == "OwnedElsewhere"
    said = app.condition("Stalled")["message"]
    assert f"kubectl annotate missyouapp {app.name} -n default --overwrite missyou.app/take-over=true" in said
    assert "MissYouApp default/heritage (UID app-uid) of cluster cluster-uid" in said


def test_an_app_of_the_same_name_inherits_nothing(former):
    former.edit(deletionPolicy="Retain")
    assert former.delete() == 1
    before, app = former.everything(), successor(former)
    assert written(app) == {}
    refused(app)
    assert former.everything() == before
    for address in (
        "rds.DBInstance/heritage-db",
        "secretsmanager.Secret/heritage/db_credentials",
        "ec2.Vpc/heritage-vpc",
    ):
        row = app.resource(*address.split("/", 1))
        assert row["state"] == "OwnedElsewhere", row


def test_its_deletion_deletes_nothing_of_its_namesakes(former):
    before, app = former.everything(), successor(former)
    app.passes(3)
    assert changes(app.calls(app.delete)) == {}
    assert former.everything() == before


def taken_over(app: App) -> None:
    """Take over, and check that this only retags: nothing is replaced, rolled out, or made beside it."""
    app.annotate("take-over", "true")
    calls = changes(app.calls(lambda: (app.one_pass(), app.settle())))
    assert only_tags(calls), calls
    assert app.condition("Ready")["status"] == "True"
    assert app.body["status"]["lastTakeOver"]["at"]
    uid = app.body["metadata"]["uid"]
    for observed in tagged(app):
        assert tags_of(app, observed)["missyou.app/uid"] == uid, observed.address


def test_the_annotation_takes_everything_over_and_only_retags(former):
    taken_over(successor(former))


def test_a_rebuilt_cluster_takes_its_stack_back(former):
    app = successor(former)
    in_another_cluster(app)
    assert written(app) == {}
    refused(app)
    taken_over(app)


def test_the_old_owner_sees_itself_disowned_and_stops(former):
    app = successor(former)
    in_another_cluster(app)
    taken_over(app)
    after = former.everything()
    former.observe_now()
    assert changes(former.calls(lambda: former.passes(10))) == {}
    assert former.reason("Stalled") == "OwnedElsewhere"
    assert f"UID {OTHERS}" in former.condition("Stalled")["message"]
    assert changes(former.calls(former.delete)) == {}
    assert former.everything() == after


def test_the_annotation_works_once(former):
    app = successor(former)
    taken_over(app)
    app.restart()
    # Somebody takes it back; the annotation is still there.
    former.annotate("take-over", "true")
    former.observe_now()
    former.settle()
    assert written(app) == {}
    app.observe_now()
    assert app.reason("Stalled") == "OwnedElsewhere"
