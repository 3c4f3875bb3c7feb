"""What one pass works with, and its steps that change nothing: observe, desire, plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from missyou_operator.api.annotations import PLACE, annotation
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.informer import AT_ONCE, Freshness, Turn
from missyou_operator.aws.observe import Observations, observe
from missyou_operator.aws.rds.versions import major_to_run
from missyou_operator.aws.reader import PostponedError
from missyou_operator.aws.zones import choose_zones
from missyou_operator.controller import losses
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.report import known_resources, recorded
from missyou_operator.controller.threads import hurries
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.leave import leave
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.plan import ObservedState, Plan, make_plan
from missyou_operator.engine.resource import Health, Observed
from missyou_operator.engine.schedule import Inline
from missyou_operator.stack import build
from missyou_operator.stack.context import DomainLookup
from missyou_operator.stack.lookups import DataSources
from missyou_operator.stack.secrets import KubernetesSecret
from missyou_operator.tenancy.grant import Grant

#: Seconds that a read may be old with which a deletion begins.
_TOGETHER = 3.0
#: Seconds that tags may be old by which something is changed: as long as a look takes at most where stacks are few.
RECENT = 60.0
#: What there is, what is desired, and the way there.
Planned = tuple[Observations, Graph, Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What one pass works with, before it has observed the stack.

    `sources`: what must be looked up before the desired graph can be built; None in a deletion, which desires nothing.
    `full`: everything is due to be observed, not only what is unsettled. `fresh`: somebody has asked for it, so that
    no read is shared which began before. `look`: seconds between two full observations, `slower` a factor for all
    rhythms. `turn`: when more than lists is read. `begun`: parts of the stack may exist, whatever object and memory
    know. `secrets`: the Kubernetes Secrets that give a value; `unusable`: why the others do not.
    """

    body: Mapping[str, Any]
    memory: Memory
    runtime: Runtime
    sources: DataSources | None
    full: bool
    fresh: bool = False
    look: float = 45.0
    slower: float = 1.0
    turn: Turn = AT_ONCE
    begun: bool = False
    secrets: Mapping[str, tuple[Observed, ...]] = field(default_factory=dict)
    unusable: Mapping[str, Health] = field(default_factory=dict)

    @property
    def cloud(self) -> Cloud:
        """The handle on the stack in AWS."""
        cloud: Cloud = self.runtime.cloud
        return cloud


def observe_and_plan(
    inputs: Inputs, before: Observations | None = None, again: frozenset[str] = frozenset()
) -> Planned:
    """Go through the steps that change nothing: observe, desire, plan. `before` and `again`: see `observe_stack`."""
    observations = observe_stack(inputs, before, again)
    try:
        graph = desire(inputs, observations.world)
    except PostponedError:
        # What is desired depends on what is to be read later.
        return observe_and_plan(replace(inputs, turn=inputs.turn.advanced(seconds())), before, again)
    return observations, graph, plan_for(inputs, graph, observations)


def plan_for(inputs: Inputs, graph: Graph, observations: Observations) -> Plan:
    """Compare what is desired with what there is. What would take the place of lost data is marked."""
    plan = make_plan(graph, observations.world)
    return losses.mark(plan, graph, observations, recorded(inputs.body)) if inputs.sources else plan


