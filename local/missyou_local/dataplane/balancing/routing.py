"""Which action of a listener a request gets, and which target of a group."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from missyou_local.dataplane.balancing.health import Vitals
from missyou_local.dataplane.balancing.values import Action, Group, Listener, Rule, Target


def hostname(host_header: str) -> str:
    """Return the name or address in a Host header, without its port."""
    name, colon, port = host_header.rpartition(":")
    return name if colon and port.isdecimal() else host_header


def action_for(listener: Listener, host: str, path: str) -> Action:
    """Return what a listener does with a request for `path` (without query) on `host` (without port)."""
    rules = sorted(listener.rules, key=lambda rule: rule.priority)
    return next((rule.action for rule in rules if _matches(rule, host, path)), listener.default)


def _matches(rule: Rule, host: str, path: str) -> bool:
    """Compare hosts without case and paths with it (user guide, "Condition types for listener rules")."""
    return (not rule.paths or any(_pattern(one).fullmatch(path) for one in rule.paths)) and (
        not rule.hosts or any(_pattern(one.lower()).fullmatch(host.lower()) for one in rule.hosts)
    )


@lru_cache(maxsize=1000)
def _pattern(wildcards: str) -> re.Pattern[str]:
    """Translate * and ?; fnmatch would take [ too, which AWS does not."""
    return re.compile(re.escape(wildcards).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def candidates(group: Group, vitals: Callable[[Target], Vitals]) -> Sequence[Target]:
    """Return the targets of a group that may get a request, none if it has to be refused.

    The healthy ones; failing these all unhealthy ones, for "if a target group contains only unhealthy registered
    targets, the load balancer routes requests to all those targets" (user guide, "Health checks for Application Load
    Balancer target groups"). A target has to pass a check to be in service, so those that are new get none yet.
    """
    states = [(target, vitals(target).state) for target in group.targets if not target.draining]
    healthy = [target for target, state in states if state == "healthy"]
    return healthy or [target for target, state in states if state == "unhealthy"]


class RoundRobin:
    """Takes turns among the targets of each group."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    def choose(self, group: str, targets: Sequence[Target]) -> Target:
        """Return the target whose turn it is; `targets` must not be empty."""
        turn = self._turns.get(group, 0)
        self._turns[group] = turn + 1
        return targets[turn % len(targets)]

    def keep(self, groups: frozenset[str]) -> None:
        """Forget all groups but these."""
        self._turns = {group: turn for group, turn in self._turns.items() if group in groups}
