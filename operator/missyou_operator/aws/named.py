"""What resource types that AWS identifies by name share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from missyou_operator.aws.errors import code_of
from missyou_operator.engine.errors import NotYetError

_EXISTS = re.compile(r"AlreadyExists")


@contextmanager
def creating(address: str) -> Iterator[None]:
    """Run a creating call whose name may have been taken a moment ago, by a call of ours whose answer was lost.

    The next look finds what is there and judges whose it is. Errors: NotYetError for a name that is taken, else AWS's.
    """
    try:
        yield
    except ClientError as error:
        if _EXISTS.search(code_of(error)):
            message = f"{address} is there since a moment ago: it is looked at again"
            raise NotYetError("Creating", message, 2.0) from error
        raise
