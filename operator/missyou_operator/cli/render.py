"""Renders progress and tables as lines of text. Pure: no clock, no terminal, no cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from missyou_operator.api import Component, Status
from missyou_operator.cli.progress import Mark, Row

_SYMBOLS: dict[Mark, str] = {"ready": "✔", "working": "…", "failed": "✖", "absent": "·"}
_COLOURS: dict[Mark, str] = {"ready": "32", "working": "33", "failed": "31", "absent": "2"}
_GAP = "   "


@dataclass(frozen=True, slots=True)
class Style:
    """The style of lines: with colours or without, and at most `width` columns wide (None: no limit)."""

    colour: bool = False
    width: int | None = None

    def paint(self, text: str, code: str) -> str:
        """Colour a text with an SGR code, if colours are on."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def cut(self, text: str) -> str:
        """Shorten an uncoloured line to the width."""
        if self.width is None or len(text) <= self.width:
            return text
        return text[: max(self.width - 1, 0)] + "…"


def table(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Align rows of cells in columns; no spaces at line ends."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (indent + _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]


def live_lines(title: str, rows: Iterable[Row], times: Mapping[str, float], style: Style) -> list[str]:
    """Render one frame of the live view: a title, then a line per condition.

    `times`: for each condition, the seconds until it reached its state, or the seconds so far.
    """
    lines = [style.cut(title)]
    for row in rows:
        time = f"{times[row.name]:.1f}s" if row.name in times else ""
        text = style.cut(f"  {_SYMBOLS[row.mark]} {row.name:<18}{time:>8}  {row.reason:<20}  {row.message}".rstrip())
        lines.append(style.paint(text, _COLOURS[row.mark]))
    return lines


def changed_lines(before: Iterable[Row], after: Iterable[Row], elapsed: float) -> list[str]:
    """Return a plain line for each condition that is new or differs. `elapsed` in seconds."""
    known = set(before)
    return [
        f"{elapsed:6.1f}s  {row.name:<18}  {row.status or 'absent':<7}  {row.reason:<20}  {row.message}".rstrip()
        for row in after
        if row not in known and (row.mark != "absent" or row.name in {old.name for old in known})
    ]


def resource_lines(status: Status, style: Style) -> list[str]:
    """Render status.resources as one table, with a heading per component in the order in which a stack comes up."""
    order: dict[str, int] = {name: index for index, name in enumerate(Component)}
    resources = sorted(status.resources, key=lambda r: (order.get(r.component, len(order)), r.component))
    if not resources:
        return ["No resources yet."]
    cells = [("TYPE", "NAME", "STATE", "ID"), *((r.type, r.name, r.state, r.id) for r in resources)]
    head, *body = table(cells, indent="  ")
    lines = [style.paint(style.cut(head), "2")]
    rendered = iter(body)
    for component, members in groupby(resources, key=lambda r: r.component):
        lines.append(style.paint(style.cut(component), "1"))
        for resource in members:
            lines.append(style.cut(next(rendered)))
            if resource.message:
                lines.append(style.cut(f"    {' '.join(resource.message.split())}"))
    return lines


def server_table_lines(answer: Mapping[str, Any], *, wide: bool, namespaces: bool) -> list[str]:
    """Render a meta.k8s.io/v1 Table as kubectl does. `wide`: all columns. `namespaces`: NAMESPACE as the first."""
    columns = answer["columnDefinitions"]
    shown = [index for index, column in enumerate(columns) if wide or not column.get("priority")]
    rows = [[columns[index]["name"].upper() for index in shown]]
    rows += [[_cell(row["cells"][index]) for index in shown] for row in answer.get("rows") or ()]
    if namespaces:
        names = ["NAMESPACE", *(row["object"]["metadata"]["namespace"] for row in answer.get("rows") or ())]
        rows = [[name, *row] for name, row in zip(names, rows, strict=True)]
    return table(rows)


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
