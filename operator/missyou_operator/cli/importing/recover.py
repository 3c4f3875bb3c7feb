"""A stack that an operator made, without its MissYouApp: what of the spec its tags and its resources tell. Pure.

What a spec switches on shows as what its absence would delete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from missyou_operator.aws.identity import STACK_TAG, tag_map
from missyou_operator.cli.importing.facts import Row
from missyou_operator.cli.importing.notes import Note
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.engine.tags import LEDGER, stale

#: The fields that switch something on, by the type of what is there then.
_SWITCHES: Mapping[str, tuple[str, ...]] = {
    "cloudwatch.Dashboard": ("monitoring", "dashboard"),
    "wafv2.WebACL": ("waf", "enabled"),
    "s3.Bucket": ("loadBalancer", "accessLogs", "enabled"),
    "ec2.FlowLog": ("network", "flowLogs", "enabled"),
}
_STRATEGIES = {"BLUE_GREEN": "BlueGreen", "CANARY": "Canary", "LINEAR": "Linear"}
_SOURCES = {"google_api_key": "googleAPIKey", "firebase_key": "firebaseServiceAccount"}
_ORIGIN = re.compile(r"From the Kubernetes Secret (\S+) of ")
#: The key that is assumed in a Kubernetes Secret: AWS shows only its name.
_KEY = "value"


def owner(vpc: Row) -> str:
    """Return the app that the tags of a VPC name, as NAMESPACE/NAME; "" for none."""
    return tag_map(vpc.get("Tags")).get(STACK_TAG, "")


def from_tags(vpc: Row) -> dict[str, Any]:
    """Return what the tags of a VPC tell of the spec."""
    tags = tag_map(vpc.get("Tags"))
    own = {key: tags[key] for key in stale({}, tags) if key != LEDGER}
    environment = tags.get("Environment")
    return {
        **({"environment": environment} if environment in {"Production", "Development"} else {}),
        **({"tags": own} if own else {}),
    }


def switched_on(spec: Mapping[str, Any], stack: str, world: ObservedState, surplus: Iterable[str]) -> dict[str, Any]:
    """Return the spec with what the surplus tells: addresses of what it would delete."""
    found: dict[str, Any] = _copy(spec)
    for address in surplus:
        for row in world.get(address, ()):
            for path, value in _told(stack, row):
                _set(found, path, value)
        if address.startswith("elbv2.TargetGroup/"):
            # The second group of the pair between which a strategy shifts requests: the service has its settings.
            services = (row for key, rows in world.items() if key.startswith("ecs.Service/") for row in rows)
            _set(found, ("service", "deployment"), next(map(_deployment, services), {}))
    return found


def assumed(spec: Mapping[str, Any]) -> Iterator[Note]:
    """Yield what could only be assumed."""
    keys = [f"spec.secrets.{name}" for name, source in spec.get("secrets", {}).items() if "secretKeyRef" in source]
    keys += [f"spec.service.envFrom.{name}" for name in spec.get("service", {}).get("envFrom", {})]
    for field in keys:
        yield Note(
            f"the key of {field} in its Kubernetes Secret is not known, and assumed to be {_KEY}",
            "set the one that it has; as long as the Secret lacks it, the tasks keep the value that they have",
        )


def _told(stack: str, row: Observed) -> Iterator[tuple[tuple[str, ...], Any]]:
    type_ = row.kind.TYPE
    if type_ in _SWITCHES:
        yield _SWITCHES[type_], True
    if type_ in {"s3.Bucket", "wafv2.WebACL"}:
        for attribute, name in (("retention_days", "retentionDays"), ("rate_limit", "rateLimit")):
            if row.attrs.get(attribute) is not None:
                yield (*_SWITCHES[type_][:-1], name), row.attrs[attribute]
    if type_ == "acm.Certificate":
        yield ("domain", "name"), row.attrs["domain"]
    if type_ == "sns.EmailSubscriptions":
        yield ("monitoring", "notifications", "emails"), sorted(row.attrs["emails"])
    if type_ == "ec2.VpcEndpoint" and row.attrs["kind"] == "Interface":
        yield ("network", "endpoints", "interfaces"), True
    if type_ == "secretsmanager.Secret":
        yield from _secret(stack, row)


def _deployment(service: Observed) -> dict[str, Any]:
    strategy = service.attrs["strategy"] or {}
    canary, linear = (strategy.get(key) or {} for key in ("canaryConfiguration", "linearConfiguration"))
    fields = {
        "strategy": _STRATEGIES.get(strategy.get("strategy", "")),
        "bakeMinutes": strategy.get("bakeTimeInMinutes"),
        "canaryPercent": canary.get("canaryPercent"),
        "stepPercent": linear.get("stepPercent"),
        "stepMinutes": canary.get("canaryBakeTimeInMinutes", linear.get("stepBakeTimeInMinutes")),
    }
    return {key: int(value) if key != "strategy" else value for key, value in fields.items() if value is not None}


def _secret(stack: str, row: Observed) -> Iterator[tuple[tuple[str, ...], Any]]:
    origin, name = _ORIGIN.match(row.attrs["description"]), row.name.removeprefix(f"{stack}/")
    if origin is None:
        return
    key = {"name": origin[1], "key": _KEY}
    if name in _SOURCES:
        yield ("secrets", _SOURCES[name]), {"secretKeyRef": key}
    elif name.startswith("env/"):
        yield ("service", "envFrom", name.removeprefix("env/")), key


def _copy(value: Any) -> Any:
    return {key: _copy(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _set(spec: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        spec = spec.setdefault(part, {})
    spec[path[-1]] = value
