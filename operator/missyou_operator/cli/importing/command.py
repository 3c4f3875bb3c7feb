"""`missyou import`: move a stack in that somebody else has made, or have a former one back."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from missyou_operator.aws.cloud import Clients, pages
from missyou_operator.aws.identity import CLUSTER_TAG, STACK_TAG, tag_map
from missyou_operator.aws.session import Accounts
from missyou_operator.cli import offline
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.importing import claim as claiming
from missyou_operator.cli.importing import report, tfstate
from missyou_operator.cli.importing.facts import gather
from missyou_operator.cli.importing.forget import gone, split
from missyou_operator.cli.importing.survey import Survey, survey
from missyou_operator.cli.importing.tfstate import State

_ABOUT = """\
Move an app in that already runs in AWS, without changing anything of it: find its network, service, database,
registry and secrets, write the MissYouApp that describes them, and tag them as its own. What differs from a new
stack is listed, and stays as it is. Everything is shown before anything is tagged. See docs/moving-in.md.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser("import", help="move in what somebody else made in AWS", description=_ABOUT)
    parser.add_argument(
        "--tfstate", metavar="FILE", help="Terraform's state: a file, s3://BUCKET/KEY, or - for standard input"
    )
    parser.add_argument("--vpc", metavar="ID", help="the VPC that the app lives in, where no state says so")
    parser.add_argument(
        "--stack", metavar="NS/NAME", help="a stack that an operator made: retained, or of a cluster that is gone"
    )
    parser.add_argument(
        "--cluster",
        metavar="UID",
        default="",
        help="UID of the cluster that is to run it, for the tags; with --stack, of the one that has run it "
        "(kubectl get namespace kube-system -o jsonpath={.metadata.uid})",
    )
    parser.add_argument(
        "--permissions-boundary",
        metavar="POLICY",
        default="",
        help="the operator's setting of this name (ARN or name): the roles that exist stay as they are",
    )
    parser.add_argument("--name", default="", help="name of the MissYouApp (default: from the names in AWS)")
    parser.add_argument("-n", "--namespace", metavar="NS", default="default", help="its namespace (default: default)")
    parser.add_argument(
        "--environment", choices=["Production", "Development"], default="Production", help="(default: Production)"
    )
    parser.add_argument(
        "--region",
        default=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        help="region of the VPC (default: the state's, env AWS_REGION)",
    )
    parser.add_argument("--service", default="", metavar="CLUSTER/SERVICE", help="the service, where there are several")
    parser.add_argument("--database", default="", metavar="ID", help="the database, where there are several")
    parser.add_argument(
        "-f", "--filename", metavar="FILE", default="missyou.yaml", help="file to write (default: %(default)s)"
    )
    parser.add_argument(
        "--forget",
        choices=["state-rm", "removed"],
        default="state-rm",
        help="how Terraform forgets: commands, or `removed` blocks (default: %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show everything, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    run(options, Accounts(offline.only_reads), Accounts())


def run(options: argparse.Namespace, reading: Accounts, writing: Accounts) -> None:
    """Import. `reading` sends no request that changes something, `writing` sets the tags."""
    if bool(options.stack) == bool(options.tfstate or options.vpc):
        raise Failure(Exit.USAGE, "name what to import: --tfstate FILE, --vpc ID or both, or --stack NAMESPACE/NAME")
    with offline.failures():
        state = _state(options, reading) if options.tfstate else None
        region = _region(options, state)
        account = reading.get(region)
        _check_account(state, account.identity()[0])
        vpc = _of_stack(account, options) if options.stack else _vpc(options, state)
        facts = gather(account, vpc, options.service, options.database)
        found = survey(
            facts,
            namespace=options.namespace,
            name=options.name,
            environment=options.environment,
            region=region,
            account=account.identity()[0],
            former=bool(options.stack),
        )
    found.notes += gone(state, facts) if state else []
    if found.obstacles:
        _print(report.note_lines("Cannot be moved in as it is:", found.obstacles))
        raise Failure(Exit.STALLED, "nothing has been changed: do the above first, then import again")
    cluster = options.cluster or ("" if found.former else claiming.IMPORTED)
    claim = claiming.prepare(found, region, reading, cluster, options.permissions_boundary)
    mine, others = split(state or State(()), found.known, found.used)
    _print(report.found_lines(found, claim))
    if options.dry_run:
        _print(report.next_lines(options.filename, mine, others, options.forget, tagged=False))
        _print(["", f"--- {options.filename}", report.manifest(claim.body)])
        return
    if found.former:
        _write(options.filename, report.manifest(claim.body))
        _print(
            ["", f"{options.filename} is written; nothing is tagged: the annotation take-over lets the operator do it."]
        )
        _print(report.next_lines(options.filename, mine, others, options.forget, tagged=True))
        return
    _confirm(options, found)
    _write(options.filename, report.manifest(claim.body))
    claiming.tag(claim, writing, lambda _: None)
    left = claiming.check(claim, region, reading)
    if left.changes:
        listed = ", ".join(f"{change.action} {change.address}" for change in left.changes)
        raise Failure(
            Exit.STALLED, f"tagged, but the plan is not empty: {listed}. See missyou plan -f {options.filename}"
        )
    _print(["", f"{len(claim.untagged)} resources are tagged, {options.filename} is written, the plan is empty."])
    _print(report.next_lines(options.filename, mine, others, options.forget, tagged=True))


def _state(options: argparse.Namespace, accounts: Accounts) -> State:
    def from_s3(bucket: str, key: str) -> str:
        answer = accounts.get(options.region or "us-east-1").client("s3").get_object(Bucket=bucket, Key=key)
        text: str = answer["Body"].read().decode()
        return text

    return tfstate.read(options.tfstate, from_s3)


def _region(options: argparse.Namespace, state: State | None) -> str:
    regions = {region for region, _ in state.places()} if state else set[str]()
    if options.region and (not regions or options.region in regions):
        return str(options.region)
    if len(regions) == 1:
        return regions.pop()
    listed = f" (the state has {', '.join(sorted(regions))})" if regions else ""
    raise Failure(Exit.USAGE, f"name the region with --region{listed}")


def _check_account(state: State | None, account: str) -> None:
    accounts = {number for _, number in state.places()} if state else set[str]()
    if accounts and account not in accounts:
        raise Failure(
            Exit.USAGE,
            f"the state is of the account {', '.join(sorted(accounts))}, and your credentials are of {account}: choose "
            "others with AWS_PROFILE. aws sts get-caller-identity shows which they are",
        )


def _vpc(options: argparse.Namespace, state: State | None) -> str:
    if state is None or options.vpc:
        return str(options.vpc)
    found = sorted(set(state.ids("aws_vpc")))
    if len(found) == 1:
        return found[0]
    if not found:
        # The VPC may be a data source, or another configuration's.
        raise Failure(Exit.USAGE, "the state has no aws_vpc: name the VPC with --vpc ID as well")
    raise Failure(Exit.USAGE, f"the state has the VPCs {', '.join(found)}: name one with --vpc ID as well")


def _of_stack(account: Clients, options: argparse.Namespace) -> str:
    """Return the VPC that bears the tags of a stack. Raises Failure unless there is exactly one."""
    tags = {STACK_TAG: options.stack, **({CLUSTER_TAG: options.cluster} if options.cluster else {})}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    rows = pages(account.client("ec2"), "describe_vpcs", "Vpcs", Filters=filters)
    if not rows:
        raise Failure(
            Exit.NOT_FOUND,
            f"no VPC bears the tags of the stack {options.stack} (NAMESPACE/NAME) in this account and region. Another "
            "region: --region; other credentials: AWS_PROFILE",
        )
    if len(rows) > 1:
        clusters = ", ".join(sorted(tag_map(row.get("Tags")).get(CLUSTER_TAG, "") for row in rows))
        raise Failure(
            Exit.USAGE, f"several clusters have a stack {options.stack}: name one with --cluster ({clusters})"
        )
    return str(rows[0]["VpcId"])


def _confirm(options: argparse.Namespace, found: Survey) -> None:
    if options.yes:
        return
    name = found.body["metadata"]["name"]
    if not sys.stdin.isatty():
        raise Failure(Exit.USAGE, "nothing has been changed: confirm with --yes, or look only with --dry-run")
    sys.stdout.write(f"\nType the name of the app to tag these resources as its own ({name}): ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != name:
        raise Failure(Exit.USAGE, "not confirmed: nothing has been changed")


def _write(path: str, text: str) -> None:
    """Write the manifest; one that is there already must be the same."""
    file = Path(path)
    try:
        if file.exists() and file.read_text(encoding="utf-8") != text:
            raise Failure(Exit.USAGE, f"{path} exists and is another one: name another file with -f. Nothing is tagged")
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(Exit.USAGE, f"{path}: cannot be written: {error.strerror}. Nothing has been tagged") from None


def _print(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
