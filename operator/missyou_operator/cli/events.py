"""`missyou events`: the queue and the rules by which the operator hears of changes in AWS."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from missyou_operator.aws.cloud import Clients
from missyou_operator.aws.session import Accounts
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.offline import failures
from missyou_operator.events import installing
from missyou_operator.events.declaration import Declaration, cloudformation, terraform
from missyou_operator.events.installing import NotOursError, Step

_ABOUT = """\
The rules of EventBridge and the queue of SQS by which the operator hears of changes in AWS, in one account and region:

  install      make what is missing of them, with your own credentials; once for each account and region
  uninstall    delete them, and nothing else
  template     print the same as a CloudFormation template or as Terraform (.tf.json), for your own pipeline

Then set --events of the operator (chart: events), and give its role the policy of `missyou iam-policy --events`.
See docs/events.md.
"""
_TRAIL = """\
note: {why}. Without such a trail, EventBridge gets no events of calls: drift is found by looking only, and nobody knows
who it was. Tasks, deployments, images, databases and alarms are heard of all the same. docs/events.md makes a trail.
"""
_CLUSTER = re.compile(r"[A-Za-z0-9-]{8,64}")
_REGION, _ACCOUNT = re.compile(r"[a-z]{2}(-[a-z]+)+-\d"), re.compile(r"\d{12}", re.ASCII)
_READER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+", re.ASCII)


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser(
        "events",
        help="install what the operator hears of changes in AWS by",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, run, about in (
        ("install", _install, "make the queue and the rules, or what is missing of them"),
        ("uninstall", _uninstall, "delete the queue and the rules"),
        ("template", _template, "print them as CloudFormation or Terraform"),
    ):
        action = actions.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        action.add_argument("--region", required=True, help="AWS region, such as eu-central-1")
        action.add_argument(
            "--cluster",
            required=True,
            metavar="UID",
            help="UID of the Kubernetes cluster (kubectl get namespace kube-system -o jsonpath={.metadata.uid})",
        )
        if name != "uninstall":
            action.add_argument(
                "--reader",
                action="append",
                default=[],
                metavar="ARN",
                help="ARN of the operator's role, where the queue is in another account; may be repeated",
            )
        if name == "template":
            action.add_argument("--account", required=True, help="account number, such as 123456789012")
            action.add_argument("--format", choices=("cloudformation", "terraform"), default="cloudformation")
        else:
            action.add_argument("--dry-run", action="store_true", help="only say what would be done")
        action.set_defaults(run=run, reader=[], account=None)


def _install(options: argparse.Namespace) -> None:
    with failures():
        clients, declared = _place(options)
        _make(options, lambda: installing.install(clients, declared), "Nothing is to be done: it is installed.")
        why = installing.why_no_calls(clients, options.region)
    if why:
        sys.stdout.flush()
        sys.stderr.write(_TRAIL.format(why=why))


def _uninstall(options: argparse.Namespace) -> None:
    with failures():
        clients, declared = _place(options)
        _make(options, lambda: installing.uninstall(clients, declared), "Nothing is to be done: it is not installed.")


def _template(options: argparse.Namespace) -> None:
    _check(options)
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    partition = next((each for prefix, each in prefixes.items() if options.region.startswith(prefix)), "aws")
    declared = _declared(options, options.account, partition)
    made = terraform(declared) if options.format == "terraform" else cloudformation(declared)
    sys.stdout.write(json.dumps(made, indent=2) + "\n")


def _check(options: argparse.Namespace) -> None:
    """Refuse what AWS would only refuse much later, or what no rule would ever match."""
    wrong = {
        "--cluster": ("no UID of a Kubernetes namespace", options.cluster, _CLUSTER),
        "--region": ("no region, such as eu-central-1", options.region, _REGION),
        "--account": ("no account number, such as 123456789012", options.account, _ACCOUNT),
    }
    for name, (what, value, pattern) in wrong.items():
        if value is not None and not pattern.fullmatch(value):
            raise Failure(Exit.USAGE, f"{name} {value!r} is {what}")
    if bad := next((each for each in options.reader if not _READER.fullmatch(each)), None):
        raise Failure(Exit.USAGE, f"--reader {bad!r} is not the ARN of a role or user")


def _place(options: argparse.Namespace) -> tuple[Clients, Declaration]:
    _check(options)
    account = Accounts().get(options.region)
    number, partition = account.identity()
    return account, _declared(options, number, partition)


def _declared(options: argparse.Namespace, account: str, partition: str) -> Declaration:
    return Declaration(options.cluster, account, options.region, partition, tuple(options.reader))


def _make(options: argparse.Namespace, steps: Callable[[], Iterator[Step]], nothing: str) -> None:
    """Make steps, or say what they would be."""
    done = False
    try:
        for step in steps():
            done = True
            if not options.dry_run:
                step.make()
            sys.stdout.write(f"{'would ' if options.dry_run else ''}{step.text}\n")
    except NotOursError as error:
        raise Failure(Exit.STALLED, str(error)) from None
    if not done:
        sys.stdout.write(f"{nothing}\n")
