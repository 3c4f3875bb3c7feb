"""Reads the MissYouApp of a manifest: what commands without a cluster begin with."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from missyou_operator.api import KIND, AppSpec, InvalidSpec, parse
from missyou_operator.cli.exits import Exit, Failure

#: Source: Kubernetes, "Object Names and IDs": a label as in RFC 1123.
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a manifest, and the region of one without."""
    parser.add_argument("-f", "--filename", required=True, metavar="FILE", help="manifest of a MissYouApp, - for stdin")
    parser.add_argument(
        "--region",
        default=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        help="region for a manifest without one (env AWS_REGION)",
    )


def read(path: str) -> Mapping[str, Any]:
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
    # The API server would refuse another one; here it ends up in a comment on a pull request.
    namespace = apps[0]["metadata"].get("namespace", "default")
    if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        raise Failure(
            Exit.USAGE, f"{path}: metadata.namespace: 1 to 63 lower-case letters, digits and hyphens: correct it"
        )
    return {**apps[0], "spec": apps[0].get("spec") or {}}


def parsed(body: Mapping[str, Any], region: str | None, path: str) -> AppSpec:
    """Parse the spec of a manifest; `region` is that of one without. Raises Failure."""
    if not region and not body["spec"].get("region"):
        raise Failure(Exit.USAGE, f"{path}: spec.region: not set: set it, AWS_REGION or --region")
    try:
        return parse(body, region or "")
    except InvalidSpec as error:
        raise Failure(Exit.USAGE, f"{path}: {error}") from None
