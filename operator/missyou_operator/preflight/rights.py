"""What the operator's identity may not do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from missyou_operator.aws.account import Facts
from missyou_operator.aws.account.facts import Decision
from missyou_operator.preflight.finding import Finding

#: Actions that a message lists before it counts the rest.
_MOST = 12


def denied(facts: Facts) -> Iterator[Finding]:
    """Yield what IAM's simulator denies, and service-linked roles that are missing and cannot be made."""
    forbidden = [each for each in facts.decisions if not each.allowed and each.forbidden]
    missing = [each for each in facts.decisions if not each.allowed and not each.forbidden]
    if missing:
        yield Finding(
            f"{facts.principal} may not do what this stack takes: {_listed(missing)}",
            "Attach the policies that missyou iam-policy prints",
        )
    if forbidden:
        yield Finding(
            f"{facts.principal} is denied explicitly, by a policy of its own or of the organization: "
            f"{_listed(forbidden)}",
            "Remove the statement that denies it; in AWS Organizations, ask the administrators",
        )
    for role in sorted(facts.linked_roles, key=lambda each: each.service):
        if not role.creatable:
            yield Finding(
                f"the account has no service-linked role for {role.service}, and {facts.principal} may not have AWS "
                "create it",
                f"Create it once: aws iam create-service-linked-role --aws-service-name {role.service}",
            )


def _listed(decisions: Sequence[Decision]) -> str:
    actions = sorted({each.action for each in decisions}, key=lambda action: (":Create" not in action, action))
    more = f" and {len(actions) - _MOST} more" if len(actions) > _MOST else ""
    return f"{', '.join(actions[:_MOST])}{more}"
