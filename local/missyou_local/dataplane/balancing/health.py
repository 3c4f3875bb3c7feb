"""How the health of a target follows from its checks.

Source of states, thresholds and reason codes: user guide of Application Load Balancers, "Health checks for Application
Load Balancer target groups", and the API reference, TargetHealth. The descriptions are the ones that AWS sends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from missyou_local.dataplane.balancing.values import Check, TargetHealth

TIMED_OUT = TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
NO_ANSWER = TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
REGISTERING = TargetHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING = TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
UNUSED = TargetHealth(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
HEALTHY = TargetHealth("healthy")


def mismatch(status: int) -> TargetHealth:
    """Return the health after a response whose status the group's matcher does not name."""
    return TargetHealth(
        "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"
    )


@dataclass(frozen=True, slots=True)
class History:
    """What the checks of one target have shown. `streak` counts the latest results that speak against `health`."""

    health: TargetHealth = REGISTERING
    streak: int = 0

    def after(self, result: TargetHealth, check: Check) -> History:
        """Return the history with one more result: `HEALTHY`, or why the check failed.

        A new target enters service with the first check that it passes. One that was taken out of service has to pass
        `check.healthy` checks in a row.
        """
        streak = self.streak + 1
        if result == HEALTHY:
            back = self.health.state != "unhealthy" or streak >= check.healthy
            return History(HEALTHY) if back else replace(self, streak=streak)
        if self.health.state == "unhealthy" or streak >= check.unhealthy:
            return History(result)
        return History(CHECKING if self.health.state == "initial" else self.health, streak)
