"""All checks together, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from missyou_operator.aws.account import Facts, Wanted
from missyou_operator.aws.account.facts import Unchecked
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.engine.plan import ObservedState
from missyou_operator.preflight import database, names, network, quotas, rights
from missyou_operator.preflight.finding import Finding
from missyou_operator.preflight.subject import Subject


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found, and what could not be checked."""

    findings: Sequence[Finding] = ()
    unchecked: Sequence[Unchecked] = ()

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings for which nothing is created."""
        return tuple(finding for finding in self.findings if finding.blocks)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The other findings."""
        return tuple(finding for finding in self.findings if not finding.blocks)


def wanted(subject: Subject, boundary: str = "") -> Wanted:
    """Return what to read for a subject. `boundary`: the ARN of the permissions boundary of roles, "" for none."""
    new = subject.new
    types = frozenset(resource.TYPE for resource in new)
    instance = next((each for each in new if isinstance(each, DBInstance)), None)
    return Wanted(
        types=types,
        cidr=subject.app.network.cidr if "ec2.Vpc" in types else "",
        # A restored database has the version of its snapshot.
        version=instance.engine_version if instance and not instance.origin else "",
        instance_class=instance.instance_class if instance else "",
        secrets=tuple(resource.name for resource in new if resource.TYPE == "secretsmanager.Secret"),
        boundary=boundary,
    )


def check(subject: Subject, facts: Facts, named: ObservedState) -> Preflight:
    """Return all that is wrong, at once. `named`: what bears the names that the stack needs."""
    findings = (
        *rights.denied(facts),
        *names.taken(subject, named),
        *names.doomed(subject, facts),
        *quotas.exceeded(subject, facts),
        *database.orderable(subject, facts),
        *network.overlapping(subject, facts),
    )
    return Preflight(findings, sorted(facts.unchecked, key=lambda each: each.what))
