"""The most that all stacks of a tenant may cost together. Pure; US dollars a month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from missyou_operator.api.kind import TENANT_KIND


@dataclass(frozen=True, slots=True)
class Claim:
    """What one app claims of the sum.

    `app` is `<namespace>/<name>`, `created` its creationTimestamp. `most`: what its stack may grow to cost, without
    what has no price (`unpriced`). `spends`: what it costs now. `refused`: for another reason it gets nothing new.
    """

    app: str
    created: str
    most: Decimal
    unpriced: tuple[str, ...] = ()
    spends: Decimal = Decimal(0)
    refused: bool = False


def exceeding(claims: Iterable[Claim], tenant: str, limit: int) -> Mapping[str, str]:
    """Return the apps that a limit has no room for, and why. Who came first is served first.

    So no new app ever stops an old one. What an app that is refused spends already counts, and nothing beyond it.
    """
    total, found = Decimal(0), {}
    for claim in sorted(claims, key=lambda each: (each.created, each.app)):
        if claim.refused:
            total += claim.spends
        elif claim.unpriced:
            found[claim.app] = (
                f"{', '.join(claim.unpriced)} has no price, so that nobody can tell whether the stack stays below "
                f"spec.maxMonthlyUSD ({limit}) of {TENANT_KIND}/{tenant}: choose something that has a price "
                f"(missyou prices), or ask whoever administers {TENANT_KIND}/{tenant} to remove the limit"
            )
            total += claim.spends
        elif total + claim.most > limit:
            found[claim.app] = (
                f"the stack may grow to cost {claim.most:.2f} USD a month, and older ones of {TENANT_KIND}/{tenant} "
                f"{total:.2f}: more than its spec.maxMonthlyUSD ({limit}). Lower service.replicas.max or "
                f"database.maxStorageGiB, delete what is not needed, or ask whoever administers "
                f"{TENANT_KIND}/{tenant} to raise spec.maxMonthlyUSD"
            )
            total += claim.spends
        else:
            total += claim.most
    return found
