"""Load balancers on ports of this machine. They check targets, forward and redirect as an ALB does."""

from __future__ import annotations

from missyou_local.dataplane.balancing.balancers import LoadBalancers
from missyou_local.dataplane.balancing.values import (
    Check,
    Forward,
    Group,
    Listener,
    Redirect,
    Target,
    TargetHealth,
)

__all__ = [
    "Check",
    "Forward",
    "Group",
    "Listener",
    "LoadBalancers",
    "Redirect",
    "Target",
    "TargetHealth",
]
