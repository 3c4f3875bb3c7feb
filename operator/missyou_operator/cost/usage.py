"""What an estimate assumes about the use of a stack: everything that the spec does not say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, get_type_hints


@dataclass(frozen=True, slots=True)
class Usage:
    """Assumptions for a month. The defaults are those of a small app; none is a measurement."""

    hours: Annotated[Decimal, "hours in a month (as in AWS's own calculator)"] = Decimal(730)
    nat_gb: Annotated[Decimal, "GB through all NAT gateways"] = Decimal(10)
    endpoint_gb: Annotated[Decimal, "GB through all interface endpoints, if they are on"] = Decimal(10)
    flow_log_gb: Annotated[Decimal, "GB of flow logs, if they are on"] = Decimal(1)
    lcu: Annotated[Decimal, "load balancer capacity units, on average"] = Decimal("0.25")
    image_gb: Annotated[Decimal, "GB that each kept image adds to the registry"] = Decimal("0.1")
    log_gb: Annotated[Decimal, "GB of logs written by tasks and database"] = Decimal(1)
    access_log_gb: Annotated[Decimal, "GB of access logs, if they are on"] = Decimal("0.1")
    million_requests: Annotated[Decimal, "million requests that the firewall inspects, if it is on"] = Decimal(1)

    def assumptions(self) -> Iterator[tuple[str, str, Decimal]]:
        """Yield the name, the description and the amount of each assumption."""
        for name, hint in get_type_hints(Usage, include_extras=True).items():
            yield name, hint.__metadata__[0], getattr(self, name)
