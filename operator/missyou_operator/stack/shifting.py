"""How far a service is with a strategy that shifts requests between two target groups, from what was observed. Pure.

ECS alternates between the two groups, and owns the listener's weights from then on. Each step follows from what is
observed, as in `running`:

1. once the service is settled in the spec's own group, the other one is created, and the listeners know it with weight
   0; the service gets both, which is a rolling deployment (ECS developer guide, "Update the Amazon ECS deployment
   strategy");
2. once that is over, the strategy is set, and each deployment from then on shifts requests;
3. away from it (another strategy, another health check, another listener), the service waits for the deployment under
   way, and registers its tasks in one group by a rolling deployment: first also in the one that gets the requests,
   like any service whose target group changes.

The rule that ECS shifts requests by is the default rule of the listener that serves: HTTPS where the app has a domain.
Until that serves, and HTTP leads there, deployments are rolling ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.aws.ecs.strategy import ROLLING, blue_green, canary, linear
from missyou_operator.aws.elbv2.listener import HTTPS
from missyou_operator.engine.resource import Observed
from missyou_operator.stack.context import Shift

#: Defaults in minutes and percent: ECS's own, and five minutes in which people notice that something is wrong.
_BAKE, _CANARY_PERCENT, _CANARY_MINUTES, _STEP_PERCENT, _STEP_MINUTES = 5, 5, 10, 10, 6


def strategy_of(app: AppSpec) -> Mapping[str, Any]:
    """Return the spec's strategy in ECS's words."""
    spec = app.service.deployment
    bake = _BAKE if spec.bake_minutes is None else spec.bake_minutes
    match spec.strategy:
        case "BlueGreen":
            return blue_green(bake)
        case "Canary":
            minutes = _CANARY_MINUTES if spec.step_minutes is None else spec.step_minutes
            return canary(bake, spec.canary_percent or _CANARY_PERCENT, minutes)
        case "Linear":
            minutes = _STEP_MINUTES if spec.step_minutes is None else spec.step_minutes
            return linear(bake, spec.step_percent or _STEP_PERCENT, minutes)
        case "Rolling":
            return ROLLING


def shift_of(  # noqa: PLR0913 - all that decides
    app: AppSpec,
    service: Observed | None,
    listeners: Sequence[Mapping[str, Any]],
    own: frozenset[str],
    *,
    alone: bool,
    settled: bool,
) -> Shift:
    """Return how far the service is. `own`: the ARNs of the spec's pair, as far as they exist.

    `alone`: the spec's own group gets all requests, and nothing else has to do with it any more. `settled`: no
    deployment is under way.
    """
    wanted = app.service.deployment.strategy != "Rolling"
    if service is None:
        # Where HTTPS is to come, HTTP serves until then: the first deployments are rolling ones.
        return Shift(wanted=wanted and app.domain is None)
    attrs = service.attrs
    strategy = None if settled else attrs["strategy"]
    if not attrs["alternate_target_group"]:
        return Shift(wanted=wanted and alone and settled and _serves(app, listeners), strategy=ROLLING)
    pair = (*attrs["target_groups"][:1], attrs["alternate_target_group"])
    by_https = any(_is_by(attrs["listener_rule"], each) and each["port"] == HTTPS for each in listeners)
    found = Shift(
        owned=True,
        groups=pair,
        rule=attrs["listener_rule"],
        role=attrs["balancing_role"],
        by_https=by_https,
        strategy=strategy,
    )
    if wanted and frozenset(pair) == own and by_https == (app.domain is not None):
        return replace(found, wanted=True)
    return Shift(strategy=ROLLING) if settled else replace(found, held=True)


def side_with_tasks(service: Observed) -> str:
    """Return the group of a service's pair that its tasks are in once no deployment is under way.

    Its targets tell, which are read along with the service. The listeners' weights may have been read before the last
    deployment: ECS changes them, and nothing says so.
    """
    attrs = service.attrs
    pair = (*attrs["target_groups"][:1], attrs["alternate_target_group"])
    healthy: Mapping[str, int] = attrs["healthy_in"]
    return str(max(pair, key=lambda arn: healthy.get(arn, 0)))


def _is_by(rule: str, listener: Mapping[str, Any]) -> bool:
    """Return whether a rule is of a listener: their ARNs say so."""
    return bool(rule.replace(":listener-rule/", ":listener/").rpartition("/")[0] == listener["arn"])


def _serves(app: AppSpec, listeners: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether requests come by the listener that they are to come by in the end."""
    if app.domain is None:
        return len(listeners) == 1 and not listeners[0]["redirects"]
    return len(listeners) > 1 and any(each["redirects"] for each in listeners)
