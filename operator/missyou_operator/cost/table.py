"""The table of prices: by region and item, each in US dollars with its date and source.

`prices.json` beside this module is the table of the package; `missyou prices --refresh` makes newer ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Any


class BadTable(ValueError):  # noqa: N818 - a state of the file
    """A text that is not a valid price table."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per unit of an item, the day on which this was AWS's price, and the source that says so."""

    usd: Decimal
    date: date
    source: str


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by region and item. A missing region or item has no price: none is ever guessed."""

    regions: Mapping[str, Mapping[str, Price]] = field(default_factory=dict)

    def price(self, region: str, item: str) -> Price | None:
        """Return the price of an item, or None where it is not known."""
        return self.regions.get(region, {}).get(item)

    def with_region(self, region: str, prices: Mapping[str, Price]) -> PriceTable:
        """Return a table in which one region has these prices and no others."""
        return PriceTable({**self.regions, region: prices})

    def to_json(self) -> str:
        """Return the table as the text of `prices.json`, one item a line."""
        regions = []
        for region, prices in sorted(self.regions.items()):
            rows = [
                f"      {json.dumps(item)}: "
                + json.dumps({"usd": f"{price.usd:f}", "date": price.date.isoformat(), "source": price.source})
                for item, price in prices.items()
            ]
            regions.append(f"    {json.dumps(region)}: {{\n" + ",\n".join(rows) + "\n    }")
        return '{\n  "currency": "USD",\n  "regions": {\n' + ",\n".join(regions) + "\n  }\n}\n"


def read_table(text: str) -> PriceTable:
    """Read a table. Raises BadTable, naming the place, for a text that is not one."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadTable(f"not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("currency") != "USD":
        raise BadTable('currency: must be "USD"')
    regions = document.get("regions")
    if not isinstance(regions, dict) or not all(isinstance(prices, dict) for prices in regions.values()):
        raise BadTable("regions: must be an object of objects, by region and item")
    return PriceTable(
        {
            region: {item: _price(f"regions.{region}.{item}", row) for item, row in prices.items()}
            for region, prices in regions.items()
        }
    )


def _price(where: str, row: Any) -> Price:
    try:
        usd, day, source = Decimal(row["usd"]), date.fromisoformat(row["date"]), str(row["source"])
    except (KeyError, TypeError, ValueError, InvalidOperation):
        raise BadTable(f'{where}: must be {{"usd": "0.045", "date": "2026-09-30", "source": "…"}}') from None
    if not usd.is_finite() or usd < 0:
        raise BadTable(f"{where}.usd: must be zero or more")
    return Price(usd, day, source)


@cache
def bundled() -> PriceTable:
    """Return the table of the package."""
    return read_table(resources.files(__package__).joinpath("prices.json").read_text(encoding="utf-8"))
