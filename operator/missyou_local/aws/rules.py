"""Control rules: latency, throttling, faults and denials injected into matching calls."""

from __future__ import annotations

import fnmatch
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from missyou_local.aws.errors import AwsError
from missyou_local.aws.wire import Request, access_denied, throttled

_KEYS = {"match", "latency", "throttle", "fail", "deny", "times"}


@dataclass(slots=True)
class Rule:
    """What happens to calls whose name (`ec2:CreateVpc`) fits the shell pattern `match`.

    latency: seconds that the call takes longer, drawn from (lo, hi). throttle: probability of the service's throttling
    error. fail: the error to answer. deny: the service's access-denied error; the policy simulator agrees.
    times: how many more calls the rule is for; None means all.
    """

    match: str
    latency: tuple[float, float] = (0.0, 0.0)
    throttle: float = 0.0
    fail: AwsError | None = None
    deny: bool = False
    times: int | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Rule:
        """Read a rule from JSON. Raises ValueError that names what is wrong."""
        if unknown := sorted(set(data) - _KEYS):
            raise ValueError(f"unknown rule key {unknown[0]!r}; the keys are {', '.join(sorted(_KEYS))}")
        if "match" not in data:
            raise ValueError("a rule needs 'match', a shell pattern over names like 'ec2:CreateVpc'")
        latency = data.get("latency", 0)
        low, high = latency if isinstance(latency, list) else (latency, latency)
        fail = data.get("fail")
        error = None
        if fail is not None:
            if "code" not in fail:
                raise ValueError("'fail' needs 'code', an AWS error code; 'status' (400) and 'message' are optional")
            error = AwsError(
                fail["code"], fail.get("message", "injected by a control rule"), int(fail.get("status", 400))
            )
        times = data.get("times")
        return cls(
            str(data["match"]),
            (float(low), float(high)),
            float(data.get("throttle", 0)),
            error,
            bool(data.get("deny", False)),
            None if times is None else int(times),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the rule as `parse` reads it."""
        fail = self.fail and {"code": self.fail.code, "status": self.fail.status, "message": self.fail.message}
        return {
            "match": self.match,
            "latency": list(self.latency),
            "throttle": self.throttle,
            "fail": fail,
            "deny": self.deny,
            "times": self.times,
        }


class Rules:
    """The rules in force, in order; the first error wins, latencies add up. Safe to use from many threads."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._random = random.Random(0)  # noqa: S311  (a repeatable run, not a secret)

    def replace(self, rules: list[Rule]) -> None:
        """Put these in place of all former ones."""
        with self._lock:
            self._rules = rules

    def as_json(self) -> list[dict[str, Any]]:
        """Return the rules as the control endpoint shows them."""
        with self._lock:
            return [rule.as_json() for rule in self._rules]

    def apply(self, request: Request) -> tuple[float, AwsError | None]:
        """Return the seconds that this call shall wait, and the error that it shall get."""
        latency, error = 0.0, None
        with self._lock:
            for rule in self._rules:
                if rule.times == 0 or not fnmatch.fnmatchcase(request.name, rule.match):
                    continue
                if rule.times is not None:
                    rule.times -= 1
                latency += self._random.uniform(*rule.latency)
                error = error or self._error(rule, request)
        return latency, error

    def _error(self, rule: Rule, request: Request) -> AwsError | None:
        if rule.deny:
            return access_denied(request)
        if self._random.random() < rule.throttle:
            return throttled(request)
        return rule.fail

    def denies(self, name: str) -> bool:
        """Tell whether a rule denies the operation."""
        with self._lock:
            return any(r.deny and r.times != 0 and fnmatch.fnmatchcase(name, r.match) for r in self._rules)
