"""The choice of a stack's two availability zones, before anything is created: they cannot change afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.permissions import observe
from missyou_operator.engine.errors import RefusedError

PERMISSIONS = (observe("ec2:DescribeAvailabilityZones"),)

#: Zones, by their IDs (names differ between accounts), that lack a service of the stack. Sources: ECS developer guide,
#: "Supported Regions for Amazon ECS on AWS Fargate", Linux containers, which lists the zones of these regions;
#: github.com/aws/copilot-cli issue 1298 (apne1-az3) and github.com/widdix/mastodon-on-aws issue 13 (us-west-1) for
#: load balancers.
_UNSUITABLE: Mapping[str, str] = {
    "apne1-az3": "has neither load balancers nor Fargate",
    "usw1-az2": "has neither load balancers nor Fargate",
    "cac1-az3": "has no Fargate",
    "cac1-az4": "has no Fargate",
    "cnn1-az3": "has no Fargate",
}
#: Zones that are only avoided: whoever names one may have an instance class that it offers. use1-az3 has no Nitro
#: hardware, hence no db.t3 and nothing newer.
_AVOIDED = frozenset({*_UNSUITABLE, "use1-az3"})


def choose_zones(cloud: Cloud, desired: Sequence[str] | None, used: Sequence[str]) -> tuple[str, str]:
    """Return the zones of the spec, else those in use ("" for a free place), else the first suitable ones.

    Chosen zones stay: zone lists differ between accounts and grow. Local and wavelength zones are left out, and so are
    zones that an account has to opt in to. Source: EC2 API reference, DescribeAvailabilityZones. Errors: RefusedError.
    """
    first, second = desired or used
    if desired and not any(used):
        _check(cloud, desired)
    if first and second:
        return first, second
    offered = _offered(cloud)
    free = sorted(name for name, id_ in offered.items() if name not in used and id_ not in _AVOIDED)
    if len(free) < (first, second).count(""):
        raise RefusedError(
            Reason.INVALID_SPEC,
            f"{cloud.stack.region} offers fewer than two suitable availability zones: {_listed(offered)}. Choose "
            "another spec.region, or correct its spelling",
        )
    return first or free.pop(0), second or free.pop(0)


def _check(cloud: Cloud, desired: Sequence[str]) -> None:
    """Raise RefusedError unless the stack can be created in the zones of the spec."""
    offered = _offered(cloud)
    for name in desired:
        why = _UNSUITABLE.get(offered[name]) if name in offered else "is not an available availability zone of yours"
        if why:
            suitable = ", ".join(sorted(each for each, id_ in offered.items() if id_ not in _AVOIDED))
            raise RefusedError(
                Reason.INVALID_SPEC,
                f"spec.network.availabilityZones: {name}{_in_brackets(offered.get(name))} {why}. The field is "
                "immutable: delete this MissYouApp, which has nothing in AWS yet, and create it with two of "
                f"{suitable}, or without the field",
            )


def _in_brackets(id_: str | None) -> str:
    return f" ({id_})" if id_ else ""


def _listed(offered: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({id_})" for name, id_ in sorted(offered.items())) or "(none)"


def _offered(cloud: Cloud) -> Mapping[str, str]:
    """Return the IDs of the zones that the account can use, by name."""
    return cloud.hourly("ec2.zones", lambda: _described(cloud))


def _described(cloud: Cloud) -> dict[str, str]:
    answer: Mapping[str, Any] = cloud.client("ec2").describe_availability_zones(
        Filters=[
            {"Name": "state", "Values": ["available"]},
            {"Name": "opt-in-status", "Values": ["opt-in-not-required"]},
            {"Name": "zone-type", "Values": ["availability-zone"]},
        ]
    )
    return {zone["ZoneName"]: zone.get("ZoneId", "") for zone in answer["AvailabilityZones"]}
