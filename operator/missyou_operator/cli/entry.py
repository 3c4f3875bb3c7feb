"""The parser of `missyou`, and its commands."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from missyou_operator.api.crd import crd_yaml
from missyou_operator.api.kind import PLURAL, TENANT_PLURAL
from missyou_operator.cli import cost, delete, doctor, events, plan, policy, preflight, prices
from missyou_operator.cli.cluster import Cluster
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.importing import command as importing
from missyou_operator.cli.progress import read_status
from missyou_operator.cli.render import Style, resource_lines, server_table_lines
from missyou_operator.cli.watch import Screen, watch

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_CODES = """\
exit codes:
  0 success   1 timeout   3 not found   4 no cluster, CRD or permission   5 AWS cannot be read   64 wrong usage
  2 stalled: needs a person or a new spec; of plan: something to do; of doctor: something was found

KUBECONFIG or ~/.kube/config selects the cluster. NO_COLOR turns colours off.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Errors are one line on standard error."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options) or Exit.OK)
    except Failure as failure:
        # A manifest's own words may be in it: they steer no terminal.
        sys.stderr.write(f"missyou: {_plain(str(failure))}\n")
        return failure.code
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough (`missyou get | head`). Keep Python from flushing into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)


def script() -> NoReturn:
    """Run as a program, and exit without waiting for threads.

    A thread may still read from the API server; at an ordinary exit of the interpreter it can abort the process.
    """
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _crd(options: argparse.Namespace) -> None:
    sys.stdout.write(crd_yaml(options.plural))


def _watch(options: argparse.Namespace) -> None:
    cluster = Cluster()
    screen = Screen(out=sys.stdout, live=sys.stdout.isatty(), colour=_colour(), width=_width)
    watch(cluster, options.namespace or cluster.namespace, options.name, options.timeout, screen)


def _resources(options: argparse.Namespace) -> None:
    cluster = Cluster()
    status = read_status(cluster.get(options.namespace or cluster.namespace, options.name))
    _print(resource_lines(status, Style(_colour(), _width() if sys.stdout.isatty() else None)))


def _get(options: argparse.Namespace) -> None:
    cluster = Cluster()
    if options.name and options.all_namespaces:
        raise Failure(Exit.USAGE, "a name cannot be looked up in all namespaces: omit the name, or -A")
    namespace = None if options.all_namespaces else options.namespace or cluster.namespace
    answer = cluster.table(namespace, options.name)
    if not answer.get("rows"):
        sys.stderr.write(f"No MissYouApps{f' in namespace {namespace}' if namespace else ''}.\n")
        return
    _print(server_table_lines(answer, wide=options.output == "wide", namespaces=options.all_namespaces))


class _Parser(argparse.ArgumentParser):
    """Exits with a code of its own for wrong usage: argparse's usual code means "stalled" here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"missyou: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="missyou",
        description="Inspect MissYouApps and the AWS stacks behind them.",
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    place = _Parser(add_help=False)
    place.add_argument("-n", "--namespace", metavar="NS", help="namespace (default: from the kubeconfig context)")

    crd = _command(commands, "crd", "print a CustomResourceDefinition")
    crd.add_argument(
        "plural",
        nargs="?",
        choices=(PLURAL, TENANT_PLURAL),
        default=PLURAL,
        help="of which resource (default: %(default)s)",
    )
    crd.set_defaults(run=_crd)

    policy.add_to(commands)
    cost.add_to(commands)
    plan.add_to(commands)
    prices.add_to(commands)
    doctor.add_to(commands)
    delete.add_to(commands)
    importing.add_to(commands)
    preflight.add_to(commands)
    events.add_to(commands)

    get = _command(commands, "get", "list MissYouApps, like `kubectl get missyouapps`", place)
    get.add_argument("name", nargs="?", metavar="NAME", help="name of a MissYouApp (default: all)")
    get.add_argument("-A", "--all-namespaces", action="store_true", help="list those of all namespaces")
    get.add_argument("-o", "--output", choices=["wide"], help="wide: add region, database and message")
    get.set_defaults(run=_get)

    follow = _command(commands, "watch", "show the progress of a MissYouApp until it is Ready", place)
    follow.add_argument("name", metavar="NAME", help="name of the MissYouApp")
    follow.add_argument(
        "--timeout",
        type=_seconds,
        default="40m",
        metavar="T",
        help="time limit: seconds, or 90s, 1h (default: %(default)s)",
    )
    follow.set_defaults(run=_watch)

    resources = _command(commands, "resources", "list the AWS resources of a MissYouApp", place)
    resources.add_argument("name", metavar="NAME", help="name of the MissYouApp")
    resources.set_defaults(run=_resources)
    return parser


def _command(commands: Any, name: str, about: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, parents=parents, help=about, description=f"{about[0].upper()}{about[1:]}."
    )
    return command


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?)([smh]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration: write seconds, or 90s, 40m, 1h")
    return float(match[1]) * _SECONDS[match[2]]


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _width() -> int:
    return shutil.get_terminal_size().columns


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
