"""How results become conditions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from missyou_operator.controller.conditions import Verdict, component_verdicts, overall_verdicts, stamp
from missyou_operator.controller.events import Event, transitions
from missyou_operator.engine.outcome import Result
from missyou_operator.engine.resource import READY, Health, failed, pending


def result(name: str, component: str, health: Health = READY) -> Result:
    return Result(f"toy.Thing/{name}", component, health)


def summed_up(*results: Result, busy: bool = False) -> dict[str, Verdict]:
    components = component_verdicts(results, {})
    return {v.type: v for v in [*overall_verdicts(results, components, busy=busy), *components]}


def test_ready_only_when_everything_is():
    assert summed_up(result("a", "Network"), result("b", "Service"))["Ready"].status == "True"
    found = summed_up(result("a", "Network"), result("b", "Service", pending("Starting", "1 of 2 tasks run")))
    assert found["Ready"].status == "False"
    assert found["ServiceReady"].reason == "Starting"
    assert found["NetworkReady"].status == "True"


def test_not_ready_comes_with_reconciling_or_stalled_and_never_with_both():
    moving = summed_up(result("a", "Network", pending("Creating", "takes time")))
    stuck = summed_up(result("a", "Network", failed("QuotaExceeded", "ask for more")))
    assert ("Reconciling" in moving, "Stalled" in moving) == (True, False)
    assert ("Reconciling" in stuck, "Stalled" in stuck) == (False, True)
    assert "ask for more" in stuck["Stalled"].message


def test_changes_under_way_are_not_ready():
    found = summed_up(result("a", "Network"), busy=True)
    assert (found["Ready"].status, found["Reconciling"].status) == ("False", "True")


def test_what_is_on_its_way_out_does_not_take_ready_away():
    leaving = replace(result("nat-b", "Network", pending("Deleting", "takes a minute")), surplus=True)
    found = summed_up(result("nat-a", "Network"), leaving)
    assert (found["Ready"].status, found["Reconciling"].status) == ("True", "True")
    assert found["NetworkReady"].status == "True"
    stuck = replace(leaving, health=failed("ApprovalRequired", "approve it"))
    assert summed_up(stuck)["Stalled"].reason == "ApprovalRequired"


def test_the_telling_reason_wins():
    waiting = Health("pending", "WaitingForDatabase", "service waits", waits_for="rds.DBInstance/x")
    found = summed_up(
        result("service", "Service", waiting),
        result("image", "Service", pending("ImageNotFound", "push it")),
    )
    assert found["ServiceReady"].reason == "ImageNotFound"


def test_a_throttled_call_is_not_stalled():
    assert "Stalled" not in summed_up(result("a", "Network", failed("Throttled", "later", stalled=False)))


def test_the_time_of_a_transition_moves_with_the_status_only():
    first, second, third = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))
    before = stamp([Verdict("Ready", "False", "Creating")], (), 1, first)
    same = stamp([Verdict("Ready", "False", "Starting")], before, 2, second)
    turned = stamp([Verdict("Ready", "True", "Available")], same, 2, third)
    assert (same[0].last_transition_time, same[0].observed_generation) == (first, 2)
    assert turned[0].last_transition_time == third
    assert transitions(before, same) == [Event("Normal", "Starting", "Ready is False: Starting")]
    assert transitions(same, same) == []
