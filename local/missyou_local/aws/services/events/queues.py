"""SQS: a poll that waits is made of many that do not, so that the test AWS goes on meanwhile (`middleware`)."""

from __future__ import annotations

from missyou_local.aws import wire
from missyou_local.aws.call import Call, Regional, Result, checks, handles
from missyou_local.aws.errors import AwsError

#: SQS API reference, CreateQueue and DeleteQueue: seconds until the name of a deleted queue is free.
_GONE_FOR = 60.0
_deleted: Regional[dict[str, float]] = Regional(dict)
"""Name of a queue -> when it was deleted."""


@handles("sqs:ReceiveMessage")
def receive_message(call: Call) -> Result:
    """Return the messages that are there, without waiting."""
    return call.forward({**call.params, "WaitTimeSeconds": 0})


@handles("sqs:DeleteQueue")
def delete_queue(call: Call) -> Result:
    """Delete a queue, and remember when."""
    _deleted.of(call)[call.params["QueueUrl"].rpartition("/")[2]] = call.now
    return call.forward()


@checks("sqs:CreateQueue")
def name_is_free(call: Call) -> None:
    """Refuse the name of a queue that was deleted within the last minute."""
    if call.now - _deleted.of(call).get(call.params["QueueName"], float("-inf")) < _GONE_FOR:
        message = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        raise AwsError("QueueDeletedRecently", message)


def has_messages(response: wire.Response) -> bool:
    """Return whether a poll has found messages, or failed."""
    return response.status != 200 or (b'"Messages"' in response.body and b'"Messages": []' not in response.body)


def waits(params: dict[str, object]) -> float:
    """Return the seconds that a poll is ready to wait for a message."""
    seconds = params.get("WaitTimeSeconds", 0)
    return float(seconds) if isinstance(seconds, int) else 0.0
