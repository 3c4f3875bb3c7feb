"""Specs that between them declare everything that a stack can have."""

from __future__ import annotations

from typing import Any

from missyou_operator.api import AppSpec, parse

GEMINI = {"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:pager"
SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"environment": "Development", "network": {"natGateways": 1}, "monitoring": {"dashboard": False}},
    {"image": {"repository": "registry.example.com/missyou"}},
    {
        "secrets": {
            "googleAPIKey": {"secretARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:gemini-AbCdEf"}
        }
    },
    {
        "domain": {"name": "missyou.example.com"},
        "loadBalancer": {"accessLogs": {"enabled": True}},
        "monitoring": {"notifications": {"emails": ["team@example.com"], "topicARN": TOPIC}},
        "network": {"endpoints": {"interfaces": True, "s3": True}},
        "secrets": {**GEMINI, "firebaseServiceAccount": {"secretKeyRef": {"name": "firebase", "key": "json"}}},
        "waf": {"enabled": True},
    },
)


def app(**spec: Any) -> AppSpec:
    return parse({"metadata": {"name": "missyou", "namespace": "default"}, "spec": spec}, "eu-central-1")
