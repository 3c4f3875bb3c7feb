"""The AWS permissions of the resource classes, which declare them as `PERMISSIONS`.

AWS's Service Authorization Reference lists, on one page per service ("Actions, resources, and condition keys for …"),
the resources and conditions that each action can be narrowed to. A class that deviates from it names its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from missyou_operator.aws.identity import CLUSTER_TAG, STACK_TAG, Names


class Part(StrEnum):
    """The purpose of a permission, and hence its policy document.

    `OBSERVE` only reads, `MAKE` creates resources with our tags from the start, `CHANGE` touches only resources with
    them. `ASSUME` lets the operator take other roles; `DENY` keeps the permissions boundary where it is.
    """

    OBSERVE = "observe"
    MAKE = "make"
    CHANGE = "change"
    ASSUME = "assume"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a request. `values` may contain placeholders, like resources; those of `Arn…` are resources."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions that are allowed on resources if all `when` conditions hold.

    A resource is `<service>:<the last part of its ARN>`, such as `ecs:cluster/{ecs.Cluster}`, or `*`. Placeholders: a
    resource type (each of the stack's names for it), `{stack}` (the prefix of names), `{region}` and `{account}` (as
    parts of names), `{cluster}` (the value of our tag), `{zone}` and `{snapshot}` (what belongs to others and is given
    by name: the grant stands for each, and is left out where none is given).
    `implied` gives the reason, with its source, for actions that AWS checks although no request names them.
    """

    part: Part
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    when: tuple[Condition, ...] = ()
    implied: str = ""


#: The roles of a stack's tasks, as resources of `iam:` actions.
ROLES = ("iam:role/{iam.Role}",)
_TYPE = re.compile(r"\{(\w+\.\w+)\}")

#: The request gives the new resource our tags.
TAGGED_BY_REQUEST = Condition("StringLike", f"aws:RequestTag/{CLUSTER_TAG}", ("{cluster}",))
#: The resource already has our tags.
OURS = Condition("StringLike", f"aws:ResourceTag/{CLUSTER_TAG}", ("{cluster}",))
#: The same two of a stack of the namespace that the session of a tenant's role is tagged with: only a policy for such a
#: role has these. Source: IAM User Guide, "IAM tutorial: Define permissions to access AWS resources based on tags".
TENANTS_REQUEST = Condition("StringLike", f"aws:RequestTag/{STACK_TAG}", ("{tenant}",))
TENANTS = Condition("StringLike", f"aws:ResourceTag/{STACK_TAG}", ("{tenant}",))
#: The role has, or is to get, the permissions boundary. Only a policy that is printed with one has this condition.
#: Source: IAM User Guide, "Permissions boundaries for IAM entities", "Delegating responsibility to others using
#: permissions boundaries".
BOUNDED = Condition("StringEquals", "iam:PermissionsBoundary", ("{boundary}",))
#: Allowed only where there is a boundary to set.
SET_BOUNDARY = "iam:PutRolePermissionsBoundary"
#: The tag of the tasks' roles with the name of their stack (`spec.stackName`), by which the boundary tells what is the
#: stack's own. Its key is of letters and dashes, since it stands in a policy variable.
ROLE_TAG = "missyou-stack"
#: The request gives a role that tag.
NAMED_AFTER_STACK = Condition("StringLike", f"aws:RequestTag/{ROLE_TAG}", ("{stack}",))


def with_names(grant: Grant, patterns: Names) -> Grant:
    """Replace resource types by the stack's names. A type with several names yields a value for each."""
    when = tuple(replace(condition, values=_named(condition.values, patterns)) for condition in grant.when)
    return replace(grant, resources=_named(grant.resources, patterns), when=when)


def _named(texts: Iterable[str], patterns: Names) -> tuple[str, ...]:
    return tuple(name for text in texts for name in _combinations(text, patterns))


def _combinations(text: str, patterns: Names) -> Iterable[str]:
    if (type_ := _TYPE.search(text)) is None:
        return (text,)
    return _named((text.replace(type_[0], name) for name in patterns[type_[1]]), patterns)


def observe(*actions: str, on: tuple[str, ...] = ("*",)) -> Grant:
    """Allow reading, regardless of tags: only a read shows who owns a resource."""
    return Grant(Part.OBSERVE, actions, on)


def make(*actions: str, on: tuple[str, ...], also: tuple[Condition, ...] = ()) -> Grant:
    """Allow creating, and tagging in the same call, if the request carries our tags."""
    return Grant(Part.MAKE, actions, on, (TAGGED_BY_REQUEST, *also))


def change(*actions: str, on: tuple[str, ...], also: tuple[Condition, ...] = ()) -> Grant:
    """Allow changing and deleting a resource, and creating inside it, if it has our tags."""
    return Grant(Part.CHANGE, actions, on, (OURS, *also))


def tag_new(action: str, *creating: str, on: tuple[str, ...]) -> Grant:
    """Allow a tagging action, but only as part of creating calls: it cannot tag an existing resource.

    For services that distinguish the two by their condition key `CreateAction`: EC2, ECS, Elastic Load Balancing.
    """
    service = action.partition(":")[0]
    return Grant(Part.MAKE, (action,), on, (Condition("StringEquals", f"{service}:CreateAction", creating),))


def linked_role(service: str, source: str) -> Grant:
    """Allow AWS to create a service's service-linked role in the caller's name, at its first use in an account."""
    return Grant(
        Part.MAKE,
        ("iam:CreateServiceLinkedRole",),
        ("iam:role/aws-service-role/*",),
        (Condition("StringEquals", "iam:AWSServiceName", (service,)),),
        implied=f"AWS creates its role for {service} when an account first needs it: {source}",
    )
