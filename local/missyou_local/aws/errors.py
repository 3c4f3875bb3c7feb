"""The one exception that a behaviour raises: an error as AWS puts it on the wire."""

from __future__ import annotations


class AwsError(Exception):
    """An AWS error answer.

    `code` is the *wire* code (`DBInstanceNotFound`, not `DBInstanceNotFoundFault`), which is what
    `err.response["Error"]["Code"]` holds in boto3. `status` is the HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
