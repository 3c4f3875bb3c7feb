"""IAM's delay: a new role, or a change of its rights, is unknown to other services for `Timing.iam` seconds.

Source: IAM guide, "Troubleshooting IAM": changes that you make are not always immediately visible.
"""

from __future__ import annotations

from datetime import UTC, datetime

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result, handles

_created: dict[tuple[str, str], float] = {}
"""Account and name of a role -> when it was made, in seconds since the epoch."""
_changed: dict[tuple[str, str], float] = {}
"""The same for the last change of its rights."""
backends.on_reset(_created.clear)
backends.on_reset(_changed.clear)


@handles("iam:CreateRole")
def create_role(call: Call) -> Result:
    """Record when a role was created, on the clock of the test AWS."""
    name = call.params["RoleName"]
    result = call.forward()
    _created[call.account, name] = _changed[call.account, name] = call.now
    made = datetime.fromtimestamp(call.now, UTC)
    role = next(role for role in backends.backend("iam", call.account, "global").get_roles() if role.name == name)
    role.create_date = made.replace(tzinfo=None)
    return {"Role": {**result["Role"], "CreateDate": made}}


@handles("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy")
def change_role(call: Call) -> Result:
    """Record when a role's rights changed."""
    result = call.forward()
    _changed[call.account, call.params["RoleName"]] = call.now
    return result


def is_known(call: Call, arn: str) -> bool:
    """Return whether other services already know a role."""
    return call.now >= _created.get(_key(arn), 0.0) + call.timing.iam


def has_its_rights(call: Call, arn: str) -> bool:
    """Return whether the last change of a role's rights has arrived everywhere."""
    return call.now >= _changed.get(_key(arn), 0.0) + call.timing.iam


def _key(arn: str) -> tuple[str, str]:
    return arn.split(":")[4], arn.rpartition("/")[2]
