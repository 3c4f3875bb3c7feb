"""Which apps have a loop. They are suspended: AWS is not asked for anything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import kopf
import pytest

from missyou_operator.api import FINALIZER
from missyou_operator.aws.session import Account
from missyou_operator.controller.handlers import Operator
from missyou_operator.controller.settings import Settings

PATIENCE = 30.0


class Listed:
    """What Kubernetes has: three apps."""

    own_namespace = "missyou-system"

    def cluster_uid(self) -> str:
        return "cluster"

    def read_secret(self, namespace: str, name: str) -> None:
        raise AssertionError

    def patch_status(self, *_: object) -> None:
        """Take it."""

    def apps(self, _: object) -> set[str]:
        return {"first", "second", "free"}


def shown(name: str, namespace: str) -> Mapping[str, Any]:
    meta = {"name": name, "namespace": namespace, "uid": name, "generation": 1, "finalizers": [FINALIZER]}
    meta["creationTimestamp"] = "2026-11-30T10:00:00Z"
    body = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", "metadata": meta}
    return {"type": None, "object": {**body, "spec": {"suspend": True}, "status": {"observedGeneration": 1}}}


def tenant(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"namespaces": [name], **spec}}


def test_what_is_limited_for_all_apps_of_a_tenant_waits_until_all_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, whichever a restart shows first would be granted what is another's."""
    monkeypatch.setattr(Account, "identity", lambda _: ("123456789012", "aws"))
    operator = Operator(Settings("us-east-1"), cast(Any, Listed()))
    operator.tenants.set_tenants([tenant("limited", maxMonthlyUSD=100), tenant("others")])
    operator.tenants.set_namespaces([{"metadata": {"name": name}} for name in ("limited", "others")])

    async def life() -> None:
        await operator.configure(kopf.OperatorSettings())
        await operator.on_event(shown("second", "limited"))
        await operator.on_event(shown("free", "others"))
        assert operator.loops.keys() == {("others", "free")}
        await operator.on_event(shown("first", "limited"))
        async with asyncio.timeout(PATIENCE):
            while len(operator.loops) < 3:
                await asyncio.sleep(0.01)
        await operator.wind_up()

    asyncio.run(life())
