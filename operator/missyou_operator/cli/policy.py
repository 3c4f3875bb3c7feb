"""`missyou iam-policy`: the policy of the operator's role in AWS, whole or narrowed."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from missyou_operator.aws.iam_policy import Document, Scope, declared, documents
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.stack.naming import NAMES

if TYPE_CHECKING:
    from argparse import _SubParsersAction

#: Option, what it narrows, an example. A letter that no name has would make a policy that allows nothing.
_NARROWING = {
    "region": ("[a-z0-9*?-]+", "to one region", "eu-central-1"),
    "account": ("[0-9*?]+", "to one account", "123456789012"),
    "partition": ("aws|aws-cn|aws-us-gov", "AWS's partition (default: %(default)s)", "aws-us-gov"),
    "stack": ("[a-z0-9*?-]+", "to stacks so called, by spec.stackName; may be a pattern", "'team-*'"),
    "cluster": ("[A-Za-z0-9*?-]+", "to one Kubernetes cluster: the UID of its kube-system namespace", "5c0e…"),
}
_ABOUT = """\
Print the IAM policy that the operator's role needs, made from what its code declares. AWS limits a policy's size, so
it is several documents, printed as one JSON object by their names. `--part NAME` prints one, ready for
`aws iam create-policy --policy-document`; `--part look` only reads. Attach all of them to the role.
"""


def add_to(commands: _SubParsersAction[Any]) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser(
        "iam-policy",
        help="print the IAM policy that the operator's role needs in AWS",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, (_, text, example) in _NARROWING.items():
        parser.add_argument(f"--{name}", default=getattr(Scope(), name), help=f"{text}, such as {example}")
    parser.add_argument("--part", metavar="NAME", help="print only one document: look, make, make-2, change, …")
    parser.set_defaults(run=_run)


def policy(scope: Scope) -> dict[str, Document]:
    """Return the documents of the policy, by name."""
    return documents(scope, declared(NAMES))


def text(scope: Scope) -> str:
    """Return all documents as one JSON text, as `docs/iam-policy.json` holds them."""
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
