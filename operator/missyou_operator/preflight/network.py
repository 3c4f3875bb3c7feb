"""Networks whose addresses the new VPC would have, too."""

from __future__ import annotations

from collections.abc import Iterator

from missyou_operator.aws.account import Facts
from missyou_operator.preflight.finding import Finding
from missyou_operator.preflight.subject import Subject


def overlapping(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Warn of VPCs of the same addresses that are connected with others: the new one could not be connected to them.

    VPCs that nothing connects may have the same addresses, and usually do.
    """
    for network in sorted(facts.networks, key=lambda each: each.id):
        if network.linked:
            name = f" ({network.name})" if network.name else ""
            yield Finding(
                f"spec.network.cidr: {subject.app.network.cidr} overlaps {', '.join(network.blocks)} of "
                f"{network.id}{name}, which {network.linked} connects with other networks: this stack's VPC cannot be "
                "connected to those",
                "Choose another block now, if it ever is to be: the field is immutable once the app exists",
                blocks=False,
            )
