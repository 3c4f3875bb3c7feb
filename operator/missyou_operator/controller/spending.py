"""What a stack costs, as its status says it, and changes held back because they would exceed `spec.budget`. Pure.

`status.cost` speaks of what has been let through. While a change waits it stays as it was, so it is also the memory of
what was last allowed: a budget holds what raises the cost beyond it, not what stays, nor what gets cheaper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.annotations import approve_command
from missyou_operator.api.conditions import Reason
from missyou_operator.api.status import ComponentCost, Cost, PlannedCost
from missyou_operator.controller.approvals import Approvals
from missyou_operator.cost import Estimate, PriceTable, estimate
from missyou_operator.engine.plan import Plan
from missyou_operator.engine.resource import Health, failed
from missyou_operator.stack.rotation import only_rotates


@dataclass(frozen=True, slots=True)
class Spending:
    """The estimate of a spec, and what of a plan is held because of it.

    `before`: US dollars a month as last allowed, None where nothing was. `incomparable`: what is to be added to it, so
    that it lacks a price for the same things as the estimate. `approval` is the plan that waits, under `id`;
    `held` says why, by address. `exceeded` says of what runs already that it costs more than the budget; `warning` of
    what would run, where the approval of the whole plan is asked for anyway.
    """

    estimate: Estimate = field(default_factory=Estimate)
    before: Decimal | None = None
    incomparable: Decimal = Decimal(0)
    id: str = ""
    approval: Plan = field(default_factory=Plan)
    held: Mapping[str, Health] = field(default_factory=dict)
    exceeded: str = ""
    warning: str = ""

    def status(self, previous: Cost | None, *, waiting: bool) -> Cost | None:
        """Return `status.cost`: the previous one while changes wait for approval, unless the cost itself is allowed."""
        if self.approval.changes or (waiting and not self.id):
            return previous
        found = self.estimate
        return Cost(
            monthly_usd=None if found.total is None else f"{found.total:.2f}",
            components=tuple(
                ComponentCost(component=name, monthly_usd=f"{usd:.2f}") for name, usd in found.by_component().items()
            ),
            prices_from=found.date.isoformat() if found.date else None,
            not_priced=found.not_priced,
        )

    def planned(self) -> PlannedCost | None:
        """Return `status.plan.cost`: what the stack would cost, or None where that is what it costs now."""
        difference = self.estimate.known - self.incomparable - (self.before or Decimal(0))
        if not difference and not self.incomparable:
            return None
        return PlannedCost(monthly_usd=f"{self.estimate.known:.2f}", difference_usd=f"{difference:+.2f}")


def check_budget(  # noqa: PLR0913, PLR0917 - all that a budget is judged by
    body: Mapping[str, Any],
    app: AppSpec,
    prices: PriceTable,
    plan: Plan,
    approvals: Approvals,
    ran: Estimate | None = None,
) -> Spending:
    """Hold a whole plan that would exceed the budget. It is without corrections of drift, which no budget holds.

    `ran`: what runs costs, as AWS shows it: it counts where no status says what was allowed.

    Where something has no price, the sum of the rest is a lower bound, and nobody can tell whether it stays below the
    budget: the plan waits, too, until somebody has approved what has no price.
    """
    found, before, budget = estimate(app, prices), _allowed(body), app.budget.monthly_usd
    if before is None and ran is not None:
        before = ran.known
    apart = _incomparable(body, found, ran) if ran is not None else Decimal(0)
    over = budget is not None and (found.known > budget or bool(found.not_priced))
    dearer = before is None or found.known > before or bool(set(found.not_priced) - _known_to_lack_a_price(body))
    if not over:
        return Spending(found, before, apart)
    if approvals.every and dearer and plan.changes:
        return Spending(found, before, apart, warning=_too_dear(app, found, before))
    id_ = "" if approvals.every else approvals.id(_text(found, app))
    if not dearer or not plan.changes or approvals.approves(id_):
        more = "more than" if found.total is not None else "and what has no price, with"
        exceeded = (
            f"it costs {found.known:.2f} USD a month, {more} spec.budget.monthlyUSD ({budget}): raise the budget, "
            "or make the stack cheaper"
        )
        return Spending(found, before, apart, id_, exceeded=exceeded)
    health = _over_budget(body, app, found, before, id_)
    return Spending(found, before, apart, id_, plan, {change.address: health for change in plan.changes})


def judge(
    approvals: Approvals, plan: Plan, check: Callable[[Approvals], Spending], *, whole: bool, rotates: bool = False
) -> tuple[Approvals, Spending]:
    """Use the annotation's approval for what is asked: the plan that exceeds the budget, else what needs approval.

    `plan`: the changes among which something may need it.

    One that names anything else is used up, too: it is for a plan that is not asked for any more. Not while something
    cannot be read (`whole`): the plan may be another one then. `rotates`: somebody asks for another password of the
    database, which approves a plan that does nothing else.
    """
    spending, missing = check(approvals), approvals.missing(plan)
    if rotates and approvals.every and whole and not approvals.is_new and only_rotates(missing):
        return approvals.used(missing), spending
    if not approvals.is_new:
        return approvals, spending
    if spending.id and approvals.approves(spending.id):
        return approvals.used(Plan()), spending
    if missing.changes and not spending.approval.changes and approvals.approves(approvals.id(missing.digest)):
        return approvals.used(missing), spending
    if not whole:
        return approvals, spending
    approvals = approvals.used(None)
    return approvals, check(approvals)


def _allowed(body: Mapping[str, Any]) -> Decimal | None:
    """Return what was last let through, by the status: the sum of its components."""
    cost = (body.get("status") or {}).get("cost")
    if not cost:
        return None
    return sum((Decimal(row["monthlyUSD"]) for row in cost.get("components", ())), Decimal(0))


def _incomparable(body: Mapping[str, Any], found: Estimate, ran: Estimate) -> Decimal:
    """Return what the estimate has, less what the cost before has, of resources that only one of them has a price for.

    Otherwise a database of a class without a price would seem to save what the present one costs.
    """
    lacked = _known_to_lack_a_price(body) if (body.get("status") or {}).get("cost") else set(ran.not_priced)
    gained = ran.not_priced_types(lacked - set(found.not_priced))
    lost = found.not_priced_types(set(found.not_priced) - lacked)
    return found.known_of(gained | lost) - ran.known_of(gained | lost)


def _known_to_lack_a_price(body: Mapping[str, Any]) -> set[str]:
    """Return what had no price either when the cost was last let through."""
    return set(((body.get("status") or {}).get("cost") or {}).get("notPriced", ()))


def _text(found: Estimate, app: AppSpec) -> str:
    """Stand for exactly these costs. Not for the plan: that grows shorter while it is carried out."""
    rows = [[line.charge.what, line.charge.item.name, str(line.charge.quantity), str(line.usd)] for line in found.lines]
    return json.dumps([rows, app.budget.monthly_usd])


def _over_budget(body: Mapping[str, Any], app: AppSpec, found: Estimate, before: Decimal | None, id_: str) -> Health:
    return failed(
        Reason.APPROVAL_REQUIRED,
        f"{_too_dear(app, found, before)}. To go on: {approve_command(body, id_)}; or raise the budget, or take the "
        "change back",
    )


def _too_dear(app: AppSpec, found: Estimate, before: Decimal | None) -> str:
    now = "nothing runs yet" if before is None else f"now it is {before:.2f}"
    said = f"more than spec.budget.monthlyUSD ({app.budget.monthly_usd})"
    if found.total is None:
        said = f"and that of {', '.join(found.not_priced)}, which has no price: nobody can tell whether that is {said}"
    return f"the stack would cost {found.known:.2f} USD a month, {said}; {now}"
