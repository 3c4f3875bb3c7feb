"""Which target of a group gets a request, and where a redirect leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from yarl import URL

from missyou_local.dataplane.balancing.values import Redirect, Target, TargetHealth

#: The golden ratio as a part of a whole.
_GOLDEN, _WHOLE = 2_654_435_769, 2**32


def candidates(targets: Sequence[Target], health: Callable[[Target], TargetHealth | None]) -> Sequence[Target]:
    """Return the targets that may get a request, none if it has to be refused.

    These are the healthy ones, or all unhealthy ones where there is none: "if a target group contains only unhealthy
    registered targets, the load balancer routes requests to all those targets" (user guide, "Health checks for
    Application Load Balancer target groups"). A new target gets no request before it passes a check.
    """
    states = [(target, found.state) for target in targets if (found := health(target))]
    healthy = [target for target, state in states if state == "healthy"]
    return healthy or [target for target, state in states if state == "unhealthy"]


def in_turn(weights: Mapping[str, int], turn: int) -> str | None:
    """Return the group that gets the request of this number, each in proportion to its weight; None if all are 0.

    Few requests in a row keep the proportion as well: multiples of the golden ratio spread the turns evenly (D. Knuth,
    The Art of Computer Programming, volume 3, section 6.4, Fibonacci hashing).
    """
    left = turn * _GOLDEN % _WHOLE * sum(weights.values()) // _WHOLE
    for group, weight in weights.items():
        if left < weight:
            return group
        left -= weight
    return None


def location(redirect: Redirect, asked: URL, local_port: Callable[[int], int | None]) -> str:
    """Return the URL that a client is sent to. It names the port even where that is the default, as an ALB does.

    `local_port` maps a port of the load balancer to the one of this machine, so that a client here can follow.
    """
    port = local_port(redirect.port) or redirect.port
    return f"{redirect.protocol.lower()}://{asked.host_subcomponent or '127.0.0.1'}:{port}{asked.raw_path_qs}"
