"""The sections of `spec` about incoming requests: access logs and firewall."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from missyou_operator.api.base import WireModel


class AccessLogs(WireModel):
    """The load balancer's access logs, in an S3 bucket of their own."""

    enabled: bool = False
    """Whether access logs are written. Turning them off deletes the bucket; with logs in it, that needs approval."""
    retention_days: Annotated[int, Field(ge=1, le=3653)] = 30
    """Days for which the logs are kept."""


class WAF(WireModel):
    """The web application firewall in front of the load balancer."""

    enabled: bool = False
    """Whether a web ACL with AWS managed rule groups and a rate limit protects the load balancer."""
    rate_limit: Annotated[int, Field(ge=10, le=2_000_000_000)] = 2000
    """Requests allowed per IP address in five minutes; more are blocked. Many users may share one address."""
