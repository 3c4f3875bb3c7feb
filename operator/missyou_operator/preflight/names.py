"""Names that others have."""

from __future__ import annotations

from collections.abc import Iterator

from missyou_operator.aws.account import Facts
from missyou_operator.engine.plan import ObservedState
from missyou_operator.preflight.finding import Finding
from missyou_operator.preflight.subject import Subject


def taken(subject: Subject, world: ObservedState) -> Iterator[Finding]:
    """Yield a finding for each name that the stack needs and that something of others bears.

    `world`: what there is of those names, read as for a stack that exists.
    """
    for resource in subject.graph.edges.order:
        found = world.get(resource.address, ())
        if not found or found[0].owned or resource.EXTERNAL:
            continue
        owner = found[0].owner or "nobody known: it lacks the tags of a stack"
        yield Finding(
            f"the name {resource.address} is taken: {found[0].id} belongs to {owner}",
            found[0].remedy or resource.IF_TAKEN,
        )


def doomed(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each secret of others that is scheduled for deletion and keeps its name until then."""
    for secret in sorted(facts.doomed, key=lambda each: each.name):
        command = "aws secretsmanager delete-secret --force-delete-without-recovery"
        yield Finding(
            f"the name of the secret {secret.name} is taken until {secret.until}: somebody else's is scheduled for "
            "deletion",
            f"Delete it at once, if nobody needs it: {command} --region {subject.region} --secret-id {secret.name}; or "
            "create this app with another spec.stackName",
        )
