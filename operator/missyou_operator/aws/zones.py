"""Which two availability zones a stack lives in."""

from __future__ import annotations

from collections.abc import Sequence

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.permissions import observe
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.plan import ObservedState

PERMISSIONS = (observe("ec2:DescribeAvailabilityZones"),)


def choose_zones(cloud: Cloud, wanted: Sequence[str] | None, world: ObservedState) -> tuple[str, str]:
    """Give the zones of the spec, else those that the subnets already are in, else the first two of the region.

    Once chosen they stay: zone lists differ between accounts and grow. Local and wavelength zones are left out, as are
    those that an account has to opt in to. Source: EC2 API reference, DescribeAvailabilityZones. Errors: RefusedError.
    """
    if wanted is not None:
        return wanted[0], wanted[1]
    used = {
        letter: observed.attrs["zone"]
        for tier in ("public", "app", "db")
        for letter in ("a", "b")
        for observed in world.get(f"ec2.Subnet/{cloud.stack.name}-{tier}-{letter}", ())
    }
    if len(used) == 2:
        return used["a"], used["b"]
    offered = sorted(set(cloud.hourly("ec2.zones", lambda: _offered(cloud))))
    free = [zone for zone in offered if zone not in used.values()]
    if len(free) + len(used) < 2:
        raise RefusedError("InvalidSpec", f"{cloud.stack.region} offers fewer than two availability zones: {offered}")
    first = used.get("a") or free.pop(0)
    return first, used.get("b") or free.pop(0)


def _offered(cloud: Cloud) -> list[str]:
    answer = cloud.client("ec2").describe_availability_zones(
        Filters=[
            {"Name": "state", "Values": ["available"]},
            {"Name": "opt-in-status", "Values": ["opt-in-not-required"]},
            {"Name": "zone-type", "Values": ["availability-zone"]},
        ]
    )
    return [zone["ZoneName"] for zone in answer["AvailabilityZones"]]
