"""What Kubernetes calls a MissYouApp, and the finalizer that holds one until its stack is gone."""

from __future__ import annotations

GROUP = "missyou.app"
VERSION = "v1alpha1"
KIND = "MissYouApp"
PLURAL = "missyouapps"
FINALIZER = f"{GROUP}/finalizer"
