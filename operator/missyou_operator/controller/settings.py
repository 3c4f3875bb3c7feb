"""How the operator is configured: environment variables, and flags that override them."""

from __future__ import annotations

import argparse
import os
import re
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from missyou_operator.controller.listening import is_source
from missyou_operator.controller.sharding import MOST_SHARDS
from missyou_operator.cost import BadTable, PriceTable, bundled, read_table

_BOUNDARY = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """`namespaces` empty: all of them. `resync` in seconds. `probes` is host:port, or empty for none.

    `own_namespace` is where the Leases live, if `leader_elect`; `identity` is the name in them. `confirm_deletion`:
    whether the deletion of a production app's data has to be confirmed. `require_tenants`: without a MissYouTenant
    nothing is granted. `events`: the queues that are listened to, by region or URL; none by default.
    """

    region: str
    namespaces: tuple[str, ...] = ()
    resync: float = 45.0
    workers: int = 32
    probes: str = ""
    leader_elect: bool = False
    own_namespace: str = ""
    identity: str = ""
    verbose: bool = False
    log_format: str = "text"
    prices: PriceTable = field(default_factory=bundled)
    confirm_deletion: bool = True
    require_tenants: bool = False
    permissions_boundary: str = ""
    #: Into how many shards all apps are divided.
    shards: int = 1
    events: tuple[str, ...] = ()


