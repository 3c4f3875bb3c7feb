"""The monthly cost of a spec's stack. Pure; money in Decimal, each line rounded to cents so that sums add up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from missyou_operator.api import AppSpec, Component
from missyou_operator.cost.charges import CENT, CHARGES
from missyou_operator.cost.item import Charge
from missyou_operator.cost.table import Price, PriceTable
from missyou_operator.cost.usage import Usage


@dataclass(frozen=True, slots=True)
class Line:
    """A charge of a component, with its price; `price` is None where the table has none."""

    component: Component
    charge: Charge
    price: Price | None

    @property
    def usd(self) -> Decimal | None:
        """US dollars a month, in cents, or None where there is no price."""
        if self.price is None:
            return None
        return (self.charge.quantity * self.price.usd).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a stack costs a month in a region. `omitted`: what of the spec costs something that is not in it."""

    region: str = ""
    lines: tuple[Line, ...] = ()
    omitted: tuple[str, ...] = ()

    @property
    def known(self) -> Decimal:
        """The sum of all lines with a price, US dollars a month: a lower bound if a price is missing."""
        return sum((line.usd for line in self.lines if line.usd is not None), Decimal(0))

    @property
    def total(self) -> Decimal | None:
        """US dollars a month, or None if a price is missing."""
        return None if self.not_priced else self.known

    @property
    def not_priced(self) -> tuple[str, ...]:
        """The items without a price, by their names in the table, each once."""
        return tuple(dict.fromkeys(line.charge.item.name for line in self.lines if line.price is None))

    def not_priced_types(self, items: Collection[str] | None = None) -> frozenset[str]:
        """Return the types of the resources that have no price, of these items or of any."""
        lines = [line for line in self.lines if line.price is None]
        return frozenset(line.charge.resource for line in lines if items is None or line.charge.item.name in items)

    def known_of(self, types: Collection[str]) -> Decimal:
        """Return the sum of the lines with a price that are for resources of these types, in US dollars a month."""
        return sum((line.usd for line in self.lines if line.usd and line.charge.resource in types), Decimal(0))

    @property
    def date(self) -> date | None:
        """The day of the oldest price that was used."""
        return min((line.price.date for line in self.lines if line.price is not None), default=None)

    def by_component(self) -> Mapping[Component, Decimal]:
        """Return the sum of each component's lines with a price, in the order of the lines."""
        sums: dict[Component, Decimal] = {}
        for line in self.lines:
            if line.usd is not None:
                sums[line.component] = sums.get(line.component, Decimal(0)) + line.usd
        return sums


def at_most(app: AppSpec, prices: PriceTable) -> Estimate:
    """Estimate what a spec's stack costs a month while it has grown as far as the spec lets it grow."""
    service, database = app.service, app.database
    replicas = service.replicas.model_copy(update={"min": service.replicas.max})
    grown = app.model_copy(
        update={
            "service": service.model_copy(update={"replicas": replicas}),
            "database": database.model_copy(update={"storage_gib": database.max_storage_gib}),
        }
    )
    return estimate(grown, prices)


def estimate(app: AppSpec, prices: PriceTable, usage: Usage | None = None) -> Estimate:
    """Estimate what a spec's stack costs a month, with its minimum number of replicas."""
    assumed = usage or Usage()
    return Estimate(
        app.region,
        tuple(
            Line(component, charge, prices.price(app.region, charge.item.name))
            for component, charges in CHARGES.items()
            for charge in charges(app, assumed)
        ),
        tuple(_omitted(app)),
    )


def _omitted(app: AppSpec) -> Iterator[str]:
    """Yield what is asked for and costs what only its use decides: how much the data changes, say."""
    if region := app.database.backup_copy_region:
        days = app.database.backup_retention_days
        yield f"the copy of automated backups in {region}: {days} days of storage there, and the transfer"
