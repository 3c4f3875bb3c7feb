"""Names as data: of its types, a stack has what `NAMES` says, and nothing else."""

from __future__ import annotations

from fnmatch import fnmatchcase

from missyou_operator.aws.registry import KINDS
from missyou_operator.stack.naming import NAMES

from .specs import LOOKUPS, SPECS, STACK, graph

#: What is named for another reason than to be read.
NO_TYPES = {"ecs.Log", "ecs.Container", "ec2.FlowLogGroup", "secretsmanager.AnySecret"}


def test_every_name_is_declared_and_everything_declared_is_named() -> None:
    declared = {(each.TYPE, each.name) for spec in SPECS for each in graph(LOOKUPS, **spec) if each.TYPE in NAMES}
    named = {(type_, STACK.fill(pattern)) for type_, patterns in NAMES.items() for pattern in patterns}
    used = {(each, by) for each in declared for by in named if each[0] == by[0] and fnmatchcase(each[1], by[1])}
    assert {each for each, _ in used} == declared
    assert {by for _, by in used} == {(type_, name) for type_, name in named if type_ not in NO_TYPES}
    assert NAMES.keys() - {kind.TYPE for kind in KINDS} == NO_TYPES
