"""Argo CD: health and actions, run by a real Lua interpreter on states that a real run has recorded."""

from __future__ import annotations

import lupa
import pytest
import yaml

from .expected import VERDICTS, table
from .lua import run
from .recording import CUSTOMIZATION, ROOT, Recording, committed, conditions

STATES = committed()
ACTIONS = ("approve", "reconcile", "suspend", "resume")


def test_the_recorded_states_are_what_a_run_gives_today(recording: Recording) -> None:
    assert set(STATES) == set(recording.named) == set(VERDICTS)
    for name, seen in recording.named.items():
        assert conditions(seen) == conditions(STATES[name]), f"{name}: python -m tests.gitops.recording"


@pytest.mark.parametrize("name", VERDICTS)
def test_health(name: str) -> None:
    found = run("health.lua", STATES[name])
    assert found["status"] == VERDICTS[name][1]
    assert found["message"]


def test_argo_cds_own_test_file_says_the_same() -> None:
    """`health_test.yaml` is what `make test` in a checkout of Argo CD runs."""
    listed = yaml.safe_load((CUSTOMIZATION / "health_test.yaml").read_text())["tests"]
    assert {case["inputPath"]: case["healthStatus"] for case in listed} == {
        f"testdata/{name}.yaml": run("health.lua", seen) for name, seen in STATES.items()
    }


def test_no_moment_of_a_life_looks_broken_or_done_too_early(recording: Recording) -> None:
    assert len(recording.creation) >= 5
    for seen in [*recording.creation, *recording.change]:
        ready = {c["type"]: c["status"] for c in seen["status"]["conditions"]}["Ready"] == "True"
        verdict = run("health.lua", seen)["status"]
        assert verdict in {"Progressing", "Healthy"}, seen["status"]["conditions"]
        assert ready or verdict == "Progressing"
    assert run("health.lua", recording.creation[-1])["status"] == "Healthy"
    assert {run("health.lua", seen)["status"] for seen in recording.deletion} == {"Progressing"}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({}, "Progressing"),
        ({"observedGeneration": 3}, "Progressing"),
        ({"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "False", "reason": "X"}]}, "Degraded"),
        ({"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "Unknown"}]}, "Degraded"),
    ],
)
def test_health_of_what_no_run_gives(status: dict, verdict: str) -> None:
    found = run("health.lua", {"metadata": {"name": "x", "generation": 3}, "status": status})
    assert found["status"] == verdict
    assert found["message"]


def offered(name: str) -> set[str]:
    found = run("actions/discovery.lua", STATES[name])
    assert set(found) == set(ACTIONS)
    return {action for action, about in found.items() if not about["disabled"]}


def test_which_actions_are_offered() -> None:
    assert offered("ready") == {"reconcile", "suspend"}
    assert offered("suspended") == {"resume"}
    assert offered("waiting_for_approval") == {"approve", "reconcile", "suspend"}


def test_approve_lets_exactly_this_plan_through() -> None:
    state = STATES["waiting_for_approval"]
    after = run("actions/approve/action.lua", state)
    assert after["metadata"]["annotations"]["missyou.app/approve"] == state["status"]["plan"]["id"]
    assert after["spec"] == state["spec"]
    with pytest.raises(lupa.LuaError, match="nothing waits for approval"):
        run("actions/approve/action.lua", STATES["ready"])


def test_reconcile_suspend_resume() -> None:
    after = run("actions/reconcile/action.lua", STATES["ready"])
    assert after["metadata"]["annotations"]["missyou.app/reconcile"].endswith("Z")
    assert run("actions/suspend/action.lua", STATES["ready"])["spec"]["suspend"] is True
    assert "suspend" not in run("actions/resume/action.lua", STATES["suspended"])["spec"]


def test_the_config_map_holds_the_same_lua() -> None:
    data = yaml.safe_load((ROOT / "gitops/argocd/argocd-cm.yaml").read_text())["data"]
    assert data["resource.customizations.health.missyou.app_MissYouApp"] == (CUSTOMIZATION / "health.lua").read_text()
    actions = yaml.safe_load(data["resource.customizations.actions.missyou.app_MissYouApp"])
    assert actions["discovery.lua"] == (CUSTOMIZATION / "actions/discovery.lua").read_text()
    assert {entry["name"]: entry["action.lua"] for entry in actions["definitions"]} == {
        name: (CUSTOMIZATION / f"actions/{name}/action.lua").read_text() for name in ACTIONS
    }


def test_the_documented_table_is_this_one() -> None:
    assert table() in (ROOT / "docs/gitops.md").read_text()


@pytest.mark.parametrize("name", ["application", "applicationset"])
def test_the_examples_apply_server_side_and_never_prune(name: str) -> None:
    spec = yaml.safe_load((ROOT / f"gitops/argocd/{name}.yaml").read_text())["spec"]
    policy = spec.get("template", {}).get("spec", spec)["syncPolicy"]
    assert policy["automated"]["prune"] is False
    assert "ServerSideApply=true" in policy["syncOptions"]
