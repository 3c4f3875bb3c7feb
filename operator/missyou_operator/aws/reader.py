"""The handle for reading: what is listed, described or asked one by one, by reads that stacks share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Self, TypeVar

from missyou_operator.aws import tagged
from missyou_operator.aws.cloud import Client, Cloud, Known, Row, rows_of
from missyou_operator.aws.errors import if_present
from missyou_operator.aws.identity import COMPONENT_TAG, owner_of, tag_map
from missyou_operator.aws.informer import Alone, Batch, Freshness, Gathering, Rhythm, Source, Uses, key_of
from missyou_operator.aws.rates import urgent
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.engine.values import strings_in

T = TypeVar("T")
#: The stamp of rows that a list does not show yet: it never has it.
_NOT_LISTED = -1


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
        #: The tags of what is the stack's by the list of all that is tagged, by ARN; None while it was not asked for.
        self._tagged: Mapping[str, dict[str, str]] | None = None

    def noting(self, freshness: Freshness) -> Self:
        """Return a reader that notes by itself what is read through it, by reads that are as fresh as that."""
        reader = copy(self)
        reader.__dict__ |= {"_freshness": freshness, "_uses": {}, "_rows": None, "_tagged": None}
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
        if (alone := source.alone) and 0 < len(owners) <= alone.most and "*" not in "".join(owners):
            rows = self._alone(source, alone, owners)
        else:
            rows = self._shares(source, owners, self._freshness)
        self._rows = [*(self._rows or ()), *rows]
        return rows

    def _alone(self, source: Source, alone: Alone, owners: Sequence[str]) -> list[Row]:
        """Return the rows of some owners by a call of their own, where a long list would be read anew just for them.

        That call counts until the list is newer. The stack is looked at by the list all the same.
        """
        freshness, arguments = self._freshness, {**source.arguments, **alone.arguments(owners)}
        since, key = freshness.since(source.rhythm), key_of(source.service, source.operation, arguments)
        list_, own = self.inventory.kept(source.key), self.inventory.kept(key)
        if list_ is None:
            return self._shares(source, owners, freshness)
        newer = own.began if own is not None and own.began > list_.began else float("-inf")
        if own is None or newer < since:
            if list_.began >= since or not list_.is_long or not freshness.is_demanding(source.rhythm):
                return self._shares(source, owners, freshness, newer)
            gathering = self.inventory.gathering(source.key, alone.most)
            call = partial(_rows_alone, self.client(source.service), source, alone, gathering, owners)
            own = self.inventory.read(key, call, since, source.rhythm)
        rows: list[Row] = list(own.value)
        for owner in owners:
            same = [*list_.content.rows(owner)] == [row for row in rows if source.owner_of(row) == owner]
            self._uses[source.key, owner] = list_.content.stamp(owner) if same else _NOT_LISTED
        return rows

    def _shares(
        self, source: Source, owners: Sequence[str], freshness: Freshness, least: float = float("-inf")
    ) -> list[Row]:
        """Return the rows of some owners in a list that began at `least` or later, however long others read it anew."""
        meanwhile = max(least, freshness.meanwhile(source.rhythm))
        read = self._list(source, max(least, freshness.since(source.rhythm)), meanwhile)
        for owner in owners:
            self._uses[read.key, owner] = read.content.stamp(owner)
        return [row for owner in dict.fromkeys(owners) for row in read.content.rows(owner)]

    def named(self, source: Source, type_: str) -> list[Row]:
        """Return the rows that bear one of the stack's names of a type."""
        names = self.names(type_)
        exact = [name for name in names if "*" not in name]
        patterns = [name for name in names if "*" in name]
        fitting = self.listed(source, *patterns) if patterns else []
        return [*self.listed(source, *exact), *(row for row in fitting if source.owner_of(row) not in exact)]

    def described(self, batch: Batch, ids: Sequence[str]) -> dict[str, tuple[Row, ...]]:
        """Return the rows of some resources by their IDs, which AWS describes several at a time."""
        if self._has_to_wait(batch.rhythm, since := batch.since(ids, self._freshness)):
            self.inventory.wait_for(batch.group, since)
            raise PostponedError
        fetch = partial(rows_of, self.client(batch.service), batch.operation, batch.result)
        reads = batch.read(self.inventory, ids, fetch, self._freshness)
        self._uses |= {(read.key, ""): read.version for read in reads.values()}
        return {id_: read.value for id_, read in reads.items()}

    def detail(self, rhythm: Rhythm, service: str, operation: str, /, **arguments: Any) -> Row:
        """Return the answer of a call about one resource, by its boto3 name. Errors: those of the call."""
        call = partial(_answer, self.client(service), operation, arguments)
        answer: Row = self._read(rhythm, key_of(service, operation, arguments), call)
        return answer

    def tags(self, arn: str, ask: Callable[[], dict[str, str]]) -> dict[str, str]:
        """Return the tags of a resource that no list of its service shows: `ask` reads them, by a call for each.

        That is not done while the list of all that is tagged is good enough.
        """
        if self._tagged is None:
            freshness = self._freshness.lagging(tagged.LAG)
            rows = self._shares(tagged.TAGGED, [self.stack.uid], freshness) if freshness else ()
            self._tagged = {row["ResourceARN"]: tag_map(row["Tags"]) for row in rows}
        tags = self._tagged.get(arn, {})
        return tags if self.stack.owns(tags) else ask()

    def detail_rows(
        self, rhythm: Rhythm, service: str, operation: str, result: str, /, **arguments: Any
    ) -> Sequence[Row]:
        """Return the rows of all pages of a call about one resource. Errors: those of the call."""
        call = partial(rows_of, self.client(service), operation, result, arguments)
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
        if self._has_to_wait(rhythm, {key: since}):
            raise PostponedError
        read = self.inventory.read(key, fetch, since, rhythm)
        self._uses[read.key, ""] = read.version
        return read.value

    def _has_to_wait(self, rhythm: Rhythm, since: Mapping[str, float]) -> bool:
        return self._freshness.postpones(rhythm) and not self.inventory.has(since)

    def as_known(self, kind: type[Resource]) -> list[Observed]:
        """Return what is known to be there of a type, by the last observation, while it is not the stack's turn.

        What a list has been read of since, and does not mention, is there no more. What somebody else owns is known by
        the names that the spec has for it.
        """
        if kind.EXTERNAL:
            return [Observed(kind, name, name, _OnlyKnown(), unread=True) for name in self.desired_names(kind.TYPE)]
        mentioned = set(strings_in(self._rows))
        found = []
        for id_, name in self.known(kind.TYPE).items():
            if self._rows is None or id_ in mentioned or name in mentioned:
                attrs = _OnlyKnown(id=id_, arn=id_) if id_.startswith("arn:") else _OnlyKnown(id=id_)
                found.append(Observed(kind, name, id_, attrs, unread=True))
        return found

    def fits(self, type_: str, name: str) -> bool:
        """Return whether a name is one of the stack's names of a type."""
        return any(fnmatchcase(name, each) if "*" in each else name == each for each in self.names(type_))

    def found(self, type_: str, *, whole: bool = False) -> Sequence[Observed]:
        """Return the resources found of another type (one named in `READ_AFTER`), without foreign namesakes.

        `whole`: what is made of them needs more than their IDs and names.
        """
        found = [observed for observed in self._found.get(type_, ()) if observed.owned]
        if whole and any(observed.unread for observed in found):
            raise PostponedError(type_)
        return found

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


def _rows_alone(client: Client, source: Source, alone: Alone, gathering: Gathering, owners: Sequence[str]) -> list[Row]:
    """Return the rows of some owners, by a call that may be for others, too."""

    def call(names: Sequence[str]) -> list[Row]:
        return rows_of(client, source.operation, source.result, {**source.arguments, **alone.arguments(names)})

    return [row for row in gathering.rows(owners, call, urgent.get()) if source.owner_of(row) in owners]


def _answer(client: Client, operation: str, arguments: Mapping[str, Any]) -> Row:
    answer: Row = getattr(client, operation)(**arguments)
    return answer
