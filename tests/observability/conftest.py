"""The control plane of the integration tests."""

from __future__ import annotations

from tests.integration.conftest import admin_kubeconfig, control_plane, kube

__all__ = ["admin_kubeconfig", "control_plane", "kube"]
