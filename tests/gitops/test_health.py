"""Argo CD's health of every recorded state, and of every status of a whole life."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
import yaml

from . import lua
from .record import conditions, named, recorded
from .states import CUSTOMIZATION, ROOT, STATES, State, table

pytestmark = pytest.mark.timeout(600)
SCRIPT = (CUSTOMIZATION / "health.lua").read_text()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_each_recorded_state_has_the_health_that_it_means(state: State) -> None:
    assert lua.run(SCRIPT, recorded(state.name))["status"] == state.argo


def test_the_file_for_argo_cds_own_test_runner_says_the_same() -> None:
    tests = yaml.safe_load((CUSTOMIZATION / "health_test.yaml").read_text())["tests"]
    for test in tests:
        obj = yaml.safe_load((CUSTOMIZATION / test["inputPath"]).read_text())
        assert lua.run(SCRIPT, obj) == test["healthStatus"]
    listed = [(test["inputPath"], test["healthStatus"]["status"]) for test in tests]
    assert listed == [(f"testdata/{state.name}.yaml", state.argo) for state in STATES]
    assert {f"testdata/{path.name}" for path in (CUSTOMIZATION / "testdata").iterdir()} == {path for path, _ in listed}


def test_the_recordings_are_what_the_operator_gives_now(moments) -> None:
    now = named(moments)
    assert set(now) == {state.name for state in STATES}
    for name, obj in now.items():
        old = recorded(name)
        assert conditions(obj) == conditions(old), f"{name}: python -m tests.gitops.record"
        assert obj["spec"].keys() == old["spec"].keys(), name
        assert obj["status"].keys() == old["status"].keys(), name


def test_healthy_means_served_and_degraded_means_that_somebody_is_needed(moments) -> None:
    told: Counter[str] = Counter()
    for moment in moments:
        health = lua.run(SCRIPT, moment.obj)
        told[health["status"]] += 1
        assert moment.works or health["status"] != "Healthy", (health, moment.obj)
        assert moment.trouble or health["status"] != "Degraded", (health, moment.obj)
    # The life is one in which there is something to tell apart.
    assert set(told) == {"Progressing", "Healthy", "Degraded", "Suspended"}
    assert sum(told.values()) > 300


def test_a_message_that_argo_cd_keeps_stays_true(moments) -> None:
    """Argo CD (3.6.0, tried) shows a message until the health changes, 4.5 minutes in a first creation.

    So whatever may have changed under the same health is told as read some time, with how to see it now.
    """
    command = "kubectl get missyouapp missyou -n default -o wide"
    for moment in moments:
        health = lua.run(SCRIPT, moment.obj)
        if health["status"] != "Healthy":
            begin, _, end = health["message"].partition(": ")
            assert begin in {"When last read", "Applied; what the operator says of it"}
            assert end.endswith(command)


@pytest.mark.parametrize(
    "lack", ["status", "status.conditions", "status.observedGeneration", "spec", "conditions' messages and reasons"]
)
def test_nothing_that_is_missing_is_an_error(lack: str) -> None:
    obj = copy.deepcopy(recorded("waiting-for-approval"))
    if lack.startswith("status."):
        obj["status"].pop(lack.partition(".")[2])
    elif lack in obj:
        obj.pop(lack)
    else:
        for condition in obj["status"]["conditions"]:
            condition.pop("message")
            condition.pop("reason")
    assert lua.run(SCRIPT, obj)["status"] in {"Progressing", "Degraded"}


def test_ready_false_with_nothing_under_way_is_degraded() -> None:
    obj = recorded("rolling-out")
    obj["status"]["conditions"] = [item for item in obj["status"]["conditions"] if item["type"] != "Reconciling"]
    assert lua.run(SCRIPT, obj)["status"] == "Degraded"


def test_the_page_has_the_table() -> None:
    assert table() in (ROOT / "docs/gitops.md").read_text()
