"""Whose password an instance has: a tag says so, which outlives the operator, the status and the cluster.

The call that restores an instance sets the tag to nobody's, since such an instance has the password of what it was
restored from. The secret follows once its password is set. The same happens where `db_credentials` was deleted for good
and made anew. A rotation gives the password a name: see `aws.secretsmanager.values`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from missyou_operator.engine.resource import Observed

#: On an instance: the secret whose password it has, by the six characters that end its ARN and that are never repeated.
#: After a rotation, or with a request for one, further parts follow: see `PasswordRecord`.
PASSWORD_TAG = "missyou.app/password-of-secret"  # noqa: S105 - the name of a tag
#: Its value while an instance has the password of what it was restored from.
NOBODYS = "none"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class PasswordRecord:
    """What `PASSWORD_TAG` says.

    `secret`: the end of its ARN. `rotation`: the name of the rotation that gave the password, "" for the first one.
    `handled`: the request that was last carried out, as `digest` gives it. `at`: when the password was set, in UTC; ""
    for that of the creation.
    """

    secret: str = ""
    rotation: str = ""
    handled: str = ""
    at: str = ""

    @classmethod
    def of(cls, observed: Observed) -> PasswordRecord:
        """Read the tag of an instance."""
        return cls(*[*observed.tags.get(PASSWORD_TAG, "").split("+"), "", "", ""][:4])

    def __str__(self) -> str:
        """Return the tag's value."""
        return "+".join((self.secret, self.rotation, self.handled, self.at)).rstrip("+")

    @property
    def rotated_at(self) -> datetime | None:
        """When the password was last changed, None for that of the creation."""
        return datetime.strptime(f"{self.at}+0000", f"{_TIME}%z") if self.at else None


def secret_suffix(secret: object) -> str:
    """Return what a record names a secret by, from its ARN."""
    return str(secret)[-6:]


def recorded(secret: object, rotation: str, handled: str, at: datetime | None = None) -> str:
    """Return the value of `PASSWORD_TAG` for the password of a secret, set at a time or, without one, at the creation.

    `rotation` and `handled` are as in `PasswordRecord`.
    """
    return str(PasswordRecord(secret_suffix(secret), rotation, handled, at.strftime(_TIME) if at else ""))


def password_due(observed: Observed, secret: object, rotation: str) -> bool:
    """Return whether an instance has another password than the desired one. While the secret is unknown, it has not."""
    record = PasswordRecord.of(observed)
    return isinstance(secret, str) and (record.secret, record.rotation) != (secret_suffix(secret), rotation)


def digest(request: str) -> str:
    """Return what stands for the value of an annotation in a tag, which takes few characters; "" for none."""
    return hashlib.sha256(request.encode()).hexdigest()[:_DIGITS] if request else ""


def next_rotation(observed: Observed) -> str:
    """Return the name of the rotation that comes after the present password.

    It follows from the instance and its record, so that a rotation that was interrupted goes on with the same password,
    whatever was asked for meanwhile; and no other instance ever has one of that name.
    """
    previous = PasswordRecord.of(observed)
    return digest(f"{observed.attrs['resource_id']}+{previous.secret}+{previous.rotation}")