def observe_stack(
    inputs: Inputs, before: Observations | None = None, again: frozenset[str] = frozenset()
) -> Observations:
    """Read everything that is due in AWS, and add what is known without a read.

    `before`: what was observed a moment ago, and counts for all that is not due. `again`: types that are to be changed,
    so that their tags are read of their own services, and are of the last minute.
    """
    memory, full, now = inputs.memory, inputs.full and before is None, seconds()
    if memory.known is None:
        memory.known = known_resources(inputs.body)
    # Lists are there already, for most stacks.
    lists_alone = full and now < inputs.turn.soon
    needed = memory.ours_since if full and not lists_alone else float("-inf")
    with inputs.cloud.inventory.turns.opening(needed, now, lambda: hurries() or inputs.runtime.stopped()):
        observations = observe(
            inputs.cloud,
            replace(inputs.runtime, pool=Inline()) if lists_alone else inputs.runtime,
            desired_names=inputs.sources.names if inputs.sources else {},
            freshness=_freshness(inputs, now, again),
            previous=before.world if before else memory.world,
            only=None if full else memory.due(now) | again,
            begun=inputs.begun or memory.world is not None or _begun(inputs.body),
            known=memory.known,
        )
    memory.has_read(observations.read, now)
    memory.uses |= observations.uses
    observations = replace(observations, unreadable=memory.still_unreadable(observations, now))
    if full:
        memory.full_at = now
        if inputs.fresh:
            memory.whole_at, memory.whole_for = now, memory.inputs
    world = memory.with_lag(observations.world, now)
    in_aws = {address: found for address, found in world.items() if found[0].kind is not KubernetesSecret}
    kept = inputs.sources.taken_over(in_aws, inputs.unusable) if inputs.sources else {}
    read = observations.read | (before.read if before else frozenset())
    return replace(observations, world={**in_aws, **inputs.secrets, **kept}, read=read)


def _freshness(inputs: Inputs, now: float, again: frozenset[str]) -> Callable[[str], Freshness]:
    """Return which reads are good enough for a type: those of what is unsettled are made anew, or nearly so."""
    memory, anew = inputs.memory, inputs.memory.to_read_anew(now)
    # To see that there is nothing to do before its turn, a list will do from before this process had the stack: nothing
    # is done, or said, on the strength of it.
    seen = float("-inf") if now < inputs.turn.soon else memory.ours_since
    usual = usual_freshness(inputs.cloud, memory, now, inputs.look, inputs.slower)

    def of(type_: str) -> Freshness:
        if inputs.fresh or type_ in anew:
            return replace(usual, anew=True)
        if inputs.full and inputs.sources is None:
            # A deletion begins with AWS as it is now; those that begin together share that.
            return replace(usual, anew=True, now=max(memory.wrote_at, now - _TOGETHER))
        if type_ in again:
            return replace(usual, tags=now - RECENT)
        settled = inputs.full and type_ not in memory.unsettled
        return replace(usual, turn=inputs.turn, seen=seen) if settled else replace(usual, closely=True)

    return of


def usual_freshness(cloud: Cloud, memory: Memory, now: float, look: float, slower: float) -> Freshness:
    """Return which reads are good enough for what is settled."""
    stacks = cloud.inventory.stacks(cloud.stack.uid, look)
    return Freshness(now, memory.wrote_at, look, stacks, slower, seen=memory.ours_since)


def _begun(body: Mapping[str, Any]) -> bool:
    """Return whether an earlier pass has seen the app, also where one of its traces is lost."""
    return bool((body.get("status") or {}).get("resources") or annotation(body, PLACE))


def desire(inputs: Inputs, world: ObservedState) -> Graph:
    """Return the graph of what is desired: nothing, in a deletion. It is built anew only when its inputs change."""
    sources = inputs.sources
    if sources is None:
        return Graph()
    app, stack = sources.app, sources.stack
    zones = choose_zones(inputs.cloud, app.network.availability_zones, sources.zones_in_use(world))
    major = major_to_run(inputs.cloud, app.database.engine_version, sources.running_version(world))
    lookups = sources.answers(world, zones, major)
    if (grant := inputs.cloud.grant) is not None:
        _check_zone(grant, lookups.domain)
        # Policies that go by tags of roles, of whoever wrote them, would let a tenant in by a tag of its choice.
        lookups = replace(lookups, tags_on_roles=False)
    graph = inputs.memory.graph.get((app, stack, lookups), lambda: build(app, stack, lookups))
    return leave(graph, world, app.existing.ignored)


def _check_zone(grant: Grant, domain: DomainLookup) -> None:
    """Refuse a hosted zone that nobody has granted, also one that was found by its name or is in use already."""
    if not domain.zone or domain.zone in grant.zones:
        return
    name = f" ({domain.zone_name})" if domain.zone_name else ""
    raise RefusedError(
        Reason.NOT_GRANTED,
        f"spec.domain: the records belong into the hosted zone {domain.zone}{name}, which is not granted: ask whoever "
        f"administers MissYouTenant/{grant.tenant} to add it to spec.zones",
        600.0,
    )
