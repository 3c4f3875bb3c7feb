"""How to create what must not be there twice: by its name, or, where AWS has neither name nor token, by asking once."""

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
    """Run a creating call whose name may have been taken a moment ago, by a call of ours whose answer was lost.

    The next pass finds what is there and judges whose it is. Errors: NotYetError for a name that is taken, else AWS's.
    """
    try:
        yield
    except ClientError as error:
        if _EXISTS.search(code_of(error)):
            message = f"{address} is there since a moment ago: it is read again"
            raise NotYetError(Reason.CREATING, message, 2.0) from error
        raise


@contextmanager
def creating_once(address: str) -> Iterator[None]:
    """Run the one call that creates what has neither a name nor a client token; use a client that asks once.

    Errors: UnansweredError where the call may have taken effect (no answer came, or a 5xx), else AWS's.
    """
    try:
        yield
    except EndpointConnectionError:
        # Nobody was reached: nothing has happened.
        raise
    except (ClientError, HTTPClientError) as error:
        if isinstance(error, ClientError) and not is_broken(error):
            raise
        message = f"{address}: AWS did not say whether it has been created; it is looked for before it is tried again"
        raise UnansweredError(message) from error
