"""`missyou plan`: what the operator would do for a manifest, without a cluster."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from missyou_operator.aws.session import Accounts
from missyou_operator.cli import manifest, offline, prices
from missyou_operator.cli.cluster import Cluster
from missyou_operator.cli.exits import Exit
from missyou_operator.cli.offline import OfflineStack
from missyou_operator.cli.plans import plan_lines, plan_markdown
from missyou_operator.cli.render import Style
from missyou_operator.controller.foresight import Foresight, foresee

#: Columns of the summary where the output is no terminal.
_WIDTH = 100
_ABOUT = """\
Show what the operator would change in AWS for a manifest, what the app feels of it, how long it takes and what it
costs, as `terraform plan` does. It only reads AWS, with your own credentials, and needs no cluster. Exit code 0:
nothing to do; 2: something to do. See docs/plan.md.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser("plan", help="show what a manifest would change in AWS", description=_ABOUT)
    offline.add_options(parser)
    parser.add_argument(
        "--from-cluster",
        action="store_true",
        help="read the object of this name in the cluster as well: its approvals are part of the plan's ID",
    )
    parser.add_argument("-o", "--output", choices=["text", "json", "markdown"], default="text")
    prices.add_table(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> Exit:
    body = manifest.read(options.filename)
    manifest.parsed(body, options.region, options.filename)
    placed = offline.placed(body, options.namespace, options.role)
    if options.from_cluster:
        placed = _as_in_cluster(placed)
    stack = offline.open_stack(
        placed,
        options.region or "",
        Accounts(offline.only_reads),
        cluster=options.cluster or "",
        prices=prices.load(options.prices),
    )
    return show(stack, options.output)


def show(stack: OfflineStack, output: str) -> Exit:
    """Print the plan of a stack as text, json (the value of `status.plan`) or markdown, and return the exit code."""
    with offline.failures():
        found = foresee(stack.inputs, stack.app, stack.environment)
    if output == "json":
        value = found.plan.model_dump(mode="json", by_alias=True, exclude_none=True) if found.plan else None
        lines = [json.dumps(value, indent=2)]
    elif output == "markdown":
        lines = plan_markdown(stack.cloud.stack.app, found.plan, list(_notes(stack, found)))
    else:
        live = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if live else _WIDTH
        style = Style(colour=live and not os.environ.get("NO_COLOR"), width=width)
        lines = plan_lines(found.plan, list(_notes(stack, found)), style)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return Exit.TO_DO if found.plan else Exit.OK


def _notes(stack: OfflineStack, found: Foresight) -> Iterator[str]:
    """Yield what the plan cannot tell."""
    for health in stack.inputs.unusable.values():
        yield f"not compared: {health.message}"
    for type_, health in found.unreadable.items():
        yield f"not compared: {type_} cannot be read: {health.message}"
    if (checked := stack.inputs.memory.preflown) is not None and checked.news:
        yield f"preflight: {checked.news}"
    for change in found.left_alone:
        fields = f": {'; '.join(map(str, change.fields))}" if change.fields else ""
        yield f"left as it is by spec.existing.ignoreDifferences: {change.action} {change.address}{fields}"


def _as_in_cluster(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest as the object that it would change: with UID, annotations and status of that."""
    meta = body["metadata"]
    found = Cluster().get(meta["namespace"], meta["name"])
    kept = {name: found["metadata"].get(name) for name in ("uid", "generation", "creationTimestamp")}
    annotations = {**(found["metadata"].get("annotations") or {}), **(meta.get("annotations") or {})}
    return {**body, "metadata": {**meta, **kept, "annotations": annotations}, "status": found.get("status") or {}}
