"""The sections of `spec` about what comes in: the load balancer's log and the firewall in front of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from missyou_operator.api.base import WireModel


class AccessLogs(WireModel):
    """The load balancer's record of every request, in a bucket of its own."""

    enabled: bool = False
    """Keep it. Switching it off deletes the bucket, which needs an approval while there are logs in it."""
    retention_days: Annotated[int, Field(ge=1, le=3653)] = 30
    """Days that the logs are kept."""


class WAF(WireModel):
    """The web application firewall in front of the load balancer."""

    enabled: bool = False
    """Put a web ACL with AWS's managed rule groups and a rate limit in front of the load balancer."""
    rate_limit: Annotated[int, Field(ge=10, le=2_000_000_000)] = 2000
    """Requests that one IP address may make in five minutes; more are blocked. Many people may share an address."""
