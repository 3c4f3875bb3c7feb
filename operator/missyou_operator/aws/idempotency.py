"""Creation without duplicates: by a unique name, or by a single call where AWS has neither name nor client token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.errors import code_of, is_broken
from missyou_operator.engine.errors import NotYetError, UnansweredError

_EXISTS = re.compile(r"AlreadyExists|DuplicateItem")


@contextmanager
def creating(address: str) -> Iterator[None]:
    """Run a creating call whose name may be taken: by an earlier call of ours, say, whose answer was lost.

    The next pass reads the resource and determines its owner. Errors: NotYetError for a taken name, else AWS's.
    """
    try:
        yield
    except ClientError as error:
        if _EXISTS.search(code_of(error)):
            raise exists_already(address) from error
        raise


def exists_already(name: str, seconds: float = 2.0) -> NotYetError:
    """Return the error for a resource of ours that was not read: an answer was lost, or the read came too early."""
    return NotYetError(Reason.CREATING, f"{name} was created a moment ago: it is read again", seconds)


@contextmanager
def creating_once(address: str) -> Iterator[None]:
    """Run a call that creates a resource with neither a name nor a client token. Use a client without retries.

    Errors: UnansweredError if the call may have taken effect (no answer came, or a 5xx), else AWS's.
    """
    try:
        yield
    except EndpointConnectionError:
        # The request reached nobody: nothing has happened.
        raise
    except (ClientError, HTTPClientError) as error:
        if isinstance(error, ClientError) and not is_broken(error):
            raise
        message = f"{address}: AWS did not confirm its creation; the operator searches for it before it tries again"
        raise UnansweredError(message) from error
