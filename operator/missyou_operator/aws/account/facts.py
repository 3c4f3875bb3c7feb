"""What was read of an account, as plain data. What could not be read is named."""

from __future__ import annotations

from dataclasses import dataclass, fields

from missyou_operator.aws.quotas import Quota


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota's value in the account and region."""

    quota: Quota
    value: float


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a quota is used; `zone` for a quota that each availability zone has, "" for the others."""

    quota: Quota
    amount: float
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC of the account with blocks of addresses. `linked`: what connects it with others, "" for nothing."""

    id: str
    name: str
    blocks: tuple[str, ...]
    linked: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One way in which RDS offers an instance class for a version."""

    zones: tuple[str, ...]
    multi_az: bool
    insights: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of PostgreSQL that can be created, and the one that would be: "" where that is not known."""

    creatable: tuple[str, ...]
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What IAM decides on one action on one resource (ARN).

    `forbidden`: a policy denies it explicitly, or the organization does. Otherwise nothing allows it, or it is allowed.
    """

    action: str
    resource: str
    allowed: bool
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class LinkedRole:
    """A service-linked role that the account lacks. `creatable`: whether AWS may create it in the caller's name."""

    service: str
    creatable: bool


@dataclass(frozen=True, slots=True)
class Doomed:
    """A secret of somebody else's that is scheduled for deletion and keeps its name until then (ISO 8601 date)."""

    name: str
    until: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What could not be read, and why: in a word and in AWS's."""

    what: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was read. `principal`: the ARN that the operator acts as."""

    principal: str = ""
    limits: tuple[Limit, ...] = ()
    used: tuple[Used, ...] = ()
    networks: tuple[Network, ...] = ()
    versions: tuple[Versions, ...] = ()
    offers: tuple[Offer, ...] = ()
    decisions: tuple[Decision, ...] = ()
    linked_roles: tuple[LinkedRole, ...] = ()
    doomed: tuple[Doomed, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()

    def __add__(self, other: Facts) -> Facts:
        """Return the facts of both."""
        return Facts(**{item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(Facts)})

    def could_read(self, what: str) -> bool:
        """Return whether something could be read."""
        return all(each.what != what for each in self.unchecked)
