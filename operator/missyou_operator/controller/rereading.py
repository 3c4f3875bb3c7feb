"""What is read once more before something is done: nothing is changed on the strength of an old read."""

from __future__ import annotations

from functools import partial

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.informer import HOURLY, ONCE, TAGS, Rhythm
from missyou_operator.aws.observe import Observations
from missyou_operator.controller import losses
from missyou_operator.controller.inputs import RECENT, Inputs, Planned, observe_and_plan
from missyou_operator.controller.memory import Memory
from missyou_operator.engine.plan import Action, Plan


def needs_whole_picture(plan: Plan, observations: Observations, memory: Memory) -> bool:
    """Return whether a plan takes away what is not going already, or finds a loss, and memory is too old for that.

    What was lost is known by evidence that the operator itself changes before it deletes something.
    """
    going = {o.id for found in observations.world.values() for o in found if o.state == "deleting"}
    taken = any(change.id not in going for change in plan.of(Action.DELETE, Action.REPLACE))
    unproven = losses.lost(plan) and memory.whole_at <= memory.wrote_at
    return bool(taken and not memory.trusted(seconds())) or bool(unproven)


def read_again(inputs: Inputs, planned: Planned) -> Planned:
    """Read again what is to be changed as long as a plan is made of what somebody may have changed since."""
    memory, done = inputs.memory, frozenset[str]()
    while True:
        observations, _, plan = planned
        moving = _moving(plan, observations, memory) - done
        doubtful = _doubtful(plan, observations, inputs) - done
        if not moving | doubtful:
            return planned
        done |= moving | doubtful
        memory.touch(dict.fromkeys(moving, seconds()))
        planned = observe_and_plan(inputs, observations, doubtful)


def _doubtful(plan: Plan, observations: Observations, inputs: Inputs) -> frozenset[str]:
    """Return the types to be changed of which something was read before this process had the stack, or by old tags.

    An ID is given once, so that its tags may be old; a name may be borne by somebody else's by now.
    """
    inventory, memory, recent = inputs.cloud.inventory, inputs.memory, seconds() - RECENT

    def counts(named: bool, rhythm: Rhythm) -> float:
        if rhythm is TAGS:
            return recent if named else float("-inf")
        return float("-inf") if rhythm in {ONCE, HOURLY} else memory.ours_since

    named = {
        change.type
        for change in plan.of(Action.UPDATE)
        if observations.world[change.address][0].kind.IDENTITY == "name"
    }
    return frozenset(
        type_
        for type_ in {change.type for change in plan.changes}
        if inventory.older((key for key, _ in memory.uses.get(type_, ())), partial(counts, type_ in named))
    )


def _moving(plan: Plan, observations: Observations, memory: Memory) -> frozenset[str]:
    """Return the types of which something is to be changed that AWS works on, and that this pass has not read.

    Each is read at its own pace, and may be elsewhere by now: a rollout shifts requests.
    """
    changed = {change.type for change in plan.of(Action.UPDATE)}
    return frozenset(changed & memory.unsettled.keys() - observations.read)
