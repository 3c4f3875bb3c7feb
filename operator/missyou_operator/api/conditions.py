"""The types of the conditions of the whole, and the reasons on which more than one module agrees.

The condition of a component is `Component.condition`. Other reasons name the state of one resource (`Creating`,
`CertificateFailed`): the class of that resource gives them, and nothing else compares them.
"""

from __future__ import annotations

from enum import StrEnum


class ConditionType(StrEnum):
    """A condition of the whole. `Reconciling` and `Stalled` are there only while they hold."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    IN_SYNC = "InSync"


class Reason(StrEnum):
    """Why a condition has its status."""

    ACCESS_DENIED = "AccessDenied"
    APPLYING = "Applying"
    APPROVAL_REQUIRED = "ApprovalRequired"
    AVAILABLE = "Available"
    CREATING = "Creating"
    DELETING = "Deleting"
    DRIFTED = "Drifted"
    IMAGE_NOT_FOUND = "ImageNotFound"
    INVALID_SPEC = "InvalidSpec"
    OWNED_ELSEWHERE = "OwnedElsewhere"
    PROGRESSING = "Progressing"
    PROPAGATING = "Propagating"
    QUOTA_EXCEEDED = "QuotaExceeded"
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105 - a reason
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason
    SETTLING = "Settling"
    SNAPSHOT_NOT_FOUND = "SnapshotNotFound"
    SUSPENDED = "Suspended"
    SYNCED = "Synced"
    TASKS_FAILING = "TasksFailing"


#: What only a person or a new spec can mend: a wait does not end by itself. Stalled's own reason counts as well.
BROKEN = frozenset(
    {
        Reason.ACCESS_DENIED,
        Reason.APPROVAL_REQUIRED,
        Reason.IMAGE_NOT_FOUND,
        Reason.INVALID_SPEC,
        Reason.OWNED_ELSEWHERE,
        Reason.QUOTA_EXCEEDED,
        Reason.TASKS_FAILING,
    }
)
#: What a person should see although the stack may recover by itself.
NOTEWORTHY = frozenset(
    {
        Reason.IMAGE_NOT_FOUND,
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_FORBIDDEN,
        Reason.SNAPSHOT_NOT_FOUND,
        Reason.TASKS_FAILING,
        Reason.DRIFTED,
        Reason.APPROVAL_REQUIRED,
    }
)
