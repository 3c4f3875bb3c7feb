"""`missyou` against a real API server."""

from __future__ import annotations

import json
import sys
import threading

import pytest

from missyou_local.processes import wait_until
from missyou_operator.cli import main
from tests.api.cases import app
from tests.api.statuses import FULL_STATUS
from tests.cli.test_progress import condition

from .client import Apps

pytestmark = pytest.mark.integration


@pytest.fixture
def missyou(apps: Apps, admin_kubeconfig, monkeypatch, capsys):
    """Run a command in the namespace of the tests; returns its exit code and what it printed on both channels."""
    monkeypatch.setenv("KUBECONFIG", str(admin_kubeconfig))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "-n", apps.namespace])
        return code, *capsys.readouterr()

    return run


def status(generation, *conditions):
    return {"status": {"observedGeneration": generation, "conditions": list(conditions), "url": "http://alb"}}


def test_get_prints_the_columns_of_the_server(apps: Apps, missyou):
    apps.create(app({"region": "eu-west-1"}, "listed"))
    apps.patch("listed", {"status": FULL_STATUS.to_wire()}, part="status")
    code, out, _ = missyou("get", "listed")
    head, row = out.splitlines()
    assert code == 0
    assert head.split() == ["NAME", "READY", "STATUS", "URL", "IMAGE", "TASKS", "USD/MONTH", "AGE"]
    assert row.split()[:-1] == ["listed", "True", "Available", "http://alb", "ecr/shop:1", "0/2", "170.57"]
    assert head.index("URL") == row.index("http://alb")


def test_wide_adds_columns_and_all_namespaces_the_namespace(apps: Apps, missyou):
    apps.create(app({"region": "eu-west-1"}, "wide"))
    _, out, _ = missyou("get", "-A", "-o", "wide")
    head, *rows = out.splitlines()
    assert head.split()[0] == "NAMESPACE"
    assert head.split()[-3:] == ["REGION", "DATABASE", "MESSAGE"]
    assert [apps.namespace, "wide"] in [row.split()[:2] for row in rows]


def test_resources_are_listed(apps: Apps, missyou):
    apps.create(app({}, "resources"))
    apps.patch("resources", {"status": FULL_STATUS.to_wire()}, part="status")
    code, out, _ = missyou("resources", "resources")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["TYPE", "NAME", "STATE", "ID"],
        ["Network"],
        ["VPC", "shop-vpc", "available", "vpc-1"],
    ]


def test_what_is_not_there_is_said_in_one_line(apps: Apps, missyou):
    for command in ("get", "watch", "resources"):
        code, out, error = missyou(command, "nobody")
        assert (code, out) == (3, "")
        assert error == f'missyou: MissYouApp "nobody" not found in namespace "{apps.namespace}"\n'


def test_an_empty_namespace_is_no_error(missyou, capsys):
    assert main(["get", "-n", "kube-public"]) == 0
    assert capsys.readouterr().err == "No MissYouApps in namespace kube-public.\n"


def test_watch_follows_changes_until_ready(apps: Apps, missyou):
    apps.create(app({}, "grows"))
    creating = condition("DatabaseReady", "False", "Creating", "takes long")
    steps = [
        status(1, creating, condition("Ready", "False", "Creating")),
        status(1, condition("DatabaseReady"), condition("Ready", "False", "Creating")),
        status(1, condition("DatabaseReady"), condition("Ready")),
    ]
    with later(lambda: [apps.patch("grows", step, part="status") for step in steps]):
        code, out, _ = missyou("watch", "grows", "--timeout", "20")
    assert code == 0
    lines = [line.split()[1:4] for line in out.splitlines()]
    assert lines.index(["Ready", "Unknown", "NotLookedAtYet"]) < lines.index(["Ready", "True", "Available"])
    assert out.splitlines()[-1].startswith("Ready: http://alb (after ")


def test_watch_does_not_take_an_old_generation_for_ready(apps: Apps, missyou):
    apps.create(app({}, "changed"))
    apps.patch("changed", status(1, condition("Ready")), part="status")
    apps.patch("changed", {"spec": {"image": {"tag": "v2"}}})
    code, _, error = missyou("watch", "changed", "--timeout", "0.5")
    assert code == 1
    assert error == "missyou: not ready after 0.5 s: waiting for the operator to observe generation 2\n"


def test_watch_ends_when_the_app_is_stalled(apps: Apps, missyou):
    apps.create(app({}, "stuck"))
    stalled = [condition("Ready", "False", "AccessDenied"), condition("Stalled", "True", "AccessDenied", "allow it")]
    with later(lambda: apps.patch("stuck", status(1, *stalled), part="status")):
        code, _, error = missyou("watch", "stuck", "--timeout", "20")
    assert (code, error) == (2, "missyou: Stalled: AccessDenied: allow it\n")


def test_watch_ends_when_the_app_is_deleted(apps: Apps, missyou):
    apps.create(app({}, "gone"))
    with later(lambda: apps.delete("gone")):
        code, _, error = missyou("watch", "gone", "--timeout", "20")
    assert (code, error) == (3, f"missyou: gone in {apps.namespace}: the MissYouApp has been deleted\n")


class later:  # noqa: N801 - reads as a statement
    """Do something from another thread, once the command under test has said something."""

    def __init__(self, action):
        self.thread = threading.Thread(target=self.act, args=(action,))

    @staticmethod
    def act(action):
        assert wait_until(lambda: bool(sys.stdout.getvalue()), 20.0)
        action()

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.thread.join()


def test_the_cost_of_a_change_is_compared_with_the_object_in_the_cluster(apps: Apps, missyou, tmp_path):
    apps.create(app({"region": "us-east-1"}, "costly"))
    path = tmp_path / "costly.yaml"
    path.write_text(json.dumps(app({"region": "us-east-1", "network": {"natGateways": 1}}, "costly")))
    code, out, _ = missyou("cost", "-f", str(path), "--from-cluster")
    assert code == 0
    assert ["Total", "170.57", "134.07", "-36.50"] in [line.split() for line in out.splitlines()]
    path.write_text(json.dumps(app({"region": "us-east-1"}, "absent")))
    code, _, err = missyou("cost", "-f", str(path), "--from-cluster")
    assert (code, err) == (3, f'missyou: MissYouApp "absent" not found in namespace "{apps.namespace}"\n')
