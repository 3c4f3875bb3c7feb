"""The choice of a stack's two availability zones."""

from __future__ import annotations

from collections.abc import Sequence

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.permissions import observe
from missyou_operator.engine.errors import RefusedError

PERMISSIONS = (observe("ec2:DescribeAvailabilityZones"),)


def choose_zones(cloud: Cloud, desired: Sequence[str] | None, used: Sequence[str]) -> tuple[str, str]:
    """Return the zones of the spec, else those in use ("" for a free place), else the first ones of the region.

    Chosen zones stay: zone lists differ between accounts and grow. Local and wavelength zones are left out, and so are
    zones that an account has to opt in to. Source: EC2 API reference, DescribeAvailabilityZones. Errors: RefusedError.
    """
    first, second = desired or used
    if first and second:
        return first, second
    offered = sorted(set(cloud.hourly("ec2.zones", lambda: _offered(cloud))))
    free = [zone for zone in offered if zone not in used]
    if len(free) < (first, second).count(""):
        raise RefusedError(
            Reason.INVALID_SPEC, f"{cloud.stack.region} offers fewer than two availability zones: {offered}"
        )
    return first or free.pop(0), second or free.pop(0)


def _offered(cloud: Cloud) -> list[str]:
    answer = cloud.client("ec2").describe_availability_zones(
        Filters=[
            {"Name": "state", "Values": ["available"]},
            {"Name": "opt-in-status", "Values": ["opt-in-not-required"]},
            {"Name": "zone-type", "Values": ["availability-zone"]},
        ]
    )
    return [zone["ZoneName"] for zone in answer["AvailabilityZones"]]
