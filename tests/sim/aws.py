"""The test AWS of a process, on a clock that only tests turn."""

from __future__ import annotations

import json
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


class Clock:
    """Seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Aws(InProcess):
    """All accounts and regions. A process has one: moto's models belong to the process."""

    def __init__(self, timing: Timing) -> None:
        self.clock = Clock()
        super().__init__(timing=timing, clock=self.clock)
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
