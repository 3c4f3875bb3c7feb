"""`missyou cost`: the monthly cost of a manifest's stack, and the difference that a change makes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from missyou_operator.api import KIND, AppSpec, InvalidSpec, parse
from missyou_operator.cli import prices
from missyou_operator.cli.cluster import Cluster
from missyou_operator.cli.costs import as_json, difference_lines, estimate_lines
from missyou_operator.cli.exits import Exit, Failure
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
    parser.add_argument("-f", "--filename", required=True, metavar="FILE", help="manifest of a MissYouApp, - for stdin")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--from", dest="before", metavar="FILE", help="show the difference from this manifest")
    other.add_argument("--from-cluster", action="store_true", help="show the difference from the object in the cluster")
    parser.add_argument("-n", "--namespace", metavar="NS", help="namespace of the object in the cluster")
    parser.add_argument(
        "--region",
        default=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        help="region for a manifest without one (env AWS_REGION)",
    )
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
    body = _read(options.filename)
    app = _parse(body, options.region, options.filename)
    after = estimate(app, table, usage)
    before = None
    if (old := _before(options, body)) is not None:
        before = estimate(_parse(old, options.region, options.before or "the object in the cluster"), table, usage)
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
        return _read(options.before)
    if not options.from_cluster:
        return None
    cluster = Cluster()
    namespace = options.namespace or body["metadata"].get("namespace") or cluster.namespace
    return cluster.get(namespace, body["metadata"]["name"])


def _read(path: str) -> Mapping[str, Any]:
    """Read the one MissYouApp of a manifest that may contain other objects too. Raises Failure."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        documents = list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Failure(Exit.USAGE, f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    apps = [document for document in documents if isinstance(document, dict) and document.get("kind") == KIND]
    if len(apps) != 1:
        raise Failure(Exit.USAGE, f"{path}: must contain one {KIND}, but contains {len(apps)}")
    if not isinstance(apps[0].get("metadata"), dict) or not apps[0]["metadata"].get("name"):
        raise Failure(Exit.USAGE, f"{path}: metadata.name: required: set it")
    return {**apps[0], "spec": apps[0].get("spec") or {}}


def _parse(body: Mapping[str, Any], region: str | None, path: str) -> AppSpec:
    if not region and not body["spec"].get("region"):
        raise Failure(Exit.USAGE, f"{path}: spec.region: not set: set it, AWS_REGION or --region")
    try:
        return parse(body, region or "")
    except InvalidSpec as error:
        raise Failure(Exit.USAGE, f"{path}: {error}") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount: write a number of zero or more, such as 2.5")
    return amount
