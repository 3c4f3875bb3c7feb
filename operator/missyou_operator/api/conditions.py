"""The types of the conditions of the whole stack, and the reasons that more than one module knows.

`Component.condition` is the condition of a component. Any other reason names the state of one resource
(`CertificateFailed`): only the class of that resource knows it.
"""

from __future__ import annotations

from enum import StrEnum


class ConditionType(StrEnum):
    """A condition of the whole stack. `Reconciling` and `Stalled` are present only while they hold."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    IN_SYNC = "InSync"


class Reason(StrEnum):
    """Why a condition has its status."""

    ACCESS_DENIED = "AccessDenied"
    BOUNDARY_NOT_FOUND = "BoundaryNotFound"
    APPLYING = "Applying"
    APPROVAL_REQUIRED = "ApprovalRequired"
    AVAILABLE = "Available"
    CHANGE_IGNORED = "ChangeIgnored"
    CREATING = "Creating"
    DATA_LOST = "DataLost"
    DELETING = "Deleting"
    DRIFTED = "Drifted"
    IMAGE_MOVED = "ImageMoved"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_NOT_KEPT = "ImageNotKept"
    INVALID_SPEC = "InvalidSpec"
    NEWER_MAJOR = "NewerMajor"
    NOT_GRANTED = "NotGranted"
    OWNED_ELSEWHERE = "OwnedElsewhere"
    PLACE_CHANGED = "PlaceChanged"
    PREFLIGHT_FAILED = "PreflightFailed"
    PROGRESSING = "Progressing"
    PROPAGATING = "Propagating"
    QUOTA_EXCEEDED = "QuotaExceeded"
    RATE_LIMITED = "RateLimited"
    RESTART_PENDING = "RestartPending"
    ROLLOUT_FAILED = "RolloutFailed"
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105 - a reason
    SECRET_INVALID = "SecretInvalid"  # noqa: S105 - a reason
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason
    SETTLING = "Settling"
    SNAPSHOT_NOT_FOUND = "SnapshotNotFound"
    STANDBY_MISSING = "StandbyMissing"
    STORAGE_OPTIMIZATION = "StorageOptimization"
    SUPPORT_ENDING = "SupportEnding"
    SUSPENDED = "Suspended"
    SYNCED = "Synced"
    TASKS_FAILING = "TasksFailing"


#: Reasons that only a person or a new spec can end.
BROKEN = frozenset(
    {Reason.ACCESS_DENIED, Reason.APPROVAL_REQUIRED, Reason.DATA_LOST, Reason.IMAGE_NOT_FOUND, Reason.INVALID_SPEC}
    | {Reason.NOT_GRANTED, Reason.OWNED_ELSEWHERE, Reason.PLACE_CHANGED, Reason.QUOTA_EXCEEDED, Reason.TASKS_FAILING}
)
#: Reasons that a person should see although the stack may recover by itself.
NOTEWORTHY = frozenset(
    {Reason.IMAGE_NOT_FOUND, Reason.IMAGE_NOT_KEPT, Reason.IMAGE_MOVED}
    | {Reason.SECRET_NOT_FOUND, Reason.SECRET_FORBIDDEN}
    | {Reason.SECRET_INVALID, Reason.SNAPSHOT_NOT_FOUND, Reason.CHANGE_IGNORED}
    | {Reason.TASKS_FAILING, Reason.DRIFTED, Reason.APPROVAL_REQUIRED, Reason.DATA_LOST}
)
