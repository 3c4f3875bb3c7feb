"""One pass: observe, desire, plan, guard, execute, report. Synchronous Python without kopf, never waiting for AWS.

The same pass creates, changes, repairs, resumes after a crash, and (with an empty graph) deletes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from missyou_operator.api import AppSpec, InvalidSpec, parse
from missyou_operator.api.annotations import RECONCILE, annotation
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.observe import Observations, observe
from missyou_operator.aws.rds.versions import major_to_run
from missyou_operator.aws.zones import choose_zones
from missyou_operator.controller import losses, report
from missyou_operator.controller.drift import drift_entries, find_drift, without_retained
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.guards import DELETION_GUARDS, GUARDS, Context, awaiting_approval, guard
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.report import PassResult, Report, recorded
from missyou_operator.controller.spending import check_budget
from missyou_operator.engine.execute import execute
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Runtime
from missyou_operator.engine.plan import Action, ObservedState, Plan, make_plan
from missyou_operator.engine.resource import Health, Observed, failed
from missyou_operator.stack import build
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.lookups import DataSources
from missyou_operator.stack.secrets import KubernetesSecret

logger = logging.getLogger(__name__)

#: Seconds that a read may be old which several stacks share.
_SHARED_FOR = 3.0
#: Seconds that a read may be old of what hardly ever changes (`Reader.slow_changing`).
_SLOW_FOR = 600.0
#: Seconds until a spec that is invalid, or a suspended app, is reconciled again without being changed.
_IDLE = 600.0
#: Seconds until a deletion goes on at the latest, and while the operator has just started.
_DELETING, _STARTING = 15.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """What one pass works with, before it has observed the stack.

    `sources`: what must be looked up before the desired graph can be built; None in a deletion, which desires nothing.
    `full`: everything is due to be observed, not only what is unsettled. `fresh`: somebody has asked for it, so that
    no read is shared which began before. `secrets`: the Kubernetes Secrets that give a value; `unusable`: why the
    others do not.
    """

    body: Mapping[str, Any]
    memory: Memory
    runtime: Runtime
    sources: DataSources | None
    full: bool
    fresh: bool = False
    secrets: Mapping[str, tuple[Observed, ...]] = field(default_factory=dict)
    unusable: Mapping[str, Health] = field(default_factory=dict)

    @property
    def cloud(self) -> Cloud:
        """The handle on the stack in AWS."""
        cloud: Cloud = self.runtime.cloud
        return cloud


class Reconciler:
    """Runs passes. Thread-safe for different apps; that one app has one pass at a time is up to the caller."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def reconcile(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        """Run one pass for an app as it stands in `body`. Never raises for what AWS or the spec do."""
        region = self._environment.region
        try:
            app = memory.app.get((body.get("spec"), body["metadata"]["name"], region), lambda: parse(body, region))
        except InvalidSpec as error:
            return _end(body, report.trouble(body, failed(Reason.INVALID_SPEC, str(error)), utc_now()), _IDLE, "error")
        if app.suspend:
            return _end(body, report.suspended(body, utc_now()), _IDLE)
        return self._pass(body, app, memory, stopped)

    def teardown(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        """Run one pass of a deletion. Needs no valid spec: what belongs to the stack is found by its tags and names."""
        spec = body.get("spec") or {}
        if spec.get("deletionPolicy") == "Retain":
            return Report(body.get("status") or {}, 0.0, done=True)
        if spec.get("suspend"):
            return _end(body, report.suspended(body, utc_now()), _DELETING)
        return self._pass(body, None, memory, stopped)

    def _pass(
        self, body: Mapping[str, Any], app: AppSpec | None, memory: Memory, stopped: Callable[[], bool]
    ) -> Report:
        """Go through the steps: towards what `app` desires or, where it is None, towards nothing."""
        try:
            inputs = self._begin(body, app, memory, stopped)
            observations, graph, plan = _observe_and_plan(inputs)
            if not inputs.full and _needs_whole_picture(plan, observations, memory):
                # Nothing is deleted or replaced on the strength of a memory: what it holds may not have been asked for.
                inputs = replace(inputs, full=True, fresh=True)
                observations, graph, plan = _observe_and_plan(inputs)
            ctx = self._context(inputs, app, graph, plan, observations)
            held = guard(GUARDS if app else DELETION_GUARDS, plan, ctx)
            outcome = execute(graph, observations.world, plan, inputs.runtime, held)
            memory.remember(outcome, observations.unreadable, seconds())
            return self._report(inputs, app, ctx, graph, plan, outcome) if app else _deleted(inputs, ctx, outcome)
        except Exception as error:  # an observation that fails as a whole becomes the report, never a traceback
            return _failed(body, memory, classify(error))

    def _begin(
        self, body: Mapping[str, Any], app: AppSpec | None, memory: Memory, stopped: Callable[[], bool]
    ) -> _Inputs:
        """Read what is not in AWS, and decide how much of AWS is due to be observed."""
        cloud = self._environment.cloud(body, app)
        runtime = Runtime(cloud, self._environment.pool, classify, stopped)
        if app is None:
            full, memory.deleting = not memory.deleting or not memory.world, True
            return _Inputs(body=body, memory=memory, runtime=runtime, sources=None, full=full)
        snapshot, meta = SnapshotRequest.of(body), body["metadata"]
        sources = DataSources(app, cloud.stack, snapshot)
        secrets, unusable = self._environment.secrets(meta["namespace"], sources.kubernetes_secrets)
        asked_for = _fingerprint(body, secrets)
        token = f"{annotation(body, RECONCILE)}\0{snapshot.value}"
        asked = memory.token != token
        overdue = seconds() - memory.full_at >= self._environment.resync * 0.9
        if memory.inputs != asked_for:
            # AWS as it was less than a resync ago is good enough to act upon at once; what is only read is not.
            memory.unsettled |= {external.TYPE for external in sources.externals}
        memory.inputs, memory.token = asked_for, token
        return _Inputs(
            body=body,
            memory=memory,
            runtime=runtime,
            sources=sources,
            full=asked or memory.world is None or overdue,
            fresh=asked,
            secrets=secrets,
            unusable=unusable,
        )

    def _context(
        self, inputs: _Inputs, app: AppSpec | None, graph: Graph, plan: Plan, observations: Observations
    ) -> Context:
        """Put together what the guards judge a plan by."""
        body = inputs.body
        settling = self._environment.just_started(body)
        if app is None:
            return Context(body=body, observations=observations, settling=settling)
        # A loss is no drift that is being corrected.
        gone = losses.lost(plan)
        drift = [change for change in find_drift(plan, body, inputs.memory) if change not in gone]
        return Context(
            body=body,
            observations=observations,
            spending=check_budget(body, app, self._environment.prices, without_retained(plan), drift=bool(drift)),
            losses=losses.describe(plan, graph, inputs.cloud, recorded(body), utc_now()),
            drift=drift,
            reports_drift=app.drift_policy == "Report",
            unusable_secrets=inputs.unusable,
            unanswered=inputs.memory.unanswered(seconds()),
            settling=settling,
        )

    def _report(  # noqa: PLR0913, PLR0917 - all that the steps have left
        self, inputs: _Inputs, app: AppSpec, ctx: Context, graph: Graph, plan: Plan, outcome: Outcome
    ) -> Report:
        """Put the status of a pass together, and say when the next is due."""
        body, memory, stack, now = inputs.body, inputs.memory, inputs.cloud.stack, seconds()
        after = Observations(outcome.world, ctx.observations.unreadable)
        waiting = awaiting_approval(plan, ctx)
        if outcome.done:
            # What follows from the changes of this pass is left to the next.
            graph = _desire(inputs, outcome.world)
            plan = _plan(inputs, graph, after)
        left = without_retained(plan)
        undone = any(result.health.reason == Reason.ROLLOUT_FAILED for result in outcome.results.values())
        if not left.changes and (undone or not graph.kept):
            memory.synced = memory.inputs
        reported = bool(ctx.drift) and ctx.reports_drift
        drift = drift_entries(ctx.drift, outcome, body, reported=reported, blind=bool(ctx.observations.unreadable))
        result = PassResult(
            app,
            stack,
            outcome,
            left,
            waiting,
            ctx.spending,
            drift,
            losses.records(graph, after, left, recorded(body), utc_now()),
            reported,
            inputs.full,
            lingering=bool(graph.kept),
        )
        for change in outcome.done:
            logger.info("%s: %s %s", stack.app, change.action, change.address)
        requeue_after = memory.requeue_after(outcome.results.values(), now, self._environment.resync)
        ended = _end(body, report.progress(body, result, utc_now()), requeue_after, _result(outcome, ctx.observations))
        return replace(ended, drift=drift)


def _observe_and_plan(inputs: _Inputs) -> tuple[Observations, Graph, Plan]:
    """Go through the steps that change nothing: observe, desire, plan."""
    observations = _observe(inputs)
    graph = _desire(inputs, observations.world)
    return observations, graph, _plan(inputs, graph, observations)


def _plan(inputs: _Inputs, graph: Graph, observations: Observations) -> Plan:
    """Compare what is desired with what there is. What would take the place of lost data is marked."""
    plan = make_plan(graph, observations.world)
    return losses.mark(plan, graph, observations, recorded(inputs.body)) if inputs.sources else plan


def _observe(inputs: _Inputs) -> Observations:
    """Read everything that is due in AWS, and add what is known without a read."""
    memory, full, now = inputs.memory, inputs.full, seconds()
    shared = full and not inputs.fresh
    observations = observe(
        inputs.cloud,
        inputs.runtime,
        desired_names=inputs.sources.names if inputs.sources else {},
        since=max(memory.wrote_at, now - _SHARED_FOR if shared else now),
        slow_since=max(memory.wrote_at, now - _SLOW_FOR if shared else now),
        previous=None if full else memory.world,
        only=None if full else memory.unsettled,
    )
    if full:
        memory.full_at, memory.full_for = now, memory.inputs
    world = memory.with_lag(observations.world, now)
    in_aws = {address: found for address, found in world.items() if found[0].kind is not KubernetesSecret}
    kept = inputs.sources.taken_over(in_aws, inputs.unusable) if inputs.sources else {}
    return Observations({**in_aws, **inputs.secrets, **kept}, observations.unreadable)


def _desire(inputs: _Inputs, world: ObservedState) -> Graph:
    """Return the graph of what is desired: nothing, in a deletion. It is built anew only when its inputs change."""
    sources = inputs.sources
    if sources is None:
        return Graph()
    app, stack = sources.app, sources.stack
    zones = choose_zones(inputs.cloud, app.network.availability_zones, sources.zones_in_use(world))
    major = major_to_run(inputs.cloud, app.database.engine_version, sources.running_version(world))
    lookups = sources.answers(world, zones, major)
    return inputs.memory.graph.get((app, stack, lookups), lambda: build(app, stack, lookups))


def _deleted(inputs: _Inputs, ctx: Context, outcome: Outcome) -> Report:
    """Report on a pass of a deletion. It is done when everything was observed once more and nothing of ours is left."""
    body, memory, observations = inputs.body, inputs.memory, ctx.observations
    if not observations.unreadable and not _ours(outcome.world):
        # Most of the last reads were of what was still going only.
        observations = _observe(replace(inputs, full=True))
    if not observations.unreadable and not _ours(observations.world) and not ctx.settling:
        return Report(body.get("status") or {}, 0.0, done=True)
    status = report.deleting(body, outcome, utc_now())
    if observations.unreadable:
        status = report.trouble({**body, "status": status}, next(iter(observations.unreadable.values())), utc_now())
    # No resync is due meanwhile: everything is observed when a deletion begins, and when nothing seems left.
    requeue_after = memory.requeue_after(outcome.results.values(), seconds(), float("inf"))
    latest = _STARTING if ctx.settling else _DELETING
    return _end(body, status, min(requeue_after, latest), _result(outcome, observations))


def _failed(body: Mapping[str, Any], memory: Memory, health: Health) -> Report:
    """Report on a pass that could not go through its steps."""
    now = seconds()
    began = memory.since.setdefault(("", health.reason), now)
    memory.world = None
    requeue_after = max(1.0, min((now - began) / 4, health.typical_seconds))
    return _end(body, report.trouble(body, health, utc_now()), requeue_after, "error")


def _end(body: Mapping[str, Any], status: Mapping[str, Any], requeue_after: float, result: str = "success") -> Report:
    return Report(status, requeue_after, report.events(body.get("status") or {}, status), result=result)


def _result(outcome: Outcome, observations: Observations) -> str:
    healths = {result.health.status for result in outcome.results.values()}
    if "failed" in healths or observations.unreadable:
        return "error"
    return "requeue_after" if "pending" in healths else "success"


def _ours(world: Mapping[str, tuple[Observed, ...]]) -> bool:
    kept = (observed for found in world.values() for observed in found if not observed.kind.RETAINED)
    return any(observed.owned and not observed.kind.EXTERNAL for observed in kept)


def _needs_whole_picture(plan: Plan, observations: Observations, memory: Memory) -> bool:
    """Return whether a plan takes away what is not going already, or finds a loss, and memory is too old for that.

    What was lost is known by evidence that the operator itself changes before it deletes something.
    """
    going = {o.id for found in observations.world.values() for o in found if o.state == "deleting"}
    taken = any(change.id not in going for change in plan.of(Action.DELETE, Action.REPLACE))
    unproven = losses.lost(plan) and memory.full_at <= memory.wrote_at
    return bool(taken and not memory.trusted(seconds())) or bool(unproven)


def _fingerprint(body: Mapping[str, Any], secrets: Mapping[str, tuple[Observed, ...]]) -> str:
    """Return a digest of all that a pass is asked to make: a difference while it stays the same is drift."""
    digest = hashlib.sha256(str(body["metadata"]["generation"]).encode())
    for address, (observed,) in sorted(secrets.items()):
        digest.update(observed.attrs["value"].fingerprint(address).encode())
    return digest.hexdigest()
