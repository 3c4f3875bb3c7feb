"""What RDS offers: versions of PostgreSQL, and instance classes by zone.

Source: RDS API reference, DescribeOrderableDBInstanceOptions.
"""

from __future__ import annotations

from contextlib import suppress

from missyou_operator.aws.account.facts import Facts, Offer, Versions
from missyou_operator.aws.account.wanted import Wanted
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.rds.versions import choose, creatable, orderable
from missyou_operator.engine.errors import RefusedError


def read(cloud: Cloud, wanted: Wanted) -> Facts:
    """Read the versions that can be created, and how the class is offered for the one that would be.

    Where that is not known, it is read how the class is offered for any version: it may be wrong as well.
    """
    if not wanted.instance_class:
        return Facts()
    versions, chosen = (), ""
    if wanted.version:
        versions = tuple(row["EngineVersion"] for row in creatable(cloud))
        with suppress(RefusedError):
            chosen = choose(wanted.version, versions)
    return Facts(
        versions=(Versions(versions, chosen),),
        offers=tuple(
            Offer(
                tuple(zone["Name"] for zone in row.get("AvailabilityZones", ())),
                bool(row.get("MultiAZCapable")),
                bool(row.get("SupportsPerformanceInsights")),
            )
            for row in orderable(cloud, chosen, wanted.instance_class)
        ),
    )
