"""Reports of the requests to AWS, counted as AWS counts them: each attempt is one request, and so is each retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import HTTPClientError

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.errors import is_credentials, is_throttling

#: The code of a successful request, and of one that got no answer.
OK, NO_ANSWER = "OK", "NoAnswer"
#: Beginnings of the names of operations that change nothing. A role is assumed, a policy simulated.
_READS = ("Describe", "List", "Get", "BatchGet", "AssumeRole", "Simulate")
#: Keys in botocore's context of a call: the call's name and the start of the attempt.
_NAME, _START = "missyou-name", "missyou-start"


def reads(operation: str) -> bool:
    """Return whether an operation (`DescribeVpcs`) changes nothing."""
    return operation.startswith(_READS)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `service` is boto3's name, `operation` AWS's, `code` AWS's error code, OK or NO_ANSWER.

    `own`: signed with the operator's own credentials, not with those of a role that an app names.
    """

    service: str
    operation: str
    code: str
    seconds: float
    own: bool = True

    @property
    def throttled(self) -> bool:
        """Whether AWS throttled the request."""
        return is_throttling(self.code)

    @property
    def credentials_rejected(self) -> bool:
        """Whether AWS rejected the credentials themselves."""
        return is_credentials(self.code)


def hooks(report: Callable[[Call], None], *, own: Callable[[], bool]) -> Mapping[str, Callable[..., None]]:
    """Return handlers of botocore's events, by event name, that report each request once it is answered.

    `own` returns whether the request is signed with the operator's own credentials. A request that was never sent (a
    gate refused it, a parameter was wrong) is not reported.
    """

    def on_call(model: Any, context: dict[str, Any], **_: Any) -> None:
        context[_NAME] = (model.service_model.service_name, model.name)

    def on_request(request: Any, **_: Any) -> None:
        # Absent when a URL is presigned: nothing is sent.
        if _NAME in request.context:
            request.context[_START] = seconds()

    def on_response(context: dict[str, Any], parsed_response: Any, exception: Any, **_: Any) -> None:
        if exception is not None and not isinstance(exception, HTTPClientError):
            return
        service, operation = context[_NAME]
        code = NO_ANSWER if exception else str((parsed_response or {}).get("Error", {}).get("Code", "") or OK)
        report(Call(service, operation, code, seconds() - context[_START], own()))

    return {"before-call": on_call, "request-created": on_request, "response-received": on_response}
