"""Tenants, namespaces and apps for the tests of the judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.api import parse
from missyou_operator.api.tenant import Tenant, parse_tenant
from missyou_operator.tenancy.judge import Refusal, refusals
from missyou_operator.tenancy.selection import Cluster

REGION = "eu-west-1"
EXTERNAL_ID = "missyou:uid:team-a"
ROLE = "arn:aws:iam::111111111111:role/team-a"


def tenant(**spec: Any) -> Tenant:
    return parse_tenant({"metadata": {"name": "any"}, "spec": spec})


def one(**spec: Any) -> Cluster:
    """Return a cluster with one tenant, of the namespace team-a."""
    return Cluster({"team-a": tenant(**{"namespaces": ["team-a"], "exposure": "Public", **spec})}, {"team-a": {}})


def body(namespace: str = "team-a", name: str = "team-a-shop", **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "generation": 1, "annotations": {}}
    return {"metadata": meta, "spec": spec}


def judged(cluster: Cluster, app: Mapping[str, Any]) -> tuple[Refusal, ...]:
    return refusals(cluster, parse(app, REGION), app, EXTERNAL_ID, REGION)


def paths(cluster: Cluster, app: Mapping[str, Any]) -> list[str]:
    return [refusal.path for refusal in judged(cluster, app)]
