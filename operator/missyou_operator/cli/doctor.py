"""`missyou doctor`: what is wrong with a MissYouApp, why, and the command that mends it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.api.annotations import RECONCILE
from missyou_operator.api.conditions import Reason
from missyou_operator.api.kind import KIND
from missyou_operator.api.status import Status
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.evidence import Fact, gather
from missyou_operator.aws.informer import Freshness
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.session import Accounts
from missyou_operator.cli.cluster import Cluster
from missyou_operator.cli.diagnoses import as_json, lines
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.findings import TO_BE_DONE, Finding, View, examine, firing_in, freshest, views_of
from missyou_operator.cli.offline import OfflineStack, failures, only_reads, open_stack, placed
from missyou_operator.cli.progress import read_status
from missyou_operator.cli.render import Style
from missyou_operator.controller.conditions import component_verdicts
from missyou_operator.controller.inputs import observe_and_plan
from missyou_operator.engine.execute import execute
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Change
from missyou_operator.engine.resource import READY, pending

_ABOUT = """\
Say what is wrong with a MissYouApp, what shows it, and which command mends it. Reads the object and, where AWS
credentials are at hand, AWS itself: events, stopped tasks, the end of their log, target health, alarms. Changes
nothing. Exit code 0: healthy; 2: something was found. See docs/doctor.md.
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What AWS shows: the components' conditions as a pass would write them, and the evidence of what is in trouble.

    `unasked`: why AWS was not asked, "" where it was.
    """

    views: Sequence[View] = ()
    facts: Sequence[Fact] = ()
    firing: Sequence[str] = ()
    place: str = ""
    unasked: str = ""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser(
        "doctor", help="say what is wrong with a MissYouApp and how to mend it", description=_ABOUT
    )
    parser.add_argument("name", metavar="NAME", help="name of the MissYouApp")
    parser.add_argument("-n", "--namespace", metavar="NS", help="namespace (default: from the kubeconfig context)")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    parser.add_argument(
        "--role",
        metavar="ARN",
        help="role to assume instead of spec.credentials.roleARN; '' uses your own credentials in any case",
    )
    parser.add_argument("--no-aws", action="store_true", help="ask the cluster only")
    parser.add_argument(
        "--region",
        default=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        help="region of a spec without one (env AWS_REGION)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    cluster = Cluster()
    body = cluster.get(options.namespace or cluster.namespace, options.name)
    seen = Seen(unasked="--no-aws") if options.no_aws else ask(body, options.region, options.role)
    findings = diagnose(body, read_status(body), seen)
    if options.output == "json":
        sys.stdout.write(json.dumps(as_json(body, findings, seen.unasked), indent=2) + "\n")
    else:
        live = sys.stdout.isatty()
        style = Style(live and not os.environ.get("NO_COLOR"), shutil.get_terminal_size().columns if live else None)
        sys.stdout.write("".join(f"{line}\n" for line in lines(body, findings, seen.unasked, style)))
    return Exit.STALLED if findings else Exit.OK


def diagnose(body: Mapping[str, Any], status: Status, seen: Seen) -> list[Finding]:
    """Return what is wrong with an app, by its status and by what AWS shows."""
    views = freshest(views_of(status), seen.views)
    return examine(body, status, views, seen.firing if not seen.unasked else firing_in(status), seen.facts)


def ask(body: Mapping[str, Any], region: str | None, role: str | None, accounts: Accounts | None = None) -> Seen:
    """Ask AWS, by the steps of a pass that change nothing. Where it cannot be asked, say why."""
    if body["metadata"].get("deletionTimestamp"):
        return Seen(unasked="the app is being deleted: its status tells what is left")
    known = (body.get("status") or {}).get("region") or region or ""
    try:
        stack = open_stack(placed(body, role=role), known, accounts or Accounts(only_reads))
        with failures():
            return examined(body, stack)
    except Failure as failure:
        return Seen(unasked=str(failure))


def examined(body: Mapping[str, Any], stack: OfflineStack) -> Seen:
    """Judge a stack as a pass would, without changing anything, and read the evidence of what is in trouble."""
    inputs = stack.inputs
    observations, graph, plan = observe_and_plan(inputs)
    blind, status = observations.unreadable, read_status(body)
    # Of what the operator holds back, its conditions tell.
    told = {change.resource for change in (status.plan.changes if status.plan else ()) if change.held_because}
    held = {
        change.address: READY
        if change.address in told
        else blind.get(change.type, pending(TO_BE_DONE, _to_do(body, change)))
        for change in plan.changes
    }
    outcome = execute(graph, observations.world, plan, inputs.runtime, held)
    views = _views(outcome, frozenset(inputs.unusable), told, views_of(status))
    troubled = {view.component for view in freshest(views_of(status), views) if not view.holds}
    names = inputs.sources.names if inputs.sources else {}
    reader = Reader(inputs.cloud, {}, Freshness(seconds(), anew=True), names, begun=True)
    firing = [
        result.health.message
        for result in outcome.results.values()
        if result.type == "cloudwatch.Alarm" and result.observed is not None and result.observed.state == "ALARM"
    ]
    return Seen(views, gather(reader, observations.world, troubled), firing, str(stack.cloud.stack.account))


def _views(outcome: Outcome, unread: frozenset[str], told: set[str], written: Sequence[View]) -> list[View]:
    """Return what AWS shows of each component, but for those that are well only without what the operator holds back.

    Of an approval, the app's own condition tells.
    """
    results = [
        result
        for result in outcome.results.values()
        if result.component and result.counts_for_ready and result.address not in unread
    ]
    views = [
        View(verdict.type.removesuffix("Ready"), verdict.status == "True", verdict.reason, verdict.message)
        for verdict in component_verdicts(results, {})
    ]
    held = {result.component for address, result in outcome.results.items() if address in told}
    held &= {view.component for view in written if not view.holds and view.reason != Reason.APPROVAL_REQUIRED}
    return [view for view in views if not (view.holds and view.component in held)]


def _to_do(body: Mapping[str, Any], change: Change) -> str:
    fields = "; ".join(str(item) for item in change.fields[:3])
    meta = body["metadata"]
    return (
        f"AWS is not as the spec says: {change.action} {change.address}{f' ({fields})' if fields else ''}. "
        f"The operator looks within a minute; at once: kubectl annotate {KIND.lower()} {meta['name']} "
        f'-n {meta["namespace"]} --overwrite {RECONCILE}="$(date +%s)"'
    )
