"""Reads AWS's price list: the answers of GetProducts, turned into prices for the table. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from missyou_operator.cost.charges import ITEMS
from missyou_operator.cost.table import Price

#: What usage types begin with in most regions: EU-, EUC1-, USE1-; sometimes nothing.
_REGION_PREFIX = "(?:[A-Z]{2,4}[0-9]?-)?"


@dataclass(frozen=True, slots=True)
class RegionPrices:
    """The prices of one region. `unclear`: items for which the list has no price, or several different ones."""

    prices: Mapping[str, Price]
    unclear: tuple[str, ...] = ()


def read_products(answers: Mapping[str, Iterable[str]], day: date) -> RegionPrices:
    """Read the answers of GetProducts, as JSON texts by the name of the item requested."""
    prices: dict[str, Price] = {}
    unclear: list[str] = []
    for name, texts in answers.items():
        candidates: dict[str, dict[Decimal, str]] = {}
        for item, usd, source in _candidates(name, texts):
            candidates.setdefault(item, {}).setdefault(usd, source)
        for item, found in candidates.items():
            if len(found) > 1:
                unclear.append(item)
                continue
            [(usd, source)] = found.items()
            prices[item] = Price(usd, day, source)
        if not candidates:
            unclear.append(name)
    return RegionPrices(prices, tuple(unclear))


def _candidates(name: str, texts: Iterable[str]) -> Iterator[tuple[str, Decimal, str]]:
    item = ITEMS[name]
    pattern = re.compile(_REGION_PREFIX + item.usage)
    for text in texts:
        document = json.loads(text)
        product = document["product"]
        match = pattern.fullmatch(product["attributes"].get("usagetype", ""))
        usd = _first_price(document) if match else None
        if match and usd is not None:
            source = f"Pricing API, {item.service} {document.get('version', '')}, SKU {product['sku']}"
            yield name.format(*match.groups()), usd * item.per, source


def _first_price(document: Mapping[str, Any]) -> Decimal | None:
    """Return the on-demand price of the first tier that is not free."""
    dimensions = [
        dimension
        for term in document["terms"].get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
    ]
    for dimension in sorted(dimensions, key=lambda row: Decimal(row.get("beginRange", "0"))):
        usd = Decimal(dimension["pricePerUnit"].get("USD", "0"))
        if usd:
            return usd.normalize()
    return None
