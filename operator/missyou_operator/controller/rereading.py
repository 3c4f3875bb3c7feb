"""What is read once more before something is done: nothing is changed on the strength of an old read."""

from __future__ import annotations

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.informer import TAGS, Rhythm
from missyou_operator.aws.observe import Observations
from missyou_operator.aws.tagged import TAGGED
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
    """Read again what is to be changed as long as a plan is made of old tags, or of what AWS works on."""
    memory, done = inputs.memory, frozenset[str]()
    while True:
        observations, _, plan = planned
        moving = _moving(plan, observations, memory) - done
        old = _by_old_tags(plan, observations, inputs) - done
        if not moving | old:
            return planned
        done |= moving | old
        memory.touch(dict.fromkeys(moving, seconds()))
        planned = observe_and_plan(inputs, observations, old)


def _by_old_tags(plan: Plan, observations: Observations, inputs: Inputs) -> frozenset[str]:
    """Return the types of which something is to be changed that only tags of minutes ago show to be the stack's.

    An ID is given once; a name may be borne by somebody else's by now. The list of all that is tagged is always old.
    """
    inventory, uses, recent = inputs.cloud.inventory, inputs.memory.uses, seconds() - RECENT

    def counts(rhythm: Rhythm) -> float:
        return recent if rhythm is TAGS else float("-inf")

    def by_old_tags(type_: str) -> bool:
        used = uses.get(type_, {})
        return any(key == TAGGED.key for key, _ in used) or inventory.outdated(used, counts)

    kinds = {change.type: observations.world[change.address][0].kind for change in plan.of(Action.UPDATE)}
    return frozenset(type_ for type_, kind in kinds.items() if kind.IDENTITY == "name" and by_old_tags(type_))


def _moving(plan: Plan, observations: Observations, memory: Memory) -> frozenset[str]:
    """Return the types of which something is to be changed that AWS works on, and that this pass has not read.

    Each is read at its own pace, and may be elsewhere by now: a rollout shifts requests.
    """
    changed = {change.type for change in plan.of(Action.UPDATE)}
    return frozenset(changed & memory.unsettled.keys() - observations.read)
