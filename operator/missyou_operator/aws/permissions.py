"""What a resource class needs to be allowed in AWS: values that the classes declare as `PERMISSIONS`.

Which action can be narrowed to which resource, and by which condition, is from AWS's Service Authorization Reference,
one page a service ("Actions, resources, and condition keys for …"); where a class knows better, it names its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

from missyou_operator.aws.identity import CLUSTER_TAG, Names


class Part(StrEnum):
    """What a permission is for, and hence the policy document that it goes into.

    `LOOK` only reads, `MAKE` creates what bears our tags from the first moment, `CHANGE` touches only what bears them.
    """

    LOOK = "look"
    MAKE = "make"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a request. `values` may contain placeholders, as resources do; those of `Arn…` are resources."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions that are allowed on resources, all `when` conditions given.

    A resource is `<service>:<the last part of its ARN>`, such as `ecs:cluster/{ecs.Cluster}`, or `*`. Placeholders: a
    resource type (each name that the stack has of it), `{stack}` (the prefix of names), `{region}` and `{account}` (as
    parts of names), `{cluster}` (the value of our tag).
    `implied` is for what AWS checks although no request names it: the reason, and where it is documented.
    """

    part: Part
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    when: tuple[Condition, ...] = ()
    implied: str = ""


#: The roles of a stack's tasks, as `iam:` actions name them.
ROLES = ("iam:role/{iam.Role}",)
_TYPE = re.compile(r"\{(\w+\.\w+)\}")

#: The request gives the new resource our tags.
TAGGED_BY_REQUEST = Condition("StringLike", f"aws:RequestTag/{CLUSTER_TAG}", ("{cluster}",))
#: The resource bears our tags already.
OURS = Condition("StringLike", f"aws:ResourceTag/{CLUSTER_TAG}", ("{cluster}",))


def with_names(grant: Grant, patterns: Names) -> Grant:
    """Put the stack's names in the place of resource types: each of several makes a resource of its own."""

    def named(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for text in texts for name in _combinations(text, patterns))

    when = tuple(replace(condition, values=named(condition.values)) for condition in grant.when)
    return replace(grant, resources=named(grant.resources), when=when)


def _combinations(text: str, patterns: Names) -> Iterator[str]:
    types = list(dict.fromkeys(_TYPE.findall(text)))
    for names in product(*(patterns[type_] for type_ in types)):
        combined = text
        for type_, name in zip(types, names, strict=True):
            combined = combined.replace(f"{{{type_}}}", name)
        yield combined


def observe(*actions: str, on: tuple[str, ...] = ("*",)) -> Grant:
    """Allow reading. Not bound to tags: whose something is can only be told by reading it."""
    return Grant(Part.LOOK, actions, on)


def make(*actions: str, on: tuple[str, ...], also: tuple[Condition, ...] = ()) -> Grant:
    """Allow creating, and tagging in the same call, where the request carries our tags."""
    return Grant(Part.MAKE, actions, on, (TAGGED_BY_REQUEST, *also))


def change(*actions: str, on: tuple[str, ...], also: tuple[Condition, ...] = ()) -> Grant:
    """Allow changing, deleting, and creating inside, where the resource bears our tags."""
    return Grant(Part.CHANGE, actions, on, (OURS, *also))


def tag_new(action: str, *creating: str, on: tuple[str, ...]) -> Grant:
    """Allow an action that tags, but only as part of calls that create: an existing resource cannot be tagged so.

    For the services that tell both apart (EC2, ECS, Elastic Load Balancing), by their condition key `CreateAction`.
    """
    service = action.partition(":")[0]
    return Grant(Part.MAKE, (action,), on, (Condition("StringEquals", f"{service}:CreateAction", creating),))


def linked_role(service: str, source: str) -> Grant:
    """Allow AWS to make its service-linked role of a service, in the caller's name, at first use in an account."""
    return Grant(
        Part.MAKE,
        ("iam:CreateServiceLinkedRole",),
        ("iam:role/aws-service-role/*",),
        (Condition("StringEquals", "iam:AWSServiceName", (service,)),),
        implied=f"AWS makes its role for {service} when an account first needs it: {source}",
    )
