"""One answer of AWS, accounted for member by member."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.session import get_session


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a call answers about a type of resource.

    `path` leads to the members in the output (`Vpcs[]`); with `keys` (`LoadBalancerAttribute.Key`) the members are the
    keys that the documentation of that member of a shape lists, as for attributes that AWS gives as a list.
    A member may be nested (`Matcher.HttpCode`); one that is named as a whole speaks for all inside it.

    `compared` maps fields of the class to members; `read` are members that identify the resource, decide on its health
    or are referred to. `aws` and `others` map a reason to members that are AWS's own, or are left to others.
    """

    type: str
    service: str
    operation: str
    path: str = ""
    keys: str = ""
    compared: Mapping[str, str] = field(default_factory=dict)
    read: str = ""
    aws: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Give each member, its verdict and the reason."""
        for name, members in self.compared.items():
            yield from ((member, "compared", name) for member in members.split())
        yield from ((member, "read", "identity, health, or what others refer to") for member in self.read.split())
        for verdict, reasons in (("AWS's own", self.aws), ("not ours", self.others)):
            for reason, members in reasons.items():
                yield from ((member, verdict, reason) for member in members.split())

    def members(self) -> frozenset[str]:
        """Return the members of the answer as botocore knows them, as deep as the account goes."""
        if self.keys:
            return _documented(self.service, self.keys)
        shape = _shape(self.service, self.operation, self.path)
        named = {member for member, _, _ in self.rows()}
        return frozenset(_leaves(shape, "", named))


def _leaves(shape: Any, prefix: str, named: frozenset[str] | set[str]) -> Iterator[str]:
    for name, member in shape.members.items():
        path = f"{prefix}{name}"
        inner = member.member if member.type_name == "list" else member
        if any(each.startswith(f"{path}.") for each in named) and inner.type_name == "structure":
            yield from _leaves(inner, f"{path}.", named)
        else:
            yield path


@functools.cache
def _model(service: str) -> Any:
    return get_session().get_service_model(service)


def _shape(service: str, operation: str, path: str) -> Any:
    shape = _model(service).operation_model(operation).output_shape
    for part in filter(None, path.split(".")):
        shape = shape.members[part.removesuffix("[]")]
        shape = shape.member if part.endswith("[]") else shape
    return shape


def _documented(service: str, keys: str) -> frozenset[str]:
    """Return the keys that a documentation lists: each begins an item of a list."""
    shape, _, member = keys.partition(".")
    text = _model(service).shape_for(shape).members[member].documentation
    return frozenset(re.findall(r"<li>\s*<p>\s*<code>([\w.]+)</code>\s*[-\u2013\u2014]", text))
