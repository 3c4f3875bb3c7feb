"""Tasks run the image that was under the tag when it was rolled out, and no other until a visible rollout."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sim.app import App, changes

NAME = "pinned"


@pytest.fixture(scope="module")
def served(aws) -> App:
    """A stack that serves v1, whose tags may be pushed again."""
    app = App(aws, NAME, environment="Development", image={"tag": "v1"})
    app.settle()
    return app


def digest(app: App, tag: str) -> str:
    [row] = app.client("ecr").describe_images(repositoryName=app.stack, imageIds=[{"imageTag": tag}])["imageDetails"]
    return str(row["imageDigest"])


def definition(app: App) -> dict[str, Any]:
    return dict(app.client("ecs").describe_task_definition(taskDefinition=app.stack)["taskDefinition"])


def image(app: App) -> str:
    [container] = definition(app)["containerDefinitions"]
    return str(container["image"])


def in_use(app: App) -> str:
    """Return the revision that the service runs."""
    names = {"cluster": f"{app.stack}-cluster", "services": [f"{app.stack}-service"]}
    [row] = app.client("ecs").describe_services(**names)["services"]
    return str(row["taskDefinition"])


def told(app: App, since: int) -> list[str]:
    """Return the messages of the Events since a number of passes."""
    return [event.message for report in app.reports[since:] for event in report.events]


def test_the_revision_names_the_digest_and_the_status_both(served: App):
    assert image(served).endswith(f"/{NAME}@{digest(served, 'v1')}")
    status = served.body["status"]
    assert (status["image"], status["imageDigest"]) == (f"{NAME}:v1", digest(served, "v1"))


def test_the_first_image_is_waited_for_and_no_revision_names_a_tag(aws):
    app = App(aws, "first", environment="Development")
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "waiting for its image")
    app.passes(5)
    with pytest.raises(ClientError, match="Unable to describe task definition"):
        definition(app)
    app.push()
    app.grow()
    assert image(app).endswith(f"/first@{digest(app, 'latest')}")


def test_an_image_pushed_over_the_tag_reaches_no_task_but_by_a_rollout(served: App):
    app, before, since = served, digest(served, "v1"), len(served.reports)
    revision = in_use(app)
    app.push("v1")
    after = digest(app, "v1")
    # What ECS starts by itself, in place of a task that has ended, is what runs already.
    [task, *_] = app.client("ecs").list_tasks(cluster=f"{NAME}-cluster")["taskArns"]
    app.client("ecs").stop_task(cluster=f"{NAME}-cluster", task=task)
    app.clock.now += 30.0
    assert in_use(app) == revision
    assert image(app).endswith(before)
    app.observe_now()
    assert f"another image is rolled out: image_digest: {before} -> {after}" in told(app, since)
    assert app.body["status"]["imageDigest"] == before
    app.settle()
    assert in_use(app) != revision
    assert image(app).endswith(after)
    assert app.body["status"]["imageDigest"] == after
    assert app.body["status"].get("drift") is None


def test_another_tag_shows_tag_and_digest(served: App):
    app, since = served, len(served.reports)
    app.push("v2")
    before, after = digest(app, "v1"), digest(app, "v2")
    app.edit(image={"tag": "v2"})
    app.settle()
    text = f"another image is rolled out: image_tag: v1 -> v2; image_digest: {before} -> {after}"
    assert text in told(app, since)
    assert app.body["status"]["image"] == f"{NAME}:v2"


def test_never_keeps_what_runs_and_says_what_that_means(served: App):
    app, before = served, digest(served, "v1")
    app.edit(image={"update": "Never"})
    app.settle()
    app.push("v1")
    assert changes(app.calls(app.observe_now)) == {}
    app.restart()
    assert changes(app.calls(app.observe_now)) == {}
    assert image(app).endswith(before)
    condition = app.condition("ServiceReady")
    assert (condition["status"], condition["reason"]) == ("True", "ImageMoved")
    assert f"imageDigest={before}" in condition["message"]
    app.edit(image={"update": "OnPush"})
    app.settle()
    assert image(app).endswith(digest(app, "v1"))
    assert app.reason("ServiceReady") == "Available"


def test_never_takes_what_is_under_another_tag(served: App):
    app = served
    app.edit(image={"update": "Never"})
    app.settle()
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.settle()
    assert image(app).endswith(digest(app, "v2"))


def test_never_stands_while_the_family_is_deregistered_by_others(served: App):
    app, before = served, digest(served, "v1")
    app.edit(image={"update": "Never"})
    app.settle()
    app.push("v1")
    app.client("ecs").deregister_task_definition(taskDefinition=definition(app)["taskDefinitionArn"])
    app.observe_now()
    app.settle()
    assert image(app).endswith(before)


def test_a_tag_that_is_gone_changes_nothing_that_runs(served: App):
    app = served
    app.client("ecr").batch_delete_image(repositoryName=NAME, imageIds=[{"imageTag": "v1"}])
    assert changes(app.calls(app.observe_now)) == {}
    app.restart()
    assert changes(app.calls(app.observe_now)) == {}
    assert app.reason("ServiceReady") == "ImageNotFound"


def test_a_push_over_a_version_that_failed_is_tried_by_itself(served: App):
    app = served
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.until(lambda _: in_use(app).endswith(":2"), "rolling out")
    app.client("ecr").batch_delete_image(repositoryName=NAME, imageIds=[{"imageTag": "v2"}])
    app.until(lambda _: in_use(app).endswith(":1"), "rolled back")
    app.push("v2")
    # It is the same image, which is not tried once more; what is pushed over it is.
    app.until(lambda _: app.reason("ServiceReady") == "RolloutFailed", "told")
    app.passes(3)
    assert in_use(app).endswith(":1")
    app.push("v2")
    app.settle()
    assert image(app).endswith(digest(app, "v2"))
    assert app.body["status"]["image"] == f"{NAME}:v2"


def test_images_of_others_go_by_their_tag(served: App, aws):
    app = App(aws, "foreign", environment="Development", image={"repository": "registry.example.com/app", "tag": "v1"})
    app.settle()
    assert image(app) == "registry.example.com/app:v1"
    assert "imageDigest" not in app.body["status"]


# Immutable tags


@pytest.fixture(scope="module")
def production(aws) -> App:
    app = App(aws, "fixed", image={"tag": "v1"})
    app.settle()
    return app


def test_nobody_pushes_over_a_tag_in_production(production: App):
    before = digest(production, "v1")
    with pytest.raises(ClientError, match="ImageTagAlreadyExistsException"):
        production.push("v1")
    assert digest(production, "v1") == before


def test_tags_made_mutable_outside_are_drift(production: App):
    app = production
    app.client("ecr").put_image_tag_mutability(repositoryName="fixed", imageTagMutability="MUTABLE")
    app.observe_now()
    [entry] = app.body["status"]["drift"]
    assert entry["fields"] == ["immutable_tags: False -> True"]
    with pytest.raises(ClientError, match="ImageTagAlreadyExistsException"):
        app.push("v1")
    app.client("ecr").put_image_tag_mutability(
        repositoryName="fixed",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "v*"}],
    )
    app.observe_now()
    app.observe_now()
    [row] = app.client("ecr").describe_repositories(repositoryNames=["fixed"])["repositories"]
    assert row["imageTagMutability"] == "IMMUTABLE"


def test_whoever_wants_moving_tags_in_production_says_so(production: App):
    app = production
    app.edit(registry={"immutableTags": False})
    app.settle()
    app.push("v1")
    app.settle()
    assert image(app).endswith(digest(app, "v1"))
