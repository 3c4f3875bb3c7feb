"""Requests to AWS as AWS counts them, for whoever keeps count: each attempt is one, a retry is another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import HTTPClientError

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.errors import is_credentials, is_throttling

#: The code of a request that was answered as asked, and of one that got no answer.
OK, NO_ANSWER = "OK", "NoAnswer"
#: Where a call's name and the start of its attempt are kept in botocore's context of the call.
_NAME, _BEGAN = "missyou-name", "missyou-began"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `service` is boto3's name, `operation` AWS's, `code` AWS's error code, OK or NO_ANSWER.

    `own`: made with the operator's own credentials, not with those of a role that an app names.
    """

    service: str
    operation: str
    code: str
    seconds: float
    own: bool = True

    @property
    def throttled(self) -> bool:
        """Whether AWS said that there were too many."""
        return is_throttling(self.code)

    @property
    def distrusted(self) -> bool:
        """Whether AWS did not accept the credentials themselves."""
        return is_credentials(self.code)


def hooks(tell: Callable[[Call], None], *, own: bool) -> Mapping[str, Callable[..., None]]:
    """Return handlers by the names of botocore's events, which tell of each request once its answer is there.

    What never left (a gate refused it, a parameter was wrong) is not told.
    """

    def named(model: Any, context: dict[str, Any], **_: Any) -> None:
        context[_NAME] = (model.service_model.service_name, model.name)

    def begun(request: Any, **_: Any) -> None:
        # Not there when an URL is presigned: that is no request.
        if _NAME in request.context:
            request.context[_BEGAN] = seconds()

    def answered(context: dict[str, Any], parsed_response: Any, exception: Any, **_: Any) -> None:
        if exception is not None and not isinstance(exception, HTTPClientError):
            return
        service, operation = context[_NAME]
        code = NO_ANSWER if exception else str((parsed_response or {}).get("Error", {}).get("Code", "") or OK)
        tell(Call(service, operation, code, seconds() - context[_BEGAN], own))

    return {"before-call": named, "request-created": begun, "response-received": answered}
