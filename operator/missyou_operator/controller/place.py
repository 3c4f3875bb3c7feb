"""Where a stack lives: decided once, and recorded in the status and in an annotation, since either may be lost.

Without the record, another role or another region of the operator would mean another, empty stack there, and the first
one would be forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.api.annotations import PLACE, annotation
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.assumed import Identity
from missyou_operator.aws.errors import classify
from missyou_operator.aws.session import Account, Accounts
from missyou_operator.engine.errors import RefusedError

#: Returns whether the stack of an app has anything in a place, which the account leads to.
Occupied = Callable[[Account], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """An account and a region, and the role by which the operator gets there ("": by its own identity)."""

    account: str
    region: str
    role: str = ""
    external_id: str = ""

    def __str__(self) -> str:
        return f"account {self.account}, region {self.region}"

    def same(self, other: Place) -> bool:
        """Return whether both are the same account and region; how one gets there does not matter."""
        return (self.account, self.region) == (other.account, other.region)

    def text(self) -> str:
        """Return the annotation's value."""
        fields = {"account": self.account, "region": self.region, "roleARN": self.role, "externalID": self.external_id}
        return json.dumps({key: value for key, value in fields.items() if value})


def recorded(body: Mapping[str, Any]) -> Place | None:
    """Return where the stack lives, None before that is decided.

    The status counts first: an annotation is copied along with a manifest.
    """
    noted, known = _annotated(body), in_status(body)
    return noted if known is None or (noted is not None and noted.same(known)) else known


def in_status(body: Mapping[str, Any]) -> Place | None:
    """Return where the stack lives as the status has it, None where it does not."""
    status = body.get("status") or {}
    account, region = status.get("account"), status.get("region")
    return Place(account, region) if account and region else None


def meant(body: Mapping[str, Any], accounts: Accounts, region: str, identity: Identity) -> tuple[Place, Account]:
    """Return the place that an identity means, in the spec's region or else the operator's, and the way there."""
    region = (body.get("spec") or {}).get("region") or region
    account = accounts.get(region, identity)
    return Place(account.identity()[0], region, identity.role, identity.external_id), account


def check(
    body: Mapping[str, Any], accounts: Accounts, region: str, ways: Sequence[Identity], occupied: Occupied
) -> bool:
    """Return whether the stack moves to another place, which it may while it has nothing where it lives.

    `ways`: the identities that may be used, the one that is meant first. Error: RefusedError if the stack has
    something, or if nobody can tell.
    """
    known = recorded(body)
    if known is None:
        return False
    wanted, _ = meant(body, accounts, region, ways[0])
    if wanted.same(known):
        return False
    if not any(row.get("id") for row in (body.get("status") or {}).get("resources", ())):
        account = _way_to(known, accounts, ways)
        if account is not None and not occupied(account):
            return True
    raise RefusedError(
        Reason.PLACE_CHANGED,
        f"this stack lives in {known}; now {wanted} is meant. Nothing is created there, nothing is changed here. "
        f"{_remedy(body, known, wanted)}. To move it, create another MissYouApp there, and delete this one",
    )


def account_of(body: Mapping[str, Any], accounts: Accounts, region: str, ways: Sequence[Identity]) -> Account:
    """Return the account to delete a stack in: that of its place, by whichever of the identities leads there.

    Errors: RefusedError if none does; AWS's own refusal if it lets none of them in, since then nobody can tell.
    """
    known = recorded(body)
    if known is None:
        return meant(body, accounts, region, ways[0])[1]
    refusals: list[Exception] = []
    account = _way_to(known, accounts, ways, refusals)
    if account is not None:
        return account
    if len(refusals) == len(dict.fromkeys(ways)):
        raise refusals[0]
    why = f" ({classify(refusals[0]).message.rstrip('. ')})" if refusals else ""
    raise RefusedError(
        Reason.PLACE_CHANGED,
        f"this stack lives in {known}, where {_nowhere(ways)}{why}. It is not deleted. {_remedy(body, known, None)}",
    )


def _nowhere(ways: Sequence[Identity]) -> str:
    if len(ways) > 1:
        return "neither spec.credentials nor the operator's own identity leads"
    return f"the role {ways[0].role} of its MissYouTenant does not lead" if ways[0].role else "its tenant does not lead"


def _way_to(
    known: Place, accounts: Accounts, ways: Sequence[Identity], refusals: list[Exception] | None = None
) -> Account | None:
    """Return the account of a place, by the first of the identities that leads there; collect AWS's `refusals`."""
    for identity in dict.fromkeys(ways):
        account = accounts.get(known.region, identity)
        try:
            number, _ = account.identity()
        except Exception as refusal:  # a role that is gone or refused leads nowhere
            if refusals is not None:
                refusals.append(refusal)
            continue
        if number == known.account:
            return account
    return None


def _remedy(body: Mapping[str, Any], known: Place, wanted: Place | None) -> str:
    """Return what takes the change back."""
    role, _ = credentials(body)
    return "; ".join(_ways(body, known, wanted, role))


def _ways(body: Mapping[str, Any], known: Place, wanted: Place | None, role: str) -> Iterator[str]:
    if wanted is not None and wanted.region != known.region:
        if (body.get("spec") or {}).get("region"):
            yield f"Set spec.region to {known.region}"
        else:
            yield f"Start the operator with AWS_REGION={known.region}"
    if wanted is None or wanted.account != known.account:
        if known.role:
            yield f"Set spec.credentials.roleARN to {known.role}"
        elif role:
            yield f"Remove spec.credentials.roleARN, or set it to a role of account {known.account}"
        else:
            yield (
                f"Give the operator credentials of account {known.account}, or set spec.credentials.roleARN to a role "
                "of that account"
            )
    if in_status(body) is None:
        yield f"or, if this app is a copy of one that lives there, remove its annotation {PLACE}"


def credentials(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return role and external ID as the spec names them, "" for none."""
    given = (body.get("spec") or {}).get("credentials") or {}
    return given.get("roleARN", ""), given.get("externalID", "")


def _annotated(body: Mapping[str, Any]) -> Place | None:
    """Read the annotation; one that nobody can read counts as none."""
    try:
        fields = json.loads(annotation(body, PLACE))
        return Place(
            str(fields["account"]),
            str(fields["region"]),
            str(fields.get("roleARN", "")),
            str(fields.get("externalID", "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
