"""AWS's errors, classified by wire code (never by exception class: the two differ for query-protocol services).

Source: the lists of errors in each service's API reference.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
)

from missyou_operator.api.conditions import Reason
from missyou_operator.engine.errors import FlakyError, NotYetError, RefusedError, UnansweredError
from missyou_operator.engine.resource import READY, Health, failed, pending
from missyou_operator.engine.values import redact

logger = logging.getLogger(__name__)

_THROTTLED = re.compile(
    r"Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|PriorRequestNotComplete|RequestThrottled"
)
_DENIED = re.compile(r"AccessDenied|UnauthorizedOperation|AuthorizationError|^403$|NotAuthorized")
_CREDENTIALS = re.compile(
    r"ExpiredToken|RequestExpired|InvalidClientTokenId|UnrecognizedClient|AuthFailure|OptInRequired|SignatureDoesNotMatch"
)
_QUOTA = re.compile(r"Limits?Exceeded|QuotaExceeded|^TooMany")
_NOT_YET = re.compile(
    r"StaleTag|DependencyViolation|InUse|InvalidDB(Instance|Snapshot|SubnetGroup|ParameterGroup)State|"
    r"ResourceInUse|ClusterContains|UpdateInProgress|ConcurrentUpdate|ConcurrentModification|OperationAborted|"
    r"DeleteConflict|ConcurrentAccess|IncorrectState|OptimisticLock|UnavailableEntity|AssociatedItem|TagOperation"
)
_ABSENT = re.compile(r"NotFound|NoSuch|Non[eE]xistent|QueueDoesNotExist|^404$|MISSING")
_BROKEN = re.compile(
    r"InternalFailure|InternalError|InternalServer|ServiceUnavailable|ServerException|^5\d\d$|Unavailable$"
)


def code_of(error: BaseException) -> str:
    """Return the wire code of an AWS error, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message_of(error: BaseException) -> str:
    """Return the message of an AWS error, or an empty string. Quoted secrets are replaced by stars."""
    return redact(str(error.response.get("Error", {}).get("Message", ""))) if isinstance(error, ClientError) else ""


def is_absent(error: BaseException) -> bool:
    """Return whether an error means that the resource does not exist, in any of AWS's spellings."""
    return bool(_ABSENT.search(code_of(error)))


def is_broken(error: ClientError) -> bool:
    """Return whether an error is AWS's fault. Throttling is not, though some services answer it with a 5xx."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return not _THROTTLED.search(code_of(error)) and (status >= 500 or bool(_BROKEN.search(code_of(error))))


def is_throttling(code: str) -> bool:
    """Return whether a code means that there were too many requests."""
    return bool(_THROTTLED.search(code))


def is_credentials(code: str) -> bool:
    """Return whether a code means that AWS rejects the credentials themselves."""
    return bool(_CREDENTIALS.search(code))


def gone(delete: Callable[[], object]) -> Health:
    """Run a deletion that takes effect at once. A resource that no longer exists counts as deleted."""
    try:
        delete()
    except ClientError as error:
        if not is_absent(error):
            raise
    return READY


def classify(error: Exception) -> Health:
    """Return the health to report for any exception of a resource class, including how soon to retry.

    Unknown exceptions are bugs of the operator: logged with their traceback, reported without it. Messages never
    contain parameters, which may be secret.
    """
    if isinstance(error, (NotYetError, FlakyError, RefusedError, UnansweredError)):
        return error.health
    if isinstance(error, ClientError):
        return _classify_client_error(error)
    if isinstance(error, NoCredentialsError):
        return failed("NoCredentials", "the operator has no AWS credentials: give its ServiceAccount a role (IRSA)")
    if isinstance(error, ParamValidationError):
        names = ", ".join(dict.fromkeys(re.findall(r"parameter (?:input\.)?([\w.\[\]]+)", str(error))))
        return failed("InvalidParameter", f"boto3 rejects the request: {names or 'a parameter'} is not valid")
    if isinstance(error, BotoCoreError):
        return failed(
            "AWSUnreachable", f"AWS did not answer ({type(error).__name__})", stalled=False, typical_seconds=20.0
        )
    logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return failed(
        "InternalError", f"{type(error).__name__} in the operator: see its log, and please report it", stalled=False
    )


def _classify_client_error(error: ClientError) -> Health:
    code, operation = code_of(error), error.operation_name
    text = f"{operation}: {message_of(error)} ({code})"
    if is_broken(error):
        return failed("AWSError", f"{text}; the operator retries it", stalled=False, typical_seconds=20.0)
    throttled = f"AWS throttles {operation}; the operator retries it"
    for pattern, health in (
        (_THROTTLED, failed("Throttled", throttled, stalled=False, typical_seconds=20.0)),
        (_DENIED, failed(Reason.ACCESS_DENIED, f"{text}. Allow {operation} in the policy of the operator's role")),
        (_CREDENTIALS, failed("InvalidCredentials", f"{text}. Check the operator's credentials and spec.credentials")),
        (_NOT_YET, pending("WaitingForAWS", text)),
        (_QUOTA, failed(Reason.QUOTA_EXCEEDED, f"{text}. Ask for a higher quota, or remove what is unused")),
        (_ABSENT, pending("WaitingForAWS", f"{text}: AWS does not show it yet")),
    ):
        if pattern.search(code):
            return health
    return failed("Rejected", f"{text}. Correct the field of the spec that caused it")
