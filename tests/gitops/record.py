"""`python -m tests.gitops.record`: live the life, and write the files of Argo CD's test runner.

The objects are what the operator gave, the verdicts are those of `states.py`, the messages those of the script.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.sim.world import simulated

from . import lua
from .life import TIMING, Moment
from .states import CUSTOMIZATION, STATES
from .story import live

_LONGEST_PLAN = 2
_ICONS = {"approve": "check", "reconcile": "sync", "suspend": "pause-circle", "resume": "play-circle"}
#: Action, state, and the file of the outcome.
_OUTCOMES = (
    ("approve", "waiting-for-approval", "approved"),
    ("reconcile", "ready", "reconciled"),
    ("suspend", "ready", "suspended"),
    ("resume", "suspended", "resumed"),
)
#: Action, state, and the error.
_REFUSALS = (
    ("approve", "ready", "no plan waits for approval"),
    (
        "approve",
        "stale-generation",
        "the operator has not reconciled this spec yet: approve the plan that it then shows",
    ),
    ("approve", "suspended", "the app is suspended: resume it first"),
    ("approve", "deleting", "the app is being deleted: there is nothing to approve"),
    ("reconcile", "suspended", "the app is suspended: resume it first"),
    ("reconcile", "deleting", "the app is being deleted: the operator reconciles all the time"),
    ("suspend", "suspended", "the app is suspended already"),
    ("resume", "ready", "the app is not suspended"),
)
#: What the API server would have given a recorded object.
VERSION = "12345"


def named(moments: Sequence[Moment]) -> dict[str, dict[str, Any]]:
    """Give the objects of the states, without what makes them long and no script reads."""
    found = {moment.name: copy.deepcopy(moment.obj) for moment in moments if moment.name}
    for obj in found.values():
        obj["metadata"]["resourceVersion"] = VERSION
        obj["status"].pop("resources", None)
        if plan := obj["status"].get("plan"):
            plan["changes"] = plan["changes"][:_LONGEST_PLAN]
    return found


def recorded(name: str) -> dict[str, Any]:
    """Read the recording of a state."""
    obj: dict[str, Any] = yaml.safe_load((CUSTOMIZATION / "testdata" / f"{name}.yaml").read_text())
    return obj


def conditions(obj: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Give what tools judge by: types, statuses and reasons.

    What merely waits for something else names whichever that is at the moment: threads decide.
    """
    waiting = ("WaitingFor", "Propagating", "Creating")
    return [
        (each["type"], each["status"], "Waiting" if each["reason"].startswith(waiting) else each["reason"])
        for each in obj["status"].get("conditions", ())
    ]


def write(objects: Mapping[str, dict[str, Any]]) -> None:
    """Write all files."""
    for name, obj in objects.items():
        note = f"Recorded by tests/gitops/record.py. Left out: resources, all but {_LONGEST_PLAN} changes of the plan."
        _write(CUSTOMIZATION / "testdata" / f"{name}.yaml", obj, note)
    script = (CUSTOMIZATION / "health.lua").read_text()
    tests = [
        {
            "healthStatus": {"status": state.argo, "message": lua.run(script, objects[state.name])["message"]},
            "inputPath": f"testdata/{state.name}.yaml",
        }
        for state in STATES
    ]
    _write(CUSTOMIZATION / "health_test.yaml", {"tests": tests})
    _write_actions(objects)


def _write_actions(objects: Mapping[str, dict[str, Any]]) -> None:
    folder = CUSTOMIZATION / "actions"
    discovery = [
        {
            "inputPath": f"../testdata/{state.name}.yaml",
            "result": [
                {"name": name, "disabled": name not in state.actions, "iconClass": f"fa fa-fw fa-{icon}"}
                for name, icon in _ICONS.items()
            ],
        }
        for state in STATES
    ]
    actions = [
        {"action": action, "inputPath": f"../testdata/{name}.yaml", "expectedOutputPath": f"testdata/{result}.yaml"}
        for action, name, result in _OUTCOMES
    ]
    actions += [
        {"action": action, "inputPath": f"../testdata/{name}.yaml", "expectedErrorMessage": message}
        for action, name, message in _REFUSALS
    ]
    _write(folder / "action_test.yaml", {"discoveryTests": discovery, "actionTests": actions})
    for action, name, result in _OUTCOMES:
        _write(folder / "testdata" / f"{result}.yaml", _after(action, objects[name]))


def _after(action: str, obj: dict[str, Any]) -> dict[str, Any]:
    after = copy.deepcopy(obj)
    if action in {"suspend", "resume"}:
        after["spec"]["suspend"] = action == "suspend"
    else:
        value = obj["status"]["plan"]["id"] if action == "approve" else f"Argo CD, at resourceVersion {VERSION}"
        after["metadata"]["annotations"][f"missyou.app/{action}"] = value
    return after


def _write(path: Path, content: Any, note: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)
    path.write_text(f"# {note}\n{text}" if note else text)


if __name__ == "__main__":
    with simulated(TIMING) as aws:
        write(named(live(aws)))
