"""The control endpoint `/_control`: what a test or a demo tells the test AWS, and asks it, beside AWS's own API.

GET  /_control         {"counts": {"ec2:CreateVpc": 1}, "mutations": 1, "rules": [...], "timing": {...}}
GET  /_control/ledger  [{"time", "operation", "region", "account", "status", "error", "duration", "parameters"}]
POST /_control         any of {"rules": [...], "timing": {...}, "reset_counts": true}; answers as GET does
POST /_control/reset   wipes all accounts and regions, rules and counts; keeps the timing
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from missyou_local.aws import backends
from missyou_local.aws.ledger import Ledger
from missyou_local.aws.rules import Rule, Rules
from missyou_local.aws.timing import Timing
from missyou_local.aws.wire import Response

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane

PREFIX = "/_control"


class Control:
    """Rules, ledger and timing of one server, and their endpoint."""

    def __init__(
        self,
        timing: Timing,
        ledger: Ledger,
        clock: Callable[[], float] = time.time,
        plane: DataPlane | None = None,
    ) -> None:
        self.timing = timing
        self.clock = clock
        self.ledger = ledger
        self.plane = plane
        self.rules = Rules()

    def answer(self, method: str, path: str, body: bytes) -> Response:
        """Answer a request to a path that starts with PREFIX."""
        try:
            match method, path.removeprefix(PREFIX).rstrip("/"):
                case "GET", "":
                    return _json(200, self._show())
                case "GET", "/ledger":
                    return _json(200, self.ledger.entries())
                case "POST", "":
                    self._change(json.loads(body or b"{}"))
                    return _json(200, self._show())
                case "POST", "/reset":
                    self.reset()
                    return _json(200, self._show())
                case _:
                    return _json(404, {"error": f"no {method} {path}; see GET {PREFIX}, GET {PREFIX}/ledger"})
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def reset(self) -> None:
        """Wipe every account and region, what runs for them, the rules and the counts."""
        if self.plane is not None:
            self.plane.clear()
        backends.reset()
        self.rules.replace([])
        self.ledger.clear()

    def _show(self) -> dict[str, Any]:
        return {**self.ledger.summary(), "rules": self.rules.as_json(), "timing": dataclasses.asdict(self.timing)}

    def _change(self, wanted: dict[str, Any]) -> None:
        if unknown := sorted(set(wanted) - {"rules", "timing", "reset_counts"}):
            raise ValueError(f"unknown key {unknown[0]!r}; the keys are rules, timing, reset_counts")
        rules = [Rule.parse(rule) for rule in wanted.get("rules", [])]
        self.timing.update(wanted.get("timing", {}))
        if "rules" in wanted:
            self.rules.replace(rules)
        if wanted.get("reset_counts"):
            self.ledger.clear()


def _json(status: int, data: Any) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(data).encode())
