"""Values of `service.env` are shown to nobody who may read the MissYouApp: neither ours nor a stranger's.

Whoever has `view` reads the status and the Events; whoever reads the operator's log reads that. Each test searches all
three, as they were after every pass, for values that nobody else has.
"""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from missyou_operator.controller.logs import Json
from tests.sim.app import App

NAME = "quiet"
#: Values that must not be seen, in the order in which they come up.
FIRST, SECOND, STRANGERS = "canary-one-4711", "canary two/4711", "canary-of-a-stranger"


class Watched(App):
    """An app with everything that people see of it, kept from its beginning."""

    def __init__(self, *args: Any, **spec: Any) -> None:
        super().__init__(*args, **spec)
        self.log = io.StringIO()
        self.seen: list[str] = []

    def one_pass(self):
        report = super().one_pass()
        self.seen.append(json.dumps([report.status, [event.message for event in report.events], report.drift]))
        return report

    def shows(self, value: str) -> list[str]:
        """Return what shows a value: excerpts around it."""
        texts = [*self.seen, self.log.getvalue(), json.dumps(self.body["metadata"])]
        found = [(text, text.find(form)) for text in texts for form in {value, json.dumps(value)[1:-1]}]
        return [text[max(0, at - 120) : at + 40] for text, at in found if at >= 0]


@pytest.fixture(scope="module")
def app(aws) -> Iterator[Watched]:
    app = Watched(aws, NAME, environment="Development", service={"env": {"TOKEN": FIRST, "MODE": "plain"}})
    handler = logging.StreamHandler(app.log)
    handler.setFormatter(Json("%(levelname)s %(name)s %(message)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    app.settle()
    yield app
    root.removeHandler(handler)
    root.setLevel(level)


def refuse(app: Watched, message: str) -> None:
    """Let ECS refuse the next revisions, and quote what it was sent."""
    error = {"code": "ClientException", "message": message, "status": 400}
    app.aws.faults({"match": "ecs:RegisterTaskDefinition", "caller": "operator", "fail": error})


def revision(app: Watched) -> dict[str, Any]:
    answer = app.client("ecs").describe_task_definition(taskDefinition=NAME, include=["TAGS"])
    return {**answer["taskDefinition"], "tags": answer["tags"]}


def environment(app: Watched) -> dict[str, str]:
    [container] = revision(app)["containerDefinitions"]
    return {pair["name"]: pair["value"] for pair in container["environment"]}


def test_a_refusal_that_quotes_the_value_shows_stars_and_the_plan_names_the_variable(app: Watched) -> None:
    refuse(app, f"Invalid value '{SECOND}' for environment variable TOKEN, was {json.dumps(SECOND)}.")
    app.edit(service={"env": {"TOKEN": SECOND, "ADDED": "canary-added"}})
    app.until(lambda _: app.condition("ServiceReady")["status"] == "False", "refused")
    assert "Invalid value '********'" in app.condition("ServiceReady")["message"]
    changes = app.body["status"]["plan"]["changes"]
    [fields] = [each["fields"] for each in changes if each["resource"] == f"ecs.TaskDefinition/{NAME}"]
    assert fields == ["environment: MODE=********, TOKEN=******** -> ADDED=********, TOKEN=********"]
    app.aws.calm()
    app.settle()
    assert environment(app)["TOKEN"] == SECOND
    for value in (FIRST, SECOND, "canary-added"):
        assert app.shows(value) == []


def test_what_a_stranger_wrote_into_the_environment_is_drift_without_its_value(app: Watched) -> None:
    app.edit(driftPolicy="Report")
    app.settle()
    ours = revision(app)
    [container] = ours["containerDefinitions"]
    container["environment"] = [{"name": "TOKEN", "value": STRANGERS}, {"name": "THEIRS", "value": STRANGERS}]
    kept = ("family", "cpu", "memory", "networkMode", "executionRoleArn", "taskRoleArn", "requiresCompatibilities")
    app.client("ecs").register_task_definition(
        containerDefinitions=[container], tags=ours["tags"], **{name: ours[name] for name in kept}
    )
    app.observe_now()
    [entry] = app.body["status"]["drift"]
    assert entry["resource"] == f"ecs.TaskDefinition/{NAME}"
    [text] = entry["fields"]
    before, _, after = text.removeprefix("environment: ").partition(" -> ")
    assert before == "THEIRS=********, TOKEN=********"
    assert "TOKEN=********" in after
    app.edit(driftPolicy="Correct")
    app.settle()
    assert environment(app)["TOKEN"] == FIRST
    for value in (FIRST, STRANGERS):
        assert app.shows(value) == []


def failing_task(app: Watched) -> str:
    """Roll out a version whose health check nothing answers, and return the ARN of a task of it."""
    ecs = app.client("ecs")
    app.aws.tell(unanswered=["/nope"])
    before = set(ecs.list_tasks(cluster=f"{NAME}-cluster")["taskArns"])
    app.edit(service={"healthCheck": {"path": "/nope"}})

    def new() -> set[str]:
        arns = ecs.list_tasks(cluster=f"{NAME}-cluster")["taskArns"]
        tasks = ecs.describe_tasks(cluster=f"{NAME}-cluster", tasks=arns)["tasks"]
        return {task["taskArn"] for task in tasks if task.get("startedAt")} - before

    app.until(lambda _: bool(new()), "starting tasks")
    return min(new())


def write(app: Watched, *lines: str) -> None:
    """Let every task of the app have written some lines at its end."""
    ecs, logs = app.client("ecs"), app.client("logs")
    for status in ("RUNNING", "STOPPED"):
        for arn in ecs.list_tasks(cluster=f"{NAME}-cluster", desiredStatus=status)["taskArns"]:
            stream = {"logGroupName": f"/ecs/{NAME}", "logStreamName": f"app/app/{arn.rpartition('/')[2]}"}
            if not logs.describe_log_streams(
                logGroupName=stream["logGroupName"], logStreamNamePrefix=stream["logStreamName"]
            )["logStreams"]:
                logs.create_log_stream(**stream)
            # moto refuses what is in the future of the real clock.
            events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines]
            logs.put_log_events(**stream, logEvents=events)


def test_the_quoted_end_of_a_log_is_without_values_and_can_be_switched_off(app: Watched) -> None:
    failing_task(app)

    def failed(_: Any) -> bool:
        write(app, f"cannot log in with {FIRST}", "x" * 190 + FIRST)
        return ") ends: " in app.condition("ServiceReady")["message"]

    app.until(failed, "told")
    message = app.condition("ServiceReady")["message"]
    assert "cannot log in with ********" in message
    # The line is cut where the value begins: not even its beginning is left.
    assert FIRST[:6] not in message
    app.edit(monitoring={"quoteLogs": False})
    app.observe_now()
    message = app.condition("ServiceReady")["message"]
    assert "cannot log in" not in message
    assert f"Its log: aws logs tail /ecs/{NAME} --log-stream-names app/app/" in message
    assert "logs:GetLogEvents" not in app.calls(app.observe_now)
    assert app.shows(FIRST) == []
