"""The preflight of a stack that does not exist yet: run before its first creation, and again until it passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.annotations import reconcile_command
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.account import read_facts
from missyou_operator.aws.account.facts import Unchecked
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.informer import Freshness
from missyou_operator.aws.observe import Observations, observe
from missyou_operator.aws.registry import KINDS
from missyou_operator.controller.events import Event
from missyou_operator.controller.inputs import Inputs
from missyou_operator.controller.memory import Memory, Preflown
from missyou_operator.controller.report import known_resources
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, ObservedState, Plan
from missyou_operator.engine.resource import Health, failed, pending
from missyou_operator.preflight import Finding, Preflight, Subject, check, wanted

#: Seconds until a preflight that found problems is run again, at the earliest, and one that passed.
_AGAIN, _LATER = 120.0, 3600.0
#: Seconds between two looks at problems that only a person can end.
_PACE = 300.0
_KINDS = {kind.TYPE: kind for kind in KINDS}


def run(inputs: Inputs, app: AppSpec, graph: Graph, plan: Plan, world: ObservedState) -> Preflight:
    """Read what the creations of a plan need, and return what is wrong. Never raises for what AWS does.

    `world` is what the plan was made from: the names in it count where all of them were read.
    """
    boundary = (inputs.sources.boundary if inputs.sources else None) or ""
    subject = Subject(app, graph, plan)
    named = Observations(world) if inputs.begun else _names(inputs, subject)
    facts = read_facts(inputs.cloud, wanted(subject, boundary), inputs.runtime)
    found = check(subject, facts, {**world, **named.world})
    unread = [Unchecked(f"names of {type_}", each.reason, each.message) for type_, each in named.unreadable.items()]
    return replace(found, unchecked=[*found.unchecked, *unread])


def due(inputs: Inputs, app: AppSpec, graph: Graph, plan: Plan, observations: Observations) -> Mapping[str, Health]:
    """Return what is held of a new stack, by address, and why; run the preflight where that is not known yet.

    For each generation of the spec it is run once, and again while it finds problems. A stack of which anything exists
    has passed.
    """
    memory, now = inputs.memory, seconds()
    if not plan.of(Action.CREATE) or not _is_new(inputs.body, observations.world):
        memory.preflown = None
        return {}
    last, generation = memory.preflown, inputs.body["metadata"]["generation"]
    age = now - last.at if last else 0.0
    if last is None or last.generation != generation or inputs.fresh or age >= (_AGAIN if last.problems else _LATER):
        found = run(inputs, app, graph, plan, observations.world)
        told = last.told if last else ""
        memory.preflown = last = Preflown(generation, now, found.problems, _news(found), told)
    return _held(inputs, graph, plan, last.problems)


def _is_new(body: Mapping[str, Any], world: ObservedState) -> bool:
    """Return whether nothing of the stack exists, nor has been seen before."""
    rows = chain.from_iterable(world.values())
    return not known_resources(body) and not any(row.owned and not row.kind.EXTERNAL for row in rows)


def _names(inputs: Inputs, subject: Subject) -> Observations:
    """Read what bears the names of the new resources: a pass does not, for a stack too new to have them."""
    types = {resource.TYPE for resource in subject.new}
    only = frozenset(type_ for type_ in types if type_ in _KINDS and _KINDS[type_].IDENTITY != "tags")
    return observe(
        inputs.cloud,
        inputs.runtime,
        desired_names=inputs.sources.names if inputs.sources else {},
        freshness=lambda _: Freshness(inputs.memory.full_at if inputs.full else seconds(), anew=True),
        only=only,
        begun=True,
    )


def _held(inputs: Inputs, graph: Graph, plan: Plan, problems: Sequence[Finding]) -> Mapping[str, Health]:
    """Return the health of all that waits: each creation, the first of which has the whole text, and what is not there.

    What others have to bring (an image) is not looked for until then.
    """
    if not problems:
        return {}
    first, *rest = [change.address for change in plan.of(Action.CREATE)]
    text = _text(problems, inputs.body)
    whole = replace(failed(Reason.PREFLIGHT_FAILED, text, typical_seconds=_PACE), needs_no_read=True)
    waiting = replace(
        pending(Reason.PREFLIGHT_FAILED, "it waits for the preflight: see the condition Stalled"), waits_for=first
    )
    externals = [resource.address for resource in graph.edges.order if resource.EXTERNAL]
    return {**dict.fromkeys([*externals, *rest], waiting), first: whole}


def _text(problems: Sequence[Finding], body: Mapping[str, Any]) -> str:
    head = f"the preflight found {_count(len(problems), 'problem')}, and nothing was created"
    return f"{head}: {listed(problems)}. It is run again every few minutes; at once: {reconcile_command(body)}"


def listed(findings: Sequence[Finding]) -> str:
    """Return findings as one text, numbered where there are several."""
    if len(findings) == 1:
        return str(findings[0])
    return "; ".join(f"({number}) {finding}" for number, finding in enumerate(findings, 1))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _news(found: Preflight) -> str:
    """Return what is worth an Event although it holds nothing."""
    parts = []
    if found.warnings:
        parts.append(f"{_count(len(found.warnings), 'warning')}: {listed(found.warnings)}")
    if found.unchecked:
        parts.append(f"not checked: {', '.join(f'{each.what} ({each.reason})' for each in found.unchecked)}")
    return ". ".join(parts)


def events(memory: Memory) -> list[Event]:
    """Return the Event about warnings and what could not be checked, once for each text."""
    last = memory.preflown
    if last is None or not last.news or last.news == last.told:
        return []
    memory.preflown = replace(last, told=last.news)
    warns = not last.news.startswith("not checked")
    return [Event("Warning" if warns else "Normal", "PreflightNotes", f"Preflight: {last.news}"[:1000])]
