"""Argo CD's resource actions: as its own test runner checks them, and as the operator obeys them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from lupa import lua51

from missyou_local.aws import Timing
from tests.sim.app import App
from tests.sim.world import simulated

from . import lua
from .record import recorded
from .states import CUSTOMIZATION, STATES, State

FOLDER = CUSTOMIZATION / "actions"
TESTS = yaml.safe_load((FOLDER / "action_test.yaml").read_text())
ACTIONS = ("approve", "reconcile", "suspend", "resume")


def load(path: str) -> dict[str, Any]:
    obj: dict[str, Any] = yaml.safe_load((FOLDER / path).read_text())
    return obj


def act(action: str, obj: dict[str, Any]) -> dict[str, Any]:
    after: dict[str, Any] = lua.restored(lua.run((FOLDER / action / "action.lua").read_text(), obj), obj)
    return after


def discovered(obj: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = lua.run((FOLDER / "discovery.lua").read_text(), obj)
    return found


@pytest.mark.parametrize("test", TESTS["discoveryTests"], ids=lambda test: test["inputPath"])
def test_discovery(test: dict[str, Any]) -> None:
    found = discovered(load(test["inputPath"]))
    assert {row["name"]: {k: v for k, v in row.items() if k != "name"} for row in test["result"]} == found


@pytest.mark.parametrize("test", TESTS["actionTests"], ids=lambda test: f"{test['action']}-{test['inputPath']}")
def test_action(test: dict[str, Any]) -> None:
    obj = load(test["inputPath"])
    if "expectedErrorMessage" in test:
        with pytest.raises(lua51.LuaError) as refused:
            act(test["action"], obj)
        assert str(refused.value) == test["expectedErrorMessage"]
        return
    # Exactly, as Argo CD's runner compares: it allows for dates only in kinds that it knows.
    assert act(test["action"], obj) == load(test["expectedOutputPath"])


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_what_is_disabled_is_also_refused_and_the_rest_is_not(state: State) -> None:
    obj = recorded(state.name)
    offered = discovered(obj)
    assert {name for name in ACTIONS if not offered[name]["disabled"]} == state.actions
    for name in ACTIONS:
        if name in state.actions:
            assert act(name, recorded(state.name)) != obj
        else:
            with pytest.raises(lua51.LuaError):
                act(name, recorded(state.name))


def test_an_approved_plan_is_not_offered_again() -> None:
    obj = act("approve", recorded("waiting-for-approval"))
    assert discovered(obj)["approve"]["disabled"]
    with pytest.raises(lua51.LuaError, match="approved already"):
        act("approve", obj)


def test_an_approval_covers_only_the_plan_of_this_spec() -> None:
    obj = recorded("waiting-for-approval")
    obj["metadata"]["generation"] += 1
    assert discovered(obj)["approve"]["disabled"]


def test_asking_twice_is_something_new_each_time() -> None:
    once = act("reconcile", recorded("ready"))
    # Storing the first gives the object a new version.
    stored = {**once, "metadata": {**once["metadata"], "resourceVersion": "12346"}}
    twice = act("reconcile", stored)
    assert once["metadata"]["annotations"] != twice["metadata"]["annotations"]


def test_an_object_without_annotations_gets_some() -> None:
    obj = recorded("ready")
    obj["metadata"].pop("annotations")
    assert "missyou.app/reconcile" in act("reconcile", obj)["metadata"]["annotations"]


@pytest.mark.timeout(600)
def test_the_operator_does_what_the_actions_ask() -> None:
    with simulated(Timing()) as aws:
        app = App(aws, "acted", environment="Development", database={"storageGiB": 40})
        app.grow()

        def database() -> str:
            [found] = app.client("rds").describe_db_instances(DBInstanceIdentifier="acted-db")["DBInstances"]
            return str(found["DbiResourceId"])

        first = database()
        app.edit(database={"storageGiB": 20})
        app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
        app.body = act("approve", app.body)
        app.grow()
        assert database() != first
        app.body["metadata"]["resourceVersion"] = "12345"
        app.body = act("reconcile", app.body)
        app.one_pass()
        asked = app.body["metadata"]["annotations"]["missyou.app/reconcile"]
        assert app.body["status"]["lastHandledReconcileAt"] == asked
