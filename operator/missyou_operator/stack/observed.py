"""How the modules of the stack find their own resources among what was observed. Pure."""

from __future__ import annotations

from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed


def found(stack: StackIdentity, world: ObservedState, type_: str, pattern: str) -> Observed | None:
    """Return one of the stack's resources, by the pattern of its name, if it exists."""
    rows = world.get(f"{type_}/{stack.fill(pattern)}", ())
    return next((observed for observed in rows if observed.owned), None)
