"""One pass: observe, desire, plan, guard, execute, report. Synchronous Python without kopf, never waiting for AWS.

The same pass creates, changes, repairs, resumes after a crash, and (with an empty graph) deletes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from missyou_operator.api import AppSpec, InvalidSpec, parse
from missyou_operator.api.annotations import RECONCILE, annotation
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.errors import classify
from missyou_operator.aws.informer import AT_ONCE
from missyou_operator.aws.observe import Observations
from missyou_operator.controller import deletion, losses, preflight, report, takeover, unread
from missyou_operator.controller.asking import question
from missyou_operator.controller.considering import Considered, consider, expect
from missyou_operator.controller.drift import doer, news_and_entries
from missyou_operator.controller.ending import IDLE, end, result_of
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.events import changed_outside, new_images, new_passwords, swallowed
from missyou_operator.controller.guards import (
    DELETION_GUARDS,
    Context,
    guard,
)
from missyou_operator.controller.ignored import tell_ignored
from missyou_operator.controller.inputs import Inputs, desire, observe_and_plan, plan_for
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.planned import PassResult, Prospect, left_to_do
from missyou_operator.controller.report import Report
from missyou_operator.controller.rereading import needs_whole_picture, read_again
from missyou_operator.controller.resting import begin_to_rest, rest_until_turn, rested
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.execute import execute
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.leave import left_alone
from missyou_operator.engine.outcome import Outcome, Runtime
from missyou_operator.engine.plan import Plan
from missyou_operator.engine.resource import Health, Observed, failed
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.lookups import DataSources
from missyou_operator.stack.rotation import RotationRequest
from missyou_operator.tenancy.grant import Grant

logger = logging.getLogger(__name__)


#: How much seldomer AWS is read where events tell of changes: they may be lost.
_WITH_EVENTS = 10.0


class Reconciler:
    """Runs passes. Thread-safe for different apps; that one app has one pass at a time is up to the caller."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def reconcile(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        """Run one pass for an app as it stands in `body`. Never raises for what AWS or the spec do."""
        try:
            judges = self._environment.tenants.judges
            if not judges and not (body.get("spec") or {}).get("suspend"):
                self._follow(body, memory, None)
            # The API server counts the generation up with each change of the spec.
            key, region = body["metadata"]["generation"], self._environment.region
            app = memory.app.get((key, region), lambda: parse(body, region))
            if app.suspend:
                return end(body, report.suspended(body, utc_now()), IDLE)
            # Before the first call to AWS: what nobody has granted is not even looked at.
            grant = self._environment.tenants.grant(body, app)
            if judges or grant is not None:
                self._follow(body, memory, grant)
        except InvalidSpec as error:
            return end(body, report.trouble(body, failed(Reason.INVALID_SPEC, str(error)), utc_now()), IDLE, "error")
        except Exception as error:  # not granted, or where the stack lives could not be found out, or has changed
            return _failed(body, memory, classify(error))
        return self._pass(body, app, grant, memory, stopped)

    def _follow(self, body: Mapping[str, Any], memory: Memory, grant: Grant | None) -> None:
        """Forget what was observed of a stack that moves to another place."""
        if self._environment.moves(body, grant):
            memory.forget()

    def teardown(self, body: Mapping[str, Any], memory: Memory, stopped: Callable[[], bool]) -> Report:
        """Run one pass of a deletion. Needs no valid spec: what belongs to the stack is found by its tags and names."""
        spec = body.get("spec") or {}
        if spec.get("deletionPolicy") == "Retain":
            return deletion.retained(body, memory, self._environment.tenants.limit(body["metadata"]["namespace"]))
        if spec.get("suspend"):
            return end(body, report.suspended(body, utc_now()), deletion.LATEST)
        try:
            grant = self._environment.tenants.grant_to_delete(body)
        except RefusedError as error:
            if report.never_began(body):
                return Report(body.get("status") or {}, 0.0, done=True)
            return _failed(body, memory, error.health)
        return self._pass(body, None, grant, memory, stopped)

    def _pass(
        self,
        body: Mapping[str, Any],
        app: AppSpec | None,
        grant: Grant | None,
        memory: Memory,
        stopped: Callable[[], bool],
    ) -> Report:
        """Go through the steps: towards what `app` desires or, where it is None, towards nothing."""
        try:
            inputs = self._begin(body, app, grant, memory, stopped)
            if (quiet := rested(inputs)) is not None:
                return quiet
            memory.wake()
            early = seconds() < inputs.turn.soon
            observations, graph, plan = observe_and_plan(inputs)
            while observations.postponed or early:
                if (quiet := rest_until_turn(inputs, observations, graph, plan)) is not None:
                    return quiet
                early, inputs = False, replace(inputs, turn=inputs.turn.advanced(seconds()))
                observations, graph, plan = observe_and_plan(inputs)
            if not inputs.fresh:
                observations, graph, plan = read_again(inputs, (observations, graph, plan))
                if needs_whole_picture(plan, observations, memory):
                    # Nothing is deleted or replaced on the strength of a memory: it may not have been asked for.
                    inputs = replace(inputs, full=True, fresh=True)
                    observations, graph, plan = observe_and_plan(inputs)
            if app is None:
                return self._delete(inputs, graph, plan, observations)
            found = consider(inputs, app, self._environment, graph, plan, observations)
            held = {**memory.waiting(observations.read, seconds()), **found.held}
            outcome = execute(found.aim, observations.world, found.todo, inputs.runtime, held)
            memory.remember(outcome, observations.unreadable, seconds())
            return self._report(inputs, app, found, outcome)
        except Exception as error:  # an observation that fails as a whole becomes the report, never a traceback
            health = classify(error)
            if app is None and health.reason == Reason.ACCESS_DENIED and report.never_began(body):
                return Report(body.get("status") or {}, 0.0, done=True)
            return _failed(body, memory, health if app else deletion.explained(body, health))

    def _delete(self, inputs: Inputs, graph: Graph, plan: Plan, observations: Observations) -> Report:
        """Carry out the plan of a deletion, unless a person is asked first."""
        confirm = self._environment.confirm_deletion
        approvals, waits = deletion.asked(inputs, plan, observations, confirm=confirm)
        if waits is not None:
            return waits
        ctx = Context(
            body=inputs.body,
            observations=observations,
            approvals=approvals,
            settling=self._environment.just_started(inputs.body),
            backing_off=inputs.memory.backing_off(seconds()),
        )
        held = {**inputs.memory.waiting(observations.read, seconds()), **guard(DELETION_GUARDS, plan, ctx)}
        outcome = execute(graph, observations.world, plan, inputs.runtime, held)
        inputs.memory.remember(outcome, observations.unreadable, seconds())
        return deletion.deleted(inputs, ctx, outcome)

    def _begin(
        self,
        body: Mapping[str, Any],
        app: AppSpec | None,
        grant: Grant | None,
        memory: Memory,
        stopped: Callable[[], bool],
    ) -> Inputs:
        """Read what is not in AWS, and decide how much of AWS is due to be observed."""
        cloud = self._environment.cloud(body, app, grant)
        runtime = Runtime(cloud, self._environment.pool, classify, stopped, memory.lasting)
        snapshot, rotation, meta = SnapshotRequest.of(body), RotationRequest.of(body), body["metadata"]
        token = f"{annotation(body, RECONCILE)}\0{snapshot.value}\0{rotation.value}\0{cloud.stack.takes_over}"
        asked = memory.is_asked(token, seconds())
        if asked or (app is None and not memory.deleting):
            memory.ask_again()
        if app is None:
            memory.wake()
            full, memory.deleting = not memory.deleting or not memory.world, True
            return Inputs(body=body, memory=memory, runtime=runtime, sources=None, full=full)
        sources = DataSources(app, cloud.stack, snapshot, rotation, self._environment.boundary_for(cloud.stack))
        secrets, unusable = self._environment.secrets(meta["namespace"], sources.kubernetes_secrets)
        asked_for = _fingerprint(body, secrets)
        overdue = seconds() - memory.full_at >= memory.resync(self._environment.resync, seconds()) * 0.9
        if memory.inputs not in {"", asked_for}:
            # AWS as it was less than a resync ago is good enough to act upon at once; what is only read is not.
            memory.look_now((external.TYPE for external in sources.externals), seconds())
            memory.ask_again()
        memory.inputs = asked_for
        if memory.turn is None:
            first = memory.blank and not asked and unread.settled(body)
            memory.turn = cloud.inventory.turns.give(seconds(), self._environment.accounts.part) if first else AT_ONCE
        return Inputs(
            body=body,
            memory=memory,
            runtime=runtime,
            sources=sources,
            full=asked or memory.blank or overdue,
            fresh=asked,
            turn=memory.turn,
            look=self._environment.resync,
            slower=_WITH_EVENTS if self._environment.hears(cloud.stack.account, cloud.stack.region) else 1.0,
            secrets=secrets,
            unusable=unusable,
        )

    def _report(self, inputs: Inputs, app: AppSpec, found: Considered, outcome: Outcome) -> Report:
        """Put the status of a pass together, and say when the next is due."""
        ctx, graph, drifted = found.ctx, found.graph, found.drifted
        body, memory, stack, now = inputs.body, inputs.memory, inputs.cloud.stack, seconds()
        unreadable = ctx.observations.unreadable
        requeue_after = memory.requeue_after(outcome.results.values(), unreadable, now, self._environment.resync)
        blind = unread.judge(unreadable, memory, now)
        unread.tell_outdated(outcome, blind)
        ignored = tuple(attempt.change for attempt in memory.baseline.ignored())
        tell_ignored(outcome, ignored)
        after = replace(ctx.observations, world=outcome.world)
        if outcome.done:
            # What follows from the changes of this pass is left to the next.
            graph = desire(inputs, outcome.world)
        plan = plan_for(inputs, graph, after)
        left = left_to_do(plan, graph, outcome.world, ignored)
        left = unread.without_unknown(left, graph, outcome.world, blind)
        undone = any(result.health.reason == Reason.ROLLOUT_FAILED for result in outcome.results.values())
        if not left.changes and not blind.unknown and (undone or not graph.kept):
            memory.baseline.complete = True
        memory.read_corrections_back((change for change in outcome.done if (change.address, change.id) in drifted), now)
        for change in outcome.done:
            logger.info("%s: %s %s", stack.app, change.action, change.address)
        result = result_of(outcome, ctx.observations)
        if unread.is_unsaid(blind, body, memory, now):
            return end(body, report.unsaid(body, utc_now()), requeue_after, result)
        news, entries = news_and_entries(
            report.previous(body).drift,
            drifted,
            outcome,
            left,
            memory.baseline,
            utc_now(),
            reports=ctx.reports_drift,
            unread=unreadable,
            who=doer(memory.deeds, graph),
        )

        def prospect(plan: Plan) -> Prospect:
            return expect(plan, graph, outcome.world, app, self._environment.prices)

        status = PassResult(
            app=app,
            stack=stack,
            outcome=outcome,
            left=left,
            approval=found.approval,
            spending=ctx.spending,
            drift=entries,
            reported=frozenset(drifted) if ctx.reports_drift else frozenset(),
            held=found.held,
            ignored=ignored,
            data=losses.records(graph, after, left, report.recorded(body), utc_now()),
            unknown=blind.unknown,
            full=inputs.full,
            approvals=ctx.approvals,
            approved=ctx.approvals.status(
                report.previous(body),
                Plan((*ctx.plan.changes, *left.changes)),
                outcome.done,
                utc_now(),
                whole=not unreadable,
                complete=not (left.changes or unreadable or graph.kept),
            ),
            taken_over=takeover.record(
                body, takeover.pending(stack, outcome.world), utc_now(), whole=inputs.full and not unreadable
            ),
            asks=question(found.approval, prospect, ctx),
            prospect=prospect,
            lingering=graph.kept,
            left_alone=left_alone(graph, outcome.world, app.existing.ignored),
        )
        ended = end(body, report.progress(body, status, utc_now()), requeue_after, result)
        begin_to_rest(inputs, status, ended)
        told = [
            *new_images(outcome.done),
            *new_passwords(outcome.done),
            *preflight.events(memory),
            *changed_outside(news),
        ]
        if report.previous(body).observed_generation != body["metadata"].get("generation"):
            told += swallowed(memory.left_alone, status.left_alone)
        memory.left_alone = (app.existing.ignored, status.left_alone)
        ended = replace(ended, events=[*ended.events, *told])
        return replace(ended, drift=[entry.model_dump(mode="json", by_alias=True) for entry in news])


def _failed(body: Mapping[str, Any], memory: Memory, health: Health) -> Report:
    """Report on a pass that could not go through its steps."""
    now = seconds()
    began = memory.since.setdefault(("", health.reason), now)
    memory.full_at = float("-inf")
    requeue_after = max(1.0, min((now - began) / 4, health.typical_seconds))
    ours = health.reason in {"InternalError", Reason.PLACE_CHANGED, Reason.NOT_GRANTED}
    recent = not ours and now - max([memory.began, *memory.read_at.values()]) < unread.TRUSTED_FOR
    status = report.unsaid if recent and unread.speaks(body) else partial(report.trouble, health=health)
    return end(body, status(body, now=utc_now()), requeue_after, "error")


def _fingerprint(body: Mapping[str, Any], secrets: Mapping[str, tuple[Observed, ...]]) -> str:
    """Return a digest of all that a pass is asked to make: a difference while it stays the same is drift."""
    digest = hashlib.sha256(str(body["metadata"]["generation"]).encode())
    for address, (observed,) in sorted(secrets.items()):
        digest.update(observed.attrs["value"].fingerprint(address).encode())
    return digest.hexdigest()
