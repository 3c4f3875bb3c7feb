"""What load balancers are told to do, and what they report about their targets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

_CODES = re.compile(r"\d{3}(?:-\d{3})?(?:,\d{3}(?:-\d{3})?)*", re.ASCII)

Protocol = Literal["HTTP", "HTTPS"]


@dataclass(frozen=True, slots=True)
class Check:
    """How the targets of a group are checked: GET `path` by `protocol`, answered in time with one of `codes`.

    `interval` and `timeout` are real seconds. `healthy` and `unhealthy` count consecutive checks. `codes` is written
    as in AWS's matcher: "200", "200,202", "200-299". Error: ValueError.
    """

    path: str
    interval: float
    timeout: float
    healthy: int
    unhealthy: int
    codes: str
    protocol: str = "HTTP"

    def __post_init__(self) -> None:
        """Refuse a check that would run without pause, never succeed, or match nothing."""
        if not self.path.startswith("/"):
            raise ValueError(f"Check.path: {self.path!r} must start with /")
        if min(self.interval, self.timeout) <= 0:
            raise ValueError(f"Check.interval and timeout: {self.interval} and {self.timeout} must be above 0 seconds")
        if min(self.healthy, self.unhealthy) < 1:
            raise ValueError(f"Check.healthy and unhealthy: {self.healthy} and {self.unhealthy} must be at least 1")
        if not _CODES.fullmatch(self.codes):
            raise ValueError(f'Check.codes: {self.codes!r} must be written as "200", "200,202" or "200-299"')

    def accepts(self, status: int) -> bool:
        """Return whether a response with this status passes."""
        ranges = (part.partition("-") for part in self.codes.split(","))
        return any(int(low) <= status <= int(high or low) for low, _, high in ranges)


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target. `id` is its address and port as AWS shows them, `host` and the ports are the real ones.

    `check_port` is checked, `port` gets the requests. A port is None where the load balancer cannot reach it.
    """

    id: str
    host: str
    port: int | None
    check_port: int | None
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A target group. `name` is its ARN."""

    name: str
    check: Check
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to a target of one of these groups (name -> weight).

    A group whose weight is 0 gets no requests, yet its targets are checked. Nothing goes to another group because the
    chosen one has no healthy target. Sources: ALB guide, "Actions for listener rules"; ELBv2 API reference,
    TargetGroupTuple.
    """

    weights: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client to the same host, path and query by another protocol and port."""

    protocol: str
    port: int
    status: int = 301


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener. `name` and `balancer` are ARNs.

    `port` is the one that AWS knows (80, 443); `local_port` is the port of 127.0.0.1 that stands for it. It stays
    closed where `admits` is False, since this machine may not connect; the targets are checked all the same.
    """

    name: str
    balancer: str
    protocol: Protocol
    port: int
    local_port: int
    action: Forward | Redirect
    admits: bool = True


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """The health of a target in AWS's words: its state, and unless that is "healthy", reason code and description."""

    state: Literal["initial", "healthy", "unhealthy", "unused", "draining"]
    reason: str = ""
    description: str = ""
