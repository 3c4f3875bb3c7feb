"""The control endpoint `/_control`, with which a test or a demo steers and inspects the test AWS.

GET  /_control         counts, errors, mutations, faults (`rules`), seed, lag, timing, clock
GET  /_control/ledger  the calls so far, of `?operation=ec2:Create*`, of `?caller=AKIA*`, after number `?since=41`
GET  /_control/mail    what SNS would have sent by e-mail, with the tokens of confirmations
POST /_control         any of {"rules": [...], "seed": 1, "lag": {...}, "timing": {...}, "clock": {...},
                       "unanswered": [...], "tasks": {...}, "keep": 60, "rates": true,
                       "reset_counts": true}; answers as GET does
POST /_control/reset   wipes all accounts and regions, faults, lag and counts; keeps the timing

docs/test-aws.md explains each with examples.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from missyou_local.aws import backends
from missyou_local.aws.clock import Clock
from missyou_local.aws.faults.drawing import Faults
from missyou_local.aws.faults.fault import Fault
from missyou_local.aws.kept import Kept
from missyou_local.aws.lag import Lag
from missyou_local.aws.ledger import Ledger
from missyou_local.aws.rates import Rates
from missyou_local.aws.services.ecs import trouble as ecs_trouble
from missyou_local.aws.services.elbv2 import reach as elbv2_reach
from missyou_local.aws.services.sns import mail as sns_mail
from missyou_local.aws.timing import Timing
from missyou_local.aws.wire import Response

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane

PREFIX = "/_control"
_KEYS = ("rules", "seed", "lag", "timing", "clock", "unanswered", "tasks", "keep", "rates", "reset_counts")


class Control:
    """Faults, lag, clock, ledger and timing of one server, and their endpoint."""

    def __init__(
        self,
        timing: Timing,
        ledger: Ledger,
        clock: Callable[[], float] | None = None,
        plane: DataPlane | None = None,
    ) -> None:
        self.timing = timing
        self.clock = clock or Clock()
        self.ledger = ledger
        self.plane = plane
        self.faults = Faults(self.clock)
        self.lag = Lag()
        self.rates = Rates(self.clock)
        self.kept = Kept()

    def answer(self, method: str, path: str, body: bytes, query: str = "") -> Response:
        """Answer a request to a path that starts with PREFIX."""
        try:
            match method, path.removeprefix(PREFIX).rstrip("/"):
                case "GET", "/ledger":
                    return _json(200, self._entries(dict(parse_qsl(query))))
                case "GET", "/mail":
                    return _json(200, sns_mail.all_mails())
                case "GET", "":
                    pass
                case "POST", "":
                    self._change(json.loads(body or b"{}"))
                case "POST", "/reset":
                    self.reset()
                case _:
                    known = f"{PREFIX}, {PREFIX}/ledger, {PREFIX}/mail"
                    return _json(404, {"error": f"no {method} {path}; see GET {known}"})
            return _json(200, self._show())
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def reset(self) -> None:
        """Wipe every account and region, what runs for them, the faults and the counts."""
        # Not while a request or the heartbeat is between two of its steps.
        with backends.LOCK:
            if self.plane is not None:
                self.plane.clear()
            backends.reset()
            self.kept.clear()
            self.faults.replace([])
            self.lag.update({})
            self.rates.on = False
            self.ledger.clear()

    def _show(self) -> dict[str, Any]:
        clock = {"now": self.clock(), **({"speed": self.clock.speed} if isinstance(self.clock, Clock) else {})}
        return {
            **self.ledger.summary(),
            "rules": self.faults.as_json(),
            "seed": self.faults.seed,
            "lag": self.lag.seconds,
            "rates": self.rates.on,
            "timing": dataclasses.asdict(self.timing),
            "clock": clock,
        }

    def _entries(self, query: dict[str, str]) -> list[dict[str, Any]]:
        if unknown := sorted(set(query) - {"operation", "caller", "since"}):
            raise ValueError(f"unknown query {unknown[0]!r}; there are operation, caller, since")
        return self.ledger.entries(query.get("operation", "*"), query.get("caller", "*"), int(query.get("since", 0)))

    def _change(self, changes: dict[str, Any]) -> None:
        if unknown := sorted(set(changes) - set(_KEYS)):
            raise ValueError(f"unknown key {unknown[0]!r}; the keys are {', '.join(_KEYS)}")
        faults = [Fault.parse(fault) for fault in changes.get("rules", [])]
        seed = int(changes.get("seed", self.faults.seed))
        self.timing.update(changes.get("timing", {}))
        self._turn(changes.get("clock", {}))
        if "lag" in changes:
            self.lag.update(changes["lag"])
        if "rules" in changes or "seed" in changes:
            self.faults.replace(faults if "rules" in changes else self.faults.in_force, seed)
        if "unanswered" in changes:
            elbv2_reach.leave_unanswered(changes["unanswered"])
        if "tasks" in changes:
            ecs_trouble.befall(changes["tasks"])
        self.rates.on = bool(changes.get("rates", self.rates.on))
        # Whatever else was asked for may have changed what is answered.
        self.kept.clear()
        if "keep" in changes:
            self.kept.after = float(changes["keep"])
        if changes.get("reset_counts"):
            self.ledger.clear()

    def _turn(self, changes: dict[str, Any]) -> None:
        if not changes:
            return
        if unknown := sorted(set(changes) - {"speed", "advance"}):
            raise ValueError(f"unknown clock key {unknown[0]!r}; the keys are speed, advance")
        if not isinstance(self.clock, Clock):
            message = "this server goes by a clock of its caller's, which only the caller can turn"
            raise ValueError(message)  # noqa: TRY004 - what is asked for is wrong, not a type
        if "speed" in changes:
            self.clock.run(changes["speed"])
        self.clock.advance(changes.get("advance", 0))


def _json(status: int, data: Any) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(data).encode())
