"""`missyou iam-policy`: the policies in AWS around the operator: its own, that of its tasks' roles, that of tenants."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from missyou_operator.aws.boundary import boundary
from missyou_operator.aws.iam_policy import LIMIT, Document, declared, documents, size
from missyou_operator.aws.identity import Names
from missyou_operator.aws.scope import Scope
from missyou_operator.aws.tenant_session import MOST_TRUST, TRUST_LIMIT, trust
from missyou_operator.cli import manifest
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.events.declaration import reading_policy
from missyou_operator.stack.naming import NAMES, names_with

_ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+"
#: By option: a pattern for its value, an example. A character that no name has would allow nothing.
_VALUES = {
    "account": ("[0-9*?]+", "123456789012"),
    "region": ("[a-z0-9*?-]+", "eu-central-1"),
    "cluster": ("[A-Za-z0-9*?-]+", "1c9a5b0e-7f0a-4a51-9d5c-2f6f8f0f3c11"),
    "permissions_boundary": (r"(arn:aws[a-z-]*:iam::(\d{12}|aws):policy/)?[\w+=,.@/-]+", "missyou-boundary"),
    "stack": ("[a-z0-9*?-]+", "'team-*'"),
    "partition": ("aws|aws-cn|aws-us-gov", "aws-us-gov"),
    "zone": ("[A-Z0-9]+", "Z0123456789ABCDEFGHIJ"),
    "snapshot": ("[A-Za-z0-9:*?-]+", "'shop-db-*'"),
    "assume": (r"arn:aws[a-z-]*:iam::[0-9*?]+:role/[\w*?+=,.@/-]+", "arn:aws:iam::123456789012:role/missyou-team-a"),
    "secret": (
        r"arn:aws[a-z-]*:secretsmanager:[^\s:]*:[0-9*?]+:secret:\S+",
        "'arn:aws:secretsmanager:…:secret:keys-*'",
    ),
    "repository": (r"arn:aws[a-z-]*:ecr:[^\s:]*:[0-9*?]+:repository/\S+", "arn:aws:ecr:…:repository/shop"),
    "operator_role": (_ROLE, "arn:aws:iam::123456789012:role/missyou-operator"),
    "namespace": ("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "team-a"),
}
#: What a policy must be narrowed by, in the order in which people look it up.
_LIMITS = ("account", "region", "cluster", "permissions_boundary")
#: What prints them, to be typed as it stands.
_LOOKED_UP = {
    "account": '"$(aws sts get-caller-identity --query Account --output text)"',
    "region": "eu-central-1",
    "cluster": "\"$(kubectl get namespace kube-system -o jsonpath='{.metadata.uid}')\"",
    "permissions_boundary": "missyou-boundary",
    "operator_role": "arn:aws:iam::123456789012:role/missyou-operator",
    "namespace": "team-a",
}
_ABOUT = """\
Print an IAM policy, generated from the permissions that the operator's code declares:

  (no flag)    the policy of the operator's role, or of the role of spec.credentials: several documents, since AWS
               limits their size, as one JSON object by name. Attach all of them. `--part NAME` prints one, ready for
               `aws iam create-policy --policy-document`; `--part observe` is the read-only one.
  --boundary   the permissions boundary of the roles that the operator creates for tasks
  --trust      the trust policy of a tenant's role
  --events     one more policy of the operator's role, for its queues (docs/events.md)

