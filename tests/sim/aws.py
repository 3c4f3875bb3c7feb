"""The test AWS of a process, on a clock that only tests turn."""

from __future__ import annotations

import collections
import json
import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.session import get_session

from missyou_local.aws import Timing
from missyou_local.aws.inprocess import InProcess

REGION = "us-east-1"
#: The operator's access key: faults are for its calls, not for those that a test makes as somebody else.
OPERATOR = "operator"
#: What leads the operator's boto3 to this AWS: the address is nobody's, since no request is sent.
ENVIRONMENT = {
    "AWS_ENDPOINT_URL": InProcess.url,
    "AWS_ACCESS_KEY_ID": OPERATOR,
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_LOADER = get_session().get_component("data_loader")


_BEGINNING = 1_800_000_000.0


class Clock:
    """Seconds since the epoch."""

    def __init__(self) -> None:
        self.now = _BEGINNING

    def __call__(self) -> float:
        return self.now

    def wait(self, _event: threading.Event, longest: float) -> None:
        """Let a thread of the operator wait: there is no other that could set the event."""
        self.now += longest


class Aws(InProcess):
    """All accounts and regions. A process has one: moto's models belong to the process."""

    def __init__(self, timing: Timing) -> None:
        self.clock = Clock()
        super().__init__(timing=timing, clock=self.clock)
        #: What has been met so far beside what is in the ledger: calls, faults that struck, and what a test counts.
        self.met: collections.Counter[str] = collections.Counter()
        self._since = 0
        self._clients: dict[tuple[str, ...], Any] = {}

    def __call__(self, request: AWSPreparedRequest, **event: Any) -> AWSResponse:
        """Answer a request. It takes a moment: what was read before a change is older than what is read after it."""
        self.clock.now += 0.001
        return super().__call__(request, **event)

    def client(self, service: str, key: str = "somebody", region: str = REGION, token: str = "") -> Any:
        """Return a client of somebody who is not the operator. Making one is slow: they are kept."""
        name = (service, key, region)
        if name not in self._clients:
            base = get_session()
            base.register_component("data_loader", _LOADER)
            base.register("before-send", self)
            base.set_credentials(key, "secret", token or None)
            session = boto3.Session(botocore_session=base, region_name=region)
            once = Config(retries={"total_max_attempts": 1})
            self._clients[name] = session.client(service, endpoint_url=self.url, config=once)
        return self._clients[name]

    def reset(self) -> None:
        """Begin anew: empty, calm, at the beginning of time. What was met so far still counts."""
        self.met = collections.Counter(self.counted())
        self._since = 0
        self.control.reset()
        self.calm()
        self.clock.now = _BEGINNING

    def begin_to_count(self) -> None:
        """Count from here on."""
        self.met.clear()
        self._since = max((entry["number"] for entry in self.control.ledger.entries()), default=0)

    def counted(self) -> dict[str, int]:
        """Return what was met since then: `calls`, and faults by their names."""
        entries = self.control.ledger.entries(since=self._since)
        found = collections.Counter(fault for entry in entries for fault in entry["rules"])
        return {**(self.met + found + collections.Counter(calls=len(entries)))}

    def tell(self, **wanted: Any) -> None:
        """Say something to the control endpoint; see docs/test-aws.md."""
        answer = self.control.answer("POST", "/_control", json.dumps(wanted).encode())
        assert answer.status == 200, answer.body

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Act by these rules from now on, and by no others."""
        self.tell(rules=rules)

    def storm(self, seed: int) -> None:
        """Let everything go wrong for the operator: throttling, 5xx, cut connections, lost answers, lag."""
        rule = {"match": "*", "caller": OPERATOR, "throttle": 0.3, "broken": 0.1, "lost": 0.02, "reset": 0.02}
        self.tell(seed=seed, rules=[rule], lag={"*": 10}, timing={"iam": 15})

    def calm(self) -> None:
        """Let all be well again."""
        self.tell(seed=0, rules=[], lag={}, timing={"iam": 0})
