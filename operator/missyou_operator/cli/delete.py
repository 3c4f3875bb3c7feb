"""`missyou delete`: say what the deletion of a MissYouApp does, and delete it once its name was typed."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain, groupby
from typing import Any

from missyou_operator.api import InvalidSpec, parse
from missyou_operator.api.annotations import CONFIRM_DELETION, confirm_command
from missyou_operator.aws.ec2.blockers import strangers
from missyou_operator.aws.session import Accounts
from missyou_operator.cli.cluster import Cluster
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.offline import OfflineStack, failures, only_reads, open_stack, placed
from missyou_operator.cli.progress import read_status
from missyou_operator.cli.remedies import commands_in, parts_of
from missyou_operator.cli.render import Style, table
from missyou_operator.controller.confirmation import unconfirmed
from missyou_operator.controller.inputs import observe_stack
from missyou_operator.controller.removal import Going, Removal, from_status, minutes, removal

_ABOUT = """\
Delete a MissYouApp and its stack. Before that, say what goes, which data is lost, what stays, what is in the way and
how long it takes. With --preview, that is all. See docs/deletion.md.
"""
_WIDTH = 100


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser("delete", help="delete a MissYouApp, or preview what that does", description=_ABOUT)
    parser.add_argument("name", metavar="NAME", help="name of the MissYouApp")
    parser.add_argument("-n", "--namespace", metavar="NS", help="namespace (default: from the kubeconfig context)")
    parser.add_argument("--preview", action="store_true", help="delete nothing")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text", help="format of the preview")
    parser.add_argument("--yes", action="store_true", help="do not ask for the name; confirms nothing")
    parser.add_argument(
        "--role",
        metavar="ARN",
        help="role to assume instead of spec.credentials.roleARN; '' uses your own credentials in any case",
    )
    parser.add_argument("--no-aws", action="store_true", help="preview by the object's status only")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    cluster = Cluster()
    namespace = options.namespace or cluster.namespace
    body = cluster.get(namespace, options.name)
    told, unasked = _preview(body, options)
    if options.output == "json":
        sys.stdout.write(json.dumps(as_json(told, unasked), indent=2) + "\n")
    else:
        live = sys.stdout.isatty()
        style = Style(live and not os.environ.get("NO_COLOR"), shutil.get_terminal_size().columns if live else None)
        sys.stdout.write("".join(f"{line}\n" for line in lines(told, unasked, style)))
    if options.preview:
        return
    asks = any(CONFIRM_DELETION in text for text in told.obstacles)
    if options.yes:
        if asks:
            raise Failure(
                Exit.STALLED, f"nothing was deleted: its data is lost. Confirm first: {confirm_command(body)}"
            )
    else:
        _ask(options.name)
        if asks:
            cluster.annotate(namespace, options.name, CONFIRM_DELETION, options.name)
    cluster.delete(namespace, options.name)
    sys.stderr.write(f"The deletion of {namespace}/{options.name} has begun.\n")


def _ask(name: str) -> None:
    """Return once a person has typed the app's name. Raises Failure."""
    sys.stderr.write(f"\nType the name of the app to delete it: ({name}) ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise Failure(Exit.USAGE, "nothing was deleted: that is not the name of the app")


def _preview(body: Mapping[str, Any], options: argparse.Namespace) -> tuple[Removal, str]:
    """Return what the deletion does, and why AWS was not asked, "" where it was."""
    if options.no_aws:
        return from_status(body, read_status(body), final_snapshot=wants_snapshot(body)), "--no-aws"
    try:
        region = (body.get("status") or {}).get("region") or ""
        stack = open_stack(placed(body, role=options.role), region, Accounts(only_reads))
        with failures():
            return observed(body, stack), ""
    except Failure as failure:
        return from_status(body, read_status(body), final_snapshot=wants_snapshot(body)), str(failure)


def observed(body: Mapping[str, Any], stack: OfflineStack) -> Removal:
    """Return what the deletion does, by what AWS shows now."""
    observations = observe_stack(stack.inputs)
    world = observations.world
    rows = [row for row in chain.from_iterable(world.values()) if row.owned]
    ours = {row.id for row in rows}
    vpcs = [row.id for row in rows if row.kind.TYPE == "ec2.Vpc"]
    others = [str(one) for vpc in vpcs for one in strangers(stack.cloud, vpc, ours)]
    return removal(
        body,
        world,
        (unconfirmed(body, world),),
        final_snapshot=wants_snapshot(body),
        unreadable={type_: health.message for type_, health in observations.unreadable.items()},
        foreign=others,
    )


def wants_snapshot(body: Mapping[str, Any]) -> bool:
    """Return whether the database is deleted with a final snapshot. A spec that cannot be read gets one."""
    try:
        return parse(body, (body.get("status") or {}).get("region") or "").database.final_snapshot
    except InvalidSpec:
        return True


def lines(told: Removal, unasked: str, style: Style) -> list[str]:
    """Return the page."""
    head = f"Deleting {told.app} takes away {len(told.going)} resources"
    head += f", in about {minutes(told.seconds)}." if told.going else ": the stack stays."
    page = [style.paint(head, "1")]
    for title, texts, colour in (
        ("Data that is lost", told.lost, "31"),
        ("Stays in AWS", told.stays, "32"),
        ("In the way", told.obstacles, "33"),
        ("By the way", told.notes, "2"),
    ):
        if texts:
            page += ["", style.paint(title, colour)]
            page += [line for text in texts for line in _item(text, style)]
    page += _table(told, style)
    if unasked:
        page += ["", style.paint(f"AWS was not asked ({unasked}): this is what the status lists.", "2")]
    return page


def _table(told: Removal, style: Style) -> Iterator[str]:
    """Yield what goes: a heading per component, and type, name and ID of each resource."""
    if not told.going:
        return
    yield ""
    yield "Goes"
    rendered = iter(table([(row.type, row.name, _id(row)) for row in told.going], indent="    "))
    for component, members in groupby(told.going, key=lambda row: row.component):
        yield style.paint(f"  {component}", "1")
        for _ in members:
            yield style.paint(style.cut(next(rendered)), "2")


def _id(row: Going) -> str:
    """Return what tells a resource apart beside its name: an ARN says nothing else, and is long."""
    return "" if row.id == row.name or row.id.startswith("arn:") else row.id


def _item(text: str, style: Style) -> Iterator[str]:
    first = True
    for part, is_command in parts_of(text):
        if is_command:
            yield f"      $ {part}"
            continue
        mark = "  - " if first else "    "
        yield from textwrap.wrap(part, style.width or _WIDTH, initial_indent=mark, subsequent_indent="    ")
        first = False


def as_json(told: Removal, unasked: str) -> dict[str, Any]:
    """Return the same for programs. `aws` says whether AWS was asked, and why not."""
    fields = {name: value for name, value in asdict(told).items() if name != "observed"}
    commands = [command for text in told.obstacles for command in commands_in(text)]
    return {**fields, "commands": commands, "aws": {"asked": not unasked, **({"why": unasked} if unasked else {})}}
