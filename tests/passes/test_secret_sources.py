"""Kubernetes Secrets that give no value: said as it is, and what was taken over before stays in use."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes

_REFERENCE = {"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}}


@pytest.fixture(scope="module")
def served(aws) -> App:
    """A stack that has taken the value of its Secret over."""
    app = App(aws, "keyed", environment="Development", secrets=_REFERENCE)
    app.secrets = {"gemini": {"api-key": "AIza-value"}}
    app.settle()
    return app


class Closed(dict):
    """Secrets in a namespace that lets the operator in no longer."""

    def get(self, name, default=None):
        raise PermissionError("system:serviceaccount:tools:operator")


#: What has become of the Secrets; reason and words of SecretsReady.
GONE = [
    ({}, "SecretNotFound", "there is no Secret gemini"),
    ({"gemini": {"other": "x", "another": "y"}}, "SecretNotFound", "has no key api-key, only another, other"),
    ({"gemini": {"api-key": ""}}, "SecretInvalid", "is empty"),
    ({"gemini": {"api-key": None}}, "SecretInvalid", "is not UTF-8 text"),
    ({"gemini": {"api-key": "a\0b"}}, "SecretInvalid", "NUL byte"),
    ({"gemini": {"api-key": "x" * 65_537}}, "SecretInvalid", "65,536 bytes"),
    (Closed(), "SecretForbidden", "kubectl create rolebinding"),
]


@pytest.mark.parametrize(("secrets", "reason", "words"), GONE)
def test_a_secret_that_gives_no_value_any_more_leaves_the_app_as_it_is(served: App, secrets, reason, words):
    app = served
    app.secrets = secrets
    assert changes(app.calls(app.observe_now)) == {}
    told = app.condition("SecretsReady")
    assert (told["status"], told["reason"]) == ("True", reason)
    assert words in told["message"]
    assert "taken over before stays in use" in told["message"]
    assert app.condition("Ready")["status"] == "True"
    assert app.condition("InSync")["status"] == "True"
    assert [event.type for event in app.reports[-1].events] == ["Warning"]
    app.observe_now()
    assert app.reports[-1].events == []


def test_a_new_image_is_rolled_out_and_a_restart_forgets_nothing(served: App):
    app = served
    app.secrets = {}
    app.restart()
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.grow()
    assert app.body["status"]["image"].endswith(":v2")
    assert app.reason("SecretsReady") == "SecretNotFound"
    app.secrets = {"gemini": {"api-key": "AIza-other"}}
    app.grow()
    assert app.reason("SecretsReady") == "Available"
    value = app.client("secretsmanager").get_secret_value(SecretId="keyed/google_api_key")["SecretString"]
    assert value == "AIza-other"


@pytest.mark.parametrize(("secrets", "reason", "words"), GONE)
def test_a_new_stack_says_what_is_wrong_with_its_secret(aws, secrets, reason, words):
    app = App(aws, "waiting", environment="Development", secrets=_REFERENCE)
    app.secrets = secrets
    app.until(lambda _: app.reason("SecretsReady") == reason, reason)
    told = app.condition("SecretsReady")
    assert told["status"] == "False"
    assert words in told["message"]


def test_the_secret_in_aws_deleted_as_well_is_waited_for(served: App):
    app = served
    app.secrets = {}
    app.client("secretsmanager").delete_secret(SecretId="keyed/google_api_key", ForceDeleteWithoutRecovery=True)
    app.observe_now()
    told = app.condition("SecretsReady")
    assert (told["status"], told["reason"]) == ("False", "SecretNotFound")
