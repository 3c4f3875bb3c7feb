"""`spec.service.deployment`: how a new version takes over the requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from missyou_operator.api.base import WireModel
from missyou_operator.api.rules import Rule

#: The longest wait that ECS takes: a day. Source: ECS API reference, CanaryConfiguration and LinearConfiguration.
_DAY = 1440
Minutes = Annotated[int, Field(ge=0, le=_DAY)]


class Deployment(WireModel):
    """How a new version takes over the requests."""

    strategy: Literal["Rolling", "BlueGreen", "Canary", "Linear"] = "Rolling"
    """Rolling: new tasks join the old ones and replace them. BlueGreen: a full set of new tasks starts beside the old
    one and gets all requests at once. Canary: it gets a small share first, then the rest. Linear: it gets its share in
    equal steps. With each of them, ECS goes back to the old version if tasks fail or an alarm of the app goes off."""
    bake_minutes: Minutes | None = None
    """Minutes for which the old tasks stay after the new ones have got all requests, so that going back takes seconds.
    Not with Rolling. Default: 5."""
    canary_percent: Annotated[int, Field(ge=1, le=99)] | None = None
    """Share of the requests that the new version gets first, in percent. Only with Canary. Default: 5."""
    step_percent: Annotated[int, Field(ge=3, le=100)] | None = None
    """Share of the requests that each step adds, in percent. Only with Linear. Default: 10."""
    step_minutes: Minutes | None = None
    """Minutes between two steps; with Canary, between the first share and the rest. Only with Canary and Linear.
    Default: 10 with Canary, 6 with Linear."""


def _only_with(field: str, member: str, *strategies: str) -> Rule:
    """Refuse a field beside a strategy that ignores it. Where a spec has no strategy, its default counts."""
    allowed = " or ".join(strategies)
    listed = ", ".join(f"'{each}'" for each in strategies)
    return Rule(
        cel=f"!has(self.{field}) || (has(self.strategy) && self.strategy in [{listed}])",
        message=f"{field} has a meaning only with strategy {allowed}: set strategy, or remove {field}",
        path=f".{field}",
        holds=lambda value: getattr(value, member) is None or value.strategy in strategies,
    )


DEPLOYMENT_RULES = (
    _only_with("bakeMinutes", "bake_minutes", "BlueGreen", "Canary", "Linear"),
    _only_with("canaryPercent", "canary_percent", "Canary"),
    _only_with("stepPercent", "step_percent", "Linear"),
    _only_with("stepMinutes", "step_minutes", "Canary", "Linear"),
)
