"""The differences that stay as they are, and the tags that make what exists the stack's.

What exists is observed by its IDs, as if it bore the tags already. What the plan would then change becomes
`spec.existing.ignoreDifferences`; what is left of it are the tags, which the resource classes set themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from missyou_operator.aws.boundary import boundary_in
from missyou_operator.aws.identity import STACK_TAG, UID_TAG, owner_of
from missyou_operator.aws.observe import Observations
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.rds.password import PASSWORD_TAG as PASSWORD_OF
from missyou_operator.aws.rds.password import recorded
from missyou_operator.aws.rds.restore import DATABASE_TAG
from missyou_operator.aws.session import Accounts
from missyou_operator.cli import manifest, offline
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.importing.recover import assumed, switched_on
from missyou_operator.cli.importing.survey import Survey
from missyou_operator.controller.inputs import desire, observe_stack, plan_for
from missyou_operator.engine.effects import together
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.engine.values import UNKNOWN

#: The UID of the app that the tags of an import name, until an operator takes the stack over; and that of the cluster
#: where nobody has named it.
IMPORTED = "import"
_TAGS = "tags"
#: How a difference shows a value that is known after another change only.
_UNKNOWN = repr(UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an import does.

    `body`: the MissYouApp, complete. `left`: the differences that it leaves as they are. `untagged`: what gets its
    tags, as it is to be and as it was found. `remaining`: what the operator would change all the same.
    """

    body: Mapping[str, Any]
    stack: offline.OfflineStack
    left: tuple[Change, ...]
    untagged: tuple[tuple[Resource, Observed], ...]
    remaining: tuple[Change, ...]


def prepare(survey: Survey, region: str, accounts: Accounts, cluster: str, boundary: str = "") -> Claim:
    """Find out what stays different, and what is to be tagged. Changes nothing.

    `cluster`: the UID for the tags. `boundary`: the operator's --permissions-boundary.

    Raises Failure where something belongs to another stack, or could not be read.
    """
    body: Mapping[str, Any] = survey.body
    stack, found = _seen(survey, body, region, accounts, cluster)
    if survey.former:
        # What it had switched on is read once more: some of it is found only where the spec asks for it.
        body = _switched_on(survey, _planned(body, stack, found, boundary)[0], found, stack.app.stack_name)
        stack, found = _seen(survey, body, region, accounts, cluster)
    ours = found if survey.former else _as_ours(found)
    whole = body
    left: dict[str, Change] = {}
    while True:
        graph, plan = _planned(body, stack, ours, boundary)
        differing = [change for change in map(_without_tags, plan.changes) if change is not None]
        news = _news(differing, left)
        if not news:
            break
        left |= {change.address: _joined(left.get(change.address), change) for change in news}
        body = _ignoring(whole, left.values())
    remaining = {change.address for change in differing}
    return Claim(
        body=body,
        stack=stack,
        left=tuple(change for address, change in left.items() if address not in remaining),
        untagged=tuple(
            _claimed(graph.compared[change.address][2], found.world[change.address][0], ours.world[change.address][0])
            for change in plan.changes
            # The tags of a former stack are the operator's to set, when it takes over.
            if change.address not in remaining and not survey.former
        ),
        remaining=tuple(differing),
    )


def _news(differing: Iterable[Change], left: Mapping[str, Change]) -> list[Change]:
    """Return the differences that are not left as they are yet.

    As long as there are others, without those that follow from a difference: a value that is known after a change.
    """
    new = [change for change in differing if change.fields or change.address not in left]
    certain = [
        replace(change, fields=fields) if fields else change
        for change in new
        if (fields := tuple(item for item in change.fields if item.after != _UNKNOWN)) or not change.fields
    ]
    return certain or new


def _joined(before: Change | None, change: Change) -> Change:
    if before is None or not before.fields:
        return change
    return replace(change, fields=(*before.fields, *change.fields), effect=together([before.effect, change.effect]))


def tag(claim: Claim, accounts: Accounts, told: Callable[[str], None]) -> None:
    """Set the tags, and nothing else. It may be done again after an interruption. Raises Failure at the first refusal.

    `told` is called with the address of each resource that has got its tags.
    """
    writing = replace(claim.stack.environment, accounts=accounts)
    with offline.failures():
        cloud = writing.cloud(claim.stack.body, claim.stack.app, None)
        for desired, observed in claim.untagged:
            desired.update(cloud, observed, frozenset({_TAGS}))
            told(f"{observed.address} ({observed.id})")


def check(claim: Claim, region: str, accounts: Accounts) -> Plan:
    """Return what the operator would change now, but for the tags that name its cluster. Reads everything anew.

    Raises Failure where somebody else has tagged some of it meanwhile.
    """
    stack = _opened(claim.body, region, accounts, claim.stack.cloud.stack.cluster)
    with offline.failures():
        observations = observe_stack(replace(stack.inputs, fresh=True))
        foreign = {
            owner_of(row.tags)
            for row in chain.from_iterable(observations.world.values())
            if row.tags.get(STACK_TAG, stack.cloud.stack.app) != stack.cloud.stack.app
        }
        if foreign:
            raise Failure(
                Exit.STALLED,
                f"somebody else has imported the same meanwhile: {'; '.join(sorted(foreign))}. Agree on one of the "
                "two, delete the other MissYouApp (deletionPolicy is Retain), and import again",
            )
        graph = desire(stack.inputs, observations.world)
        return plan_for(stack.inputs, graph, observations)


