"""What a deletion does, told before it begins: what goes, what is lost, what stays, what is in the way, how long. Pure.

`missyou delete --preview` prints it, and an Event has it in short when a deletion begins. Both are made of what was
observed; where AWS cannot be asked, of what the status lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from missyou_operator.api.annotations import patch_command
from missyou_operator.api.components import Component
from missyou_operator.api.status import Status
from missyou_operator.aws.rds.states import WITHOUT_SNAPSHOT
from missyou_operator.aws.registry import KINDS
from missyou_operator.controller.confirmation import Question, unconfirmed
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed, Resource

RESUME = '{"spec":{"suspend":false}}'
NO_SNAPSHOT = '{"spec":{"database":{"finalSnapshot":false}}}'
_KINDS: Mapping[str, type[Resource]] = {kind.TYPE: kind for kind in KINDS}
#: Seconds that AWS usually takes to delete one; all others are gone with the call. Sources: those of
#: `missyou_local.aws.timing.Timing.realistic`; what outlives a load balancer or a task are its network interfaces.
_SECONDS: Mapping[str, float] = {
    "ecs.Service": 60.0,
    "elbv2.LoadBalancer": 90.0,
    "rds.DBInstance": 300.0,
    "ec2.NatGateway": 60.0,
    "ec2.VpcEndpoint": 60.0,
}
#: Seconds that a final snapshot takes, and a stopped database to start: AWS deletes a protected one only while it runs.
_FINAL_SNAPSHOT, _START = 240.0, 300.0
#: Seconds for the calls themselves and the passes between them.
_CALLS = 60.0
#: The most characters of an Event: Kubernetes takes 1,024 bytes.
_EVENT_MAX = 1000
_DATABASE, _COPY = "rds.DBInstance", "rds.BackupCopy"
_SECRET, _LOGS = "secretsmanager.Secret", "logs.LogGroup"


@dataclass(frozen=True, slots=True)
class Going:
    """One resource that is deleted."""

    component: str
    type: str
    name: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A deletion as it would be carried out now. `seconds`: its usual duration once nothing is in its way.

    `obstacles` keep it from beginning or from ending; each has the command that helps in it, where one does.
    `observed`: whether AWS was asked, or only the status read.
    """

    app: str
    going: tuple[Going, ...]
    lost: tuple[str, ...]
    stays: tuple[str, ...]
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: int
    observed: bool = True


def removal(  # noqa: PLR0913 - all that a deletion depends on
    body: Mapping[str, Any],
    world: ObservedState,
    questions: Iterable[Question | None],
    *,
    final_snapshot: bool,
    unreadable: Mapping[str, str] | None = None,
    foreign: Sequence[str] = (),
) -> Removal:
    """Return what the deletion of an app does, by what was observed.

    `questions`: what a person is asked first. `unreadable`: why a type could not be read. `foreign`: what others have
    put into the stack's network.
    """
    rows = [row for row in chain.from_iterable(world.values()) if not row.kind.EXTERNAL]
    ours = [row for row in rows if row.owned and not row.owner and not row.kind.RETAINED]
    going = [Going(row.component, row.kind.TYPE, row.name, row.id) for row in ours]
    database = next((row for row in ours if row.kind.TYPE == _DATABASE), None)
    retains = (body.get("spec") or {}).get("deletionPolicy") == "Retain"
    obstacles = [
        *_of_spec(body),
        *(question.health.message for question in questions if question is not None),
        *_of_database(body, database, final_snapshot=final_snapshot),
        *(f"{type_} cannot be read: {why}" for type_, why in (unreadable or {}).items()),
        *(f"{what} is in the stack's network: whoever owns it has to remove it" for what in foreign),
    ]
    return Removal(
        app=_app(body),
        going=() if retains else _in_order(going),
        lost=() if retains else tuple(_lost(ours, database, final_snapshot=final_snapshot)),
        stays=tuple(_stays(rows, ours if retains else (), database, final_snapshot=final_snapshot and not retains)),
        obstacles=tuple(obstacles),
        notes=() if retains else tuple(_notes(ours)),
        seconds=0 if retains else _seconds(ours, database, final_snapshot=final_snapshot),
    )


def from_status(body: Mapping[str, Any], status: Status, *, final_snapshot: bool) -> Removal:
    """Return the same by what the status lists, where AWS cannot be asked: without sizes."""
    listed = [row for row in status.resources if row.id and row.state != "OwnedElsewhere" and row.type in _KINDS]
    ours = [
        Observed(_KINDS[row.type], row.name, row.id, {"id": row.id}, component=row.component)
        for row in listed
        if not _KINDS[row.type].RETAINED and not _KINDS[row.type].EXTERNAL
    ]
    world = {row.address: (row,) for row in ours}
    asked = (unconfirmed(body, world),)
    return replace(removal(body, world, asked, final_snapshot=final_snapshot), observed=False)


def in_short(told: Removal) -> str:
    """Return the text of the Event with which a deletion begins."""
    components = [name for name in dict.fromkeys(row.component for row in told.going) if name]
    parts = [f"{len(told.going)} resources go ({', '.join(components)})" if told.going else "nothing goes"]
    if told.lost:
        parts.append(f"lost with them: {'; '.join(told.lost)}")
    if told.stays:
        parts.append(f"stays: {'; '.join(told.stays)}")
    if told.going:
        parts.append(f"this usually takes {minutes(told.seconds)}")
    text = f"deleting {told.app}: {'. '.join(f'{part[0].upper()}{part[1:]}' for part in parts)}"
    return text if len(text) <= _EVENT_MAX else f"{text[: _EVENT_MAX - 1]}…"


