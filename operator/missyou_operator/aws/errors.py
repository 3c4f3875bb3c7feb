"""AWS's errors, classified by wire code (never by exception class: the two differ for query-protocol services)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
)

from missyou_operator.aws.error_codes import ErrorKind, kind_of
from missyou_operator.aws.remedies import Refusal, explain
from missyou_operator.engine.errors import FlakyError, NotYetError, RefusedError, UnansweredError
from missyou_operator.engine.resource import READY, Health, failed
from missyou_operator.engine.values import redact

logger = logging.getLogger(__name__)


def code_of(error: BaseException) -> str:
    """Return the wire code of an AWS error, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message_of(error: BaseException) -> str:
    """Return the message of an AWS error, or an empty string: to judge by.

    It may quote a secret. Stars in its place would let whoever chooses a secret decide what others' errors mean.
    """
    return str(error.response.get("Error", {}).get("Message", "")) if isinstance(error, ClientError) else ""


def quoted(error: BaseException) -> str:
    """Return the message of an AWS error, or an empty string: to be shown, with stars in place of secrets."""
    return redact(message_of(error))


def is_absent(error: BaseException) -> bool:
    """Return whether an error means that the resource does not exist, in any of AWS's spellings."""
    return isinstance(error, ClientError) and kind_of(code_of(error)) is ErrorKind.ABSENT


def is_broken(error: ClientError) -> bool:
    """Return whether an error is AWS's fault. Throttling is not, though some services answer it with a 5xx."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    kind = kind_of(code_of(error))
    return kind is ErrorKind.BROKEN or (status >= 500 and kind not in {ErrorKind.THROTTLED, ErrorKind.CAPACITY})


def is_throttling(code: str) -> bool:
    """Return whether a code means that there were too many requests."""
    return kind_of(code) is ErrorKind.THROTTLED


def is_credentials(code: str) -> bool:
    """Return whether a code means that AWS accepts no request that these credentials sign."""
    return kind_of(code) in {ErrorKind.CREDENTIALS, ErrorKind.CLOCK}


def if_present(read: Callable[[], Any]) -> Any:
    """Return the answer of a read, None if what it asks for does not exist, in any of AWS's spellings."""
    try:
        return read()
    except ClientError as error:
        if not is_absent(error):
            raise
    return None


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
    contain parameters, which may be secret, and stars where AWS quotes a secret.
    """
    health = _classified(error)
    return replace(health, message=redact(health.message))


def _classified(error: Exception) -> Health:
    if isinstance(error, (NotYetError, FlakyError, RefusedError, UnansweredError)):
        return error.health
    if isinstance(error, ClientError):
        kind = ErrorKind.BROKEN if is_broken(error) else kind_of(code_of(error))
        service = str(error.response.get("Error", {}).get("Service", ""))
        return explain(kind, Refusal(service, error.operation_name, code_of(error), message_of(error)))
    if isinstance(error, ParamValidationError):
        names = ", ".join(dict.fromkeys(re.findall(r"parameter (?:input\.)?([\w.\[\]]+)", str(error))))
        return failed(
            "InternalError",
            f"boto3 does not send the operator's request: {names or 'a parameter'} is not valid. Please report this",
        )
    if isinstance(error, BotoCoreError):
        return _without_answer(error)
    logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return failed(
        "InternalError", f"{type(error).__name__} in the operator: see its log, and please report it", stalled=False
    )


def _without_answer(error: BotoCoreError) -> Health:
    """Explain an exception of botocore itself: AWS was not asked, or did not answer."""
    if isinstance(error, NoCredentialsError):
        return failed(
            "NoCredentials",
            "there are no AWS credentials: give the operator's ServiceAccount a role (IRSA); at a command line, set "
            "AWS_PROFILE, or run aws configure",
        )
    if isinstance(error, (CredentialRetrievalError, PartialCredentialsError, ProfileNotFound, NoRegionError)):
        return failed(
            "NoCredentials",
            f"the operator's AWS configuration is incomplete ({type(error).__name__}): check the environment, the "
            "ServiceAccount and the mounted token of its Deployment",
        )
    name = type(error).__name__
    if isinstance(error, (SSLError, ProxyConnectionError)):
        why = f"{name}: a proxy or firewall is between the operator and AWS; check HTTPS_PROXY and AWS_CA_BUNDLE"
    else:
        why = name
    return failed("AWSUnreachable", f"AWS did not answer ({why})", stalled=False, typical_seconds=20.0)