def _seen(
    survey: Survey, body: Mapping[str, Any], region: str, accounts: Accounts, cluster: str
) -> tuple[offline.OfflineStack, Observations]:
    """Observe what a body describes, by the IDs where it bears no tags yet."""
    stack, known = _opened(body, region, accounts, cluster), {} if survey.former else survey.known
    stack.inputs.memory.known = known
    with offline.failures():
        found = observe_stack(stack.inputs)
    _check(stack, found, known)
    return stack, found


def _switched_on(survey: Survey, graph: Graph, found: Observations, stack: str) -> Mapping[str, Any]:
    """Return the MissYouApp of a former stack with what it had switched on."""
    surplus = [address for address, rows in found.world.items() if address not in graph and rows[0].owned]
    spec = switched_on(survey.body["spec"], stack, found.world, surplus)
    survey.notes += assumed(spec)
    return {**survey.body, "spec": spec}


def _opened(body: Mapping[str, Any], region: str, accounts: Accounts, cluster: str) -> offline.OfflineStack:
    meta = {"uid": IMPORTED, **body["metadata"]}
    return offline.open_stack(offline.placed({**body, "metadata": meta}), region, accounts, cluster=cluster)


def _planned(
    body: Mapping[str, Any], stack: offline.OfflineStack, observations: Observations, boundary: str
) -> tuple[Graph, Plan]:
    """Return what a body asks for, and what of it differs from what was observed."""
    identity, sources = stack.cloud.stack, stack.inputs.sources
    app = manifest.parsed(body, identity.region, "the manifest")
    limit = boundary_in(boundary, identity.partition, identity.account)
    inputs = replace(stack.inputs, sources=replace(sources, app=app, boundary=limit) if sources else None)
    with offline.failures():
        graph = desire(inputs, observations.world)
        return graph, plan_for(inputs, graph, observations)


def _as_ours(observations: Observations) -> Observations:
    """Return observations in which what was found by its ID counts as the stack's, as its tags will say."""
    world = {
        address: tuple(replace(row, lost="", owner="", owned=True) if row.lost else row for row in rows)
        for address, rows in observations.world.items()
    }
    secrets = [row for rows in world.values() for row in rows if row.kind.TYPE == "secretsmanager.Secret" and row.owned]
    for address, rows in world.items():
        if rows[0].kind is DBInstance and secrets:
            world[address] = tuple(replace(row, tags={**row.tags, **_password(row, secrets[0])}) for row in rows)
    return replace(observations, world=world)


def _password(database: Observed, secret: Observed) -> dict[str, str]:
    """Return the tags that say whose password a database has: it keeps the one that it has."""
    return {PASSWORD_OF: recorded(secret.id, "", ""), DATABASE_TAG: str(database.attrs["database_name"] or "")}


def _check(stack: offline.OfflineStack, observations: Observations, known: Mapping[str, Mapping[str, str]]) -> None:
    """Raise Failure for what could not be read, and for what bears another stack's tags."""
    if observations.unreadable:
        listed = "; ".join(f"{type_}: {health.message}" for type_, health in sorted(observations.unreadable.items()))
        raise Failure(Exit.AWS, f"not everything can be read: {listed}")
    rows = chain.from_iterable(observations.world.values())
    identity = stack.cloud.stack
    owners = {
        f"{row.address} ({row.id}) belongs to {owner_of(row.tags)}"
        for row in rows
        if row.id in known.get(row.kind.TYPE, {}) and STACK_TAG in row.tags and _is_others(row, identity.app)
    }
    if owners:
        raise Failure(
            Exit.USAGE,
            f"{'; '.join(sorted(owners))}. Nothing has been tagged. To have that stack back, import it by its tags: "
            "missyou import --stack NAMESPACE/NAME",
        )


def _is_others(row: Observed, app: str) -> bool:
    return row.tags[STACK_TAG] != app or row.tags.get(UID_TAG) != IMPORTED


def _without_tags(change: Change) -> Change | None:
    """Return a change without what it does to tags, None if nothing is left."""
    if change.action is not Action.UPDATE:
        return change
    fields = tuple(item for item in change.fields if item.field != _TAGS)
    return replace(change, fields=fields) if fields else None


def _ignoring(body: Mapping[str, Any], changes: Iterable[Change]) -> Mapping[str, Any]:
    """Return a body that leaves differences as they are."""
    entries = [
        {
            "resource": change.address,
            **({"fields": sorted({item.field for item in change.fields} - {_TAGS})} if change.fields else {}),
        }
        for change in sorted(changes, key=lambda change: change.address)
    ]
    existing = {**body["spec"].get("existing", {}), "ignoreDifferences": entries}
    return {**body, "spec": {**body["spec"], "existing": existing}}


def _claimed(desired: Resource, found: Observed, ours: Observed) -> tuple[Resource, Observed]:
    """Return what a resource is to be, with the tags that a database has besides, and as it was found."""
    if isinstance(desired, DBInstance):
        kept = {key: ours.tags[key] for key in (PASSWORD_OF, DATABASE_TAG) if key in ours.tags}
        desired = replace(desired, tags={**desired.tags, **kept})
    return desired, found
