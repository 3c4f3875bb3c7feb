"""Items of the price table, and charges: quantities of an item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """What AWS charges for: name and unit in the price table, and where AWS's price list has it.

    `usage` is a pattern for the usage type without its region; a group in it, an instance class, fills the braces of
    the name. `family` is empty where AWS's products have none. `per`: how many of AWS's units make one of ours.
    `regional` is False for an item that has one price everywhere.
    """

    name: str
    unit: str
    service: str
    family: str
    usage: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    per: Decimal = Decimal(1)
    regional: bool = True

    def of(self, instance_class: str) -> Item:
        """Return the item of one instance class."""
        return replace(self, name=self.name.format(instance_class))

    def request(self, region: str) -> dict[str, Any]:
        """Return the arguments of GetProducts."""
        terms = {"productFamily": self.family, "regionCode": region if self.regional else "", **self.attributes}
        filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in terms.items() if value]
        return {"ServiceCode": self.service, "FormatVersion": "aws_v1", "Filters": filters}


@dataclass(frozen=True, slots=True)
class Charge:
    """A part of the monthly bill: `quantity` units of an item. `what` describes it to people.

    `resource`: the type of the resources that it is for.
    """

    what: str
    item: Item
    quantity: Decimal
    resource: str
