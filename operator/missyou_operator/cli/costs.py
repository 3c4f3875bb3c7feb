"""Renders estimates as lines of text and as JSON values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.cli.render import Style, table
from missyou_operator.cost import Estimate, Line, Usage

_UNKNOWN = "?"


def estimate_lines(found: Estimate, usage: Usage, style: Style) -> list[str]:
    """Render an estimate: each component with its sum and its lines, the total, and the assumptions."""
    sums = found.by_component()
    rows: list[tuple[str, str, str, str]] = [("COMPONENT", "", "", "USD/MONTH")]
    heads = {0: "2"}
    for component, lines in groupby(found.lines, key=lambda line: line.component):
        heads[len(rows)] = "1"
        rows.append((component, "", "", f"{sums[component]:.2f}" if component in sums else _UNKNOWN))
        rows += [_row(line) for line in lines]
    heads[len(rows)] = "1"
    rows.append(("Total" if found.total is not None else "At least", "", "", f"{found.known:.2f}"))
    rendered = [
        style.paint(line, heads[place]) if place in heads else line for place, line in enumerate(_aligned(rows, 2))
    ]
    return [*rendered, "", *basis_lines(found), *_assumed(usage)]


def difference_lines(before: Estimate, after: Estimate, style: Style) -> list[str]:
    """Render the cost before and after a change, by component."""
    old, new = before.by_component(), after.by_component()
    rows = [("COMPONENT", "BEFORE", "AFTER", "DIFFERENCE")]
    rows += [
        (name, *_difference(old.get(name, Decimal(0)), new.get(name, Decimal(0))))
        for name in dict.fromkeys([*old, *new])
    ]
    complete = before.total is not None and after.total is not None
    rows.append(("Total" if complete else "At least", *_difference(before.known, after.known)))
    head, *rendered, total = _aligned(rows, 1)
    return [style.paint(head, "2"), *rendered, style.paint(total, "1"), "", *basis_lines(after)]


def basis_lines(found: Estimate) -> list[str]:
    """Return lines about the age of the prices, about items without one, and about what is not in the estimate."""
    lines = [f"On-demand list prices, the oldest from {found.date}."] if found.date else []
    if found.not_priced:
        names = ", ".join(found.not_priced)
        lines.append(
            f"No price for {found.region} in the table: {names}. "
            f"To request prices from AWS: missyou prices --refresh {found.region}"
        )
    return [*lines, *(f"Not counted: {what}." for what in found.omitted)]


def as_json(app: AppSpec, after: Estimate, before: Estimate | None, usage: Usage) -> dict[str, Any]:
    """Return an estimate as JSON values; amounts are text, so that no reader rounds them."""
    result = {
        "region": after.region,
        "environment": app.environment,
        **_summary(after),
        "lines": [_line(line) for line in after.lines],
        "assumed": {name: f"{amount:f}" for name, _, amount in usage.assumptions()},
    }
    if before is not None:
        result |= {"before": _summary(before), "differenceUSD": f"{after.known - before.known:+.2f}"}
    return result


def _summary(found: Estimate) -> dict[str, Any]:
    return {
        "monthlyUSD": None if found.total is None else f"{found.total:.2f}",
        "pricedUSD": f"{found.known:.2f}",
        "components": {name: f"{usd:.2f}" for name, usd in found.by_component().items()},
        "pricesFrom": found.date and found.date.isoformat(),
        "notPriced": list(found.not_priced),
        "omitted": list(found.omitted),
    }


def _line(line: Line) -> dict[str, Any]:
    charge, price = line.charge, line.price
    return {
        "component": line.component,
        "what": charge.what,
        "item": charge.item.name,
        "quantity": f"{charge.quantity:f}",
        "unit": charge.item.unit,
        "unitUSD": price and f"{price.usd:f}",
        "monthlyUSD": None if line.usd is None else f"{line.usd:.2f}",
        "date": price and price.date.isoformat(),
        "source": price and price.source,
    }


def _row(line: Line) -> tuple[str, str, str, str]:
    charge = line.charge
    usd = _UNKNOWN if line.usd is None else f"{line.usd:.2f}"
    price = _UNKNOWN if line.price is None else f"{line.price.usd:f}"
    return (f"  {charge.what}", f"{_short(charge.quantity)} {charge.item.unit}", f"x {price}", usd)


def _short(amount: Decimal) -> str:
    return f"{amount:f}".rstrip("0").rstrip(".") if "." in f"{amount:f}" else f"{amount:f}"


def _difference(before: Decimal, after: Decimal) -> tuple[str, str, str]:
    return f"{before:.2f}", f"{after:.2f}", f"{after - before:+.2f}" if after != before else "0.00"


def _aligned(rows: Sequence[Sequence[str]], right: int) -> list[str]:
    """Align cells in columns, those from index `right` on to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return table(
        [
            [
                cell.rjust(width) if place >= right else cell
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            for row in rows
        ]
    )


def _assumed(usage: Usage) -> list[str]:
    return ["Assumptions per month:", *(f"  {_short(amount):>5} {about}" for _, about, amount in usage.assumptions())]
