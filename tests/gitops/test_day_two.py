"""What people see in Argo CD after the first day: links and notifications, by the libraries that it uses for them."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import gotools

from . import lua
from .building import documents
from .record import recorded
from .states import CUSTOMIZATION, ROOT

pytestmark = pytest.mark.timeout(900)
SCRIPT = (CUSTOMIZATION / "health.lua").read_text()
ARGO = ROOT / "gitops/argocd"


@pytest.fixture(scope="module")
def argocd() -> Path:
    """The program in argocd/."""
    return gotools.built(Path(__file__).parent / "argocd", ".")


def asked(program: Path, **given: Any) -> dict[str, Any]:
    [links], [notes] = documents(ARGO / "links.yaml"), documents(ARGO / "notifications.yaml")
    question = {"links": links["data"]["resource.links"], "notifications": notes["data"], **given}
    done = subprocess.run([str(program)], input=json.dumps(question), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def application(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Application that has an object, with its health as Argo CD keeps it, beside another resource."""
    meta = obj["metadata"]
    row = {"kind": "MissYouApp", "namespace": meta["namespace"], "name": meta["name"], "health": lua.run(SCRIPT, obj)}
    return {
        "metadata": {"name": "missyou-production", "namespace": "argocd"},
        "status": {"resources": [{"kind": "Namespace", "name": meta["namespace"]}, row]},
    }


def links(program: Path, obj: Mapping[str, Any]) -> dict[str, str]:
    [found] = asked(program, resources=[obj])["links"]
    return {link["title"]: link["url"] for link in found}


def notes(program: Path, objects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: note for name, note in found.items() if note["triggered"]}
        for found in asked(program, apps=[application(obj) for obj in objects])["notes"]
    ]


def test_links_lead_to_the_app_its_dashboard_and_its_logs(argocd: Path) -> None:
    obj = recorded("ready")
    # The recordings leave the resources out.
    dashboard = {"type": "cloudwatch.Dashboard", "name": "missyou-us-east-1", "state": "Ready"}
    obj["status"]["resources"] = [{"type": "ecs.Service", "name": "missyou-service", "state": "Ready"}, dashboard]
    console = "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
    assert links(argocd, obj) == {
        "Open the app": obj["status"]["url"],
        "CloudWatch dashboard": f"{console}#dashboards/dashboard/missyou-us-east-1",
        "Logs": f"{console}#logsV2:log-groups/log-group/$252Fecs$252Fmissyou",
    }


@pytest.mark.parametrize("state", ["new", "suspended-when-new", "invalid-spec", "creating-network"])
def test_no_link_leads_nowhere(argocd: Path, state: str) -> None:
    obj = recorded(state)
    shown = links(argocd, obj)
    assert ("Open the app" in shown) == bool(obj.get("status", {}).get("url"))
    assert not [url for url in shown.values() if not url or "no value" in url or url.endswith("/")]


def test_other_kinds_have_no_links_of_ours(argocd: Path) -> None:
    assert links(argocd, {"kind": "Service", "status": {"url": "https://example.com"}}) == {}


def test_a_plan_that_waits_is_told_once_with_its_id_effect_and_cost(argocd: Path) -> None:
    obj = recorded("waiting-for-approval")
    plan = obj["status"]["plan"]
    [told] = notes(argocd, [obj])
    assert set(told) == {"on-missyou-approval"}
    note = told["on-missyou-approval"]
    assert note["subject"] == "missyou-production: a plan waits for approval"
    for text in (plan["id"], plan["effect"], plan["summary"], f"{plan['cost']['differenceUSD']} USD a month"):
        assert text in note["message"]
    assert note["message"].endswith("https://argocd.example.com/applications/argocd/missyou-production\n")
    # Another plan is told again; the same one is not.
    other = copy.deepcopy(obj)
    other["status"]["plan"]["id"] = "000000000000"
    again, another = (each["on-missyou-approval"]["oncePer"] for each in notes(argocd, [obj, other]))
    assert again == note["oncePer"] != another


def test_drift_is_told_with_what_was_changed(argocd: Path) -> None:
    [told] = notes(argocd, [recorded("drifted")])
    assert set(told) == {"on-missyou-drift"}
    assert "Update logs.LogGroup//ecs/missyou" in told["on-missyou-drift"]["message"]


def test_what_needs_a_person_is_told_and_what_works_is_not(argocd: Path) -> None:
    stuck = ["invalid-spec", "access-denied", "rollout-failed"]
    quiet = ["new", "creating-database", "ready", "suspended", "rolling-out", "aws-unreachable", "deleting"]
    told = notes(argocd, [recorded(name) for name in stuck + quiet])
    assert [set(found) for found in told] == [{"on-missyou-stalled"}] * len(stuck) + [set()] * len(quiet)


def test_the_health_message_has_the_cost_of_what_runs() -> None:
    cost = recorded("ready")["status"]["cost"]
    said = lua.run(SCRIPT, recorded("ready"))["message"]
    assert said.endswith(f"Estimated cost: {cost['monthlyUSD']} USD a month by the prices of {cost['pricesFrom']}")


def test_fluxs_alert_is_about_what_its_kustomization_waits_for() -> None:
    provider, alert = documents(ROOT / "gitops/flux/notifications.yaml")
    names = {item["metadata"]["name"]: item for item in documents(ROOT / "gitops/flux/missyou.yaml")}
    [source] = alert["spec"]["eventSources"]
    assert alert["spec"]["providerRef"]["name"] == provider["metadata"]["name"]
    waits = names[source["name"]]["spec"]["healthChecks"]
    assert [each["kind"] for each in waits] == ["MissYouApp"]
