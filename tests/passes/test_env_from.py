"""`service.envFrom`: a value goes from a Kubernetes Secret to the tasks, and nobody reads it on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sim.app import App, changes

NAME = "mailer"
VALUE, OTHER = "canary-of-a-token", "canary-of-another"


@pytest.fixture(scope="module")
def served(aws) -> App:
    """A stack with two variables of two Kubernetes Secrets."""
    app = App(aws, NAME, environment="Development", image={"tag": "v1"}, service={"env": {"MODE": "plain"}})
    app.secrets = {"mail": {"token": VALUE}, "chat": {"key": "another-one"}}
    app.edit(
        service={"envFrom": {"MAIL_TOKEN": {"name": "mail", "key": "token"}, "CHAT": {"name": "chat", "key": "key"}}}
    )
    app.settle()
    return app


def container(app: App) -> dict[str, Any]:
    """Return the container that the service runs."""
    ecs, names = app.client("ecs"), {"cluster": f"{NAME}-cluster", "services": [f"{NAME}-service"]}
    [row] = ecs.describe_services(**names)["services"]
    answer = ecs.describe_task_definition(taskDefinition=row["taskDefinition"])["taskDefinition"]
    [found] = answer["containerDefinitions"]
    return {**found, "revision": answer["revision"]}


def secret(app: App, variable: str) -> dict[str, Any]:
    return dict(app.client("secretsmanager").describe_secret(SecretId=f"{NAME}/env/{variable}"))


def names(app: App) -> set[str]:
    rows = app.client("secretsmanager").list_secrets()["SecretList"]
    return {row["Name"] for row in rows if not row.get("DeletedDate")}


def execution_policy(app: App) -> str:
    iam, role = app.client("iam"), f"{NAME}-us-east-1-execution"
    [policy] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return json.dumps(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])


def test_the_tasks_get_a_reference_and_nobody_sees_the_value(served: App):
    app = served
    given = {each["name"]: each["valueFrom"] for each in container(app)["secrets"]}
    assert given["MAIL_TOKEN"] == secret(app, "MAIL_TOKEN")["ARN"]
    assert given["CHAT"] == secret(app, "CHAT")["ARN"]
    assert app.client("secretsmanager").get_secret_value(SecretId=f"{NAME}/env/MAIL_TOKEN")["SecretString"] == VALUE
    assert {each["name"] for each in container(app)["environment"]} == {"MODE", "PORT", "DEBUG", "DATABASE_SECRET"}
    assert f"secret:{NAME}/env/*-??????" in execution_policy(app)
    shown = [json.dumps([report.status, [event.message for event in report.events]]) for report in app.reports]
    for text in (*shown, json.dumps(container(app)), execution_policy(app)):
        assert VALUE not in text
    assert changes(app.calls(app.observe_now)) == {}


def test_another_value_is_a_rollout(served: App):
    app, before = served, container(served)["revision"]
    app.secrets = {**app.secrets, "mail": {"token": OTHER}}
    app.settle()
    assert container(app)["revision"] == before + 1
    assert app.client("secretsmanager").get_secret_value(SecretId=f"{NAME}/env/MAIL_TOKEN")["SecretString"] == OTHER
    app.restart()
    assert changes(app.calls(app.observe_now)) == {}


def test_one_secret_that_is_gone_does_not_hold_up_the_others(served: App):
    app = served
    app.secrets = {"mail": {"token": OTHER}}
    app.settle()
    told = app.condition("SecretsReady")
    assert (told["status"], told["reason"]) == ("True", "SecretNotFound")
    assert "there is no Secret chat" in told["message"]
    assert app.client("secretsmanager").get_secret_value(SecretId=f"{NAME}/env/MAIL_TOKEN")["SecretString"] == OTHER
    assert {each["name"] for each in container(app)["secrets"]} == {"DATABASE_URL", "MAIL_TOKEN", "CHAT"}


def test_a_key_that_is_missing_is_told_with_the_command(served: App):
    app = served
    app.edit(service={"envFrom": {"MAIL_TOKEN": {"name": "mail", "key": "absent"}}})
    app.until(lambda _: app.reason("SecretsReady") == "SecretNotFound", "told")
    assert "the Secret mail has no key absent, only token" in app.condition("SecretsReady")["message"]
    assert VALUE not in json.dumps(app.body["status"])


def test_the_secret_of_a_variable_that_is_removed_goes_with_the_last_task_that_needs_it(served: App):
    app, ecs = served, served.client("ecs")
    app.push("broken")
    app.edit(service={"envFrom": {"CHAT": {"name": "chat", "key": "key"}}}, image={"tag": "broken"})

    def deployments() -> int:
        return len(
            ecs.describe_services(cluster=f"{NAME}-cluster", services=[f"{NAME}-service"])["services"][0]["deployments"]
        )

    app.until(lambda _: deployments() > 1, "rolling out")
    app.client("ecr").batch_delete_image(repositoryName=NAME, imageIds=[{"imageTag": "broken"}])
    app.until(lambda _: deployments() == 1, "rolled back")
    app.push("broken")
    app.until(lambda _: app.reason("ServiceReady") == "RolloutFailed", "told")
    app.passes(5)
    # The version that runs is the one before, which reads it.
    assert f"{NAME}/env/MAIL_TOKEN" in names(app)
    app.edit(image={"tag": "v1"})
    app.settle()
    assert f"{NAME}/env/MAIL_TOKEN" not in names(app)
    assert f"{NAME}/env/CHAT" in names(app)
    assert {each["name"] for each in container(app)["secrets"]} == {"DATABASE_URL", "CHAT"}


def test_they_go_with_the_stack(served: App):
    app = served
    app.delete()
    assert not names(app)
