"""The whole state that load balancers shall be in, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from missyou_local.dataplane.balancing.values import Check, Forward, Group, Listener, Target


@dataclass(frozen=True, slots=True)
class Checked:
    """A target that is to be checked. A target that moves to another port is another one, and begins anew."""

    group: str
    target: Target


@dataclass(frozen=True, slots=True)
class Wanted:
    """Listeners, and the groups that they may forward to."""

    listeners: tuple[Listener, ...] = ()
    groups: tuple[Group, ...] = ()
    by_name: Mapping[str, Group] = field(init=False, compare=False)
    used: frozenset[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Index the groups, and find those that receive traffic."""
        object.__setattr__(self, "by_name", {group.name: group for group in self.groups})
        object.__setattr__(self, "used", frozenset(_forwarded_to(self.listeners)))

    def target(self, group: str, target: str) -> Target | None:
        """Return a target by the names of its group and its own."""
        known = self.by_name.get(group)
        return next((one for one in known.targets if one.id == target), None) if known else None

    def checks(self) -> dict[Checked, Check]:
        """Return what is to be checked, and how: the targets that can get traffic."""
        return {
            Checked(group.name, target): group.check
            for group in self.groups
            if group.name in self.used
            for target in group.targets
            if not target.draining
        }

    def local_port(self, balancer: str, port: int) -> int | None:
        """Return the port of this machine that stands for a port of a load balancer with a listener there."""
        return next((one.local_port for one in self.listeners if (one.balancer, one.port) == (balancer, port)), None)


def _forwarded_to(listeners: Iterable[Listener]) -> set[str]:
    actions = [action for one in listeners for action in (one.default, *(rule.action for rule in one.rules))]
    return {action.group for action in actions if isinstance(action, Forward)}
