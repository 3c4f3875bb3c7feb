"""A stack lives in one account and region: a change of either makes no second stack, and forgets no first one."""

from __future__ import annotations

import json

import pytest

from tests.sim.app import App, changes

ELSEWHERE = "arn:aws:iam::210987654321:role/missyou"
SAME_ACCOUNT = "arn:aws:iam::123456789012:role/missyou"


@pytest.fixture(scope="module")
def settled(aws) -> App:
    aws.reset()
    app = App(aws, "home", environment="Development")
    app.settle()
    return app


def restarted_in(app: App, region: str) -> None:
    app.region = region
    app.restart()


def refused(app: App) -> str:
    calls = app.calls(lambda: app.passes(5))
    assert changes({k: v for k, v in calls.items() if k != "sts:AssumeRole"}) == {}, calls
    assert app.reason("Stalled") == app.reason("Ready") == "PlaceChanged"
    return str(app.condition("Stalled")["message"])


def test_where_a_stack_lives_is_recorded_twice(aws, settled):
    status = settled.body["status"]
    assert (status["account"], status["region"]) == ("123456789012", "us-east-1")
    noted = json.loads(settled.body["metadata"]["annotations"]["missyou.app/place"])
    assert noted == {"account": "123456789012", "region": "us-east-1"}


def lose_status(app: App) -> None:
    app.body["status"] = {"observedGeneration": -1}


def lose_annotation(app: App) -> None:
    app.body["metadata"]["annotations"].pop("missyou.app/place")


@pytest.mark.parametrize("lose", [None, lose_status, lose_annotation])
def test_a_role_in_another_account_is_refused(aws, settled, lose):
    app, before = settled, settled.everything()
    if lose:
        lose(app)
        app.restart()
    app.edit(credentials={"roleARN": ELSEWHERE})
    message = refused(app)
    assert "account 123456789012, region us-east-1" in message
    assert "account 210987654321" in message
    assert "spec.credentials.roleARN" in message
    assert app.everything() == before
    app.edit(credentials={})
    app.body["spec"].pop("credentials")
    app.settle()
    assert app.everything() == before


@pytest.mark.parametrize("lose", [None, lose_status, lose_annotation])
def test_another_region_of_the_operator_is_refused(aws, settled, lose):
    app, before = settled, settled.everything()
    if lose:
        lose(app)
    restarted_in(app, "eu-west-1")
    assert "Start the operator with AWS_REGION=us-east-1" in refused(app)
    restarted_in(app, "us-east-1")
    app.settle()
    assert app.everything() == before


def test_zones_of_the_first_region_are_not_what_is_complained_of(aws):
    app = App(aws, "zones", environment="Development", network={"availabilityZones": ["us-east-1a", "us-east-1b"]})
    app.settle()
    restarted_in(app, "eu-west-1")
    refused(app)


@pytest.mark.parametrize("lose", [None, lose_annotation])
def test_a_deletion_ends_the_stack_where_it_lives(aws, settled, lose):
    app = settled
    if lose:
        lose(app)
    restarted_in(app, "eu-west-1")
    app.delete()
    assert app.everything()["vpcs"] == []


def test_a_deletion_uses_the_recorded_role(aws):
    app = App(aws, "away", environment="Development", credentials={"roleARN": ELSEWHERE})
    app.until(lambda status: any(row.get("id") for row in status.get("resources", ())), "begun")
    app.body["spec"].pop("credentials")
    assert ELSEWHERE in refused(app)
    app.restart()
    app.delete()
    role = app.client("sts").assume_role(RoleArn=ELSEWHERE, RoleSessionName="test")["Credentials"]
    ec2 = aws.client("ec2", role["AccessKeyId"], "us-east-1", role["SessionToken"])
    assert [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []


def test_a_deletion_that_cannot_get_there_says_what_is_missing(aws):
    app = App(aws, "lost", environment="Development", credentials={"roleARN": ELSEWHERE})
    app.until(lambda status: any(row.get("id") for row in status.get("resources", ())), "begun")
    app.body["spec"].pop("credentials")
    app.body["metadata"]["annotations"].pop("missyou.app/place")
    app.restart()
    report = app.deletion_pass()
    assert not report.done
    assert app.reason("Stalled") == "PlaceChanged"
    assert "role of that account" in app.condition("Stalled")["message"]
    app.body["spec"]["credentials"] = {"roleARN": ELSEWHERE}
    app.delete()


def test_a_role_of_the_same_account_is_fine(aws, settled):
    app, before = settled, settled.everything()
    app.edit(credentials={"roleARN": SAME_ACCOUNT})
    app.settle()
    assert app.everything() == before
    assert json.loads(app.body["metadata"]["annotations"]["missyou.app/place"])["roleARN"] == SAME_ACCOUNT


def test_a_stack_that_has_nothing_yet_may_move(aws):
    app = App(aws, "early", environment="Development")
    aws.faults({"match": "ec2:Create*", "deny": True}, {"match": "*:Create*", "deny": True})
    app.annotate("place", json.dumps({"account": "123456789012", "region": "eu-west-1"}))
    aws.calm()
    app.settle()
    assert app.body["status"]["region"] == "us-east-1"
    assert json.loads(app.body["metadata"]["annotations"]["missyou.app/place"])["region"] == "us-east-1"


def test_an_annotation_that_nobody_can_read_counts_as_none(aws, settled):
    settled.annotate("place", "over there")
    settled.settle()
    assert json.loads(settled.body["metadata"]["annotations"]["missyou.app/place"])["region"] == "us-east-1"


def test_the_record_of_a_copied_manifest_can_be_taken_away(aws):
    app = App(aws, "copy", environment="Development")
    app.annotate("place", json.dumps({"account": "999999999999", "region": "us-east-1"}))
    assert "remove its annotation missyou.app/place" in refused(app)
    lose_annotation(app)
    app.passes(1)
    assert app.body["status"]["account"] == "123456789012"
