"""Deployment strategies in ECS's words, as the operator sends and compares them. Pure.

Sources: ECS API reference, DeploymentConfiguration, CanaryConfiguration, LinearConfiguration, AdvancedConfiguration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.engine.values import Ref

ROLLING: Mapping[str, Any] = {"strategy": "ROLLING"}
#: The settings of a strategy that it heeds, with the API's defaults.
_HEEDED: Mapping[str, Mapping[str, Any]] = {
    "ROLLING": {},
    "BLUE_GREEN": {"bakeTimeInMinutes": 0},
    "CANARY": {
        "bakeTimeInMinutes": 0,
        "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10},
    },
    "LINEAR": {"bakeTimeInMinutes": 0, "linearConfiguration": {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}},
}


def blue_green(bake: int) -> Mapping[str, Any]:
    """Return the strategy that moves all requests at once. `bake`: minutes for which the old tasks stay."""
    return {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": bake}


def canary(bake: int, percent: int, minutes: int) -> Mapping[str, Any]:
    """Return the strategy that moves a share of the requests first, and the rest some minutes later."""
    first = {"canaryPercent": float(percent), "canaryBakeTimeInMinutes": minutes}
    return {"strategy": "CANARY", "bakeTimeInMinutes": bake, "canaryConfiguration": first}


def linear(bake: int, percent: int, minutes: int) -> Mapping[str, Any]:
    """Return the strategy that moves the requests in equal steps, some minutes apart."""
    steps = {"stepPercent": float(percent), "stepBakeTimeInMinutes": minutes}
    return {"strategy": "LINEAR", "bakeTimeInMinutes": bake, "linearConfiguration": steps}


def observed_strategy(configuration: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the strategy that a service shows, without what it does not heed; None if it shows no configuration."""
    if configuration is None:
        return None
    name = configuration.get("strategy") or "ROLLING"
    found: dict[str, Any] = {"strategy": name}
    for key, default in _HEEDED.get(name, {}).items():
        value = configuration.get(key)
        if isinstance(default, Mapping):
            found[key] = {**default, **{part: (value or {}).get(part, default[part]) for part in default}}
        else:
            found[key] = default if value is None else value
    return found


def observed_alarms(configuration: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """Return the alarms by which a service rolls back; None if it shows no configuration."""
    if configuration is None:
        return None
    alarms = configuration.get("alarms") or {}
    return tuple(sorted(alarms.get("alarmNames") or ())) if alarms.get("enable") and alarms.get("rollback") else ()


def alarm_configuration(names: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the setting by which a deployment fails, and is rolled back, once one of these alarms goes off."""
    return {"alarmNames": sorted(names), "enable": bool(names), "rollback": bool(names)}


def advanced_configuration(alternate: str | Ref, rule: str | Ref, role: str | Ref) -> Mapping[str, Any]:
    """Return the part of a load balancer's entry that makes a pair of its target group; {} without an `alternate`.

    `rule`: that of the listener by which requests are shifted, `role`: who may do so. All are ARNs.
    """
    if not alternate:
        return {}
    pair = {"alternateTargetGroupArn": alternate, "productionListenerRule": rule, "roleArn": role}
    return {"advancedConfiguration": pair}


def pair_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the load balancer of a service that has two target groups; {} if there is none."""
    return next((entry for entry in row.get("loadBalancers") or () if entry.get("advancedConfiguration")), {})
