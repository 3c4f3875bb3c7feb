"""What load balancers are told to do, and what they tell of their targets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_CODES = re.compile(r"\d{3}(?:-\d{3})?(?:,\d{3}(?:-\d{3})?)*", re.ASCII)

Protocol = Literal["HTTP", "HTTPS"]


@dataclass(frozen=True, slots=True)
class Check:
    """How the targets of a group are health-checked: GET `path`, answered in time with one of `codes`.

    `interval` and `timeout` in seconds as they really last; `healthy` and `unhealthy` are counts of consecutive
    checks; `codes` as AWS's matcher writes them: "200", "200,202", "200-299". Raises ValueError for what cannot be
    followed.
    """

    path: str
    interval: float
    timeout: float
    healthy: int
    unhealthy: int
    codes: str

    def __post_init__(self) -> None:
        """Refuse what would check without pause, never, or against nothing."""
        if not self.path.startswith("/"):
            raise ValueError(f"Check.path: {self.path!r} must start with /")
        if min(self.interval, self.timeout) <= 0:
            raise ValueError(f"Check.interval and timeout: {self.interval} and {self.timeout} must be above 0 seconds")
        if min(self.healthy, self.unhealthy) < 1:
            raise ValueError(f"Check.healthy and unhealthy: {self.healthy} and {self.unhealthy} must be at least 1")
        if not _CODES.fullmatch(self.codes):
            raise ValueError(f'Check.codes: {self.codes!r} must be written as "200", "200,202" or "200-299"')

    def accepts(self, status: int) -> bool:
        """Tell whether an answer of this status passes."""
        ranges = (part.partition("-") for part in self.codes.split(","))
        return any(int(low) <= status <= int(high or low) for low, _, high in ranges)


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target. `id`: its address and port as AWS shows them; `host` and `port`: where it really is."""

    id: str
    host: str
    port: int
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A target group, `name` being its ARN."""

    name: str
    check: Check
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to a target of the group of this name."""

    group: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client elsewhere. All but `status` may hold #{protocol}, #{host}, #{port}, #{path} and #{query}.

    Source: API reference of Elastic Load Balancing, RedirectActionConfig, whose defaults these are.
    """

    host: str = "#{host}"
    port: str = "#{port}"
    protocol: str = "#{protocol}"
    path: str = "/#{path}"
    query: str = "#{query}"
    status: int = 301


@dataclass(frozen=True, slots=True)
class Fixed:
    """Answer with this."""

    status: int
    content_type: str = "text/plain"
    body: str = ""


Action = Forward | Redirect | Fixed


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do with requests that match one of `paths` and one of `hosts`, where these are given.

    Both are patterns with the wildcards * and ?. Of several rules that match, the lowest `priority` acts.
    """

    priority: int
    paths: tuple[str, ...]
    hosts: tuple[str, ...]
    action: Action


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener, `name` and `balancer` being ARNs.

    `port` is the one AWS knows, as 80 or 443; `local_port` the one of 127.0.0.1 that stands for it.
    """

    name: str
    balancer: str
    protocol: Protocol
    port: int
    local_port: int
    default: Action
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """The health of a target in AWS's words: its state, and, unless that is "healthy", reason code and description."""

    state: Literal["initial", "healthy", "unhealthy", "unused", "draining"]
    reason: str = ""
    description: str = ""
