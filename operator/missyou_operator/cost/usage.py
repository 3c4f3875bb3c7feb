"""What an estimate assumes about the use of a stack: everything that the spec does not say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

#: What each assumption is; all are for a month.
ABOUT = {
    "hours": "hours of a month (AWS's own calculator counts 730)",
    "nat_gb": "GB through all NAT gateways",
    "endpoint_gb": "GB through all interface endpoints, where they are on",
    "lcu": "load balancer capacity units, on average",
    "image_gb": "GB that each kept image adds to the registry",
    "log_gb": "GB of logs written by tasks and database",
    "access_log_gb": "GB of access logs written by the load balancer, where they are on",
    "million_requests": "million requests that the firewall looks at, where it is on",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Assumptions, as `ABOUT` has them. The defaults are those of a small app; none is a measurement."""

    hours: Decimal = Decimal(730)
    nat_gb: Decimal = Decimal(10)
    endpoint_gb: Decimal = Decimal(10)
    lcu: Decimal = Decimal("0.25")
    image_gb: Decimal = Decimal("0.1")
    log_gb: Decimal = Decimal(1)
    access_log_gb: Decimal = Decimal("0.1")
    million_requests: Decimal = Decimal(1)
