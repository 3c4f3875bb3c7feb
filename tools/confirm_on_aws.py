"""Ask a real AWS account what docs/to-confirm-on-aws.md could not look up.

    python -m tools.confirm_on_aws                       # reads only
    python -m tools.confirm_on_aws --make [ENTRY …]      # also experiments that create things, and delete them again
    python -m tools.confirm_on_aws --clean-up            # delete what an interrupted run has left

Credentials and region are boto3's: AWS_PROFILE, AWS_REGION. Use an account in which nothing else runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.confirm_cleanup import TAG, Clients, clean_up, leftovers
from tools.confirm_entries import ENTRIES, Entry, Experiment

_HEAD = """# To confirm on AWS

What the operator assumes of AWS and no source states for sure. Written by `python -m tools.confirm_on_aws --document`.

    python -m tools.confirm_on_aws                       # reads only
    python -m tools.confirm_on_aws --make [ENTRY …]      # also experiments that create things, and delete them again
    python -m tools.confirm_on_aws --clean-up            # delete what an interrupted run has left

Each experiment states its cost and asks before it begins. What it makes bears the tag `missyou.app/confirm`, by which
`--clean-up` finds it. If AWS's answer differs from the rule: teach the test AWS, then mend the place that relies on it.

| entry | rule | relied on | the test AWS | experiment |
|---|---|---|---|---|
"""


def document() -> str:
    """Return docs/to-confirm-on-aws.md."""
    return _HEAD + "".join(
        f"| {name} | {entry.rule} | {entry.relied_on} | {entry.test_aws} | {entry.how} ({_mode(entry)}) |\n"
        for name, entry in ENTRIES.items()
    )


def _mode(entry: Entry) -> str:
    if entry.make:
        return f"`--make`, ${entry.usd:.2f} at most" if entry.usd else "`--make`, free of charge"
    return "reads only" if entry.look else "not automated"


def run(  # noqa: PLR0913 - what a test puts in the place of people and time
    aws: Clients,
    names: Sequence[str],
    *,
    make: bool,
    agree: Callable[[str], bool],
    wait: Callable[[float], object] = time.sleep,
    say: Callable[[str], object] = print,
) -> int:
    """Run the looks, and with `make` the experiments that are agreed to. Return how many leftovers there are."""
    for name in names:
        entry = ENTRIES[name]
        if entry.look:
            say(f"{name}: {_result(entry.look, aws)}")
        if make and entry.make and agree(f"{name}: {entry.how}. Costs ${entry.usd:.2f} at most. Go on?"):
            if found := leftovers(aws):
                say(f"an earlier run has left {found}: --clean-up first")
                return len(found)
            try:
                say(f"{name}: {_result(entry.make, aws)}")
            finally:
                remaining = clean_up(aws, wait, say)
            if remaining:
                say(f"not deleted: {remaining}. Repeat --clean-up, or look for the tag {TAG}")
                return len(remaining)
    return 0


def _result(experiment: Experiment, aws: Clients) -> str:
    try:
        return experiment(aws)
    except (ClientError, BotoCoreError) as error:
        return f"not answered: {error}"


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entry", nargs="*", help=f"of {', '.join(ENTRIES)}; default: all")
    parser.add_argument("--make", action="store_true", help="also run experiments that create things")
    parser.add_argument("--yes", action="store_true", help="do not ask before each experiment")
    parser.add_argument("--clean-up", action="store_true", help="delete what is left, and nothing else")
    parser.add_argument("--document", action="store_true", help="print docs/to-confirm-on-aws.md")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.entry if name not in ENTRIES]:
        parser.error(f"no such entry: {', '.join(unknown)}")
    if options.document:
        sys.stdout.write(document())
        return 0
    aws: Clients = cache(boto3.Session().client)
    if options.clean_up:
        return len(clean_up(aws, time.sleep, print))

    def agree(question: str) -> bool:
        return options.yes or input(f"{question} [y/N] ").strip().lower() == "y"

    return run(aws, options.entry or list(ENTRIES), make=options.make, agree=agree)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
