"""The account as a page of docs/."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tools.compared import ec2, ecs, elbv2, rds, rest
from tools.compared.account import Answer

PAGE = Path(__file__).parents[2] / "docs" / "compared-fields.md"
ANSWERS: tuple[Answer, ...] = (*ec2.ANSWERS, *rds.ANSWERS, *ecs.ANSWERS, *elbv2.ANSWERS, *rest.ANSWERS)
#: Types that no call of their own describes, and what they are read from.
DERIVED = {
    "elbv2.Redirect": "`elbv2.Listener`: its default action",
    "elbv2.AccessLogs": "`elbv2.LoadBalancer`: its attributes `access_logs.s3.*`",
    "rds.BackupCopy": "`rds.DBInstance`: `DBInstanceAutomatedBackupsReplications`, and a tag",
    "route53.HostedZone": "somebody else's: nothing of it is compared",
    "route53.Claim": "`ResourceRecordSets`, as `route53.Alias`: a TXT record, whose value shows whose the domain is",
    "route53.Validation": "`ResourceRecordSets`, as `route53.Alias`; a TXT record beside it shows who made it",
    "secretsmanager.SecretVersion": "`secretsmanager.Secret`: its versions' ids",
    "secretsmanager.StagedPassword": "`secretsmanager.Secret`: the version with the label AWSPENDING",
    "sns.GivenTopic": "somebody else's: only its key is read, for its health",
}
_HEAD = """# What is compared

Written by `make compared-fields`; a test fails if it is not current, or if botocore's models know another member.

For each resource type, every member of what AWS answers about it: *compared* with a field of the class (what somebody
else changes is put right and told in `status.drift`), *read* to identify the resource and judge its health, *AWS's
own*, or *not ours*, which the operator leaves as it finds it.

AWS and its paid features add things to the resources of a stack. These stay: rules of Shield Advanced in the web ACL
(`ShieldMitigationRuleGroup_…`), rule groups of Firewall Manager, alarms of target tracking (`TargetTracking-…`), tags
that begin with `aws:` or that others set, recovery points of AWS Backup, interfaces and addresses of AWS's services.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_lines()])


def _lines() -> Iterator[str]:
    for type_, answers in groupby(ANSWERS, key=lambda answer: answer.type):
        yield f"## {type_}\n"
        yield "| member | | |\n|---|---|---|"
        for answer in answers:
            where = f"{answer.operation}{f', `{answer.path}`' if answer.path else ''}"
            yield f"| **{where}** | | |"
            for member, verdict, reason in answer.rows():
                yield f"| `{member}` | {verdict} | {f'`{reason}`' if verdict == 'compared' else reason} |"
        yield ""
    yield "## The others\n"
    yield "| type | read from |\n|---|---|"
    for type_, source in DERIVED.items():
        yield f"| {type_} | {source} |"
    yield ""
