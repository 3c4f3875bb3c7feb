"""The handles that resource classes work with: clients, the stack's identity, and reads shared between stacks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from fnmatch import fnmatchcase
from typing import Any, Protocol, TypeVar, cast

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.identity import COMPONENT_TAG, Names, StackIdentity, owner_of
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.tenancy.grant import Grant

T = TypeVar("T")

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


class Inventory:
    """Reads of one account and region, shared by all stacks that ask at about the same time.

    A caller names a moment. A read that started then or later serves it, even while the read is still under way.
    """

    def __init__(self, clock: Callable[[], float] = seconds) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reads: dict[str, tuple[float, Future[Any]]] = {}

    def get(self, key: str, fetch: Callable[[], T], since: float) -> T:
        """Return the result of `fetch`, called now or in a call that began at `since` (monotonic seconds) or later."""
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

    def hourly(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what AWS offers (engine versions, zones), read at most once an hour per account and region."""
        return self.inventory.get(key, fetch, seconds() - 3600)

    def once(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what never changes, read at most once per account and region."""
        return self.inventory.get(key, fetch, float("-inf"))


class Reader(Cloud):
    """The handle for reading: `Cloud`, and the resources found so far in this observation."""

    def __init__(  # noqa: PLR0913 - everything that an observation knows
        self,
        cloud: Cloud,
        found: Mapping[str, Sequence[Observed]],
        since: float,
        desired_names: Mapping[str, Sequence[str]],
        slow_since: float | None = None,
        *,
        begun: bool = False,
        known: Known | None = None,
    ) -> None:
        super().__init__(
            cloud.clients,
            cloud.stack,
            cloud.inventory,
            cloud.patterns,
            assume=cloud.assume,
            elsewhere=cloud.elsewhere,
            grant=cloud.grant,
        )
        self._found = found
        self._since = since
        self._slow_since = since if slow_since is None else slow_since
        self._desired_names = desired_names
        self._begun = begun
        self._known = known or {}

    def known(self, type_: str) -> Mapping[str, str]:
        """Return the names of the stack's resources of a type, by ID, as the last observation found them."""
        return self._known.get(type_, {})

    def owns(self, kind: type[Resource], id_: str, tags: Mapping[str, str]) -> bool:
        """Return whether a resource is the stack's: by its tags or, if they are lost, by its ID.

        What bears an ID for ever stays the stack's under another owner's tags too, and is left alone then. What only
        bears a name does not.
        """
        if self.stack.owns(tags):
            return True
        return id_ in self.known(kind.TYPE) and (kind.IDENTITY != "name" or not self.stack.disowned_by(tags))

    def shared(self, key: str, fetch: Callable[[], T]) -> T:
        """Read something of the whole account once for all stacks that are being observed now."""
        return self.inventory.get(key, fetch, self._since)

    def slow_changing(self, key: str, fetch: Callable[[], T]) -> T:
        """Read what hardly ever changes and takes a call per resource, such as the tags of an alarm.

        An observation that was requested, or that precedes a deletion, reads it again. Others accept a read that is
        some minutes old.
        """
        return self.inventory.get(key, fetch, self._slow_since)

    def named(self, type_: str, rows: Iterable[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
        """Return the rows whose `key` is one of the stack's names of a type."""
        names = self.names(type_)
        patterns = [name for name in names if "*" in name]
        return [row for row in rows if row[key] in names or any(fnmatchcase(row[key], each) for each in patterns)]

    def found(self, type_: str) -> Sequence[Observed]:
        """Return the resources found of another type (one named in `READ_AFTER`), without foreign namesakes."""
        return [observed for observed in self._found.get(type_, ()) if observed.owned]

    def desired_names(self, type_: str) -> Sequence[str]:
        """Return the names of the desired resources of a type, if that type is read by name."""
        return self._desired_names.get(type_, ())

    def cannot_exist_yet(self) -> bool:
        """Return whether the stack is too new to have named resources, so that none need be read.

        There is no VPC of its name, and nothing of it was seen or made before: a VPC may be refused for hours while the
        rest exists.
        For types that live in the VPC, and for types whose creation reports a taken name: the next observation then
        finds the resource. In a teardown nothing is desired, and everything is read. The type must be read after the
        VPC.
        """
        return bool(self._desired_names) and not self._begun and not self._found.get("ec2.Vpc")

    def observed(  # noqa: PLR0913, PLR0917 - one per part of an observation
        self,
        kind: type[Resource],
        name: str,
        id_: str,
        attrs: Mapping[str, Any],
        tags: Mapping[str, str],
        state: str = "available",
        *,
        adopt: bool = False,
        known: bool = False,
    ) -> Observed:
        """Build an observation. `adopt` counts a resource without any owner (AWS created it itself) as ours.

        `known`: it is the stack's, whatever its tags.
        """
        tagged = self.stack.owns(tags) or (adopt and not owner_of(tags))
        owned = tagged or known or self.owns(kind, id_, tags)
        lost = "" if tagged or not owned else self.stack.retag_command(kind.TYPE, id_, str(attrs.get("arn") or ""))
        owner = "" if tagged else self.stack.disowned_by(tags) if owned else owner_of(tags)
        remedy = "" if owned or not self.stack.could_take_over(tags) else self.stack.take_over_remedy()
        component = tags.get(COMPONENT_TAG, "")
        return Observed(kind, name, id_, attrs, tags, state, component, owned, owner, lost, remedy)


def pages(client: Client, operation: str, result: str, **arguments: Any) -> list[Any]:
    """Return the rows of all pages of a describe or list call, by botocore's paginator where there is one."""
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**arguments)[result])
    # An answer without rows may lack the key (SQS): that yields a row of None.
    return [
        row for row in client.get_paginator(operation).paginate(**arguments).search(f"{result}[]") if row is not None
    ]
