"""Writes docs/aws-rules.md from the tests: `python -m tests.local.aws.rules_document > docs/aws-rules.md`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from missyou_local.aws import limits
from tests.local.aws.rules_support import Rule
from tests.local.aws.test_rules_limits import GENERAL, SOURCES

HEAD = """# Rules of AWS in the test AWS

Each line is a refusal that a test shows with plain boto3, together with the nearest call that is accepted. Source: an
operation of the service's API reference ("API CreateVpc"), a page of a user guide, or a section of the project's notes
on AWS ("aws-behaviour 2.2"). Where AWS's rule is not known for sure, the stricter reading applies, and says so.

Written by `python -m tests.local.aws.rules_document`; `tests/local/aws/test_rules_document.py` keeps it up to
date.
"""
LIMITS = """
## Quotas

None is in force at first, as in an account whose quotas were raised: `missyou_local.aws.limits.enforce()` puts AWS's
defaults in force, `enforced(vpcs=3)` others for a while. Test: `test_rules_limits.py`.

| Quota | Default | Refused | Code | Source |
|---|---|---|---|---|
"""
RATES = """
## Rates

Each API, or group of APIs, takes requests of an account and region (of an account, for Route 53) from a token bucket,
and answers the service's throttling error when it is empty. None is in force at first; `{"rates": true}` at the control
endpoint puts all in force, on the clock. The numbers and their sources: `local/missyou_local/aws/rates.py`. Test:
`test_rates.py`.
"""


def rules() -> Iterator[tuple[str, Rule]]:
    """Give the name of each test module of rules, with its rules."""
    here = Path(__file__).parent
    for path in sorted(here.rglob("test_rules_*.py"), key=lambda path: path.name):
        module = importlib.import_module(".".join(("tests.local.aws", *path.relative_to(here).with_suffix("").parts)))
        for rule in getattr(module, "RULES", []):
            yield path.name, rule


def document() -> str:
    by_service: dict[str, list[str]] = {}
    for test, rule in rules():
        service, _, operation = rule.operation.partition(":")
        says = rule.says.replace("|", "\\|")
        code = rule.code if rule.status == 400 else f"{rule.code} ({rule.status})"
        row = f"| {operation} | {says} | {code} | {rule.source} | {test} |\n"
        by_service.setdefault(service, []).append(row)
    parts = [HEAD]
    for service in sorted(by_service):
        parts.append(
            f"\n## {service}\n\n| Refused | when | Code (HTTP status) | Source | Test |\n|---|---|---|---|---|\n"
        )
        parts += sorted(by_service[service], key=lambda row: row.split("|")[1])
    parts += [RATES, LIMITS]
    for name, limit in limits.LIMITS.items():
        operations = ", ".join(operation.partition(":")[2] for operation in limit.operations)
        source = SOURCES.get(limit.operations[0].partition(":")[0], GENERAL)
        parts.append(f"| {name.replace('_', ' ')} | {limit.default} | {operations} | {limit.code} | {source} |\n")
    return "".join(parts)


if __name__ == "__main__":
    print(document(), end="")
