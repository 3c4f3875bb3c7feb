"""The stages of a deployment after its tasks are healthy: requests move in steps, then ECS waits, then the rest ends.

Sources: ECS developer guide, "Amazon ECS blue/green service deployments workflow", "Amazon ECS canary deployments",
"Amazon ECS linear deployments" and "How CloudWatch alarms detect Amazon ECS deployment failures"; ECS API reference,
ServiceDeployment, `lifecycleStage`. That each deployment goes to the group that has no requests, the first one to the
alternate group: github.com/go-to-k/cdk-real-drift, issue 1730.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from missyou_local.aws.call import Call
from missyou_local.aws.services.ecs.model import Deployment
from missyou_local.aws.services.elbv2 import listeners

SCALE_UP, SHIFT, BAKE, CLEAN_UP = "SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"
#: The defaults of the API: CanaryConfiguration, LinearConfiguration.
_CANARY = {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}
_LINEAR = {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}
_ALL = 100.0


def begin(call: Call, deployment: Deployment) -> None:
    """Choose the target group that the tasks of a new deployment register in, and the alarms to look at.

    An alarm that goes off already is not looked at: it would end each deployment that is to mend what it tells of.
    """
    deployment.stage = SCALE_UP
    if pair := deployment.pair:
        present, sides = side_with_requests(call, pair), _sides(pair)
        other = next(side for side in sides if side != present)
        deployment.side = other if deployment.shifts else present
    alarms = deployment.settings["deploymentConfiguration"].get("alarms") or {}
    if alarms.get("enable") and not deployment.is_rollback:
        deployment.watched = tuple(name for name in alarms["alarmNames"] if not _rings(call, name))


def fired(call: Call, deployment: Deployment) -> tuple[str, ...]:
    """Return the alarms that have gone off since a deployment began."""
    return tuple(name for name in deployment.watched if _rings(call, name))


def _rings(call: Call, name: str) -> bool:
    alarm = call.moto("cloudwatch").alarms.get(name)
    return alarm is not None and alarm.state_value == "ALARM"


def move_on(call: Call, deployment: Deployment, at: float, *, alone: bool) -> None:
    """Enter the next stage, and those after it that take no time. `alone`: nothing else serves, so nothing is tried."""
    while deployment.stage != CLEAN_UP:
        following = next((step for step in _steps(call, deployment) if step[0] > deployment.shifted), None)
        if following is None or (alone and deployment.shifted):
            deployment.stage, deployment.stage_due = CLEAN_UP, None
            return
        share, minutes = (_ALL, 0.0) if alone and deployment.shifts else following
        if deployment.shifts:
            to(call, deployment, share)
        deployment.shifted, deployment.stage = share, SHIFT if share < _ALL else BAKE
        deployment.stage_due = at + minutes * call.timing.bake_minute
        if deployment.stage_due > at:
            return


def to(call: Call, deployment: Deployment, share: float) -> None:
    """Give the target group of a deployment a share of the requests, in percent, and the rest to the other one."""
    pair = deployment.pair
    weights = {side: share if side == deployment.side else _ALL - share for side in _sides(pair)}
    listeners.shift(call, pair["advancedConfiguration"]["productionListenerRule"], weights)


def side_with_requests(call: Call, pair: Mapping[str, Any]) -> str:
    """Return the one of two target groups that gets most of the requests."""
    weights = listeners.weights_of(call, pair["advancedConfiguration"]["productionListenerRule"])
    return max(_sides(pair), key=lambda side: weights.get(side, 0))


def _sides(pair: Mapping[str, Any]) -> tuple[str, str]:
    return pair["targetGroupArn"], pair["advancedConfiguration"]["alternateTargetGroupArn"]


def _steps(call: Call, deployment: Deployment) -> Iterator[tuple[float, float]]:
    """Yield the shares of the requests, in percent, each with the minutes until the next step."""
    configuration = deployment.settings["deploymentConfiguration"]
    if not deployment.shifts:
        yield _ALL, _minutes_of_alarms(call, deployment)
        return
    if configuration["strategy"] == "CANARY":
        canary = {**_CANARY, **configuration.get("canaryConfiguration", {})}
        yield float(canary["canaryPercent"]), float(canary["canaryBakeTimeInMinutes"])
    if configuration["strategy"] == "LINEAR":
        linear = {**_LINEAR, **configuration.get("linearConfiguration", {})}
        share = step = float(linear["stepPercent"])
        while share < _ALL:
            yield share, float(linear["stepBakeTimeInMinutes"])
            share += step
    yield _ALL, float(configuration["bakeTimeInMinutes"])


def _minutes_of_alarms(call: Call, deployment: Deployment) -> float:
    """Return for how long ECS looks at alarms after a rolling deployment: as long as the slowest needs to go off.

    AWS says only that it computes this "based on the alarm configuration"; this is the shortest that makes sense.
    """
    alarms = [call.moto("cloudwatch").alarms.get(name) for name in deployment.watched]
    return max((_window(alarm) for alarm in alarms if alarm is not None), default=0.0) / 60


def _window(alarm: Any) -> float:
    """Return the seconds that an alarm needs to go off."""
    periods = [query.metric_stat.period for query in alarm.metric_data_queries or () if query.metric_stat]
    return float(alarm.evaluation_periods) * float(alarm.period or max(map(float, periods), default=0.0))
