"""Whether RDS offers the database that the spec wants, in the zones of the stack."""

from __future__ import annotations

from collections.abc import Iterator

from missyou_operator.aws.account import Facts
from missyou_operator.aws.ec2.vpc import Subnet
from missyou_operator.aws.rds.versions import choose
from missyou_operator.engine.errors import RefusedError
from missyou_operator.preflight.finding import Finding
from missyou_operator.preflight.subject import Subject


def orderable(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield what RDS does not offer of version, class, zones, Multi-AZ and Performance Insights."""
    for versions in facts.versions:
        if versions.creatable and not versions.chosen:
            try:
                choose(subject.app.database.engine_version, versions.creatable)
            except RefusedError as error:
                problem, _, remedy = error.health.message.partition(". ")
                yield Finding(problem, remedy or "Choose another version")
        yield from _offered(subject, facts, versions.chosen)


def _offered(subject: Subject, facts: Facts, version: str) -> Iterator[Finding]:
    spec = subject.app.database
    what = f"{spec.instance_class} with {f'PostgreSQL {version}' if version else 'any version of PostgreSQL'}"
    if not facts.offers:
        yield Finding(
            f"spec.database.instanceClass: RDS does not offer {what} in {subject.region}",
            "Choose another class: aws rds describe-orderable-db-instance-options --engine postgres "
            f"--region {subject.region} --query 'OrderableDBInstanceOptions[].DBInstanceClass'",
        )
        return
    offered = {zone for offer in facts.offers for zone in offer.zones}
    zones = sorted({each.zone for each in subject.graph.edges.order if isinstance(each, Subnet)})
    lacking = [zone for zone in zones if zone not in offered]
    # A database of one zone goes where RDS offers it; a standby needs the other zone, too.
    if lacking and (spec.multi_az or len(lacking) == len(zones)):
        yield Finding(
            f"spec.database.instanceClass: RDS does not offer {what} in {', '.join(lacking)}, but in "
            f"{', '.join(sorted(offered)) or 'no zone'}",
            "Choose another class or, as long as nothing exists, another spec.network.availabilityZones",
        )
    if spec.multi_az and not any(offer.multi_az for offer in facts.offers):
        yield Finding(
            f"spec.database.multiAZ: RDS offers no standby for {what}",
            "Choose another spec.database.instanceClass, or set spec.database.multiAZ to false",
        )
    if spec.performance_insights and not any(offer.insights for offer in facts.offers):
        yield Finding(
            f"spec.database.performanceInsights: RDS has none for {what}, so the database goes without",
            "Choose another spec.database.instanceClass, or set the field to false",
            blocks=False,
        )
