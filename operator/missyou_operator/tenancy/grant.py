"""What one app may use in AWS: the part of its tenant that the passes carry along."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.tenancy.patterns import covers_any


@dataclass(frozen=True, slots=True)
class Grant:
    """What the app of a tenant may use.

    `role` is "" for the operator's own identity; `zones`, `zone_roles` and `snapshots` are as in the tenant.
    """

    tenant: str
    role: str = ""
    zones: tuple[str, ...] = ()
    zone_roles: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()

    def covers_snapshot(self, given: str) -> bool:
        """Return whether the tenant may restore a snapshot, by its name or ARN, whoever has taken it."""
        return covers_any(self.snapshots, given)
