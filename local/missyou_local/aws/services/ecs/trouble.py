"""How tasks that are only records fail, as a test says: they do not start, or they end by themselves.

With a data plane, tasks are processes, and fail as processes do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call


@dataclass(frozen=True, slots=True)
class Trouble:
    """What befalls tasks that start from now on.

    `fail`: the stoppedReason with which they do not start, as the ECS developer guide has it ("Stopped tasks error
    messages"). `exit`: the code with which their container ends at once, `reason` what its row says then
    ("OutOfMemoryError: Container killed due to memory usage"), and `log` the lines that it has logged.
    """

    fail: str = ""
    exit: int | None = None
    reason: str = ""
    log: Sequence[str] = ()


_NONE = Trouble()
_now = [_NONE]


def _calm() -> None:
    _now[0] = _NONE


backends.on_reset(_calm)


def befall(told: Mapping[str, Any]) -> None:
    """Have tasks fail like that from now on; an empty mapping ends it. Raises ValueError for an unknown key."""
    known = {each.name for each in fields(Trouble)}
    if unknown := sorted(set(told) - known):
        raise ValueError(f"unknown key {unknown[0]!r} of tasks; the keys are {', '.join(sorted(known))}")
    _now[0] = Trouble(**told)


def at_present() -> Trouble:
    """Return what befalls tasks that start now."""
    return _now[0]


def write_log(call: Call, container: Mapping[str, Any], task_id: str) -> None:
    """Log what a container says before it ends, as the awslogs driver does."""
    configuration = container.get("logConfiguration") or {}
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs" or not at_present().log:
        return
    logs = backends.backend("logs", call.account, options.get("awslogs-region", call.region))
    group, stream = (
        options["awslogs-group"],
        f"{options.get('awslogs-stream-prefix', 'ecs')}/{container['name']}/{task_id}",
    )
    if group in logs.groups:
        events = [{"timestamp": int(call.now * 1000), "message": line} for line in at_present().log]
        logs.ensure_log_stream(group, stream)
        logs.groups[group].put_log_events(stream, events)
