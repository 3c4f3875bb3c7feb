"""Faults as plain values: what happens to matching calls beside, or instead of, being answered."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from missyou_local.aws.errors import AwsError
from missyou_local.aws.ledger import mutates

When = Literal["before", "after"]
_CHANCES = ("throttle", "broken", "reset", "lost", "hang")
_SWITCHES = ("down", "expired", "deny", "ignored")
_KEYS = {"match", "caller", "changes", "skip", "times", "seconds", "latency", "fail", "kill", *_CHANCES, *_SWITCHES}


@dataclass(frozen=True, slots=True)
class Kill:
    """End the process `pid` by SIGKILL, before a call is carried out or after it took effect, unanswered."""

    pid: int
    when: When


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to calls whose name (`ec2:CreateVpc`) and access key fit the shell patterns `match` and `caller`.

    changes: only calls that may change something. skip: how many of them are spared first. times: how many meet the
    fault after that; None means all. seconds: on the clock, until the fault ends.
    latency: added real seconds, drawn from (low, high). chances: probability of each kind; a call meets one at most.
    always: the kind that every call meets. fail: the error to answer. kill: see `Kill`.
    """

    match: str
    caller: str = "*"
    changes: bool = False
    skip: int = 0
    times: int | None = None
    seconds: float | None = None
    latency: tuple[float, float] = (0.0, 0.0)
    chances: Mapping[str, float] = field(default_factory=dict)
    always: str = ""
    fail: AwsError | None = None
    kill: Kill | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Fault:
        """Read a fault from JSON. Error: ValueError, which names what is wrong."""
        if unknown := sorted(set(data) - _KEYS):
            raise ValueError(f"unknown fault key {unknown[0]!r}; the keys are {', '.join(sorted(_KEYS))}")
        if "match" not in data:
            raise ValueError("a fault needs 'match', a shell pattern over names like 'ec2:CreateVpc'")
        latency = data.get("latency", 0)
        low, high = latency if isinstance(latency, list) else (latency, latency)
        times, seconds = data.get("times"), data.get("seconds")
        return cls(
            str(data["match"]),
            str(data.get("caller", "*")),
            bool(data.get("changes", False)),
            int(data.get("skip", 0)),
            None if times is None else int(times),
            None if seconds is None else float(seconds),
            (float(low), float(high)),
            _chances(data),
            next((name for name in _SWITCHES if data.get(name)), ""),
            _failure(data.get("fail")),
            _kill(data.get("kill")),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the fault as `parse` reads it, without defaults."""
        fail = self.fail and {"code": self.fail.code, "status": self.fail.status, "message": self.fail.message}
        shown = {
            "match": self.match,
            "caller": None if self.caller == "*" else self.caller,
            "changes": self.changes,
            "skip": self.skip,
            "times": self.times,
            "seconds": self.seconds,
            "latency": list(self.latency) if any(self.latency) else None,
            **self.chances,
            **({self.always: True} if self.always else {}),
            "fail": fail,
            "kill": self.kill and {"pid": self.kill.pid, "when": self.kill.when},
        }
        return {key: value for key, value in shown.items() if value is not None and value not in (False, 0)}

    def concerns(self, name: str, caller: str) -> bool:
        """Return whether such a call meets the fault."""
        return (
            fnmatch.fnmatchcase(name, self.match)
            and fnmatch.fnmatchcase(caller, self.caller)
            and (not self.changes or mutates(name))
        )


def _chances(data: Mapping[str, Any]) -> dict[str, float]:
    chances = {name: float(data[name]) for name in _CHANCES if data.get(name)}
    if any(not 0 <= chance <= 1 for chance in chances.values()) or sum(chances.values()) > 1:
        raise ValueError(f"{', '.join(chances)}: probabilities, from 0 to 1 together")
    return chances


def _failure(data: Mapping[str, Any] | None) -> AwsError | None:
    if data is None:
        return None
    if "code" not in data:
        raise ValueError("'fail' needs 'code', an AWS error code; 'status' (400) and 'message' are optional")
    return AwsError(data["code"], data.get("message", "an injected fault"), int(data.get("status", 400)))


def _kill(data: Mapping[str, Any] | None) -> Kill | None:
    if data is None:
        return None
    if not isinstance(data.get("pid"), int) or data["pid"] <= 1 or data.get("when") not in ("before", "after"):
        raise ValueError("'kill' needs 'pid', a process's number, and 'when', which is 'before' or 'after'")
    return Kill(data["pid"], data["when"])
