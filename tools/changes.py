"""Write docs/changes.md from what the resource classes declare: `make changes`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from missyou_operator.aws.registry import KINDS
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import Resource

PAGE = Path(__file__).parent.parent / "docs" / "changes.md"
_HEAD = """\
# What changes mean

Written by `make changes` from what the resource classes declare (`EFFECTS`); a test fails if it is not current, or if a
compared field lacks an effect.

For each field: the call that changes it, what the app feels, and how long it usually takes. `status.plan` and
`missyou plan` say the same of each planned change, and the longest chain of them is the duration of the whole plan
([plan.md](plan.md)). Times are those of a small stack in AWS; a database with much data takes longer.

| risk | what it means |
|---|---|
| `Create` | something new; what runs is not touched |
| `InPlace` | changed, or taken away, while everything goes on serving |
| `Restart` | tasks or the database are restarted: the table says what the app feels of it |
| `Replace` | deleted, and created anew under the same name |
| `DataLoss` | data is destroyed that nothing else holds: it waits for approval, whatever `changePolicy` says |

Tags are changed in place everywhere, and nobody feels it.
"""


def page() -> str:
    """Return the whole page."""
    return _HEAD + "".join(_section(kind) for kind in KINDS if not kind.EXTERNAL)


def fields(kind: type[Resource]) -> tuple[str, ...]:
    """Return the fields of a type that a change may name."""
    return tuple(dict.fromkeys((*kind.COMPARED, *kind.EFFECTS.fields, *sorted(kind.FORCES_REPLACEMENT))))


def _section(kind: type[Resource]) -> str:
    rows = "".join(f"| {what} | {_row(effect)} |\n" for what, effect in _rows(kind, kind.EFFECTS))
    return f"\n## {kind.TYPE}\n\n| change | call | what the app feels | seconds | risk |\n|---|---|---|---|---|\n{rows}"


def _rows(kind: type[Resource], effects: Effects) -> Iterator[tuple[str, tuple[Effect, str]]]:
    yield "*created*", (effects.create, "Create")
    replaced = [name for name in fields(kind) if name in kind.FORCES_REPLACEMENT]
    groups: dict[Effect, list[str]] = {}
    for name in fields(kind):
        if name not in replaced:
            groups.setdefault(effects.of_field(name), []).append(f"`{name}`")
            for case in effects.cases:
                if (effect := effects.of_field(name, case)) != effects.of_field(name):
                    groups.setdefault(effect, []).append(f"`{name}`, {case}")
    for effect, names in groups.items():
        yield ", ".join(names), (effect, "Restart" if effect.restarts else "InPlace")
    if replaced:
        names = ", ".join(f"`{name}`" for name in replaced)
        yield names, (effects.of_replacement, "Replace")
    if not kind.RETAINED:
        yield "*deleted*", (effects.delete, "DataLoss" if _may_hold_data(kind) else "InPlace")


def _may_hold_data(kind: type[Resource]) -> bool:
    return kind.holds_data.__func__ is not Resource.holds_data.__func__  # type: ignore[attr-defined]


def _row(row: tuple[Effect, str]) -> str:
    effect, risk = row
    calls = ", ".join(f"`{call}`" for call in effect.call.split(", "))
    felt = effect.feels + (f" ({effect.source})" if effect.source else "")
    return f"{calls} | {felt} | {effect.seconds} | `{risk}`"


if __name__ == "__main__":
    PAGE.write_text(page())