The operator may create roles and write their policies. Without a permissions boundary that is as much as being
administrator of the account, so the policy demands one, and narrows to one account, region and cluster. `--wide` lifts
that.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser(
        "iam-policy",
        help="print the IAM policies that the operator and its roles need in AWS",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--boundary", action="store_true", help="print the permissions boundary of the tasks' roles")
    kind.add_argument("--trust", action="store_true", help="print the trust policy of a tenant's role")
    kind.add_argument("--events", action="store_true", help="print the policy for --events of the operator")
    kind.add_argument("--part", metavar="NAME", help="print one document only: observe, make, make-2, change, …")
    for name, text in (
        ("account", "limit to one account"),
        ("region", "limit to one region"),
        ("cluster", "limit to one Kubernetes cluster, by the UID of its namespace kube-system"),
        ("permissions-boundary", "demand this permissions boundary (ARN or name) of each role that is created"),
        ("stack", "limit to stacks of this spec.stackName, or of a pattern"),
        ("partition", "AWS partition (default: aws)"),
        ("operator-role", "with --trust: ARN of the role that the operator itself has"),
    ):
        parser.add_argument(f"--{name}", help=f"{text}, such as {_VALUES[name.replace('-', '_')][1]}")
    for name, text in (
        ("zone", "ID of a hosted zone for spec.domain; without one no record can be written"),
        ("snapshot", "name of a snapshot without our tags for spec.database.restoreFromSnapshot"),
        ("assume", "ARN of a role for spec.credentials or spec.domain.credentials"),
        ("secret", "with --boundary: ARN of a secret for spec.secrets.*.secretARN"),
        ("repository", "with --boundary: ARN of an ECR repository for spec.image.repository"),
        ("namespace", "with --trust: namespace that the role is for"),
    ):
        help_ = f"{text}, such as {_VALUES[name][1]}; may be repeated"
        parser.add_argument(f"--{name}", action="append", default=[], help=help_)
    parser.add_argument(
        "--existing",
        action="append",
        default=[],
        metavar="FILE",
        help="manifest of a MissYouApp, whose spec.existing.names the policy names, too; may be repeated",
    )
    parser.add_argument(
        "--tenant",
        action="store_true",
        help="for a tenant's role: its sessions reach only stacks of the namespace that they are tagged with",
    )
    parser.add_argument("--wide", action="store_true", help="print the widest policy where no limit is given")
    parser.set_defaults(run=_run)


def policy(scope: Scope, names: Names = NAMES) -> dict[str, Document]:
    """Return the documents of the policy, by name. `names`: those of the stacks' resources, by type."""
    return documents(scope, declared(names))


def _run(options: argparse.Namespace) -> None:
    _check(options)
    if options.trust:
        _require(options, "--trust", ("operator_role", "cluster", "namespace"))
        _print(_trust(options))
    elif options.events:
        if not options.wide:
            _require(options, "--events", _LIMITS[:3])
        scope = _scope(options)
        _print(reading_policy(scope.partition, scope.region, scope.account, scope.cluster))
    elif options.boundary:
        if not options.wide:
            _require(options, "--boundary", _LIMITS[:3])
        _print(_boundary(options))
    else:
        if not options.wide:
            _require(options, "", _LIMITS)
        _print(_policy(options))


def _check(options: argparse.Namespace) -> None:
    for name, (pattern, example) in _VALUES.items():
        given = getattr(options, name)
        for value in given if isinstance(given, list) else [given] if given is not None else []:
            if not re.fullmatch(pattern, value):
                raise Failure(Exit.USAGE, f"{_flag(name)} {value!r} is not valid: write it like {example}")


def _require(options: argparse.Namespace, kind: str, names: Sequence[str]) -> None:
    """Raise Failure with a complete command to type unless all of some options are given."""
    missing = [name for name in names if not getattr(options, name)]
    if not missing:
        return
    command = ["missyou iam-policy", *([kind] if kind else ())]
    command += [f"{_flag(name)} {_given(options, name) or _LOOKED_UP[name]}" for name in names]
    wide = (
        ""
        if kind == "--trust"
        else "\n--wide prints the policy without these limits: not for an account that you care about."
    )
    raise Failure(Exit.USAGE, f"{', '.join(map(_flag, missing))} missing. For example:\n  {' '.join(command)}{wide}")


def _given(options: argparse.Namespace, name: str) -> str:
    value = getattr(options, name)
    return str(value[0] if isinstance(value, list) and value else value or "")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _scope(options: argparse.Namespace) -> Scope:
    """Return the limits that are given; without `--wide`, nothing of others is reached that is not named."""
    scope = Scope(
        partition=options.partition or "aws",
        zones=tuple(options.zone),
        snapshots=tuple(options.snapshot),
        assume=tuple(options.assume),
        tenant=options.tenant,
    )
    for name in ("account", "region", "cluster", "stack"):
        if getattr(options, name):
            scope = replace(scope, **{name: getattr(options, name)})
    if options.wide:
        scope = replace(scope, zones=scope.zones or ("*",), snapshots=scope.snapshots or ("*",))
    named = options.permissions_boundary or ""
    if named and not named.startswith("arn:"):
        named = f"arn:{scope.partition}:iam::{scope.account}:policy/{named}"
    if set(named) & {"*", "?"}:
        raise Failure(Exit.USAGE, "--permissions-boundary needs an ARN, or its name and one --account")
    return replace(scope, boundary=named)


def _names(options: argparse.Namespace) -> Names:
    """Return the names of stacks' resources, and those that manifests give to what existed before. Raises Failure."""
    specs = [manifest.parsed(manifest.read(path), options.region or "us-east-1", path) for path in options.existing]
    names = {f"{key}": name for spec in specs for key, name in spec.existing.names.items()}
    return names_with(names)


def _policy(options: argparse.Namespace) -> Mapping[str, Any]:
    parts = policy(_scope(options), _names(options))
    if options.part is None:
        return parts
    if options.part not in parts:
        raise Failure(Exit.USAGE, f"there is no part {options.part!r}: the parts are {', '.join(parts)}")
    return parts[options.part]


def _boundary(options: argparse.Namespace) -> Document:
    found = boundary(_scope(options), _names(options), options.secret, options.repository)
    if size(found) > LIMIT:
        raise Failure(
            Exit.USAGE,
            f"the boundary is longer than the {LIMIT} characters that AWS takes: name fewer --secret and "
            "--repository by patterns",
        )
    return found


def _trust(options: argparse.Namespace) -> Mapping[str, Any]:
    found = trust(options.operator_role, options.cluster, options.namespace)
    if size(found) > MOST_TRUST:
        raise Failure(
            Exit.USAGE,
            f"the trust policy is longer than the {MOST_TRUST} characters that AWS takes at most: "
            "create another role for some of the namespaces",
        )
    if size(found) > TRUST_LIMIT:
        sys.stderr.write(
            f"note: longer than {TRUST_LIMIT} characters: ask AWS for the quota 'Role trust policy length'\n"
        )
    return found


def _print(document: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
