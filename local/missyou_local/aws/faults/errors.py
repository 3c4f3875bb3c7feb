"""How each service reports an error that its caller did not cause: throttled, broken, down, expired, denied.

Sources: the lists of errors in each service's API reference and botocore's service models; for throttling also
botocore's `data/_retry.json`. Where a service has no code of its own, the common errors of its protocol count.
"""

from __future__ import annotations

from dataclasses import dataclass

from missyou_local.aws.errors import AwsError


@dataclass(frozen=True, slots=True)
class _Words:
    """A service's errors, each a wire code and an HTTP status."""

    throttled: tuple[str, int] = ("Throttling", 400)
    broken: tuple[str, int] = ("InternalFailure", 500)
    down: tuple[str, int] = ("ServiceUnavailable", 503)
    expired: tuple[str, int] = ("ExpiredToken", 403)
    denied: tuple[str, int] = ("AccessDenied", 403)


_QUERY = _Words()
_DENIED_JSON, _EXPIRED_JSON = ("AccessDeniedException", 400), ("ExpiredTokenException", 400)


def _json(broken: str = "InternalFailure", throttled: str = "ThrottlingException") -> _Words:
    return _Words((throttled, 400), (broken, 500), ("ServiceUnavailable", 503), _EXPIRED_JSON, _DENIED_JSON)


_SERVICES = {
    "ec2": _Words(
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
    "iam": _Words(broken=("ServiceFailure", 500)),
    "cloudwatch": _Words(broken=("InternalServiceError", 500)),
    "sns": _Words(throttled=("Throttled", 429), broken=("InternalError", 500)),
    "s3": _Words(("SlowDown", 503), ("InternalError", 500), ("ServiceUnavailable", 503), ("ExpiredToken", 400)),
}


def _words(service: str) -> _Words:
    return _SERVICES.get(service, _QUERY)


def throttled(service: str) -> AwsError:
    """Return the error by which a service says that the caller is too fast."""
    code, status = _words(service).throttled
    return AwsError(code, "Rate exceeded", status)


def broken(service: str) -> AwsError:
    """Return the error by which a service says that it failed."""
    code, status = _words(service).broken
    return AwsError(code, "An internal error has occurred (an injected fault)", status)


def down(service: str) -> AwsError:
    """Return the error by which a service says that it is not there at all for the time being."""
    code, status = _words(service).down
    return AwsError(code, "The service is unavailable (an injected fault)", status)


def expired(service: str) -> AwsError:
    """Return the error by which a service says that the caller's temporary credentials have run out."""
    code, status = _words(service).expired
    return AwsError(code, "The security token included in the request is expired", status)


def denied(service: str) -> AwsError:
    """Return the error by which a service says that the caller may not."""
    code, status = _words(service).denied
    return AwsError(code, "User is not authorized to perform this action (an injected fault)", status)
