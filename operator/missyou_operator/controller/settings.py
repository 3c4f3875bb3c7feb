"""How the operator is configured: environment variables, and flags that override them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`namespaces` empty: all of them. `resync` in seconds. `liveness` is an URL to serve, or empty."""

    region: str
    namespaces: tuple[str, ...] = ()
    resync: float = 45.0
    workers: int = 32
    liveness: str = ""
    verbose: bool = False


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
        help="how often every stack is compared with AWS in full: drift is put right within this time "
        "(env MISSYOU_RESYNC_SECONDS; default: 45)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=environ.get("MISSYOU_WORKERS", "32"),
        help="AWS calls at the same time (env MISSYOU_WORKERS; default: 32)",
    )
    parser.add_argument(
        "--liveness",
        default=environ.get("MISSYOU_LIVENESS", ""),
        metavar="URL",
        help="serve a liveness probe, for instance at http://0.0.0.0:8080/healthz (env MISSYOU_LIVENESS)",
    )
    parser.add_argument("--verbose", action="store_true", help="log every pass")
    given = parser.parse_args(arguments)
    if not given.region:
        parser.error("no AWS region: set AWS_REGION or give --region")
    if given.resync_seconds < 5:
        parser.error("--resync-seconds must be 5 or more")
    if not 1 <= given.workers <= 256:
        parser.error("--workers must be 1 to 256")
    return Settings(
        given.region, tuple(given.namespace), given.resync_seconds, given.workers, given.liveness, given.verbose
    )
