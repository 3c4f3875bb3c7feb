"""SQS: a poll that waits is made of many that do not, so that the test AWS goes on meanwhile (`middleware`)."""

from __future__ import annotations

from missyou_local.aws import wire
from missyou_local.aws.call import Call, Result, handles


@handles("sqs:ReceiveMessage")
def receive_message(call: Call) -> Result:
    """Return the messages that are there, without waiting."""
    return call.forward({**call.params, "WaitTimeSeconds": 0})


def has_messages(response: wire.Response) -> bool:
    """Return whether a poll has found messages, or failed."""
    return response.status != 200 or (b'"Messages"' in response.body and b'"Messages": []' not in response.body)


def waits(params: dict[str, object]) -> float:
    """Return the seconds that a poll is ready to wait for a message."""
    seconds = params.get("WaitTimeSeconds", 0)
    return float(seconds) if isinstance(seconds, int) else 0.0
