"""What the changes of a plan cost: the estimate of the spec, less that of what runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.cost import Estimate, PriceTable, estimate
from missyou_operator.cost.charges import CENT
from missyou_operator.engine.plan import Action, Change, ObservedState, Plan
from missyou_operator.engine.resource import Observed

#: Where a difference shows if the type that is charged is not changed itself: a scaling target has the number of tasks.
_INSTEAD = {"ecs.Service": "autoscaling.ScalableTarget", "ec2.Address": "ec2.NatGateway"}


def by_address(app: AppSpec, prices: PriceTable, plan: Plan, world: ObservedState) -> Mapping[str, Decimal]:
    """Return the difference that each change of a plan makes, in US dollars a month, where it is known and not zero.

    What several changes of one type cost together is shared among them: they are of one kind (NAT gateways).
    """
    ran, wanted = running(app, prices, world), estimate(app, prices)
    before, after = _by_type(ran), _by_type(wanted)
    unknown = {line.charge.resource for line in (*ran.lines, *wanted.lines) if line.price is None}
    shares: dict[str, Decimal] = {}
    for type_ in [each for each in dict.fromkeys([*before, *after]) if each not in unknown]:
        difference = after.get(type_, Decimal(0)) - before.get(type_, Decimal(0))
        changes = _sharing(plan, type_) or _sharing(plan, _INSTEAD.get(type_, ""))
        if difference and changes:
            share = (difference / len(changes)).quantize(CENT)
            found = dict.fromkeys((change.address for change in changes), share)
            found[changes[0].address] += difference - share * len(changes)
            shares = {address: shares.get(address, Decimal(0)) + found.get(address, 0) for address in {*shares, *found}}
    return shares


def _sharing(plan: Plan, type_: str) -> Sequence[Change]:
    """Return the changes of a type that make a difference: those of its number, if there are any."""
    of_type = [change for change in plan.changes if change.type == type_]
    return [change for change in of_type if change.action in {Action.CREATE, Action.DELETE}] or of_type


def running(app: AppSpec, prices: PriceTable, world: ObservedState) -> Estimate:
    """Estimate what runs: the spec with what AWS shows in its place, without the types of which there is nothing."""
    found = estimate(_as_it_runs(app, world), prices)
    there = {rows[0].kind.TYPE for rows in world.values() if rows[0].owned}
    return Estimate(found.region, tuple(line for line in found.lines if line.charge.resource in there))


def _as_it_runs(app: AppSpec, world: ObservedState) -> AppSpec:
    """Return the spec whose stack would cost what the observed one costs, as far as that can be seen."""
    rows = [row for found in world.values() for row in found if row.owned and row.state != "deleting"]
    network = {"nat_gateways": len([row for row in rows if row.kind.TYPE == "ec2.NatGateway"])}
    endpoints = any(row.kind.TYPE == "ec2.VpcEndpoint" and row.attrs["kind"] == "Interface" for row in rows)
    flow_logs = any(row.kind.TYPE == "ec2.FlowLog" for row in rows)
    tasks = _attrs(rows, "ecs.TaskDefinition", cpu="cpu", memory="memory")
    database = _attrs(
        rows, "rds.DBInstance", instance_class="instance_class", multi_az="multi_az", storage_gib="storage_gib"
    )
    replicas = _attrs(rows, "autoscaling.ScalableTarget", min="minimum")
    logs = app.load_balancer.access_logs
    return app.model_copy(
        update={
            "network": app.network.model_copy(
                update={
                    **network,
                    "endpoints": app.network.endpoints.model_copy(update={"interfaces": endpoints}),
                    "flow_logs": app.network.flow_logs.model_copy(update={"enabled": flow_logs}),
                }
            ),
            "service": app.service.model_copy(
                update={**tasks, "replicas": app.service.replicas.model_copy(update=replicas)}
            ),
            "database": app.database.model_copy(update=database),
            "waf": app.waf.model_copy(update={"enabled": True}),
            "monitoring": app.monitoring.model_copy(update={"dashboard": True}),
            "load_balancer": app.load_balancer.model_copy(
                update={"access_logs": logs.model_copy(update={"enabled": True})}
            ),
        }
    )


def _attrs(rows: Sequence[Observed], type_: str, **names: str) -> Mapping[str, Any]:
    """Return fields of the spec with the values that the only resource of a type shows, as far as it shows them."""
    row = next((row for row in rows if type_ == row.kind.TYPE), None)
    shown = {field: row.attrs.get(name) for field, name in names.items()} if row else {}
    return {field: value for field, value in shown.items() if value is not None}


def _by_type(found: Estimate) -> Mapping[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in found.lines:
        if line.usd is not None:
            sums[line.charge.resource] = sums.get(line.charge.resource, Decimal(0)) + line.usd
    return sums
