"""The handles that resource classes work with: clients, the stack's identity, and reads shared between stacks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from copy import copy
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from typing import Any, Protocol, Self, TypeVar

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.errors import if_present
from missyou_operator.aws.identity import COMPONENT_TAG, Names, StackIdentity, owner_of
from missyou_operator.aws.informer import HOURLY, ONCE, Batch, Freshness, Inventory, Read, Rhythm, Source, Uses, key_of
from missyou_operator.engine.resource import Observed, Resource
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

    def _list(self, source: Source, since: float) -> Read:
        client = self.client(source.service)
        fetch = (
            partial(source.fetch, client)
            if source.fetch
            else partial(_rows, client, source.operation, source.result, source.arguments)
        )
        return self.inventory.listed(source, fetch, since)

    def hourly(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what AWS offers (engine versions, zones), read at most once an hour per account and region."""
        return self.inventory.get(key, fetch, Freshness(seconds()).since(HOURLY))

    def once(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what never changes, read at most once per account and region."""
        return self.inventory.get(key, fetch, Freshness(seconds()).since(ONCE))


class PostponedError(Exception):
    """What is asked for is read when it is the stack's turn."""


class _OnlyKnown(dict[str, Any]):
    """What is known of something that is read at the stack's turn: whoever needs more is read then, too."""

    def __missing__(self, key: str) -> Any:
        raise PostponedError(key)


class Reader(Cloud):
    """The handle for reading: `Cloud`, and the resources found so far in this observation."""

    def __init__(  # noqa: PLR0913 - everything that an observation knows
        self,
        cloud: Cloud,
        found: Mapping[str, Sequence[Observed]],
        freshness: Freshness,
        desired_names: Mapping[str, Sequence[str]],
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
        self._freshness = freshness
        self._desired_names = desired_names
        self._begun = begun
        self._known = known or {}
        self._uses: dict[tuple[str, str], Hashable] = {}
        #: The rows that were found in lists, None while none was read.
        self._rows: list[Row] | None = None

    def noting(self, freshness: Freshness) -> Self:
        """Return a reader that notes by itself what is read through it, by reads that are as fresh as that."""
        reader = copy(self)
        reader.__dict__ |= {"_freshness": freshness, "_uses": {}, "_rows": None}
        return reader

    @property
    def uses(self) -> Uses:
        """What was read through it."""
        return self._uses

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

    def listed(self, source: Source, *owners: str) -> list[Row]:
        """Return the rows of some owners in a list of the whole account; `*` stands for any part of a name."""
        read = self._list(source, self._freshness.since(source.rhythm))
        for owner in owners:
            self._uses[read.key, owner] = read.content.stamp(owner)
        rows = [row for owner in dict.fromkeys(owners) for row in read.content.rows(owner)]
        self._rows = [*(self._rows or ()), *rows]
        return rows

    def named(self, source: Source, type_: str) -> list[Row]:
        """Return the rows that bear one of the stack's names of a type."""
        names = self.names(type_)
        exact = [name for name in names if "*" not in name]
        patterns = [name for name in names if "*" in name]
        fitting = self.listed(source, *patterns) if patterns else []
        return [*self.listed(source, *exact), *(row for row in fitting if source.owner_of(row) not in exact)]

    def described(self, batch: Batch, ids: Sequence[str]) -> dict[str, tuple[Row, ...]]:
        """Return the rows of some resources by their IDs, which AWS describes several at a time."""
        self._check_turn(batch.rhythm, batch.since(ids, self._freshness))
        fetch = partial(_rows, self.client(batch.service), batch.operation, batch.result)
        reads = batch.read(self.inventory, ids, fetch, self._freshness)
        self._uses |= {(read.key, ""): read.version for read in reads.values()}
        return {id_: read.value for id_, read in reads.items()}

    def detail(self, rhythm: Rhythm, service: str, operation: str, /, **arguments: Any) -> Row:
        """Return the answer of a call about one resource, by its boto3 name. Errors: those of the call."""
        call = partial(_answer, self.client(service), operation, arguments)
        answer: Row = self._read(rhythm, key_of(service, operation, arguments), call)
        return answer

    def detail_rows(
        self, rhythm: Rhythm, service: str, operation: str, result: str, /, **arguments: Any
    ) -> Sequence[Row]:
        """Return the rows of all pages of a call about one resource. Errors: those of the call."""
        call = partial(_rows, self.client(service), operation, result, arguments)
        rows: Sequence[Row] = self._read(rhythm, key_of(service, operation, arguments), call)
        return rows

    def if_present(self, rhythm: Rhythm, service: str, operation: str, /, **arguments: Any) -> Row | None:
        """Return what `detail` does, or None if AWS says that there is no such thing."""
        call = partial(_answer, self.client(service), operation, arguments)
        answer: Row | None = self._read(rhythm, key_of(service, operation, arguments), partial(if_present, call))
        return answer

    def computed(self, rhythm: Rhythm, key: str, fetch: Callable[[], T]) -> T:
        """Return what several calls say together. `fetch` must not refer to this reader."""
        value: T = self._read(rhythm, key, fetch)
        return value

    def _read(self, rhythm: Rhythm, key: str, fetch: Callable[[], Any]) -> Any:
        since = self._freshness.since(rhythm, key)
        self._check_turn(rhythm, {key: since})
        read = self.inventory.read(key, fetch, since, rhythm)
        self._uses[read.key, ""] = read.version
        return read.value

    def _check_turn(self, rhythm: Rhythm, since: Mapping[str, float]) -> None:
        if self._freshness.postpones(rhythm) and not self.inventory.has(since):
            raise PostponedError

    def as_known(self, kind: type[Resource]) -> list[Observed]:
        """Return what is known to be there of a type, by the last observation, while it is not the stack's turn.

        What a list has been read of since, and does not mention, is there no more.
        """
        mentioned = set(_strings(self._rows))
        found = []
        for id_, name in self.known(kind.TYPE).items():
            if self._rows is None or id_ in mentioned or name in mentioned:
                attrs = _OnlyKnown(id=id_, arn=id_) if id_.startswith("arn:") else _OnlyKnown(id=id_)
                found.append(Observed(kind, name, id_, attrs, unread=True))
        return found

    def fits(self, type_: str, name: str) -> bool:
        """Return whether a name is one of the stack's names of a type."""
        return any(fnmatchcase(name, each) if "*" in each else name == each for each in self.names(type_))

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
    paginator, size = client.get_paginator(operation), _PAGES.get(operation)
    pagination = {"PaginationConfig": {"PageSize": size}} if size else {}
    return [row for row in paginator.paginate(**arguments, **pagination).search(f"{result}[]") if row is not None]


#: The largest pages of calls that return smaller ones unless asked. Sources: the API references of EC2, ECR, IAM,
#: CloudWatch and Secrets Manager.
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
    **dict.fromkeys(("describe_route_tables", "describe_alarms", "list_secrets"), 100),
}


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts anywhere inside an answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_strings, value.values()))
    elif isinstance(value, (list, tuple)):
        yield from chain.from_iterable(map(_strings, value))


def _rows(client: Client, operation: str, result: str, arguments: Mapping[str, Any]) -> list[Row]:
    return pages(client, operation, result, **arguments)


def _answer(client: Client, operation: str, arguments: Mapping[str, Any]) -> Row:
    answer: Row = getattr(client, operation)(**arguments)
    return answer
