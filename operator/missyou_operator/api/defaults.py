"""The defaults that depend on `spec.environment`.

They are not defaults of the CRD: the API server would write one environment's values into the stored object, and
a later change of `environment` could not tell them from values that somebody chose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Environment = Literal["Production", "Development"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Values for fields that the spec omits. `protect`: both deletion protections, and the final snapshot."""

    nat_gateways: int
    cpu: int
    memory: int
    replicas_min: int
    replicas_max: int
    multi_az: bool
    protect: bool
    dashboard: bool
    immutable_tags: bool


DEFAULTS: dict[Environment, Defaults] = {
    "Production": Defaults(
        nat_gateways=2,
        cpu=512,
        memory=1024,
        replicas_min=2,
        replicas_max=10,
        multi_az=True,
        protect=True,
        dashboard=True,
        immutable_tags=True,
    ),
    "Development": Defaults(
        nat_gateways=1,
        cpu=256,
        memory=512,
        replicas_min=1,
        replicas_max=2,
        multi_az=False,
        protect=False,
        dashboard=False,
        immutable_tags=False,
    ),
}


def cel_or_default(path: str, given: str, production: object, development: object) -> str:
    """Return the CEL expression for `given` where the spec has the field `path`, else for the environment's default."""
    return f"(has({path}) ? {given} : self.environment == 'Production' ? {production} : {development})"
