"""The handles that resource classes work with: clients, the stack's identity, and reads shared between stacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.identity import Names, StackIdentity
from missyou_operator.aws.informer import HOURLY, ONCE, Freshness, Inventory, Read, Source
from missyou_operator.tenancy.grant import Grant

T = TypeVar("T")
#: A part of an answer of AWS.
Row = Mapping[str, Any]

#: The IDs of a stack's resources and their names, by type.
Known = Mapping[str, Mapping[str, str]]
#: A boto3 client. Its methods are generated at run time from AWS's models, so nothing can be checked statically.
Client = Any


class Clients(Protocol):
    """The clients of an account and region: one per service (thread-safe, as boto3's clients are)."""

    def client(self, service: str) -> Client:
        """Return the client of a service, by its name in boto3."""

    def client_without_retries(self, service: str) -> Client:
        """Return a client that never retries, for calls that must not be made twice."""


class Cloud:
    """The handle for creating, changing and deleting the resources of one stack."""

    def __init__(  # noqa: PLR0913 - everything that access to a stack needs
        self,
        clients: Clients,
        stack: StackIdentity,
        inventory: Inventory,
        patterns: Names,
        *,
        final_snapshot: bool = True,
        assume: Callable[[str], Clients] | None = None,
        elsewhere: Callable[[str], Clients] | None = None,
        grant: Grant | None = None,
        lives: Callable[[str], bool] = lambda _: False,
        inherits: bool = False,
    ) -> None:
        self.clients = clients
        #: What the stack's tenant grants, None where there are no tenants.
        self.grant = grant
        #: Returns whether the UID is that of an app which is in the stack's namespace now.
        self.lives = lives
        #: Whether somebody has said that the app is the heir of an earlier one of its name.
        self.inherits = inherits
        #: Returns the clients of another role.
        self.assume = assume
        #: Returns the clients of the stack's own identity in another region.
        self.elsewhere = elsewhere
        self.stack = stack
        self.inventory = inventory
        #: The patterns of all stacks' resource names, by type.
        self.patterns = patterns
        #: Whether a deleted database leaves a snapshot behind.
        self.final_snapshot = final_snapshot

    def names(self, type_: str) -> tuple[str, ...]:
        """Return the names of the stack's resources of a type; `*` stands for a part that the spec chooses."""
        return tuple(name for pattern in self.patterns[type_] for name in self.stack.filled(pattern))

    def name(self, type_: str) -> str:
        """Return the name of the stack's only resource of a type. Errors: ValueError unless there is exactly one."""
        [name] = self.names(type_)
        return name

    def client(self, service: str) -> Client:
        """Return the client of a service."""
        return self.clients.client(service)

    def client_without_retries(self, service: str) -> Client:
        """Return the client for calls that must not be made twice."""
        return self.clients.client_without_retries(service)

    def clients_of(self, role: str) -> Clients:
        """Return the clients of a role, by its ARN, or the stack's own clients if the ARN is empty."""
        return self.assume(role) if role and self.assume else self.clients

    def clients_in(self, region: str) -> Clients:
        """Return the clients of another region, or the stack's own for its own region."""
        return self.elsewhere(region) if self.elsewhere and region != self.stack.region else self.clients

    def recent(self, source: Source, age: float, *owners: str) -> list[Row]:
        """Return the rows of some owners in a list of the whole account, by a read at most `age` seconds old."""
        shares = self._list(source, seconds() - age).content
        return [row for owner in owners for row in shares.rows(owner)]

    def _list(self, source: Source, since: float, meanwhile: float = float("inf")) -> Read:
        client = self.client(source.service)
        fetch = (
            partial(source.fetch, client)
            if source.fetch
            else partial(rows_of, client, source.operation, source.result, source.arguments)
        )
        return self.inventory.listed(source, fetch, since, meanwhile)

    def hourly(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what AWS offers (engine versions, zones), read at most once an hour per account and region."""
        return self.inventory.get(key, fetch, Freshness(seconds()).since(HOURLY))

    def once(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what never changes, read at most once per account and region."""
        return self.inventory.get(key, fetch, Freshness(seconds()).since(ONCE))


def pages(client: Client, operation: str, result: str, **arguments: Any) -> list[Any]:
    """Return the rows of all pages of a describe or list call, by botocore's paginator where there is one."""
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**arguments)[result])
    # An answer without rows may lack the key (SQS): that yields a row of None.
    paginator, size = client.get_paginator(operation), _PAGES.get(operation)
    pagination = {"PaginationConfig": {"PageSize": size}} if size else {}
    return [row for row in paginator.paginate(**arguments, **pagination).search(f"{result}[]") if row is not None]


#: The largest pages of calls that return smaller ones unless asked. Sources: the API references of EC2, ECR, IAM,
#: CloudWatch, Secrets Manager and the Resource Groups Tagging API.
_PAGES = {
    **dict.fromkeys(
        (
            "describe_vpcs",
            "describe_subnets",
            "describe_internet_gateways",
            "describe_nat_gateways",
            "describe_security_groups",
            "describe_security_group_rules",
            "describe_vpc_endpoints",
            "describe_repositories",
            "get_account_authorization_details",
        ),
        1000,
    ),
    **dict.fromkeys(("describe_route_tables", "describe_alarms", "list_secrets", "get_resources"), 100),
}


def rows_of(client: Client, operation: str, result: str, arguments: Mapping[str, Any]) -> list[Row]:
    """Return what `pages` does. `arguments`: those of the call."""
    return pages(client, operation, result, **arguments)
