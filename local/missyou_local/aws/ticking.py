"""The heartbeat of a test AWS with a data plane. Without it, states advance only when somebody asks."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result
from missyou_local.aws.control import Control
from missyou_local.aws.services.ecs import agent as ecs_agent
from missyou_local.aws.services.ecs import services as ecs_services
from missyou_local.aws.services.elbv2 import load_balancers as loadbalancer
from missyou_local.aws.services.elbv2 import traffic as balancing
from missyou_local.aws.services.rds import instances as rds
from missyou_local.aws.services.rds.model import DATABASES
from missyou_local.aws.wire import Response

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane

METADATA = "/_task"
_PERIOD = 0.1  # seconds
_log = logging.getLogger(__name__)


class Heartbeat:
    """A thread that advances databases, tasks and load balancers until `stop`."""

    def __init__(self, control: Control, plane: DataPlane) -> None:
        self._control = control
        self._plane = plane
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_PERIOD):
            try:
                with backends.LOCK:
                    self._beat()
            except Exception:  # one failure must not end the thread: the next beat may succeed
                _log.exception("a heartbeat of the test AWS failed")

    def _beat(self) -> None:
        calls = [self._call(*place) for place in sorted(_places())]
        for call in calls:
            rds.advance(call)
            ecs_services.advance(call)
        self._plane.balancers.apply(
            [listener for call in calls for listener in balancing.listeners(call)],
            [group for call in calls for group in balancing.groups(call, self._plane)],
        )

    def _call(self, account: str, region: str) -> Call:
        control = self._control
        now = control.clock()
        return Call("", "", account, region, {}, control.timing, now, _asks_nothing, self._plane)


def _asks_nothing(operation: str, _params: object) -> Result:
    raise NotImplementedError(f"a heartbeat does not call {operation}")


def _places() -> set[tuple[str, str]]:
    regional = (ecs_services.SERVICES, loadbalancer.BALANCING, DATABASES)
    return {place for states in regional for place in states.places()}


def metadata(path: str) -> Response:
    """Answer a task's request: `/_task/<id>` and `/_task/<id>/task` for its metadata, `/_task/<id>/credentials`."""
    task_id, _, what = path.removeprefix(METADATA).strip("/").partition("/")
    with backends.LOCK:
        for services in ecs_services.SERVICES.states():
            for service in services.values():
                for task in service.tasks:
                    if task.id == task_id and what == "credentials":
                        return _json(200, ecs_agent.credentials(task, task.arn.split(":")[3]))
                    if task.id == task_id:
                        return _json(200, ecs_agent.metadata(task))
    return _json(404, {"error": f"there is no task {task_id}"})


def _json(status: int, data: object) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(data).encode())
