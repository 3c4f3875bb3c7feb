"""The parts of a stack that users see."""

from __future__ import annotations

from enum import StrEnum


class Component(StrEnum):
    """A part of a stack, in the order in which parts come up. Each has a condition `<component>Ready`."""

    NETWORK = "Network"
    DATABASE = "Database"
    REGISTRY = "Registry"
    SECRETS = "Secrets"
    LOAD_BALANCER = "LoadBalancer"
    SERVICE = "Service"
    MONITORING = "Monitoring"
    WAF = "WAF"
    DOMAIN = "Domain"

    @property
    def condition(self) -> str:
        """The type of the condition that sums this component up."""
        return f"{self.value}Ready"


#: Components that have a condition only where they are configured.
OPTIONAL = frozenset({Component.DOMAIN, Component.WAF})
