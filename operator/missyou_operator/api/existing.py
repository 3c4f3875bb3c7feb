"""The section `spec.existing`: what existed before the stack, and stays as it is. `missyou import` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from missyou_operator.api import field_rules as rules
from missyou_operator.api.base import WireModel
from missyou_operator.api.rules import Rule, keys_match

#: The keys of `names` whose names are fixed, and the beginnings of those that end in what tells several apart.
NAME_KEYS = (
    *("vpc", "internetGateway", "publicSubnetA", "publicSubnetB", "appSubnetA", "appSubnetB", "databaseSubnetA"),
    *("databaseSubnetB", "natGatewayA", "natGatewayB", "addressA", "addressB", "appRoutesA", "appRoutesB"),
    *("publicRoutes", "databaseRoutes", "loadBalancerSecurityGroup", "tasksSecurityGroup", "databaseSecurityGroup"),
    *("database", "databaseSubnetGroup", "credentials", "repository", "cluster", "service", "taskDefinition"),
    *("container", "cpuScaling", "memoryScaling", "executionRole", "taskRole", "loadBalancer", "appLog", "databaseLog"),
    *("healthyTasksAlarm", "failingRequestsAlarm", "unhealthyTasksAlarm", "serviceCPUAlarm", "databaseCPUAlarm"),
    *("databaseStorageAlarm", "databaseConnectionsAlarm", "databaseMemoryAlarm"),
)
NAME_KEY_PREFIXES = ("targetGroup-", "parameterGroup-", "endpoint-")

_KEY = f"{'|'.join(NAME_KEYS)}|({'|'.join(NAME_KEY_PREFIXES)})[a-z0-9-]+"
_NAMES_KEPT = Rule(
    cel="oldSelf.all(k, k in self && self[k] == oldSelf[k])",
    message="names of what exists are immutable: keep them; further ones may be added",
    forbidden=True,
)
#: On the section: a rule on an optional field is not evaluated where the field is removed.
_SUBNETS_KEPT = Rule(
    cel="has(self.subnets) == has(oldSelf.subnets) && (!has(self.subnets) || self.subnets == oldSelf.subnets)",
    message="subnets are immutable: undo this change, or create another MissYouApp",
    path=".subnets",
    forbidden=True,
)
_Blocks = Annotated[
    Sequence[Annotated[str, Field(max_length=18), rules.BLOCK]],
    Field(min_length=2, max_length=2),
    rules.BLOCKS_DIFFER,
]


class ExistingSubnets(WireModel):
    """Blocks of subnets that exist: two of each tier, in the order of network.availabilityZones."""

    public: _Blocks
    """Blocks of the public subnets."""
    app: _Blocks
    """Blocks of the app's subnets."""
    database: _Blocks
    """Blocks of the database's subnets."""


class IgnoredDifference(WireModel):
    """One resource that may differ from the spec."""

    resource: Annotated[str, Field(min_length=1, max_length=512)]
    """Type and name, as status.plan and status.resources show them, for example rds.DBInstance/shop-db."""
    fields: Annotated[Sequence[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=40)] | None = None
    """Fields that may differ. Default: the whole resource, which is then neither created nor changed nor deleted."""


class Existing(WireModel):
    """What existed before the stack, and stays as it is. `missyou import` writes it."""

    names: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=512)]],
        Field(max_length=64),
        keys_match(
            _KEY,
            f"keys must be among {', '.join(NAME_KEYS)}, or begin with one of {', '.join(NAME_KEY_PREFIXES)}",
        ),
        _NAMES_KEPT,
    ] = Field(default_factory=dict)
    """Names that differ from those that the operator gives. Entries are immutable; further ones may be added."""
    subnets: ExistingSubnets | None = None
    """Blocks of the subnets, where they are not those that the operator cuts out of network.cidr. Immutable."""
    ignore_differences: Annotated[Sequence[IgnoredDifference], Field(min_length=0, max_length=100)] | None = None
    """Differences between AWS and the spec that the operator leaves alone. Removing an entry brings the resource in
    line with the spec: the plan shows beforehand what that changes."""

    @property
    def ignored(self) -> Mapping[str, frozenset[str]]:
        """The fields that may differ, by the address of their resource; none for a resource as a whole."""
        found: dict[str, frozenset[str]] = {}
        for each in self.ignore_differences or ():
            whole = not each.fields or found.get(each.resource) == frozenset()
            found[each.resource] = (
                frozenset() if whole else found.get(each.resource, frozenset()).union(each.fields or ())
            )
        return found


#: The section with the rule between it and the one before.
ValidatedExisting = Annotated[Existing, _SUBNETS_KEPT]
