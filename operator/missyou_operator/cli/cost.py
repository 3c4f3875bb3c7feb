"""`missyou cost`: the monthly cost of a manifest's stack, and the difference that a change makes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.cli import manifest, prices
from missyou_operator.cli.cluster import Cluster
from missyou_operator.cli.costs import as_json, difference_lines, estimate_lines
from missyou_operator.cli.render import Style
from missyou_operator.cost import Estimate, Usage, estimate

_ABOUT = """\
Estimate what the stack of a MissYouApp costs per month in AWS, by component, at on-demand list prices in US
dollars, without taxes, discounts and free tiers, and with the minimum number of replicas. Options replace the
assumptions about everything that the spec does not determine. See docs/cost.md.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser("cost", help="estimate the monthly cost of a stack", description=_ABOUT)
    manifest.add_file(parser)
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--from", dest="before", metavar="FILE", help="show the difference from this manifest")
    other.add_argument("--from-cluster", action="store_true", help="show the difference from the object in the cluster")
    parser.add_argument("-n", "--namespace", metavar="NS", help="namespace of the object in the cluster")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    prices.add_table(parser)
    assumed = parser.add_argument_group("assumptions per month")
    for name, about, amount in Usage().assumptions():
        assumed.add_argument(
            f"--{name.replace('_', '-')}",
            type=_amount,
            default=amount,
            metavar="N",
            help=f"{about} (default: %(default)s)",
        )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    table = prices.load(options.prices)
    usage = Usage(**{name: getattr(options, name) for name, _, _ in Usage().assumptions()})
    body = manifest.read(options.filename)
    app = manifest.parsed(body, options.region, options.filename)
    after = estimate(app, table, usage)
    before = None
    if (old := _before(options, body)) is not None:
        before = estimate(
            manifest.parsed(old, options.region, options.before or "the object in the cluster"), table, usage
        )
    if options.output == "json":
        sys.stdout.write(json.dumps(as_json(app, after, before, usage), indent=2) + "\n")
        return
    style = Style(colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    title = f"{body['metadata']['name']}: {app.environment} in {app.region}"
    drawn = estimate_lines(after, usage, style) if before is None else difference_lines(before, after, style)
    lines = [style.paint(title, "1"), "", *drawn, *_budget(app, after)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _budget(app: AppSpec, found: Estimate) -> list[str]:
    budget = app.budget.monthly_usd
    if budget is None:
        return []
    left = budget - found.known
    if left < 0:
        state = f"exceeded by {-left:.2f}: a change to this cost waits for approval"
    elif found.total is None:
        state = f"of which {found.known:.2f} are used by items with a price; items without one do not count"
    else:
        state = f"{left:.2f} left"
    return [f"Budget: {budget} USD a month, {state}."]


def _before(options: argparse.Namespace, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if options.before is not None:
        return manifest.read(options.before)
    if not options.from_cluster:
        return None
    cluster = Cluster()
    namespace = options.namespace or body["metadata"].get("namespace") or cluster.namespace
    return cluster.get(namespace, body["metadata"]["name"])


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount: write a number of zero or more, such as 2.5")
    return amount
