"""The commands of kubectl that messages print are typed as they stand, and help."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from .bench import Bench, a_bench, condition, quick

NAME = "keyed"
pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is missing"),
]


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    with a_bench(control_plane, tmp_path_factory.mktemp("remedies"), quick(), resync="5") as bench:
        bench.start()
        yield bench


def said(bench: Bench, type_: str, reason: str) -> str:
    """Wait until a condition has a reason, and return its message."""
    app = bench.until(NAME, lambda app: condition(app, type_).get("reason") == reason, f"{type_} {reason}")
    return str(condition(app, type_)["message"])


def typed(bench: Bench, message: str) -> None:
    """Type the command at the end of a message, or the two of them."""
    found = re.search(r"kubectl .*", message)
    assert found, message
    for command in found[0].partition("; or ")[0].split(" && "):
        typed = [*shlex.split(command), f"--kubeconfig={bench.kubeconfig}"]
        done = subprocess.run(typed, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)


def test_each_message_about_a_secret_has_the_command_that_ends_it(bench: Bench) -> None:
    reference = {"secretKeyRef": {"name": "gemini", "key": "api-key"}}
    bench.apply(NAME, environment="Development", secrets={"googleAPIKey": reference})
    typed(bench, said(bench, "SecretsReady", "SecretForbidden"))
    typed(bench, said(bench, "SecretsReady", "SecretNotFound"))
    bench.ready(NAME)
    secret = ["kubectl", f"--kubeconfig={bench.kubeconfig}", "-n", bench.namespace, "patch", "secret", "gemini"]
    # Kubernetes takes what no environment variable holds.
    for patch, reason in (
        ('{"data":{"api-key":"/w=="}}', "SecretInvalid"),
        ('{"data":{"api-key":""}}', "SecretInvalid"),
        ('{"data":{"api-key":null,"other":"eA=="}}', "SecretNotFound"),
    ):
        subprocess.run([*secret, "--type=merge", "-p", patch], check=True, capture_output=True)
        message = said(bench, "SecretsReady", reason)
        assert condition(bench.get(NAME), "Ready")["status"] == "True"
        typed(bench, message)
        said(bench, "SecretsReady", "Available")
    value = bench.aws_client("secretsmanager").get_secret_value(SecretId=f"{NAME}/google_api_key")["SecretString"]
    assert value == "VALUE"


def test_a_plan_is_approved_with_the_command_in_its_message(bench: Bench) -> None:
    bench.have(NAME)
    bench.patch(NAME, {"spec": {"budget": {"monthlyUSD": 1}, "network": {"natGateways": 2}}})
    typed(bench, said(bench, "Ready", "ApprovalRequired"))
    bench.until(NAME, lambda app: condition(app, "Ready").get("reason") != "ApprovalRequired", "approved")
    # The budget would hold what other tests change.
    bench.patch(NAME, {"spec": {"budget": None, "network": {"natGateways": 1}}})
    bench.ready(NAME)


def test_a_suspended_app_goes_on_with_the_command_in_its_message(bench: Bench) -> None:
    bench.have(NAME)
    bench.patch(NAME, {"spec": {"suspend": True}})
    message = said(bench, "Ready", "Suspended")
    typed(bench, message.partition(". Before that: ")[0])
    bench.ready(NAME)


def test_what_the_preflight_finds_stops_the_first_creation_until_it_is_gone(bench: Bench) -> None:
    ecr, name = bench.aws_client("ecr"), "checked"
    ecr.create_repository(repositoryName=name)
    bench.apply(name, environment="Development")
    stuck = bench.until(name, lambda app: condition(app, "Stalled").get("reason") == "PreflightFailed", "stopped")
    message = str(condition(stuck, "Stalled")["message"])
    assert f"already in use by something without the tags of a stack: ecr.Repository/{name} ({name})" in message
    assert bench.vpcs(name) == 0
    ecr.delete_repository(repositoryName=name)
    typed(bench, message.rpartition("at once: ")[2])
    bench.until(name, lambda app: not condition(app, "Stalled") and bench.vpcs(name) == 1, "going on")
    bench.delete(name)
