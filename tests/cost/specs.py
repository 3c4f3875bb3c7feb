"""Specs for the tests of this folder."""

from __future__ import annotations

from typing import Any

from missyou_operator.api import AppSpec, parse


def app(region: str = "us-east-1", **spec: Any) -> AppSpec:
    return parse({"metadata": {"name": "missyou", "namespace": "default"}, "spec": spec}, region)
