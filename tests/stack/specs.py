"""Specs that between them declare everything that a stack can have."""

from __future__ import annotations

from typing import Any

from missyou_operator.api import AppSpec, parse
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.graph import Graph
from missyou_operator.stack import Lookups, build
from missyou_operator.stack.context import DomainLookup, PasswordLookup, RunningVersion, Shift

STACK = StackIdentity("missyou", "default/missyou", "cluster-uid", "123456789012", "eu-central-1", "app-uid")
PLAIN = Lookups(("eu-central-1a", "eu-central-1b"))
#: Answers for which everything is declared that depends on them.
LOOKUPS = Lookups(
    PLAIN.zones,
    DomainLookup(zone="Z1"),
    "before-v2",
    password=PasswordLookup("a1b2", under_way=True),
    running=RunningVersion(shift=Shift(wanted=True)),
)
ELSEWHERE = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:gemini-AbCdEf"
SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"environment": "Development", "network": {"natGateways": 1}, "monitoring": {"dashboard": False}},
    {"image": {"repository": "registry.example.com/missyou"}},
    {"secrets": {"googleAPIKey": {"secretARN": ELSEWHERE}}},
    {
        "domain": {"name": "missyou.example.com"},
        "loadBalancer": {"accessLogs": {"enabled": True}},
        "monitoring": {
            "notifications": {"emails": ["ann@example.com"], "topicARN": "arn:aws:sns:eu-central-1:123456789012:pager"}
        },
        "network": {"endpoints": {"interfaces": True, "s3": True}, "flowLogs": {"enabled": True}},
        "secrets": {
            "googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}},
            "firebaseServiceAccount": {"secretKeyRef": {"name": "firebase", "key": "json"}},
        },
        "service": {"envFrom": {"TOKEN": {"name": "mail", "key": "token"}}},
        "waf": {"enabled": True},
    },
)


def app(**spec: Any) -> AppSpec:
    return parse({"metadata": {"name": "missyou", "namespace": "default"}, "spec": spec}, STACK.region)


def graph(lookups: Lookups = PLAIN, **spec: Any) -> Graph:
    return build(app(**spec), STACK, lookups)
