"""How the health of a target follows from its checks.

Source of states, thresholds and reason codes: user guide of Application Load Balancers, "Health checks for Application
Load Balancer target groups", and the API reference, TargetHealth; the descriptions are those that AWS sends with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from missyou_local.dataplane.balancing.values import Check, TargetHealth


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a check failed, in AWS's words."""

    reason: str
    description: str


TIMED_OUT = Fault("Target.Timeout", "Request timed out")
NO_ANSWER = Fault("Target.FailedHealthChecks", "Health checks failed")
REGISTERING = TargetHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING = TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
UNUSED = TargetHealth(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)


def mismatch(status: int) -> Fault:
    """Return the fault of an answer whose status the group's matcher does not name."""
    return Fault("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the checks of one target have shown. `streak`: results in a row that speak against `state`."""

    state: Literal["initial", "healthy", "unhealthy"] = "initial"
    streak: int = 0
    fault: Fault | None = None

    def after(self, fault: Fault | None, check: Check) -> Vitals:
        """Return what one more check shows, None being a check that passed.

        A new target enters service with the first check that it passes; one that was taken out of it needs
        `check.healthy` of them in a row.
        """
        if fault is None:
            return self._after_success(check)
        if self.state == "unhealthy":
            return Vitals("unhealthy", fault=fault)
        streak = self.streak + 1
        return Vitals("unhealthy", fault=fault) if streak >= check.unhealthy else replace(self, streak=streak)

    def _after_success(self, check: Check) -> Vitals:
        if self.state != "unhealthy":
            return Vitals("healthy")
        streak = self.streak + 1
        return Vitals("healthy") if streak >= check.healthy else replace(self, streak=streak)

    def told(self) -> TargetHealth:
        """Return this as AWS tells it."""
        if self.state == "initial":
            return CHECKING if self.streak else REGISTERING
        if self.fault is None:
            return TargetHealth(self.state)
        return TargetHealth(self.state, self.fault.reason, self.fault.description)
