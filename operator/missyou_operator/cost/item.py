"""Items of the price table: what AWS charges for, in which unit, and where AWS's price list has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Where the price list has an item.

    `usage` is a pattern for the usage type without its region; a group in it fills the braces of the item's name.
    `family` is empty where AWS's products have none. `per`: how many of AWS's units make one of ours. `regional` is
    False for an item that has one price everywhere.
    """

    service: str
    family: str
    usage: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    per: Decimal = Decimal(1)
    regional: bool = True

    def request(self, region: str) -> dict[str, Any]:
        """Return the arguments of GetProducts."""
        terms = {"productFamily": self.family, "regionCode": region if self.regional else "", **self.attributes}
        filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in terms.items() if value]
        return {"ServiceCode": self.service, "FormatVersion": "aws_v1", "Filters": filters}


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the price table. Braces in its name stand for an instance class."""

    name: str
    unit: str
    offer: Offer

    def of(self, instance_class: str) -> Item:
        """Return the item of one instance class."""
        return Item(self.name.format(instance_class), self.unit, self.offer)


@dataclass(frozen=True, slots=True)
class Charge:
    """A part of the monthly bill: `quantity` units of an item. `what` describes it to people."""

    what: str
    item: Item
    quantity: Decimal
