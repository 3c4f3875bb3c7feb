"""Calls on services that several tests of rules need."""

from __future__ import annotations

from typing import Any

from tests.local.aws.rules_support import Act


def service(**changes: Any) -> Act:
    return lambda s: s.app.create(s.kept.get("definition") or s.keep("definition", s.app.define()), **changes)
