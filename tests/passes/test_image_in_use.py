"""The image that tasks run: never expired by the stack's own policy, and said where it is gone all the same."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes

DAY = 86_400.0


@pytest.fixture(scope="module")
def served(aws) -> App:
    """A stack that serves v1 and keeps two images."""
    app = App(aws, "kept", environment="Development", image={"tag": "v1"}, registry={"keepImages": 2})
    app.settle()
    return app


def tags(app: App) -> set[str]:
    rows = app.client("ecr").list_images(repositoryName=app.stack)["imageIds"]
    return {row["imageTag"] for row in rows if "imageTag" in row}


def push(app: App, *names: str) -> None:
    for name in names:
        app.push(name)


def test_the_image_in_use_outlives_any_number_of_newer_ones(served: App):
    app = served
    push(app, "v2", "v3", "v4")
    app.clock.now += DAY
    app.observe_now()
    assert tags(app) == {"v1", "v3", "v4"}
    assert changes(app.calls(app.observe_now)) == {}
    assert app.condition("InSync")["status"] == "True"


def test_so_does_the_one_that_was_in_use_before(served: App):
    app = served
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.settle()
    push(app, "v3", "v4", "v5")
    app.clock.now += DAY
    app.observe_now()
    assert tags(app) == {"v1", "v2", "v4", "v5"}
    app.edit(image={"tag": "v1"})
    app.settle()
    assert app.body["status"]["image"] == "kept:v1"


def test_while_another_version_fails_the_one_that_runs_stays(served: App):
    app = served
    app.edit(image={"tag": "broken"})
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "waiting for its image")
    push(app, "v2", "v3", "v4")
    app.clock.now += DAY
    app.observe_now()
    assert "v1" in tags(app)


def test_any_number_of_versions_that_fail_in_a_row_leaves_the_one_that_runs(served: App):
    app, ecs = served, served.client("ecs")

    def deployments() -> int:
        [row] = ecs.describe_services(cluster="kept-cluster", services=["kept-service"])["services"]
        return len(row["deployments"])

    for tag in ("v2", "v3", "v4", "v5"):
        app.push(tag)
        app.edit(image={"tag": tag})
        app.until(lambda _: deployments() > 1, "rolling out")
        app.client("ecr").batch_delete_image(repositoryName=app.stack, imageIds=[{"imageTag": tag}])
        app.until(lambda _: deployments() == 1, "back at the former version")
        app.push(tag)
        app.until(lambda _: app.reason("ServiceReady") == "RolloutFailed", "told")
    push(app, "v6", "v7", "v8")
    app.clock.now += DAY
    app.observe_now()
    assert {"v1", "v5"} <= tags(app)
    assert "v2" not in tags(app)


def test_an_image_that_is_gone_while_it_serves_is_a_warning(served: App):
    app = served
    app.client("ecr").batch_delete_image(repositoryName=app.stack, imageIds=[{"imageTag": "v1"}])
    app.observe_now()
    assert app.condition("Ready")["status"] == "True"
    told = app.condition("ServiceReady")
    assert (told["status"], told["reason"]) == ("True", "ImageNotFound")
    assert "none can start in their place" in told["message"]
    assert "docker push" in told["message"]
    assert [event.type for event in app.reports[-1].events] == ["Warning"]
    app.push("v1")
    app.observe_now()
    assert app.reason("ServiceReady") == "Available"


def test_an_image_that_never_was_there_is_waited_for(served: App):
    app = served
    app.edit(image={"tag": "v9"})
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "waiting for its image")
    told = app.condition("ServiceReady")
    assert told["status"] == "False"
    assert "with credentials of the account 123456789012" in told["message"]
    assert app.condition("Ready")["status"] == "False"


def test_a_digest_is_kept_by_a_tag_of_its_image(served: App):
    app = served
    ecr = app.client("ecr")
    [row] = ecr.describe_images(repositoryName=app.stack, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    app.edit(image={"tag": row["imageDigest"]})
    app.settle()
    push(app, "v2", "v3", "v4")
    app.clock.now += DAY
    app.observe_now()
    assert "v1" in tags(app)
    assert app.reason("ServiceReady") == "Available"


def test_a_digest_without_a_tag_is_said_before_it_expires_and_the_command_helps(served: App):
    app = served
    ecr = app.client("ecr")
    app.push("v2")
    [image] = ecr.batch_get_image(repositoryName=app.stack, imageIds=[{"imageTag": "v2"}])["images"]
    ecr.batch_delete_image(repositoryName=app.stack, imageIds=[{"imageTag": "v2"}])
    ecr.put_image(repositoryName=app.stack, imageManifest=image["imageManifest"])
    digest = image["imageId"]["imageDigest"]
    app.edit(image={"tag": digest})
    app.settle()
    told = app.condition("ServiceReady")
    assert (told["status"], told["reason"]) == ("True", "ImageNotKept")
    assert "--image-tag keep --image-manifest" in told["message"]
    # What the command of the message does.
    [found] = ecr.batch_get_image(repositoryName="kept", imageIds=[{"imageDigest": digest}])["images"]
    ecr.put_image(repositoryName="kept", imageTag="keep", imageManifest=found["imageManifest"])
    app.observe_now()
    assert app.reason("ServiceReady") == "Available"
    push(app, "v3", "v4", "v5")
    app.clock.now += DAY
    app.observe_now()
    assert "keep" in tags(app)
