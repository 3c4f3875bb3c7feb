"""Exit codes of `missyou`, and the exception that carries one."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes: part of the interface, since scripts depend on them."""

    OK = 0
    TIMEOUT = 1
    STALLED = 2
    TO_DO = 2
    """Of `missyou plan`: there is something to do, as Terraform's -detailed-exitcode has it."""
    NOT_FOUND = 3
    CLUSTER = 4
    """No cluster, no CRD, no permission."""
    AWS = 5
    """AWS cannot be read: no credentials, no permission, no answer."""
    USAGE = 64
    INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 - not always an error: a timeout, a stack that waits for a person
    """Ends the command with one line for a person and an exit code."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
