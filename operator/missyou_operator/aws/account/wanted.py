"""What a new stack wants of an account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read for.

    `types`: the types of resources to create. `cidr`: the VPC's block, "" for no new VPC. `version` and
    `instance_class`: the database's, "" for no new one; a restored one brings its version along. `secrets`: names of
    the secrets to create. `boundary`: the ARN of the permissions boundary of roles, "" for none.
    """

    types: frozenset[str]
    cidr: str = ""
    version: str = ""
    instance_class: str = ""
    secrets: tuple[str, ...] = ()
    boundary: str = ""
