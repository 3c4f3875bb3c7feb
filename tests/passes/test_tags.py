"""`spec.tags`: a tag that leaves the spec leaves AWS; those of others stay."""

from __future__ import annotations

from tests.sim.app import App
from tests.sim.tags import tagged, tags_of

from .test_lost_tags import settled  # noqa: F401 - a fixture

#: As long and as many as the spec allows.
MANY = {f"{number:02}{'k' * 126}": "v" * 256 for number in range(40)}


def test_a_tag_that_leaves_the_spec_leaves_every_resource(aws, settled: App):  # noqa: F811
    app = settled
    app.edit(tags={"team": "a", "cost-centre": "42"})
    app.settle()
    for observed in tagged(app):
        assert tags_of(app, observed).items() >= {"team": "a", "cost-centre": "42"}.items(), observed.address
    app.body["spec"]["tags"] = {"team": "a"}
    app.edit()
    app.one_pass()
    for observed in tagged(app):
        assert "cost-centre" not in tags_of(app, observed), observed.address
        assert tags_of(app, observed)["team"] == "a"
    app.body["spec"].pop("tags")
    app.edit()
    app.settle()
    for observed in tagged(app):
        assert not {"team", "cost-centre", "missyou.app/tags"} & tags_of(app, observed).keys(), observed.address


def test_tags_of_others_stay(aws, settled: App):  # noqa: F811
    app = settled
    app.edit(tags={"team": "a"})
    app.settle()
    theirs = [{"Key": "someone", "Value": "else"}]
    ec2_ids = [observed.id for observed in tagged(app) if observed.kind.TYPE.startswith("ec2.")]
    app.client("ec2").create_tags(Resources=ec2_ids, Tags=theirs)
    bucket = next(observed.id for observed in tagged(app) if observed.kind.TYPE == "s3.Bucket")
    s3 = app.client("s3")
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": s3.get_bucket_tagging(Bucket=bucket)["TagSet"] + theirs})
    app.body["spec"].pop("tags")
    app.edit()
    app.settle()
    left = [observed for observed in tagged(app) if observed.id in ec2_ids or observed.id == bucket]
    assert len(left) > 20
    for observed in left:
        assert tags_of(app, observed)["someone"] == "else"
        assert "team" not in tags_of(app, observed)


def test_a_removal_that_fails_is_not_forgotten(aws, settled: App):  # noqa: F811
    app = settled
    app.edit(tags={"team": "a"})
    app.settle()
    app.body["spec"].pop("tags")
    app.edit()
    aws.faults({"match": "ec2:DeleteTags", "broken": 1.0})
    app.passes(3)
    aws.calm()
    app.restart()
    app.settle()
    for observed in tagged(app):
        assert "team" not in tags_of(app, observed), observed.address


def test_the_most_tags_that_the_spec_allows_fit(aws):
    app = App(aws, "many", environment="Development", tags=MANY)
    app.settle()
    vpc = next(observed for observed in tagged(app) if observed.kind.TYPE == "ec2.Vpc")
    assert len(tags_of(app, vpc)["missyou.app/tags"]) == 240
