"""What is said when AWS refuses: as the status says it, after AWS's answer went through boto3."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.app import App
from tests.sim.aws import OPERATOR, Aws

#: Call, AWS's code, status and message; reason of Ready, whether a person is needed, what the message must say.
REFUSALS: list[tuple[str, tuple[str, int, str], str, bool, str]] = [
    ("ec2:CreateVpc", ("InvalidSignatureException", 403, "Signature expired"), "InvalidCredentials", True, "clock"),
    ("ec2:CreateVpc", ("RequestTimeTooSkewed", 403, "Too large a difference"), "ClockSkewed", True, "clock"),
    ("ec2:CreateVpc", ("InvalidAccessKeyId", 403, "No such key"), "InvalidCredentials", True, "access key"),
    ("ec2:CreateVpc", ("MissingAuthenticationToken", 403, "None"), "InvalidCredentials", True, "access key"),
    ("ec2:CreateVpc", ("PendingVerification", 400, "Being verified"), "AccountNotReady", True, "four hours"),
    ("ec2:AllocateAddress", ("InsufficientAddressCapacity", 400, "None"), "InsufficientCapacity", False, "retries"),
    ("ec2:CreateVpc", ("VpcLimitExceeded", 400, "The maximum"), "QuotaExceeded", True, "L-F678F1CE"),
    ("ec2:CreateVpc", ("UnauthorizedOperation", 403, "You may not"), "AccessDenied", True, "Allow ec2:CreateVpc for"),
    ("elasticloadbalancing:CreateLoadBalancer", ("AccessDenied", 403, "No"), "AccessDenied", True, "elasticloadbal"),
    ("rds:CreateDBInstance", ("KMSKeyNotAccessibleFault", 400, "Disabled"), "KeyNotUsable", True, "key policy"),
]


@pytest.mark.parametrize(("call", "answer", "reason", "stalled", "words"), REFUSALS)
def test_a_refusal_is_said_with_its_cause(
    aws: Aws, call: str, answer: tuple[str, int, str], reason: str, *, stalled: bool, words: str
) -> None:
    app = App(aws, "refused", environment="Development")
    code, status, message = answer
    service, _, operation = call.partition(":")
    prefix = "elbv2" if service == "elasticloadbalancing" else service
    failure: dict[str, Any] = {"code": code, "status": status, "message": message}
    aws.faults({"match": f"{prefix}:{operation}", "caller": OPERATOR, "fail": failure})
    app.until(lambda _: app.reason("Ready") == reason, reason)
    said = app.condition("Ready")["message"]
    assert words in said
    assert "field of the spec" not in said
    assert (app.condition("Stalled")["status"] == "True") is stalled
