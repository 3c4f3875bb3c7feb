"""The classes of error that the engine tells apart. Whoever knows the cloud translates its errors into these."""

from __future__ import annotations

from missyou_operator.engine.resource import Health, failed, pending


class NotYetError(Exception):
    """Not possible yet, and nothing is wrong: a role still propagates, a dependent still detaches."""

    def __init__(self, reason: str, message: str, typical_seconds: float = 10.0) -> None:
        super().__init__(message)
        self.health: Health = pending(reason, message, typical_seconds)


class FlakyError(Exception):
    """Throttled, timed out or broken on the other side: back off and go on elsewhere."""

    def __init__(self, reason: str, message: str, typical_seconds: float = 20.0) -> None:
        super().__init__(message)
        self.health: Health = failed(reason, message, stalled=False, typical_seconds=typical_seconds)


class UnansweredError(Exception):
    """Nobody knows whether the creation happened: the resource is looked for before it is created again."""

    def __init__(self, message: str, typical_seconds: float = 10.0) -> None:
        super().__init__(message)
        self.health: Health = Health("pending", "Settling", message, typical_seconds, unanswered=True)


class RefusedError(Exception):
    """Denied, invalid or over quota: a person or a change of spec is needed. Tried again at a slow pace."""

    def __init__(self, reason: str, message: str, typical_seconds: float = 300.0) -> None:
        super().__init__(message)
        self.health: Health = failed(reason, message, stalled=True, typical_seconds=typical_seconds)