def minutes(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = max(round(seconds / 60), 1)
    return "a minute" if whole == 1 else f"{whole} minutes"


def _app(body: Mapping[str, Any]) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def _in_order(going: Iterable[Going]) -> tuple[Going, ...]:
    order: dict[str, int] = {name: index for index, name in enumerate(Component)}
    return tuple(sorted(going, key=lambda row: (order.get(row.component, len(order)), row.type, row.name, row.id)))


def _of_spec(body: Mapping[str, Any]) -> Iterator[str]:
    spec = body.get("spec") or {}
    if spec.get("deletionPolicy") == "Retain":
        yield "spec.deletionPolicy is Retain: the app goes, and its stack stays in AWS and goes on costing"
    elif spec.get("suspend"):
        yield f"spec.suspend is true: nothing is deleted. To go on: {patch_command(body, RESUME)}"


def _of_database(body: Mapping[str, Any], database: Observed | None, *, final_snapshot: bool) -> Iterator[str]:
    if database is None or not final_snapshot or (body.get("spec") or {}).get("deletionPolicy") == "Retain":
        return
    if database.state in WITHOUT_SNAPSHOT:
        yield (
            f"AWS takes no final snapshot of {database.id} in the state {database.state}: repair it. To delete it "
            f"without one: {patch_command(body, NO_SNAPSHOT)}"
        )
    if database.state == "creating":
        yield f"{database.id} is still being created: it is deleted afterwards, with a final snapshot"


def _lost(ours: Sequence[Observed], database: Observed | None, *, final_snapshot: bool) -> Iterator[str]:
    """Yield what data is lost, with its size where AWS tells it."""
    if database is not None and database.state != "creating":
        yield _database(database, final_snapshot=final_snapshot)
    yield from (text for row in ours if row.kind.TYPE != _DATABASE and (text := row.kind.holds_data(row)))
    if secrets := sorted(row.name for row in ours if row.kind.TYPE == _SECRET):
        yield f"the secrets {', '.join(secrets)}, without a recovery window"
    if groups := sorted(row.name for row in ours if row.kind.TYPE == _LOGS and not row.kind.holds_data(row)):
        yield f"the logs in {', '.join(groups)}"


def _database(database: Observed, *, final_snapshot: bool) -> str:
    size, days = database.attrs.get("storage_gib"), database.attrs.get("backup_retention_days")
    what = f"the database {database.id}{f' ({size} GiB)' if size else ''}"
    backups = f" and its automated backups{f' of {days} days' if days else ''}"
    if final_snapshot:
        return f"{what}{backups}; what is in it is in the final snapshot"
    return f"{what}{backups}: no final snapshot is taken"


def _stays(
    rows: Sequence[Observed], kept: Sequence[Observed], database: Observed | None, *, final_snapshot: bool
) -> Iterator[str]:
    if kept:
        yield f"the whole stack: {len(kept)} resources"
    if database is not None and final_snapshot and database.state not in WITHOUT_SNAPSHOT:
        yield f"a final snapshot of the database, {database.id}-final-<date>-…, which costs until you delete it"
    for row in rows:
        if row.kind.RETAINED and row.owned:
            yield f"the snapshot {row.name}"
        elif not row.owned or row.owner:
            yield f"{row.address} ({row.id}), which is not this app's"
        elif row.kind.TYPE == _COPY and not kept:
            days = row.attrs.get("retention_days")
            yield (
                f"the automated backups copied from {row.id}, which AWS keeps and charges for "
                f"{f'{days} days' if days else 'their days'} more"
            )
    if any(row.kind.TYPE == "acm.Certificate" and row.attrs.get("zone") for row in rows):
        yield "the hosted zone of the domain, without this app's records"


def _notes(ours: Sequence[Observed]) -> Iterator[str]:
    if protected := sorted(row.name for row in ours if row.attrs.get("deletion_protection")):
        yield f"the deletion protection of {' and '.join(protected)} is switched off by the operator itself"
    if any(row.kind.TYPE == "elbv2.LoadBalancer" for row in ours):
        yield "AWS's own network interfaces outlive load balancer and tasks by some minutes: the network goes last"


def _seconds(ours: Sequence[Observed], database: Observed | None, *, final_snapshot: bool) -> int:
    """Return the usual duration along the longest chain of what has to be gone before something else can go."""
    extra = _FINAL_SNAPSHOT if database is not None and final_snapshot else 0.0
    extra += _START if database is not None and database.state == "stopped" else 0.0
    present = {row.kind.TYPE: row.kind for row in ours}
    known: dict[str, float] = {}

    def until_gone(type_: str) -> float:
        if type_ not in known:
            known[type_] = 0.0  # a cycle would be a mistake elsewhere
            before = [until_gone(each) for each in present[type_].DELETE_AFTER if each in present]
            own = _SECONDS.get(type_, 0.0) + (extra if type_ == _DATABASE else 0.0)
            known[type_] = max(before, default=0.0) + own
        return known[type_]

    longest = max((until_gone(type_) for type_ in present), default=0.0)
    return round(longest + _CALLS) if ours else 0
