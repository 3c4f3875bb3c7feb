"""`spec.suspend` in each phase of a life: `Ready` keeps its value, and says that nothing happens and what waits."""

from __future__ import annotations

from typing import Any

from tests.sim.app import App
from tests.sim.aws import Aws

_RESUME = """kubectl patch missyouapp {} -n default --type merge -p '{{"spec":{{"suspend":false}}}}'"""


def ready(app: App) -> dict[str, Any]:
    return dict(app.condition("Ready"))


def suspend(app: App, **spec: Any) -> dict[str, Any]:
    """Suspend, run two passes, the second of which must find nothing to write, and return `Ready`."""
    app.edit(suspend=True, **spec)
    [event] = [event for event in app.one_pass().events if event.reason == "Suspended"]
    first = dict(app.body["status"])
    assert not app.one_pass().events
    assert app.body["status"] == first
    assert app.reason("Ready") == "Suspended"
    assert ready(app)["message"] in event.message
    assert _RESUME.format(app.name) in ready(app)["message"]
    for type_ in ("Reconciling", "Stalled"):
        assert not app.condition(type_)["status"]
    return ready(app)


def test_while_it_is_created(aws: Aws) -> None:
    app = App(aws, "halfway", environment="Development")
    app.until(lambda _: app.reason("NetworkReady") == "Available", "being created")
    before = f"{app.reason('Ready')}: {ready(app)['message']}"
    now = suspend(app)
    assert now["status"] == "False"
    assert "changes of the spec wait" in now["message"]
    assert now["message"].endswith(f". Before that: {before}")
    app.edit(suspend=False)
    app.grow()
    assert app.reason("Ready") == "Available"


def test_before_anything_was_created(aws: Aws) -> None:
    app = App(aws, "unborn", environment="Development")
    now = suspend(app)
    assert now["status"] == "False"
    assert "the creation waits" in now["message"]
    assert "Before that" not in now["message"]


def test_while_it_is_deleted(aws: Aws) -> None:
    app = App(aws, "leaving", environment="Development")
    app.grow()
    assert not app.deletion_pass().done
    app.body["spec"]["suspend"] = True
    app.body["metadata"]["deletionTimestamp"] = "2027-01-01T00:00:00Z"
    calls = app.calls(app.deletion_pass)
    assert calls == {}
    assert app.reason("Ready") == "Suspended"
    assert "the deletion waits" in ready(app)["message"]
    assert "Before that: Deleting" in ready(app)["message"]
    app.body["spec"]["suspend"] = False
    app.delete()


def test_a_change_that_waits_is_not_said_to_be_in_sync(aws: Aws) -> None:
    app = App(aws, "waiting", environment="Development")
    app.grow()
    app.until(lambda _: app.condition("InSync")["status"] == "True", "in sync")
    before = app.condition("InSync")
    assert suspend(app, monitoring={"logRetentionDays": 14})["status"] == "True"
    # What was observed is told of the generation that it was observed for.
    assert app.condition("InSync") == before
    assert before["observedGeneration"] < app.body["status"]["observedGeneration"]
