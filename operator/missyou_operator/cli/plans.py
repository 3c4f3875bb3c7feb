"""Renders plans as lines of text and as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from missyou_operator.api.status import PlannedChange, PlanStatus
from missyou_operator.cli.render import Style
from missyou_operator.engine.duration import duration
from missyou_operator.engine.effects import NOTHING

#: Sign, words and colour, as Terraform has them.
_ACTIONS = {
    "Create": ("+", "will be created", "32"),
    "Update": ("~", "will be updated in-place", "33"),
    "Replace": ("-/+", "must be replaced", "31"),
    "Delete": ("-", "will be destroyed", "31"),
}
NO_CHANGES = "No changes. AWS is as the manifest says."


def plan_lines(plan: PlanStatus | None, notes: Sequence[str], style: Style) -> list[str]:
    """Render a plan in the shape that Terraform's users know. `notes`: what could not be compared."""
    lines = [NO_CHANGES] if plan is None else _lines(plan, style)
    return [*lines, *(f"({note})" for note in notes)]


def _wrapped(line: str, style: Style) -> list[str]:
    """Wrap a line of the summary at the width, if there is one."""
    return wrap(line, style.width, subsequent_indent="  ", break_on_hyphens=False) if style.width else [line]


def _lines(plan: PlanStatus, style: Style) -> list[str]:
    lines = ["Resource actions are indicated with the following symbols:"]
    used = dict.fromkeys(change.action for change in plan.changes)
    words = {"Create": "create", "Update": "update in-place", "Replace": "destroy and then create", "Delete": "destroy"}
    lines += [f"{_ACTIONS[action][0]:>3} {words[action]}" for action in words if action in used]
    for change in plan.changes:
        lines += _change_lines(change, style)
    lines += ["", style.paint(f"Plan: {plan.summary}.", "1")]
    lines += [part for line in _sums(plan) for part in _wrapped(line, style)]
    waiting = [change for change in plan.changes if change.held_because]
    if waiting:
        reasons = ", ".join(dict.fromkeys(change.held_because.reason for change in waiting if change.held_because))
        lines.append(f"Waits ({reasons}): {len(waiting)} of {len(plan.changes)} changes; plan {plan.id}.")
    return lines


def _change_lines(change: PlannedChange, style: Style) -> list[str]:
    sign, words, colour = _ACTIONS[change.action]
    lines = ["", f"  # {change.resource} {words}", style.paint(f"{sign:>3} {change.resource}", colour)]
    lines += [f"      ~ {field}" for field in change.fields]
    facts = [f"risk {change.risk}", f"the app feels {change.effect}"]
    if change.expected_seconds:
        facts.append(duration(change.expected_seconds))
    if change.cost_difference_usd:
        facts.append(f"{change.cost_difference_usd} USD a month")
    lines.append(f"      {'; '.join(facts)}")
    if change.destroys_data:
        lines.append(style.paint("      destroys data", "31"))
    if change.held_because:
        lines.append(f"      waits: {change.held_because.message}")
    return lines


def _sums(plan: PlanStatus) -> list[str]:
    lines = [f"The app feels: {plan.effect}."]
    if plan.expected_seconds:
        lines.append(f"Duration: {duration(plan.expected_seconds)}, the longest chain of changes.")
    if plan.cost:
        without = f"; without: {', '.join(plan.cost.not_priced)} (no price)" if plan.cost.not_priced else ""
        lines.append(f"Cost: {plan.cost.difference_usd} USD a month, then {plan.cost.monthly_usd}{without}.")
    return lines


def plan_markdown(title: str, plan: PlanStatus | None, notes: Sequence[str]) -> list[str]:
    """Render a plan as Markdown, for a comment on a pull request."""
    lines = [f"### Plan for {title}", ""]
    if plan is None:
        return [*lines, NO_CHANGES, *_quoted(notes)]
    lines += [f"**{plan.summary}**; highest risk: {plan.risk}. ", "", *(f"- {line}" for line in _sums(plan)), ""]
    lines += ["| | resource | risk | the app feels | time | USD a month |", "|---|---|---|---|---|---|"]
    lines += [_row(change) for change in plan.changes]
    details = [change for change in plan.changes if change.fields or change.held_because]
    if details:
        lines += ["", "<details><summary>Fields</summary>", "", "```diff"]
        for change in details:
            lines.append(f"  {change.resource}")
            lines += [f"! {_one_line(field)}" for field in change.fields]
            lines += [f"# waits: {_one_line(change.held_because.message)}"] if change.held_because else []
        lines += ["```", "", "</details>"]
    return [*lines, *_quoted(notes)]


def _row(change: PlannedChange) -> str:
    felt = change.effect if change.effect != NOTHING else ""
    risk = f"**{change.risk}**" if change.risk in {"Replace", "DataLoss"} else change.risk
    took = duration(change.expected_seconds) if change.expected_seconds else ""
    cells = (f"`{_ACTIONS[change.action][0]}`", f"`{change.resource}`", risk, felt, took, change.cost_difference_usd)
    return "| " + " | ".join(_one_line(cell or "").replace("|", "\\|") for cell in cells) + " |"


def _quoted(notes: Sequence[str]) -> list[str]:
    return ["", *(f"> {_one_line(note)}" for note in notes)] if notes else []


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("```", "'''")
