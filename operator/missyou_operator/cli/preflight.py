"""`missyou preflight`: what AWS would refuse of a stack, before anything is created."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from missyou_operator.cli import offline
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.offline import OfflineStack, failures
from missyou_operator.cli.render import Style
from missyou_operator.controller import preflight
from missyou_operator.controller.inputs import observe_and_plan
from missyou_operator.engine.plan import Action
from missyou_operator.preflight import Preflight

_ABOUT = """\
Check what the stack of a manifest needs of AWS and does not have yet: permissions, quotas, names, versions and classes
of the database, zones, overlapping networks. Reads AWS with your own credentials, or those of the manifest's role, and
creates nothing. Exit code 0: nothing stands in the way; 2: something does. See docs/preflight.md.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser("preflight", help="check whether AWS would let a stack be created", description=_ABOUT)
    offline.add_options(parser)
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    parser.set_defaults(run=_run)


def found(stack: OfflineStack) -> tuple[Preflight, int]:
    """Return what the preflight finds, and the number of resources that it was about. Raises Failure."""
    with failures():
        observations, graph, plan = observe_and_plan(stack.inputs)
        return preflight.run(stack.inputs, stack.app, graph, plan, observations.world), len(plan.of(Action.CREATE))


def _run(options: argparse.Namespace) -> None:
    result, number = found(offline.from_options(options))
    if options.output == "json":
        sys.stdout.write(json.dumps(as_json(result), indent=2) + "\n")
    else:
        style = Style(colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
        sys.stdout.write("".join(f"{line}\n" for line in lines(result, number, style)))
    if result.problems:
        sys.stdout.flush()
        raise Failure(Exit.STALLED, f"{len(result.problems)} of the findings stand in the way")


def as_json(result: Preflight) -> dict[str, Any]:
    """Return what was found as JSON values."""
    return {
        "findings": [
            {"problem": each.problem, "remedy": each.remedy, "blocks": each.blocks} for each in result.findings
        ],
        "unchecked": [{"what": each.what, "reason": each.reason, "message": each.message} for each in result.unchecked],
    }


def lines(result: Preflight, number: int, style: Style) -> Iterator[str]:
    """Yield what was found, for a person. `number`: of resources to create."""
    for finding in (*result.problems, *result.warnings):
        sign = style.paint("✘", "31") if finding.blocks else style.paint("!", "33")
        yield f"{sign} {finding.problem}"
        yield f"  {finding.remedy}"
    for each in result.unchecked:
        yield f"? {each.what}: not checked: {each.message}"
    if not number:
        yield "Nothing is to be created."
    elif not result.problems:
        yield f"Nothing stands in the way of the {number} resources to create."
