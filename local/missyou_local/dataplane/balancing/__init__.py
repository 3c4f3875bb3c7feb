"""Load balancers on ports of this machine: they check targets, and forward, redirect and answer as an ALB does."""

from __future__ import annotations

from missyou_local.dataplane.balancing.balancers import LoadBalancers
from missyou_local.dataplane.balancing.values import (
    Action,
    Check,
    Fixed,
    Forward,
    Group,
    Listener,
    Redirect,
    Rule,
    Target,
    TargetHealth,
)

__all__ = [
    "Action",
    "Check",
    "Fixed",
    "Forward",
    "Group",
    "Listener",
    "LoadBalancers",
    "Redirect",
    "Rule",
    "Target",
    "TargetHealth",
]
