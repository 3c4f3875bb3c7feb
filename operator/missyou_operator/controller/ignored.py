"""What to tell of a change that AWS accepts and does not show. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from missyou_operator.api.conditions import Reason
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Change
from missyou_operator.engine.resource import READY, Health, failed


def ignored_health(change: Change, *, exists: bool) -> Health:
    """Return the health of what AWS accepts a change of without showing it: what exists serves as it is."""
    text = ignored_text(change)
    if exists:
        return replace(READY, reason=Reason.CHANGE_IGNORED, message=text)
    return failed(Reason.CHANGE_IGNORED, text, stalled=False)


def ignored_text(change: Change) -> str:
    """Return what to tell of a change that AWS accepts and does not show."""
    what = "; ".join(map(str, change.fields)) or change.action
    return (
        f"{change.address}: AWS has accepted the same change several times and still shows the old state ({what}). "
        "Either AWS ignores it, or something puts the old state back at once: look the resource up in CloudTrail"
    )


def tell_ignored(outcome: Outcome, ignored: Sequence[Change]) -> None:
    """Say of each resource that AWS ignores a change of it, also in the pass that has just tried again."""
    for change in ignored:
        result = outcome.results.get(change.address)
        if result is not None and result.health.status == "ready":
            outcome.results[change.address] = replace(result, health=ignored_health(change, exists=True))
