"""`missyou iam-policy`: the policy of the operator's role in AWS, complete or narrowed."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from missyou_operator.aws.iam_policy import Document, Scope, declared, documents
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.stack.naming import NAMES

#: By option: a pattern for its value, its help, an example. A character that no name has would allow nothing.
_NARROWING = {
    "region": ("[a-z0-9*?-]+", "limit to one region", "eu-central-1"),
    "account": ("[0-9*?]+", "limit to one account", "123456789012"),
    "partition": ("aws|aws-cn|aws-us-gov", "AWS partition (default: %(default)s)", "aws-us-gov"),
    "stack": ("[a-z0-9*?-]+", "limit to stacks of this spec.stackName, or of a pattern", "'team-*'"),
    "cluster": ("[A-Za-z0-9*?-]+", "limit to one Kubernetes cluster, by the UID of its kube-system namespace", "5c0e…"),
}
_ABOUT = """\
Print the IAM policy that the operator's role needs, generated from the permissions that its code declares. AWS
limits the size of a policy, so it consists of several documents, printed as one JSON object by name. Attach all of
them to the role. `--part NAME` prints one, ready for `aws iam create-policy --policy-document`; `--part observe` is
the read-only one.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser(
        "iam-policy",
        help="print the IAM policy that the operator's role needs in AWS",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, (_, text, example) in _NARROWING.items():
        parser.add_argument(f"--{name}", default=getattr(Scope(), name), help=f"{text}, such as {example}")
    parser.add_argument("--part", metavar="NAME", help="print one document only: observe, make, make-2, change, …")
    parser.set_defaults(run=_run)


def policy(scope: Scope) -> dict[str, Document]:
    """Return the documents of the policy, by name."""
    return documents(scope, declared(NAMES))


def text(scope: Scope) -> str:
    """Return all documents as one JSON text, the content of `docs/iam-policy.json`."""
    return json.dumps(policy(scope), indent=2) + "\n"


def _run(options: argparse.Namespace) -> None:
    for name, (pattern, _, example) in _NARROWING.items():
        if not re.fullmatch(pattern, getattr(options, name)):
            raise Failure(Exit.USAGE, f"--{name} {getattr(options, name)!r} is not valid: write it like {example}")
    scope = Scope(**{name: getattr(options, name) for name in _NARROWING})
    if options.part is None:
        sys.stdout.write(text(scope))
        return
    parts = policy(scope)
    if options.part not in parts:
        raise Failure(Exit.USAGE, f"there is no part {options.part!r}: the parts are {', '.join(parts)}")
    sys.stdout.write(json.dumps(parts[options.part], indent=2) + "\n")