def parse_settings(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; `--help` and mistakes end the program as argparse does, with a message."""
    parser = argparse.ArgumentParser(
        prog="missyou-operator",
        description="Reconciles MissYouApp resources into AWS stacks.",
        epilog="AWS credentials are found as boto3 finds them (on EKS: the role of the ServiceAccount); the cluster is "
        "the one that the pod runs in, or the current context of KUBECONFIG.",
    )
    parser.add_argument(
        "--region",
        default=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION"),
        help="AWS region of apps that name none (env AWS_REGION)",
    )
    parser.add_argument(
        "--namespace",
        action="append",
        default=[name for name in environ.get("MISSYOU_NAMESPACES", "").split(",") if name],
        help="serve only this namespace; may be repeated (env MISSYOU_NAMESPACES, comma-separated; default: all)",
    )
    parser.add_argument(
        "--resync-seconds",
        type=float,
        default=environ.get("MISSYOU_RESYNC_SECONDS", "45"),
        help="how often every stack is looked at in AWS: most drift is put right within this time, what takes a call "
        "for each resource later, see docs/drift.md (env MISSYOU_RESYNC_SECONDS; default: 45)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=environ.get("MISSYOU_WORKERS", "32"),
        help="AWS calls at the same time (env MISSYOU_WORKERS; default: 32)",
    )
    parser.add_argument(
        "--probes",
        default=environ.get("MISSYOU_PROBES", ""),
        metavar="HOST:PORT",
        help="serve /healthz, /readyz and /metrics there, for instance at 0.0.0.0:8080 (env MISSYOU_PROBES)",
    )
    parser.add_argument(
        "--leader-elect",
        action=argparse.BooleanOptionalAction,
        default=environ.get("MISSYOU_LEADER_ELECT", "") == "true",
        help="work only while holding Leases, so that several operators may run (env MISSYOU_LEADER_ELECT=true)",
    )
    parser.add_argument(
        "--shards",
        type=int,
        default=environ.get("MISSYOU_SHARDS", "1"),
        help="into how many shards all apps are divided, each worked on by one of the operators that run; with "
        f"--leader-elect, 1 to {MOST_SHARDS} (env MISSYOU_SHARDS; default: 1, so that one works and the others wait)",
    )
    parser.add_argument(
        "--own-namespace",
        default=environ.get("POD_NAMESPACE", "missyou-system"),
        help="namespace of those Leases (env POD_NAMESPACE; default: missyou-system)",
    )
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default=environ.get("MISSYOU_LOG_FORMAT", "text"),
        help="how to log: text for people, json for collectors (env MISSYOU_LOG_FORMAT; default: text)",
    )
    parser.add_argument(
        "--prices",
        type=_table,
        default=environ.get("MISSYOU_PRICES") or bundled(),
        metavar="FILE",
        help="table of prices for status.cost and spec.budget, as `missyou prices --refresh` prints it "
        "(env MISSYOU_PRICES; default: that of this version)",
    )
    parser.add_argument(
        "--confirm-deletion",
        choices=("production", "never"),
        default=environ.get("MISSYOU_CONFIRM_DELETION", "production"),
        help="whose deletion waits for the annotation missyou.app/confirm-deletion: that of production apps "
        "whose stacks hold data, or nobody's (env MISSYOU_CONFIRM_DELETION; default: production)",
    )
    parser.add_argument(
        "--require-tenants",
        action=argparse.BooleanOptionalAction,
        default=environ.get("MISSYOU_REQUIRE_TENANTS", "") == "true",
        help="grant nothing while there is no MissYouTenant, instead of everything (env MISSYOU_REQUIRE_TENANTS=true)",
    )
    parser.add_argument(
        "--permissions-boundary",
        default=environ.get("MISSYOU_PERMISSIONS_BOUNDARY", ""),
        metavar="ARN",
        help="ARN of the policy that limits every role which is created for tasks; `missyou iam-policy --boundary` "
        "prints it (env MISSYOU_PERMISSIONS_BOUNDARY; default: none, and a boundary that a role has stays)",
    )
    parser.add_argument(
        "--events",
        action="append",
        default=[each for each in environ.get("MISSYOU_EVENTS", "").split(",") if each],
        metavar="REGION",
        help="listen to what changes in AWS, by the queue that `missyou events install` makes in this region, or by "
        "the URL of a queue; may be repeated (env MISSYOU_EVENTS, comma-separated; default: none)",
    )
    parser.add_argument("--verbose", action="store_true", help="log every pass")
    given = parser.parse_args(arguments)
    if not given.region:
        parser.error("no AWS region: set AWS_REGION or give --region")
    if given.probes and not given.probes.rpartition(":")[2].isdecimal():
        parser.error(f"--probes must be HOST:PORT, say 0.0.0.0:8080, not {given.probes!r}")
    if given.log_format not in {"text", "json"}:
        parser.error(f"MISSYOU_LOG_FORMAT must be text or json, not {given.log_format!r}")
    if given.confirm_deletion not in {"production", "never"}:
        parser.error(f"MISSYOU_CONFIRM_DELETION must be production or never, not {given.confirm_deletion!r}")
    if given.resync_seconds < 5:
        parser.error("--resync-seconds must be 5 or more")
    if given.permissions_boundary and not _BOUNDARY.fullmatch(given.permissions_boundary):
        parser.error(
            "--permissions-boundary must be the ARN of a policy, say arn:aws:iam::123456789012:policy/"
            f"missyou-boundary, not {given.permissions_boundary!r}"
        )
    if not 1 <= given.workers <= 256:
        parser.error("--workers must be 1 to 256")
    if not 1 <= given.shards <= MOST_SHARDS:
        parser.error(f"--shards must be 1 to {MOST_SHARDS}, not {given.shards}")
    if given.shards > 1 and not given.leader_elect:
        parser.error("--shards needs --leader-elect: an operator without Leases works on all apps")
    return Settings(
        given.region,
        tuple(given.namespace),
        given.resync_seconds,
        given.workers,
        given.probes,
        given.leader_elect,
        given.own_namespace,
        f"{environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4().hex[:8]}",
        given.verbose,
        given.log_format,
        given.prices,
        given.confirm_deletion == "production",
        given.require_tenants,
        given.permissions_boundary,
        given.shards,
        _sources(parser, given.events),
    )


def _sources(parser: argparse.ArgumentParser, given: Sequence[str]) -> tuple[str, ...]:
    """Return each queue once; a mistake ends the program."""
    if bad := next((each for each in given if not is_source(each)), ""):
        parser.error(
            "--events must be a region or the URL of a queue, say eu-central-1 or "
            f"https://sqs.eu-central-1.amazonaws.com/123456789012/missyou-events-1c9a5b0e, not {bad!r}"
        )
    return tuple(dict.fromkeys(given))


def _table(path: str) -> PriceTable:
    try:
        return read_table(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadTable) as error:
        raise argparse.ArgumentTypeError(f"{path}: {error}") from None
