"""Which MissYouTenant a namespace belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from missyou_operator.api.tenant import LabelRequirement, LabelSelector, Tenant
from missyou_operator.tenancy.patterns import begins

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The tenants of a cluster and the labels of its namespaces, by name.

    `unreadable`: tenants that another CRD has let through, and why. They grant nothing, and count as there.
    `required`: without a tenant nothing is granted, instead of everything.
    """

    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    required: bool = False

    @property
    def judges(self) -> bool:
        """Whether anything is refused for want of a grant."""
        return bool(self.tenants or self.unreadable or self.required)

    def tenants_of(self, namespace: str) -> tuple[str, ...]:
        """Return the names of the tenants that a namespace belongs to. More than one is a mistake."""
        labels = self.namespaces.get(namespace)
        return tuple(sorted(name for name, tenant in self.tenants.items() if belongs(namespace, labels, tenant)))

    def tenant_of(self, namespace: str) -> str:
        """Return the name of the one tenant of a namespace, "" where there is none, or more than one."""
        names = self.tenants_of(namespace)
        return names[0] if len(names) == 1 else ""

    def prefix_of(self, namespace: str) -> str:
        """Return what the names of a namespace's stacks begin with."""
        name = self.tenant_of(namespace)
        return (self.tenants[name].stack_prefix if name else None) or namespace

    def holder_of(self, stack: str, namespace: str) -> str:
        """Return which other namespace has a longer prefix of a stack's name than a namespace has, "" if none has."""
        own, tenant = self.prefix_of(namespace), self.tenant_of(namespace)
        for other in sorted(self.namespaces):
            prefix = self.prefix_of(other)
            mine = other == namespace or (tenant and self.tenant_of(other) == tenant)
            # A namespace without a tenant has no stacks that could be meant.
            if not mine and self.tenant_of(other) and begins(prefix, stack) and _size(prefix) > _size(own):
                return other
        return ""


def belongs(namespace: str, labels: Labels | None, tenant: Tenant) -> bool:
    """Return whether a namespace is one of a tenant's. `labels` is None where nobody has seen the namespace yet."""
    if namespace in tenant.namespaces:
        return True
    return labels is not None and tenant.namespace_selector is not None and _selects(tenant.namespace_selector, labels)


def _selects(selector: LabelSelector, labels: Labels) -> bool:
    """Return what Kubernetes does (apimachinery, `LabelSelectorAsSelector`)."""
    equal = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return equal and all(_holds(requirement, labels) for requirement in selector.match_expressions)


def _holds(requirement: LabelRequirement, labels: Labels) -> bool:
    match requirement.operator:
        case "In":
            return labels.get(requirement.key) in requirement.values
        case "NotIn":
            return labels.get(requirement.key) not in requirement.values
        case "Exists":
            return requirement.key in labels
        case "DoesNotExist":
            return requirement.key not in labels


def _size(prefix: str) -> int:
    return len(prefix.rstrip("-"))
