"""What resource classes work through: clients, the stack's identity, and reads that are shared between stacks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from fnmatch import fnmatchcase
from typing import Any, Protocol, TypeVar, cast

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.identity import COMPONENT_TAG, Names, StackIdentity, owner_of
from missyou_operator.engine.resource import Observed, Resource

T = TypeVar("T")

#: A boto3 client. Its methods are made at run time from AWS's models, so there is nothing to check statically.
Client = Any


class Clients(Protocol):
    """Gives the one client per service of an account and region (thread-safe, as boto3's clients are)."""

    def client(self, service: str) -> Client:
        """Return the client of a service, named as boto3 names it."""

    def client_without_retries(self, service: str) -> Client:
        """Return a client that tries no call a second time: for what must not be made twice."""


class Inventory:
    """Reads of one account and region, shared by all stacks that ask at about the same time.

    A read that is under way, or that was started after the moment that the asker names, answers everyone.
    """

    def __init__(self, clock: Callable[[], float] = seconds) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reads: dict[str, tuple[float, Future[Any]]] = {}

    def get(self, key: str, fetch: Callable[[], T], since: float) -> T:
        """Return what `fetch` returns, now or in a call that began at `since` (monotonic seconds) or later."""
        with self._lock:
            entry = self._reads.get(key)
            mine = entry is None or entry[0] < since
            if entry is None or mine:
                entry = (self._clock(), Future())
                self._reads[key] = entry
            future = entry[1]
        if mine:
            try:
                future.set_result(fetch())
            except BaseException as error:
                with self._lock:
                    if self._reads.get(key, (0, None))[1] is future:
                        del self._reads[key]
                future.set_exception(error)
                raise
        return cast("T", future.result())


class Cloud:
    """The handle that creations, changes and deletions of one stack get."""

    def __init__(  # noqa: PLR0913 - all that a stack is reached by
        self,
        clients: Clients,
        stack: StackIdentity,
        inventory: Inventory,
        patterns: Names,
        *,
        final_snapshot: bool = True,
        assume: Callable[[str], Clients] | None = None,
    ) -> None:
        self.clients = clients
        #: Gives the clients that another role has.
        self.assume = assume
        self.stack = stack
        self.inventory = inventory
        #: What stacks call their resources, by type.
        self.patterns = patterns
        #: Whether a database that is deleted leaves a snapshot behind.
        self.final_snapshot = final_snapshot

    def names(self, type_: str) -> tuple[str, ...]:
        """Return what the stack calls its resources of a type; `*` in a name stands for what the spec chooses."""
        return tuple(self.stack.fill(pattern) for pattern in self.patterns[type_])

    def name(self, type_: str) -> str:
        """Return the name of a type that the stack has one resource of. Errors: ValueError for any other type."""
        [name] = self.names(type_)
        return name

    def client(self, service: str) -> Client:
        """Return the client of a service."""
        return self.clients.client(service)

    def client_without_retries(self, service: str) -> Client:
        """Return the client for calls that must not be made twice."""
        return self.clients.client_without_retries(service)

    def clients_of(self, role: str) -> Clients:
        """Return the clients of a role by its ARN, our own where none is named."""
        return self.assume(role) if role and self.assume else self.clients

    def hourly(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what AWS offers (engine versions, zones): read once an hour per account and region."""
        return self.inventory.get(key, fetch, seconds() - 3600)


class Reader(Cloud):
    """The handle that looks get: `Cloud`, and what has been found so far in this look."""

    def __init__(
        self,
        cloud: Cloud,
        found: Mapping[str, Sequence[Observed]],
        since: float,
        desired_names: Mapping[str, Sequence[str]],
        slow_since: float | None = None,
    ) -> None:
        super().__init__(cloud.clients, cloud.stack, cloud.inventory, cloud.patterns, assume=cloud.assume)
        self._found = found
        self._since = since
        self._lasting_since = since if slow_since is None else slow_since
        self._desired_names = desired_names

    def shared(self, key: str, fetch: Callable[[], T]) -> T:
        """Read something of the whole account once for all stacks that look now."""
        return self.inventory.get(key, fetch, self._since)

    def slow_changing(self, key: str, fetch: Callable[[], T]) -> T:
        """Read what hardly ever changes, and takes a call for each resource: the tags of an alarm.

        A look that somebody has asked for, or upon which something is deleted, reads it anew; others take what is some
        minutes old.
        """
        return self.inventory.get(key, fetch, self._lasting_since)

    def named(self, type_: str, rows: Iterable[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
        """Keep the rows whose `key` is one of the stack's names of a type."""
        names = self.names(type_)
        families = [name for name in names if "*" in name]
        return [row for row in rows if row[key] in names or any(fnmatchcase(row[key], each) for each in families)]

    def found(self, type_: str) -> Sequence[Observed]:
        """Return what was found of another type (one named in `READ_AFTER`), foreign namesakes left out."""
        return [observed for observed in self._found.get(type_, ()) if observed.owned]

    def desired_names(self, type_: str) -> Sequence[str]:
        """Return the names of the desired resources, of the types that are found by them."""
        return self._desired_names.get(type_, ())

    def cannot_exist_yet(self) -> bool:
        """Return whether the stack is so new that its named resources need not be looked for: it has no VPC yet.

        For types that live in the VPC, and for those whose creation says so when the name is taken after all: the next
        observation finds it then. In a teardown nothing is desired, and everything is looked for. The type must be read
        after the VPC.
        """
        return bool(self._desired_names) and not self.found("ec2.Vpc")

    def observed(  # noqa: PLR0913, PLR0917 - the parts of an observation
        self,
        kind: type[Resource],
        name: str,
        id_: str,
        attrs: Mapping[str, Any],
        tags: Mapping[str, str],
        state: str = "available",
        *,
        adopt: bool = False,
    ) -> Observed:
        """Put an observation together. `adopt` takes what has no owner at all (AWS created it itself) as ours."""
        owned = self.stack.owns(tags) or (adopt and not owner_of(tags))
        return Observed(
            kind, name, id_, attrs, tags, state, tags.get(COMPONENT_TAG, ""), owned, "" if owned else owner_of(tags)
        )


def pages(client: Client, operation: str, result: str, **arguments: Any) -> list[Any]:
    """Read all pages of a describe or list call (by botocore's paginator, where it knows one) and give the rows."""
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**arguments)[result])
    # An answer without rows may lack the key (SQS): that makes a row of None.
    return [
        row for row in client.get_paginator(operation).paginate(**arguments).search(f"{result}[]") if row is not None
    ]
