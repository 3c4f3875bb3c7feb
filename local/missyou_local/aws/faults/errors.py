"""How each service reports an error that its caller did not cause: throttled, broken, down, expired, denied.

Sources: the lists of errors in each service's API reference and botocore's service models; for throttling also
botocore's `data/_retry.json`. Where a service has no code of its own, the common errors of its protocol count.
"""

from __future__ import annotations

from dataclasses import dataclass

from missyou_local.aws.errors import AwsError


@dataclass(frozen=True, slots=True)
class _Codes:
    """A service's errors by kind of fault, each a wire code and an HTTP status."""

    throttle: tuple[str, int] = ("Throttling", 400)
    broken: tuple[str, int] = ("InternalFailure", 500)
    down: tuple[str, int] = ("ServiceUnavailable", 503)
    expired: tuple[str, int] = ("ExpiredToken", 403)
    deny: tuple[str, int] = ("AccessDenied", 403)


_DENIED_JSON, _EXPIRED_JSON = ("AccessDeniedException", 400), ("ExpiredTokenException", 400)


def _json(broken: str = "InternalFailure", throttle: str = "ThrottlingException") -> _Codes:
    return _Codes((throttle, 400), (broken, 500), ("ServiceUnavailable", 503), _EXPIRED_JSON, _DENIED_JSON)


_SERVICES = {
    "ec2": _Codes(
        ("RequestLimitExceeded", 503),
        ("InternalError", 500),
        ("Unavailable", 503),
        ("RequestExpired", 400),
        ("UnauthorizedOperation", 403),
    ),
    "ecs": _json("ServerException"),
    "ecr": _json("ServerException"),
    "secretsmanager": _json("InternalServiceError"),
    "logs": _json("ServiceUnavailableException"),
    "application-autoscaling": _json("InternalServiceException"),
    "acm": _json(),
    "wafv2": _json("WAFInternalErrorException"),
    "resourcegroupstaggingapi": _json("InternalServiceException", "ThrottledException"),
    "iam": _Codes(broken=("ServiceFailure", 500)),
    "cloudwatch": _Codes(broken=("InternalServiceError", 500)),
    "sns": _Codes(throttle=("Throttled", 429), broken=("InternalError", 500)),
    "s3": _Codes(("SlowDown", 503), ("InternalError", 500), ("ServiceUnavailable", 503), ("ExpiredToken", 400)),
}
#: Kind of fault -> the message of its error.
MESSAGES = {
    "throttle": "Rate exceeded",
    "broken": "An internal error has occurred (an injected fault)",
    "down": "The service is unavailable (an injected fault)",
    "expired": "The security token included in the request is expired",
    "deny": "User is not authorized to perform this action (an injected fault)",
}


def error(kind: str, service: str) -> AwsError:
    """Return the error by which a service reports a fault of one of the kinds in `MESSAGES`."""
    code, status = getattr(_SERVICES.get(service, _Codes()), kind)
    return AwsError(code, MESSAGES[kind], status)
