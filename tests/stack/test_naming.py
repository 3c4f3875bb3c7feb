"""Names as data: they cover what is declared, and nothing else."""

from __future__ import annotations

import itertools

from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.registry import KINDS
from missyou_operator.stack import Lookups, build
from missyou_operator.stack.context import DomainLookup
from missyou_operator.stack.naming import NAMES

from .specs import SPECS, app

STACK = StackIdentity("missyou", "default/missyou", "cluster-uid", "123456789012", "eu-central-1")
LOOKUPS = Lookups(("a", "b"), DomainLookup(zone="Z1"), "before-v2")
#: The spec names these, or what they belong to does.
NAMELESS = {
    "acm.Certificate",
    "ec2.SecurityGroupRule",
    "ecr.Image",
    "kubernetes.Secret",
    "route53.Alias",
    "route53.HostedZone",
    "route53.Validation",
    "sns.GivenTopic",
}
DECLARED = {(each.TYPE, each.name) for spec in SPECS for each in build(app(**spec), STACK, LOOKUPS)}


def test_every_declared_resource_bears_a_name_of_its_type_and_every_name_is_declared() -> None:
    named = {(type_, STACK.fill(pattern, "*")) for type_, patterns in NAMES.items() for pattern in patterns}
    families = {(type_, name) for type_, name in named if name.endswith("*")}
    declared = {(type_, name) for type_, name in DECLARED if type_ not in NAMELESS}
    matched = {
        family
        for (type_, name), family in itertools.product(declared, families)
        if family[0] == type_ and name.startswith(family[1].removesuffix("*"))
    }
    of_family = {each for each in declared if each[0] in dict(families)}
    assert {(type_, name) for type_, name in named if type_ != "ecs.Log"} == (declared - of_family) | matched


def test_only_types_have_names() -> None:
    types = {kind.TYPE for kind in KINDS} | {"kubernetes.Secret"}
    assert types == (NAMES.keys() - {"ecs.Log"}) | NAMELESS
