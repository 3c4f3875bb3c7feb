"""Names that others have."""

from __future__ import annotations

from collections.abc import Iterator

from missyou_operator.aws.account import Facts
from missyou_operator.engine.plan import ObservedState
from missyou_operator.preflight.finding import Finding
from missyou_operator.preflight.subject import Subject

#: Names that a finding lists before it counts the rest.
_MOST = 8


def taken(subject: Subject, world: ObservedState) -> Iterator[Finding]:
    """Yield a finding for each owner of names that the stack needs: a namesake's whole stack is one.

    `world`: what there is of those names, read as for a stack that exists.
    """
    by_owner: dict[tuple[str, str], list[str]] = {}
    for resource in subject.graph.edges.order:
        found = world.get(resource.address, ())
        if found and not found[0].owned and not resource.EXTERNAL:
            key = (found[0].owner, found[0].remedy or resource.IF_TAKEN)
            by_owner.setdefault(key, []).append(f"{resource.address} ({found[0].id})")
    for (owner, remedy), names in by_owner.items():
        listed = ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
        yield Finding(
            f"already in use by {owner or 'something without the tags of a stack'}: {listed}",
            remedy,
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
