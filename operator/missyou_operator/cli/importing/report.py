"""What a person reads about an import: what becomes the stack's, what stays different, what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from missyou_operator.cli.importing.claim import Claim
from missyou_operator.cli.importing.forget import Form, commands
from missyou_operator.cli.importing.notes import Note
from missyou_operator.cli.importing.survey import Survey
from missyou_operator.cli.importing.tfstate import StateResource
from missyou_operator.engine.plan import Action, Change

_ACTIONS = {
    Action.CREATE: "not created",
    Action.UPDATE: "stays as it is",
    Action.REPLACE: "not replaced",
    Action.DELETE: "not deleted",
}
#: A column is no wider: one long name does not push the others off the screen.
_WIDEST = 60
_HEADER = """\
# Written by `missyou import`: what existed in AWS, as it was found. It stays as it is. Removing an entry of
# existing.ignoreDifferences brings that resource in line: `missyou plan -f` shows what this changes.
"""


def manifest(body: Mapping[str, Any]) -> str:
    """Return the manifest of a MissYouApp."""
    text: str = yaml.safe_dump(body, sort_keys=False, width=116, allow_unicode=True)
    return _HEADER + text


def found_lines(survey: Survey, claim: Claim) -> Iterator[str]:
    """Yield what was found: what becomes the stack's, what stays different, and what does not fit."""
    meta = survey.body["metadata"]
    yield f"MissYouApp {meta['namespace']}/{meta['name']}"
    if claim.untagged:
        yield ""
        yield f"Becomes the stack's, by tags alone ({len(claim.untagged)}):"
    yield from _table((observed.kind.TYPE, observed.name, observed.id) for _, observed in claim.untagged)
    if survey.used:
        yield ""
        yield "Is used where it is, and does not go with the stack:"
        yield from (f"  {arn}" for arn in sorted(survey.used))
    if claim.left:
        yield ""
        yield f"Differs from what a new stack would have, and stays as it is ({len(claim.left)}). On the right: what"
        yield "the app feels once you bring it in line, by removing its entry of existing.ignoreDifferences:"
        yield from _table(
            (change.address, _ACTIONS[change.action], _fields(change), change.effect.feels) for change in claim.left
        )
    if claim.remaining:
        yield ""
        yield "The operator would change all the same:"
        yield from _table((change.address, str(change.action), _fields(change)) for change in claim.remaining)
    yield from note_lines("Does not fit:", survey.notes)


def note_lines(title: str, notes: Sequence[Note]) -> Iterator[str]:
    """Yield what does not fit, each with its remedy."""
    if notes:
        yield ""
        yield title
    for note in notes:
        yield f"  - {note.what}"
        yield f"    {note.remedy}"


def next_lines(
    path: str, mine: Sequence[StateResource], others: Sequence[StateResource], form: Form, *, tagged: bool
) -> Iterator[str]:
    """Yield what is to be done next, and in which order."""
    yield ""
    yield "Next:" if tagged else "After the import:"
    yield f"  missyou plan -f {path}      # nothing to do"
    yield f"  kubectl apply -f {path}     # the first pass sets the tags of this cluster, and nothing else"
    if mine:
        yield ""
        yield "Then Terraform has to forget what is the stack's now. Delete its blocks from the .tf files, or the next"
        yield "`terraform apply` creates all of it again. Keep a copy: terraform state pull > backup.tfstate"
        yield "Add these blocks, and apply them:" if form == "removed" else "Then:"
        yield ""
        yield from (f"  {line}".rstrip() for line in commands(mine, others, form))
    if others:
        yield ""
        yield f"Stays with Terraform, for a stack has nothing like it ({len(others)}):"
        yield from (f"  {each.address}" for each in others)
    yield ""
    yield "To undo it, delete the MissYouApp: its deletionPolicy is Retain, so AWS stays as it is."
    if mine:
        yield "Terraform has it back with: terraform state push -force backup.tfstate"


def _fields(change: Change) -> str:
    return ", ".join(item.field for item in change.fields)


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    listed = sorted(rows)
    columns = range(len(listed[0]) if listed else 0)
    widths = [min(_WIDEST, max(len(row[place]) for row in listed)) for place in columns]
    for row in listed:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
