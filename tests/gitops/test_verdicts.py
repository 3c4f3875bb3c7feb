"""kstatus, Flux's healthCheckExprs and Argo CD's interpreter, each by its real library. Skipped where Go is missing."""

from __future__ import annotations

import pytest

from . import lua
from .record import VERSION, recorded
from .states import CUSTOMIZATION, STATES

#: Building for the first time takes some minutes.
pytestmark = pytest.mark.timeout(900)
HEALTH = (CUSTOMIZATION / "health.lua").read_text()
DISCOVERY = (CUSTOMIZATION / "actions/discovery.lua").read_text()


def test_each_recorded_state_has_the_verdict_that_it_means(tools) -> None:
    said = tools.judge([recorded(state.name) for state in STATES])
    assert {state.name: (answer.kstatus, answer.flux) for state, answer in zip(STATES, said, strict=True)} == {
        state.name: (state.kstatus, state.flux) for state in STATES
    }


def test_current_means_served_and_failed_means_that_somebody_is_needed(tools, moments) -> None:
    for moment, answer in zip(moments, tools.judge([moment.obj for moment in moments]), strict=True):
        stopped = moment.obj["spec"].get("suspend")
        for verdict in (answer.kstatus, answer.flux):
            assert verdict in {"InProgress", "Current", "Failed", "Terminating"}, answer
            assert moment.works or verdict != "Current", moment.obj
            assert moment.trouble or stopped or verdict != "Failed", moment.obj


def test_argo_cds_interpreter_gives_what_ours_gives(tools, moments) -> None:
    for moment, answer in zip(moments, tools.judge([moment.obj for moment in moments], HEALTH, DISCOVERY), strict=True):
        assert [result.get("value") for result in answer.lua] == [
            lua.run(script, moment.obj) for script in (HEALTH, DISCOVERY)
        ]


@pytest.mark.parametrize("action", ["approve", "reconcile", "suspend", "resume"])
def test_actions_in_argo_cds_interpreter(tools, action: str) -> None:
    script = (CUSTOMIZATION / f"actions/{action}/action.lua").read_text()
    for state, answer in zip(STATES, tools.judge([recorded(s.name) for s in STATES], script), strict=True):
        [result] = answer.lua
        assert ("value" in result) == (action in state.actions), (state.name, result)
        if action == "reconcile" and "value" in result:
            asked = result["value"]["metadata"]["annotations"]["missyou.app/reconcile"]
            assert asked == f"Argo CD, at resourceVersion {VERSION}"
