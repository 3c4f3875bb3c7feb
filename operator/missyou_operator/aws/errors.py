"""AWS's errors, told apart by their wire codes (never by exception class: the two differ for query-protocol services).

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
    """Return an AWS error's code as it came over the wire, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message_of(error: BaseException) -> str:
    """Return an AWS error's own message, or an empty string. Secrets that it may quote are stars."""
    return redact(str(error.response.get("Error", {}).get("Message", ""))) if isinstance(error, ClientError) else ""


def is_absent(error: BaseException) -> bool:
    """Return whether an error says that the thing does not exist, in any of AWS's spellings."""
    return bool(_ABSENT.search(code_of(error)))


def is_broken(error: ClientError) -> bool:
    """Return whether an error is the fault of AWS's side, and not a throttling, which some services answer as a 5xx."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return not _THROTTLED.search(code_of(error)) and (status >= 500 or bool(_BROKEN.search(code_of(error))))


def is_throttling(code: str) -> bool:
    """Return whether a code says that there were too many requests."""
    return bool(_THROTTLED.search(code))


def is_credentials(code: str) -> bool:
    """Return whether a code says that the credentials themselves are not accepted."""
    return bool(_CREDENTIALS.search(code))


def gone(delete: Callable[[], object]) -> Health:
    """Run a deletion that takes effect at once; what is not there any more is gone too."""
    try:
        delete()
    except ClientError as error:
        if not is_absent(error):
            raise
    return READY


def classify(error: Exception) -> Health:
    """Turn any exception of a resource class into what is to be reported, and how soon it is worth another try.

    Unknown exceptions are mistakes of this program: logged with their traceback, reported without it. Messages never
    carry parameters, which may be secret.
    """
    if isinstance(error, (NotYetError, FlakyError, RefusedError, UnansweredError)):
        return error.health
    if isinstance(error, ClientError):
        return _classify_client_error(error)
    if isinstance(error, NoCredentialsError):
        return failed("NoCredentials", "the operator has no AWS credentials: give its ServiceAccount a role (IRSA)")
    if isinstance(error, ParamValidationError):
        names = ", ".join(dict.fromkeys(re.findall(r"parameter (?:input\.)?([\w.\[\]]+)", str(error))))
        return failed("InvalidParameter", f"AWS's client refuses the request: {names or 'a parameter'} is not valid")
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
        return failed("AWSError", f"{text}; it is tried again", stalled=False, typical_seconds=20.0)
    for pattern, health in (
        (
            _THROTTLED,
            failed("Throttled", f"AWS throttles {operation}; it is tried again", stalled=False, typical_seconds=20.0),
        ),
        (_DENIED, failed(Reason.ACCESS_DENIED, f"{text}. Allow {operation} in the policy of the operator's role")),
        (_CREDENTIALS, failed("InvalidCredentials", f"{text}. Check the operator's credentials and spec.credentials")),
        (_NOT_YET, pending("WaitingForAWS", text)),
        (_QUOTA, failed(Reason.QUOTA_EXCEEDED, f"{text}. Ask for a higher quota, or remove what is unused")),
        (_ABSENT, pending("WaitingForAWS", f"{text}: AWS does not show it yet")),
    ):
        if pattern.search(code):
            return health
    return failed("Rejected", f"{text}. Correct the field of the spec that this speaks of")
