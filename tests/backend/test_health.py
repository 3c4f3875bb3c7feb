"""The backend's health check."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("backend_app", Path(__file__).parents[2] / "backend" / "app.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)


def test_health():
    answer = _MODULE.app.test_client().get("/health")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
