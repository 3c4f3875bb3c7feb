"""Whether a pass has anything to do: a stack rests while all that its last pass was made from stays as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from sys import intern
from typing import Any

from missyou_operator.api.annotations import PLACE, REQUESTS, annotation
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.errors import classify
from missyou_operator.aws.informer import Rhythm, Uses, look
from missyou_operator.aws.observe import Observations
from missyou_operator.controller.baseline import LAG
from missyou_operator.controller.inputs import Inputs, usual_freshness
from missyou_operator.controller.memory import Memory, Rest
from missyou_operator.controller.pace import requeue_after
from missyou_operator.controller.planned import PassResult
from missyou_operator.controller.report import Report
from missyou_operator.controller.threads import hurries
from missyou_operator.engine.execute import execute
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Plan

#: How long a stack rests at most: some of what a status says depends on the time of day (a rotation that is due).
_RHYTHM = Rhythm(per_stack=18.0, least=300.0, most=1800.0)


def begin_to_rest(inputs: Inputs, result: PassResult, report: Report) -> None:
    """Let a stack rest after a pass that has left nothing to be done, or to be waited for."""
    memory, now = inputs.memory, seconds()
    open_ = (result.outcome.done, result.left.changes, result.held, result.ignored, result.lingering, result.unknown)
    if report.result != "success" or any(open_) or inputs.unusable or _unfinished(memory, now):
        return
    stacks = inputs.cloud.inventory.stacks(inputs.cloud.stack.uid, inputs.look)
    _rest(inputs, report.status, now + _RHYTHM.period(inputs.look, stacks))


def rest_until_turn(inputs: Inputs, observations: Observations, graph: Graph, plan: Plan) -> Report | None:
    """Let a stack rest that is not read as a whole before its turn, unless what is read shows that it is not settled.

    Nothing is done on the strength of a part: None means that the whole is to be read now. After a takeover it waits
    for its like to be looked at, too.
    """
    memory, body, now = inputs.memory, inputs.body, seconds()
    status = body["status"]
    if any(health.reason != Reason.RATE_LIMITED for health in observations.unreadable.values()):
        return None
    if observations.unreadable:
        # AWS is asked for too much already.
        pause = max(requeue_after(health, 0.0) for health in observations.unreadable.values())
        return Report(status, pause, result="requeue_after")
    judged = execute(graph, observations.world, Plan(), inputs.runtime)
    if plan.changes or inputs.unusable or any(each.health.status != "ready" for each in judged.results.values()):
        return _after_the_others(inputs, now)
    turn = inputs.turn.next(now)
    _rest(inputs, status, turn)
    return Report(status, min(max(0.0, turn - now), memory.requeue_after((), {}, now, inputs.look)))


def _after_the_others(inputs: Inputs, now: float) -> Report | None:
    """Have a stack that lists show not to be settled read as a whole once others were looked at; None if it is now.

    It needs lists from after the takeover, which take seconds. Many are settled, and would wait for its thread.
    """
    opened = inputs.cloud.inventory.turns.opened(inputs.memory.ours_since)
    if opened or inputs.fresh or hurries() or now >= inputs.turn.soon:
        return None
    inputs.memory.turn = inputs.turn.advanced(now)
    return Report(inputs.body["status"], 0.0, result="requeue_after")


def _rest(inputs: Inputs, status: Mapping[str, Any], until: float) -> None:
    uses: dict[tuple[str, str], Hashable] = {}
    for used in inputs.memory.uses.values():
        if any(uses.get(use, stamp) != stamp for use, stamp in used.items()):
            # Two types have seen different answers to one read.
            return
        # Others have the same words, and a copy of them was packed.
        uses |= {(intern(key), intern(owner)): stamp for (key, owner), stamp in used.items()}
    inputs.memory.sleep(Rest(_asked(inputs, status), uses, until))
    _follow(inputs, uses)


def _follow(inputs: Inputs, uses: Uses) -> None:
    inputs.cloud.inventory.followers.add(inputs.cloud.stack.uid, uses, inputs.memory.stir)


def _unfinished(memory: Memory, now: float) -> bool:
    waits = (memory.unsettled, memory.read_back, memory.touched, memory.refusals, memory.doubts, memory.owed)
    return any(waits) or now - memory.wrote_at < LAG


def rested(inputs: Inputs) -> Report | None:
    """Look at a stack that rests. Return the report of a pass that would change nothing; None if one has to be run."""
    memory, now, body, cloud = inputs.memory, seconds(), inputs.body, inputs.cloud
    # What this look itself finds, it need not be told.
    cloud.inventory.followers.drop(cloud.stack.uid)
    rest = memory.rest
    if rest is None or inputs.fresh or memory.touched or now >= rest.until:
        return None
    if rest.asked != _asked(inputs, body.get("status") or {}):
        return None
    try:
        freshness = usual_freshness(cloud, memory, now, inputs.look, inputs.slower)
        if not look(cloud.inventory, rest.uses, freshness, inputs.runtime.pool):
            return None
    except Exception as error:
        health = classify(error)
        if health.reason != Reason.RATE_LIMITED:
            return None
        # It says nothing, and was no look; what has been read by now, the next one finds.
        _follow(inputs, rest.uses)
        return Report(body.get("status") or {}, min(requeue_after(health, 0.0), inputs.look), result="requeue_after")
    memory.has_read(memory.read_at, now)
    if inputs.full:
        memory.full_at = now
    _follow(inputs, rest.uses)
    return Report(body.get("status") or {}, memory.requeue_after((), {}, now, inputs.look))


def _asked(inputs: Inputs, status: Mapping[str, Any]) -> Hashable:
    """Return what a pass is asked to make, by whom, and what the status says of it."""
    body = inputs.body
    said = json.dumps(status, sort_keys=True, default=str)
    requests = tuple(annotation(body, name) for name in (*REQUESTS, PLACE))
    return (
        inputs.cloud.stack,
        inputs.cloud.grant,
        inputs.memory.inputs,
        requests,
        hashlib.sha256(said.encode()).digest(),
    )
